"""Our partitioning against the authors' converter, on the same movie files, in alternation.

The authors' code is not part of this project: clone https://github.com/NVIDIA/DeepRecommender and name the
clone's folder. Both read a folder of movie files and write the four splits; ratings are simulated.
"""

import argparse
import json
import statistics
import tarfile
import tempfile
from pathlib import Path

from processes import SPLITS, Cost, measure

CONVERTER = Path("data_utils", "netflix_data_convert.py")
# A twentieth of the Netflix Prize's movies, of its users those who would rate them.
SLICE = {"n_users": 240_000, "n_items": 888, "noise": 0.8, "seed": 0}
OURS = """
import json, sys
from pathlib import Path
from deeprec import netflix
from deeprec.ratings import write_table
from deeprec.splits import parse_split, split_ratings
folder, out = map(Path, sys.argv[1:3])
write_table(netflix.read(folder, {}).ratings, out / "ratings.parquet")
for name, (train, test) in json.loads(sys.argv[3]).items():
    split = parse_split(name, {"kind": "dates", "train": train, "test": test})
    split_ratings(out / "ratings.parquet", out / name, split, 0)
"""


def write_slice(n_ratings: int, folder: Path) -> Path:
    """Write a training_set folder and return it."""
    archive = folder / "simulated.tar.gz"
    dataset = json.dumps({**SLICE, "n_ratings": n_ratings})
    arguments = [
        "--archive",
        archive,
        "--truth",
        folder / "truth.json",
        "--manifest",
        folder / "manifest.json",
    ]
    measure("scripts/simulate_ratings.py", "--dataset", dataset, *arguments)
    with tarfile.open(archive) as outer:
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
        training_set = write_slice(args.ratings, Path(folder))
        for turn in range(args.turns):
            ours = measure("-c", OURS, training_set, Path(folder, f"ours_{turn}"), json.dumps(SPLITS))
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
