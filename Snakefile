# From raw ratings to the paper's figures. What is made is said in config.yaml, how in workflow/rules/.
import os
import shlex
import sys
import time
from pathlib import Path

from snakemake.utils import min_version, update_config

min_version("9.27")
STARTED = time.monotonic()


ROOT = workflow.current_basedir.get_path_or_uri(secret_free=True)
if set(ROOT) & set("{}"):
    sys.exit(
        f"error: {ROOT}: found a brace in the name of the project's folder; expected none, "
        "for Snakemake takes what is between braces for a wildcard"
    )


# The working directory may have a config of its own, such as with --directory.
configfile: "config.yaml" if os.path.exists("config.yaml") else f"{ROOT}/config.yaml"


report: "workflow/report/workflow.rst"


sys.path.insert(0, ROOT)
from deeprec.config.batches import read_batches, remembered, seed_batches
from deeprec.config.checks import load_plan
from deeprec.config.command_line import typed
from deeprec.config.dependencies import from_here, modules_of
from deeprec.config.plan_files import member_files, plan_text
from deeprec.config.resources import more_each_try, size_mb
from deeprec.config.run_settings import read_yaml, to_yaml
from deeprec.original.source import read_hashes
from deeprec.runtime.files import InputError, digest, remove_leftovers, write_json
from deeprec.runtime.parents import DRIVER
from deeprec.runtime.provenance import wants_gpu
from deeprec.runtime.summary import summary
from deeprec.tracking.complete import forget_incomplete

update_config(config, typed(workflow.config_settings.config))
try:
    for path in filter(os.path.exists, workflow.configfiles):
        read_yaml(
            Path(path)
        )  # refuses a key given twice, of which Snakemake takes the last
    PLAN = load_plan(config)
    BATCHES_FILE = Path(f"results/{PLAN.name}/seed_batches.json")
    EARLIER = read_batches(BATCHES_FILE)
    SEED_BATCHES = seed_batches(PLAN.config.seeds, PLAN.config.seeds_per_job, EARLIER)
except InputError as error:
    sys.exit(f"error: {error}")  # Snakemake would add where in the code it was found
shell.prefix(
    f"set -euo pipefail; export PYTHONPATH={shlex.quote(ROOT)} {DRIVER}={os.getpid()}; "
)
if workflow.is_main_process:
    forget_incomplete(
        Path(f"results/{PLAN.name}/tracking.json"),
        PLAN.config.tracking_uri,
        PLAN.name,
    )


wildcard_constraints:
    dataset=PLAN.name.replace(".", r"\."),
    run="[^/]+",
    seed=r"\d+",
    split="[^/]+",


# What a login node does itself, where a cluster does the rest: what takes no time, and what needs the internet.
localrules:
    write_plan,
    write_settings,
    download_ratings,


# Of the GPUs that are asked for, on a cluster that has several kinds.
GPU_MODEL = PLAN.config.gpu_model if wants_gpu(PLAN.config.device) else ""


SUMMED = ("tables/claims.csv", "tables/final.csv", "tracking.json", "report.html")


include: "workflow/rules/plan.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/search.smk"
include: "workflow/rules/original.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/across.smk"


rule all:
    """Make every file that users rely on, so that one which was deleted is made again."""
    input:
        f"results/{PLAN.name}/report.html",
        f"results/{PLAN.name}/tracking.json",
        expand(AUDIT + NAMES, dataset=PLAN.name),
        expand(
            f"results/{PLAN.name}/tables/{{table}}.csv",
            table=[
                "results",
                "final",
                "trainings",
                "datasets",
                "claims",
                "own_claims",
            ],
        ),
        expand(
            f"results/{PLAN.name}/figures/{{ablation}}.{{kind}}",
            ablation=PLAN.groups,
            kind=["png", "svg"],
        ),
        expand(
            f"results/{PLAN.name}/splits/{{split}}/{{file}}",
            split=PLAN.splits,
            file=SPLIT_FILES,
        ),
        expand(
            f"results/{PLAN.name}/runs/{{run}}/seed_{{seed}}/{{file}}",
            run=PLAN.runs,
            seed=PLAN.config.seeds,
            file=RUN_FILES,
        ),


onsuccess:
    made = Path("results", PLAN.name)
    if all(made.joinpath(name).exists() for name in SUMMED):
        print(*summary(made, time.monotonic() - STARTED), sep="\n")
