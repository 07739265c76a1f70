"""Get the authors' own program, NVIDIA/DeepRecommender, at one commit, and check every file of it that is used."""

import argparse
import logging
from pathlib import Path

from deeprec.config.plan_files import read_plan
from deeprec.original.source import get_original, read_hashes
from deeprec.runtime import console
from deeprec.settings.original import OriginalSettings


def main(args: argparse.Namespace) -> None:
    settings, hashes = read_plan(args.plan, OriginalSettings), read_hashes(args.hashes)
    get_original(settings, hashes, args.out)
    logging.info("%d files of %s at %s", len(hashes), settings.path or settings.url, settings.commit[:7])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plan", required=True, type=Path, help="plan/original.yaml")
    parser.add_argument("--hashes", required=True, type=Path, help="SHA-256 of each file, as sha256sum writes them")
    parser.add_argument("--out", required=True, type=Path, help="folder to write the files to")
    console.run(main, parser)
