"""No password in an address, and none shown where one is refused."""

import argparse
import subprocess
import sys

import pytest

from deeprec.runtime.addresses import has_password, page_address, store
from tests.conftest import ROOT

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("uri", "refused"),
    [
        (f"postgresql://me:{SECRET}@db:5432/mlflow", True),
        (f"postgresql+psycopg2://db/mlflow?user=me&password={SECRET}", True),
        (f"https://me:{SECRET}@mlflow.example.org", True),
        ("http://me:@host", True),
        ("postgresql://me@db:5432/mlflow?sslmode=require", False),
        ("http://127.0.0.1:5000", False),
        ("sqlite:///results/mlflow.db", False),
        ("sqlite:////home/a@b:c/mlflow.db", False),
    ],
)
def test_an_address_with_a_password_is_refused_and_not_shown(uri, refused):
    assert has_password(uri) == refused
    if refused:
        with pytest.raises(argparse.ArgumentTypeError, match="PGPASSFILE or PGPASSWORD") as error:
            store(uri)
        assert SECRET not in str(error.value)
    else:
        assert store(uri) == uri


def test_a_script_refuses_it_too():
    command = [sys.executable, ROOT / "scripts" / "close_dead_runs.py", "--dataset", "toy"]
    uri = f"postgresql://me:{SECRET}@db/mlflow"
    done = subprocess.run([*command, "--tracking-uri", uri], capture_output=True, text=True)
    assert done.returncode == 2 and "found a password" in done.stderr and SECRET not in done.stderr


def test_pages_are_those_of_the_server():
    page, local = "#/experiments/1", "http://127.0.0.1:5000"
    assert page_address("https://mlflow.example.org/", page, local) == "https://mlflow.example.org/#/experiments/1"
    assert page_address("postgresql://db/mlflow", page, local) == "http://127.0.0.1:5000/#/experiments/1"
