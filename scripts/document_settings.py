"""Write docs/settings.md from the classes that check the settings."""

import argparse
from pathlib import Path

from deeprec.config.settings_page import render_settings
from deeprec.runtime import console
from deeprec.runtime.files import write_text


def main(args: argparse.Namespace) -> None:
    write_text(args.out, render_settings())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default=Path("docs/settings.md"), type=Path, help="page to write")
    console.run(main, parser)
