"""Write a split in the authors' text format."""

import argparse
from pathlib import Path

from deeprec.data.text_format import write_text_format
from deeprec.runtime import console


def main(args: argparse.Namespace) -> None:
    write_text_format(args.split, args.out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--split", required=True, type=Path, help="folder of the split")
    parser.add_argument("--out", required=True, type=Path, help="folder to write train/, valid/ and test/ to")
    console.run(main, parser)
