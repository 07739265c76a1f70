# From raw ratings to the paper's figures. What is made is said in config.yaml, how in workflow/rules/.
import json
import os
import sys

from snakemake.utils import min_version

min_version("9.27")


configfile: "config.yaml"


report: "workflow/report/workflow.rst"


sys.path.insert(0, workflow.basedir)
from deeprec.config import load_plan
from deeprec.dependencies import from_here, modules_of
from deeprec.provenance import n_gpus

PLAN = load_plan(config)
shell.prefix(f"set -euo pipefail; export PYTHONPATH={workflow.basedir}; ")


wildcard_constraints:
    dataset=config["dataset"].replace(".", r"\."),
    run="[^/]+",
    split="[^/]+",


include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/search.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/report.smk"


rule all:
    input:
        f"results/{config['dataset']}/report.html",
        f"results/{config['dataset']}/tracking.json",
