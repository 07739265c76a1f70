"""The server, started as a user starts it: the same answers as in Python, and a sentence for whatever is wrong."""

import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest
import requests

from deeprec.runtime.files import ROOT
from deeprec.serving.http_questions import MOST_BYTES
from deeprec.serving.loading import load
from deeprec.serving.recommender import Recommender
from deeprec.tracking.mirror import RunFolder
from deeprec.tracking.registry import register_models
from deeprec.tracking.store import open_store

SECONDS = 120  # until it must have started or ended, on the slowest machine


@dataclass(frozen=True)
class Served:
    """A server that runs, what it printed, and the same model in Python."""

    process: subprocess.Popen
    printed: str
    model: Recommender

    @property
    def curl(self) -> list[str]:
        [line] = re.findall(r"^ *(curl .*)$", self.printed, re.MULTILINE)
        return shlex.split(line)

    def post(self, question: Any, **headers: str) -> requests.Response:
        body = question if isinstance(question, bytes) else json.dumps(question).encode()
        headers = {"Content-Type": "application/json"} | headers
        return requests.post(self.curl[1], body, headers=headers, timeout=SECONDS)

    def ask(self, question: Any) -> list[dict[str, Any]]:
        answer = self.post(question)
        assert answer.status_code == 200, answer.text
        return answer.json()["predictions"]


@pytest.fixture(scope="module")
def store(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """results/ with the toy data set and its models in MLflow; the champion is DeepRec, alone."""
    results = tmp_path_factory.mktemp("served") / "results"
    shutil.copytree(dataset, results / "toy")
    uri = f"sqlite:///{results}/mlflow.db"
    mlflow.set_tracking_uri(uri)
    client, experiment = open_store(uri, "toy")
    folder = RunFolder(results / "toy" / "runs" / "deeprec" / "seed_0")
    run_id = client.create_run(experiment).info.run_id
    register_models(client, uri, {"DeepRec": [folder]}, {folder.path: run_id})
    return results


def start(store: Path, *options: str) -> subprocess.Popen:
    command = [sys.executable, ROOT / "scripts" / "serve_model.py", "--port", "0", *options]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    # A shell that starts tests in the background has them, and what they start, ignore Ctrl-C.
    heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    return subprocess.Popen(command, cwd=store.parent, **pipes, text=True, preexec_fn=heed)


@pytest.fixture(scope="module")
def served(store: Path) -> Iterator[Served]:
    process = start(store, "--dataset", "toy")
    printed = ""
    while (line := process.stdout.readline()) and not line.startswith("Ctrl-C"):
        printed += line
    assert "curl" in printed, process.stderr.read()
    yield Served(process, printed, load(store / "toy" / "runs" / "deeprec" / "seed_0"))
    process.kill()
    process.communicate()


# MLflow's own warnings, at registering
pytestmark = [pytest.mark.filterwarnings("default"), pytest.mark.xdist_group("server")]


def columns(rows: list[dict[str, Any]], *names: str) -> list[list[Any]]:
    return [[row[name] for name in names] for row in rows]


def test_the_printed_question_works_as_it_stands(served):
    answer = subprocess.run([*served.curl, "--silent"], capture_output=True, text=True, timeout=SECONDS, check=True)
    rows = json.loads(answer.stdout)["predictions"]
    assert len(rows) == 5 and [row["rank"] for row in rows] == [1, 2, 3, 4, 5]


def test_answers_are_those_of_the_python_object_to_the_last_digit(served):
    users, items = [107, 114, 107], [4, 7, 7]
    rows = served.ask({"inputs": {"user_id": users, "item_id": items}})
    expected = served.model.predict(users, items)
    assert columns(rows, "user_id", "item_id", "title") == expected[["user_id", "item_id", "title"]].to_numpy().tolist()
    assert [np.float32(row["prediction"]) for row in rows] == expected["prediction"].tolist()

    rows = served.ask({"dataframe_records": [{"user_id": 107}]})
    expected = served.model.recommend(107, 10)
    assert columns(rows, "rank", "item_id") == expected[["rank", "item_id"]].to_numpy().tolist()
    assert [row["prediction"] for row in rows] == expected["prediction"].astype(float).tolist()
    rows = served.ask({"dataframe_split": {"columns": ["user_id"], "data": [[107]]}, "params": {"hide_seen": False}})
    assert columns(rows, "item_id") == served.model.recommend(107, 10, hide_seen=False)[["item_id"]].to_numpy().tolist()

    mine = [{"item_id": 4, "rating": 5}, {"item_id": 7, "rating": 1.5, "date": "2005-01-02"}]
    rows = served.ask({"inputs": {"ratings": [mine]}, "params": {"top": 3}})
    expected = served.model.add_user({"item_id": [4, 7], "rating": [5, 1.5], "date": [None, "2005-01-02"]}).recommend(3)
    assert columns(rows, "item_id") == expected[["item_id"]].to_numpy().tolist()
    assert [row["prediction"] for row in rows] == expected["prediction"].astype(float).tolist()


WRONG = {
    "wrong column": ({"dataframe_records": [{"usr_id": 107}]}, 400, "unknown column usr_id; expected user_id and item"),
    "unknown user": ({"inputs": {"user_id": [99]}}, 400, "user 99: not among the 40 users that the model was trained"),
    "unknown item": ({"inputs": {"user_id": [107], "item_id": [0]}}, 400, "item 0: not among"),
    "NaN": (b'{"inputs": {"user_id": [NaN]}}', 400, "row 0: user_id: found NaN; expected a whole number such as"),
    "rating NaN": (
        b'{"inputs": {"ratings": [[{"item_id": 4, "rating": NaN}]]}}',
        400,
        "ratings of row 0: found nan for",
    ),
    "text for a rating": (
        {"inputs": {"ratings": [[{"item_id": 4, "rating": "good"}]]}},
        400,
        "ratings of row 0: found 'good' for item 4; expected a number from",
    ),
    "text for a user": ({"inputs": {"user_id": [107, "ann"]}}, 400, 'row 1: user_id: found "ann"; expected a whole'),
    "a user missing": ({"dataframe_records": [{"user_id": 107}, {}]}, 400, "row 1: found nothing; expected user_id"),
    "an id beyond 64 bits": ({"inputs": {"user_id": [10**30]}}, 400, "row 0: user_id: found 1000"),
    "empty": (b"", 400, "the question is no JSON (Expecting value"),
    "no row": ({"inputs": {"user_id": []}}, 400, "questions: found 0 rows; expected 1 to 10,000"),
    "too many rows": ({"inputs": {"user_id": [107] * 10_001}}, 400, "questions: found 10,001 rows; expected 1 to"),
    "10 MB": ({"inputs": {"user_id": [107] * 2_000_000}}, 413, f"bytes; expected at most {MOST_BYTES:,}"),
    "no JSON": (b"\xff\xfe{", 400, "the question is no JSON"),
    "deep": (b"[" * 200_000, 400, "the question is no JSON"),
    "a list": ([1], 400, "found [1]; expected an object such as"),
    "no table": ({"user_id": [107]}, 400, "found user_id; expected one of inputs, dataframe_records, dataframe_split"),
    "two tables": ({"inputs": {}, "dataframe_records": []}, 400, "found inputs, dataframe_records; expected one of"),
    "columns of two lengths": (
        {"inputs": {"user_id": [107], "item_id": [4, 7]}},
        400,
        "inputs: found 1 of user_id, 2 of item_id; expected as many of each",
    ),
    "half a split": ({"dataframe_split": {"columns": ["user_id"], "data": [[1, 2]]}}, 400, "row 0: found [1, 2]; exp"),
    "two kinds": ({"inputs": {"user_id": [107], "ratings": [[]]}}, 400, "found the columns user_id, ratings; expected"),
    "unknown parameter": ({"inputs": {"user_id": [107]}, "params": {"topp": 3}}, 400, "params: unknown 'topp'"),
    "half an item": ({"inputs": {"user_id": [107]}, "params": {"top": 2.5}}, 400, "params: top: found 2.5; expected"),
    "no item": ({"inputs": {"user_id": [107]}, "params": {"top": 0}}, 400, "params: top: found 0; expected a whole"),
    "params a list": ({"inputs": {"user_id": [107]}, "params": [3]}, 400, "params: found [3]; expected an object"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_question_gets_one_sentence_and_the_server_lives(served, case):
    question, status, told = WRONG[case]
    answer = served.post(question)
    message = answer.json()["message"]
    assert answer.status_code == status and told in message
    assert list(answer.json()) == ["message"] and "\n" not in message and "Traceback" not in message
    assert len(message) < 300
    assert served.ask({"inputs": {"user_id": [107]}})


def test_other_media_types_are_refused(served):
    answer = served.post(b"user_id\n107\n", **{"Content-Type": "text/csv"})
    assert answer.status_code == 415
    assert answer.json() == {"message": "Content-Type: found 'text/csv'; expected application/json"}


def test_a_question_of_unknown_length_is_refused(served):
    answer = requests.post(served.curl[1], iter([b"{}"]), timeout=SECONDS)
    assert answer.status_code == 411 and "no Content-Length" in answer.json()["message"]


def test_it_ends_at_ctrl_c_without_complaint(store):
    process = start(store, "--model", "models:/toy/1")
    while (line := process.stdout.readline()) and not line.startswith("Ctrl-C"):
        pass
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=SECONDS)
    assert process.returncode == 0 and said.rstrip().endswith("stopped") and "Traceback" not in said


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--dataset", "other"], "error: models:/other@champion: "),
        (["--dataset", "toy", "--port", "70000"], "error: port 70000: "),
        (
            ["--dataset", "toy", "--tracking-uri", "sqlite:///none.db"],
            "error: models:/toy@champion: no store sqlite:///",
        ),
    ],
)
def test_what_cannot_be_served_is_told_in_a_line(store, options, told):
    process = start(store, *options)
    _, said = process.communicate(timeout=SECONDS)
    assert process.returncode == 1 and told in said and "Traceback" not in said
