# From raw ratings to the paper's figures. What is made is said in config.yaml, how in workflow/rules/.
import os
import shlex
import sys
from pathlib import Path

from snakemake.utils import min_version

min_version("9.27")


configfile: "config.yaml"


report: "workflow/report/workflow.rst"


ROOT = workflow.current_basedir.get_path_or_uri(secret_free=True)
sys.path.insert(0, ROOT)
from deeprec.config.checks import load_plan
from deeprec.config.dependencies import from_here, modules_of
from deeprec.config.plan_files import plan_text
from deeprec.config.run_settings import read_yaml, to_yaml
from deeprec.runtime.parents import DRIVER
from deeprec.runtime.provenance import n_gpus

for path in filter(os.path.exists, workflow.configfiles):
    read_yaml(
        Path(path)
    )  # refuses what Snakemake's own reading takes without a word: a key given twice
PLAN = load_plan(config)
shell.prefix(
    f"set -euo pipefail; export PYTHONPATH={shlex.quote(ROOT)} {DRIVER}={os.getpid()}; "
)


wildcard_constraints:
    dataset=PLAN.name.replace(".", r"\."),
    run="[^/]+",
    seed=r"\d+",
    split="[^/]+",


include: "workflow/rules/plan.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/search.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/report.smk"


rule all:
    input:
        f"results/{PLAN.name}/report.html",
        f"results/{PLAN.name}/tracking.json",
