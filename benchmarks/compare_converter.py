"""Our partitioning against the authors' converter, on the same movie files, in alternation.

The authors' code is not part of this project: clone https://github.com/NVIDIA/DeepRecommender and name the
clone's folder. Both read a folder of movie files and write the four splits; ratings are simulated.
"""

import argparse
import statistics
import tarfile
import tempfile
from pathlib import Path

from plans import plan_of, write_plan
from processes import Cost, measure
from simulated import write_archive

CONVERTER = Path("data_utils", "netflix_data_convert.py")
# A twentieth of the Netflix Prize's movies, of its users those who would rate them.
SLICE = {"n_users": 240_000, "n_items": 888}
OURS = """
import sys
from pathlib import Path
from deeprec.config.plan_files import read_plan
from deeprec.data import netflix
from deeprec.data.ratings import write_table
from deeprec.data.splits import split_ratings
from deeprec.settings.sources import NetflixSource
from deeprec.settings.splits import TimeSplit
folder, plan, out = map(Path, sys.argv[1:])
source = NetflixSource(source="netflix", path=str(folder))
write_table(netflix.read(folder, source).ratings, out / "ratings.parquet")
for file in sorted(Path(plan, "splits").glob("*.yaml")):
    split_ratings(out / "ratings.parquet", out / file.stem, read_plan(file, TimeSplit))
"""


def write_slice(plan: Path, folder: Path) -> Path:
    """Write a training_set folder and return it."""
    write_archive(plan / "source.yaml", folder)
    with tarfile.open(folder / "simulated.tar.gz") as outer:
        outer.extractall(folder, filter="data")
    with tarfile.open(folder / "download" / "training_set.tar") as inner:
        inner.extractall(folder / "download", filter="data")
    return folder / "download" / "training_set"


def show(name: str, cost: Cost, n_ratings: int) -> None:
    """Print a line of results."""
    print(
        f"{name:10} {cost.seconds:8.1f} s {cost.processor_seconds:8.1f} processor s "
        f"{cost.seconds / n_ratings * 1e6:6.2f} µs a rating "
        f"{cost.peak_bytes / 1e6:8.0f} MB {cost.peak_bytes / n_ratings:6.0f} bytes a rating",
        flush=True,
    )


def main(args: argparse.Namespace) -> None:
    converter = args.original.resolve() / CONVERTER
    if not converter.is_file():
        raise SystemExit(f"{converter}: no such file; expected a clone of NVIDIA/DeepRecommender")
    ratios, processor_ratios = [], []
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        plan = Path(folder, "plan")
        write_plan(plan_of("simulated", **SLICE, n_ratings=args.ratings), plan)
        training_set = write_slice(plan, Path(folder))
        for turn in range(args.turns):
            ours = measure("-c", OURS, training_set, plan, Path(folder, f"ours_{turn}"))
            show("ours", ours, args.ratings)
            theirs = measure(converter, training_set, Path(folder, f"theirs_{turn}"))
            show("authors'", theirs, args.ratings)
            ratios.append(theirs.seconds / ours.seconds)
            processor_ratios.append(theirs.processor_seconds / ours.processor_seconds)
    print(
        f"ours is {statistics.median(ratios):.1f} times faster "
        f"(in turns: {', '.join(f'{ratio:.1f}' for ratio in ratios)}), "
        f"by processor seconds {statistics.median(processor_ratios):.1f} times"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--original", required=True, type=Path, help="clone of NVIDIA/DeepRecommender")
    parser.add_argument("--ratings", type=int, default=5_000_000, help="size of the slice")
    parser.add_argument("--turns", type=int, default=2, help="how often each is measured")
    parser.add_argument("--folder", type=Path, help="where to put 1 GB for a while; the system's choice where absent")
    main(parser.parse_args())
