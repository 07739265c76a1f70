"""Put the verdicts of several data sets side by side: a table, a figure and a page."""

import argparse
import logging
from pathlib import Path

from deeprec.config.checks import load_plan
from deeprec.config.planned import check_planned
from deeprec.config.run_settings import read_yaml
from deeprec.evaluation.across import Found, across_page, across_table
from deeprec.evaluation.across_figure import draw_across
from deeprec.evaluation.figure_style import save
from deeprec.evaluation.tables import rating_range, read_csv, write_csv
from deeprec.runtime import console
from deeprec.runtime.files import InputError, write_text


def main(args: argparse.Namespace) -> None:
    config = read_yaml(args.config)
    found = [read_found(config, name, args.results / name) for name in args.datasets]
    table = across_table(found)
    figure = draw_across(found, table)
    for suffix in ("png", "svg"):
        save(figure, args.out / f"claims.{suffix}")
    write_text(args.out / "across.md", across_page(found, table, "claims.png"))
    write_csv(table, args.out / "claims.csv")
    logging.info("%d claims on %d data sets", table["claim"].nunique(), len(found))


def read_found(config: dict[str, object], name: str, results: Path) -> Found:
    """Read a data set's tables; raise InputError where it has none, or those of another config."""
    plan, tables = load_plan({**config, "dataset": name}), results / "tables"
    if not (tables / "claims.csv").exists():
        raise InputError(
            f"{tables / 'claims.csv'}: no such file; expected results of {name}: make them by snakemake --cores all "
            f"--config dataset={name}"
        )
    check_planned(plan, results)
    datasets = read_csv(tables / "datasets.csv", "split", "part", "n_ratings", "n_users", "n_items", "max_rating")
    trainings = read_csv(tables / "trainings.csv", "run", "commit", "machine")
    part = (datasets["split"] == plan.dataset.main_split) & (datasets["part"] == "train")
    train = datasets[part].iloc[0]
    return Found(
        dataset=name,
        title=plan.dataset.title,
        claims=read_csv(tables / "claims.csv", "claim", "experiment", "verdict", "effect", "n_seeds"),
        n_train=int(train["n_ratings"]),
        n_users=int(train["n_users"]),
        n_items=int(train["n_items"]),
        rating_range=rating_range(datasets),
        commit=", ".join(trainings["commit"].unique()),
        machine=", ".join(trainings["machine"].unique()),
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("datasets", nargs="+", help="names of the data sets, in the order of the columns")
    parser.add_argument("--config", required=True, type=Path, help="the config that the results were planned by")
    parser.add_argument("--results", required=True, type=Path, help="folder of all data sets' results")
    parser.add_argument(
        "--out", required=True, type=Path, help="folder to write claims.csv, the figure and the page to"
    )
    console.run(main, parser)
