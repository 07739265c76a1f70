"""What a tracking server does to its clients: it goes away, comes back, and loses answers after it did the work."""

import re

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE, RESOURCE_ALREADY_EXISTS

from deeprec.config.plan_files import SearchPlan
from deeprec.tracking import searches, store
from deeprec.tracking.live import KEY, PROCESS, TrackedRun, create_run, run_key
from deeprec.tracking.store import TrackingError, open_store, patiently
from tests.conftest import run_of
from tests.tracking.test_live import AT, METRICS, history, points

SERVER = "http://127.0.0.1:1"
TRAINING = run_of(hidden=[4], lr=0.1)


@pytest.fixture
def uri(tmp_path, monkeypatch) -> str:
    monkeypatch.chdir(tmp_path)
    return f"sqlite:///{tmp_path}/results/mlflow.db"


@pytest.fixture
def twice(monkeypatch) -> None:
    """A server that lost its first answer: the client's second try makes a second run, and brings that one."""
    make = MlflowClient.create_run

    def create(self, *args, **options):
        make(self, *args, **options)
        return make(self, *args, **options)

    monkeypatch.setattr(MlflowClient, "create_run", create)


def test_a_lost_answer_leaves_one_run(uri, twice):
    client, experiment = open_store(uri, "toy")
    for seed in (0, 1):  # another run of this process is no spare one
        run = TrackedRun(client, experiment, run_of(hidden=[4], lr=0.1, seed=seed), resumed=False, commit="c")
        run.close(history(3), METRICS)
    runs = client.search_runs([experiment])
    assert len(runs) == 2 and {run.info.status for run in runs} == {"FINISHED"}
    assert run_key(TRAINING) in {run.data.tags[KEY] for run in runs}


def test_a_lost_answer_leaves_one_run_a_search_and_trial(uri, twice, tmp_path):
    table = tmp_path / "als.csv"
    table.write_text("trial,state,valid_rmse,seconds,rank\n0,complete,1.0,2.0,3\n")
    space = {"rank": {"choices": [1, 3]}}
    plan = SearchPlan(title="Toy", run=TRAINING.as_dict(), space=space, trials=1, seed=0)
    client, experiment = open_store(uri, "toy search")
    assert len({searches.mirror_search(client, experiment, plan, table) for _ in range(2)}) == 1
    names = sorted(run.info.run_name for run in client.search_runs([experiment]))
    assert names == ["als · trial 0", "search of als"]


def test_a_run_of_another_process_is_no_spare_one(uri):
    client, experiment = open_store(uri, "toy")
    here, there = (create_run(client, experiment, "r", {KEY: "k", PROCESS: f"host:{n}:0"}) for n in (1, 2))
    assert {run.info.run_id for run in client.search_runs([experiment])} == {here, there}


def test_an_experiment_that_somebody_made_meanwhile_is_found(uri, monkeypatch):
    make = MlflowClient.create_experiment

    def create(self, *args, **options):
        make(self, *args, **options)
        raise MlflowException("it exists", RESOURCE_ALREADY_EXISTS)

    monkeypatch.setattr(MlflowClient, "create_experiment", create)
    client, experiment = open_store(uri, "toy")
    assert client.get_experiment(experiment).name == "toy"


def test_an_experiment_that_cannot_be_made_is_told(uri, monkeypatch):
    def create(self, *args, **options):
        raise MlflowException("no room", INVALID_PARAMETER_VALUE)

    monkeypatch.setattr(MlflowClient, "create_experiment", create)
    with pytest.raises(TrackingError, match="no room"):
        open_store(uri, "toy")


def test_a_resumed_run_sends_what_is_newer_alone(uri, monkeypatch):
    """Also where its state was older than its last point, so that some epochs were trained twice."""
    client, experiment = open_store(uri, "toy")
    TrackedRun(client, experiment, TRAINING, resumed=False, commit="c").log(history(60))
    sent: list[int] = []
    send = MlflowClient.log_batch

    def log_batch(self, run_id, metrics=(), **options):
        sent.extend(point.step for point in metrics)
        return send(self, run_id, metrics=metrics, **options)

    monkeypatch.setattr(MlflowClient, "log_batch", log_batch)
    again = [{**row, "timestamp": row["timestamp"] + (row["epoch"] > 50) * 1000} for row in history(63)]
    run = TrackedRun(client, experiment, TRAINING, resumed=True, commit="c")
    run.log(again[:55])
    assert sent == []
    run.log(again)
    assert sorted(set(sent)) == [61, 62, 63]
    assert points(client, run.id) == [(e, 2 / e) for e in range(1, 64)]
    assert client.get_metric_history(run.id, "lr")[50].timestamp == AT + 51


class Server:
    """One that fails with these faults in turn, and then answers."""

    def __init__(self, *faults: Exception):
        self.faults, self.calls = list(faults), 0

    def __call__(self) -> str:
        self.calls += 1
        if self.faults:
            raise self.faults.pop(0)
        return "done"


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(store, "PAUSE", 0.0)


def test_a_server_that_is_away_is_waited_for_and_told_of_once(caplog):
    caplog.set_level("INFO")
    server = Server(MlflowException("503"), ConnectionError("refused"), MlflowException("503"))
    assert patiently(SERVER, server) == "done" and server.calls == 4
    said = [record.message for record in caplog.records if record.name.startswith("deeprec")]
    assert len(said) == 2 and "Waiting for it, up to 180 s" in said[0] and "there again" in said[1]


def test_a_server_that_is_gone_for_good_is_given_up(monkeypatch):
    monkeypatch.setattr(store, "WAIT_SECONDS", 0.05)
    server = Server(*[ConnectionError("refused")] * 1_000_000)
    with pytest.raises(TrackingError, match=re.escape(f"MLflow's store {SERVER}: refused")):
        patiently(SERVER, server)
    assert server.calls > 1


@pytest.mark.parametrize(
    ("uri", "fault"),
    [
        (SERVER, MlflowException("wrong", INVALID_PARAMETER_VALUE)),
        ("sqlite:///results/mlflow.db", MlflowException("malformed")),
        (SERVER, ModuleNotFoundError("No module named 'psycopg2'")),
    ],
)
def test_nothing_else_is_waited_for(uri, fault):
    server = Server(fault)
    with pytest.raises(TrackingError):
        patiently(uri, server)
    assert server.calls == 1
