"""A stand-in with the authors' interface, written for tests."""

import argparse
from math import sqrt
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--path_to_predictions")
args = parser.parse_args()


def main():
    lines = [line.split("\t") for line in Path(args.path_to_predictions).read_text().splitlines()]
    print(f"RMSE: {sqrt(sum((float(p) - float(r)) ** 2 for _, _, p, r in lines) / len(lines))}")
