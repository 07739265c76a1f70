"""Compare the splits' counts with the published ones; stop, or warn, where they differ."""

import argparse
import json
import logging
from pathlib import Path

from deeprec import console
from deeprec.audit import audit_table, differences
from deeprec.files import InputError
from deeprec.tables import write_csv


def main(args: argparse.Namespace) -> None:
    table = audit_table(args.stats, json.loads(args.expected))
    fault = differences(table)
    if fault and args.action == "stop":
        raise InputError(f"{fault}\nTo go on all the same, set 'audit_action: warn' in the data set's config.")
    if fault:
        logging.warning("warning: %s", fault)
    else:
        logging.info("all %d counts are the published ones", len(table))
    write_csv(table, args.out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stats", required=True, nargs="+", type=Path, help="stats.json of every audited split")
    parser.add_argument("--expected", required=True, help="counts by split and part, as JSON")
    parser.add_argument("--action", choices=["stop", "warn"], default="stop", help="what a difference does")
    parser.add_argument("--out", required=True, type=Path, help="CSV to write")
    console.run(main, parser)
