"""Draw the final table as a figure."""

import argparse
from pathlib import Path

import pandas as pd

from deeprec import console
from deeprec.figure_style import save
from deeprec.final_figure import draw_final


def main(args: argparse.Namespace) -> None:
    figure = draw_final(pd.read_csv(args.table), args.splits, args.title, len(args.seeds))
    for path in args.out:
        save(figure, path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", required=True, type=Path, help="final.csv")
    parser.add_argument("--splits", required=True, nargs="+", help="the splits to draw, a panel each")
    parser.add_argument("--seeds", required=True, nargs="+", type=int, help="seeds behind the table")
    parser.add_argument("--title", required=True, help="the data set's name")
    parser.add_argument("--out", required=True, nargs="+", type=Path, help="figures to write, .png or .svg")
    console.run(main, parser)
