"""The benchmark of an epoch at Netflix's size runs as documented, here on toy ratings."""

import os
import re
import subprocess
import sys

from tests.conftest import ROOT, write_split


def test_it_trains_an_epoch_of_a_run_that_netflix_has(tmp_path):
    write_split(tmp_path / "full")
    command = [sys.executable, "benchmarks/full_size_epoch.py", "--splits", tmp_path, "--threads", "1"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    n_users, n_steps = map(int, re.search(r"(?s)for (\d+) steps, (\d+) users", done.stdout).group(2, 1))
    assert (n_users, n_steps) == (40, 1)
    assert re.search(r"validation: .* RMSE \d\.\d{4}", done.stdout)
