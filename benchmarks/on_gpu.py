"""All that is to be known of a GPU, in one page: the tests that need one, a step by parts, and every model's epoch.

    python benchmarks/on_gpu.py --out gpu.md                            minutes; refused without a GPU
    python benchmarks/on_gpu.py --out gpu.md --device cpu --quick       tries the command itself

Each section is what another command prints, which the page names: this one adds the GPU's name and the commit, and
measures the same on the processor beside it. Nothing is written where one of them fails.
"""

import argparse
import subprocess
import sys
from pathlib import Path

import torch

from deeprec.models.network import PRECISIONS
from deeprec.runtime import console
from deeprec.runtime.files import ROOT, InputError, write_text
from deeprec.runtime.provenance import commit, machine, versions

TESTS = ["-m", "pytest", "-q", "-m", "gpu"]
STEP, EPOCH = "A step by parts", "Every model's epoch"
MODELS = ["bias", "pca", "als", "pmf", "i_autorec", "u_autorec", "rrn", "deeprec"]
SECTIONS = {
    STEP: ["benchmarks/step_parts.py", "--users", "128", "512", "2048"],
    EPOCH: ["benchmarks/scale_models.py", "--models", *MODELS],
}
# Of an option given twice, the last counts.
QUICK = {STEP: ["--users", "16"], EPOCH: ["--ratings", "2e4", "--users", "300"]}


def said(command: list[str]) -> str:
    """Run a Python command in the repository and return what it prints; raise InputError where it fails."""
    print("python " + " ".join(command), flush=True)
    done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        end = (done.stdout + done.stderr)[-2000:]
        raise InputError(f"python {' '.join(command)}: found exit status {done.returncode}, expected 0: {end}")
    return done.stdout.strip()


def commands(device: str, *, quick: bool) -> dict[str, list[list[str]]]:
    """Return the commands of each section: on the device and, where that is a GPU, on the processor, too."""
    found: dict[str, list[list[str]]] = {}
    for title, command in SECTIONS.items():
        places = [["--device", where] for where in dict.fromkeys([device, "cpu"])]
        if title == STEP:
            places.insert(1, [*places[0], "--compiled"])
            places = [[*place, "--precision", kind] for kind in sorted(PRECISIONS, reverse=True) for place in places]
        found[title] = [[*command, *(QUICK[title] if quick else []), *place] for place in places]
    return found


def page(device: str, *, quick: bool) -> str:
    """Return the page, in Markdown."""
    name = torch.cuda.get_device_name() if device == "cuda" else "no GPU: the processor alone"
    where = f"{name}; {machine()}; {versions('torch')}; commit {commit()}."
    parts = ["# Measured on a GPU", where, "## Tests that need one", _shown(TESTS, said(TESTS).splitlines()[-1])]
    for title, asked in commands(device, quick=quick).items():
        parts += [f"## {title}", *(_shown(command, said(command)) for command in asked)]
    return "\n\n".join(parts) + "\n"


def _shown(command: list[str], text: str) -> str:
    return f"`python {' '.join(command)}`\n\n{text}"


def main(args: argparse.Namespace) -> None:
    if args.device == "cuda" and not torch.cuda.is_available():
        raise InputError("--device: found cuda, and no GPU that torch can use; expected one, or --device cpu --quick")
    write_text(args.out, page(args.device, quick=args.quick))
    print(f"Done. The page: {args.out}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, type=Path, help="where to write the page")
    parser.add_argument("--device", default="cuda", choices=["cpu", "cuda"], help="what to measure")
    parser.add_argument("--quick", action="store_true", help="shrunken data, to try the command")
    console.run(main, parser)
