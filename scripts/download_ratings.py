"""Bring a data set's raw file to this machine."""

import argparse
from pathlib import Path

from deeprec.config.plan_files import read_plan
from deeprec.data.sources import download_ratings
from deeprec.runtime import console
from deeprec.settings.sources import AnySource


def main(args: argparse.Namespace) -> None:
    download_ratings(read_plan(args.source, AnySource), args.manifest)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", required=True, type=Path, help="plan/source.yaml")
    parser.add_argument("--manifest", required=True, type=Path, help="names the raw file, which lies beside it")
    console.run(main, parser)
