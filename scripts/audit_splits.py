"""Compare the splits' counts with the published ones; stop, or warn, where they differ."""

import argparse
import logging
from pathlib import Path

from deeprec.config.plan_files import AuditPlan, read_plan
from deeprec.data.audit import audit_table, differences
from deeprec.evaluation.tables import write_csv
from deeprec.runtime import console
from deeprec.runtime.files import InputError


def main(args: argparse.Namespace) -> None:
    plan = read_plan(args.plan, AuditPlan)
    table = audit_table(args.stats, plan.expected)
    fault = differences(table)
    if fault and plan.action == "stop":
        raise InputError(f"{fault}\nTo go on all the same, set 'audit_action: warn' in the data set's file.")
    if fault:
        logging.warning("warning: %s", fault)
    else:
        logging.info("all %d counts are the published ones", len(table))
    write_csv(table, args.out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stats", required=True, nargs="+", type=Path, help="stats.json of every audited split")
    parser.add_argument("--plan", required=True, type=Path, help="plan/audit.yaml")
    parser.add_argument("--out", required=True, type=Path, help="CSV to write")
    console.run(main, parser)
