"""Write report.html from the tables and figures."""

import argparse
import logging
from pathlib import Path

from deeprec.config.plan_files import ReportPlan, read_plan
from deeprec.evaluation.report import Results, render_report, report_context
from deeprec.runtime import console
from deeprec.runtime.files import write_text


def main(args: argparse.Namespace) -> None:
    results = Results.read(args.tables, args.figures, args.original, args.across, args.search, args.benchmarks)
    write_text(args.out, render_report(report_context(read_plan(args.plan, ReportPlan), results)))
    logging.info("report: %s", args.out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plan", required=True, type=Path, help="plan/report.yaml")
    parser.add_argument("--tables", required=True, type=Path, help="folder of the tables")
    parser.add_argument("--figures", required=True, type=Path, help="folder of the figures")
    parser.add_argument(
        "--original", required=True, type=Path, help="folder of the authors' program, if it was trained"
    )
    parser.add_argument(
        "--across", required=True, type=Path, help="verdicts of several data sets, if they were compared"
    )
    parser.add_argument("--search", required=True, type=Path, help="folder of the searches, if there were any")
    parser.add_argument("--benchmarks", required=True, type=Path, help="folder of Snakemake's benchmarks")
    parser.add_argument("--out", required=True, type=Path, help="report.html to write")
    console.run(main, parser)
