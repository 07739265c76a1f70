"""What the SLURM profile makes of a whole `make reproduce`, planned without a cluster."""

import re

import pytest

from tests.conftest import ROOT
from tests.workflow.test_workflow import snakemake

pytestmark = pytest.mark.cluster
PROFILE = str(ROOT / "workflow" / "profiles" / "slurm")
LOCAL = {"write_plan", "write_settings", "download_ratings", "all"}


@pytest.mark.parametrize("dataset", ["movielens-100k", "netflix"])
def test_a_whole_reproduction_is_at_most_80_jobs(tmp_path, dataset):
    said = snakemake(ROOT, "-n", "--directory", str(tmp_path), "--profile", PROFILE, "--config", f"dataset={dataset}")
    groups = re.findall(r"Group job (\w+) \(jobs", said)
    alone = [name for name in re.findall(r"^rule (\w+):", said, re.M) if name not in LOCAL]
    assert set(groups) == {"train", "blend", "report"} and {"parse_ratings", "track_results"} <= set(alone)
    assert len(groups) + len(alone) <= 80
    assert groups.count("blend") == groups.count("report") == 1
