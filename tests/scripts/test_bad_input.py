"""Every script by hand, on files that are missing or damaged: one line that names the file, exit 1, nothing written."""

import runpy
import shutil
import signal
import sys
from pathlib import Path

import pytest
import yaml

from deeprec.config.checks import load_plan
from deeprec.config.plan_files import plan_text
from deeprec.config.run_settings import read_run, to_yaml, write_run
from deeprec.runtime import process, training_process
from deeprec.runtime.files import ROOT, write_text
from tests.conftest import toy_ratings

PLANS = ["source", "splits/s", "tables", "claims", "ablations/one", "final", "report", "search/small", "tuning"]
PLANS += ["tracking", "audit"]
RUN = "runs/small/seed_0"
STATS, METRICS, TABLES = "splits/s/stats.json", f"{RUN}/metrics.json", "tables"
# What each script is told, in the order in which the pipeline runs them: {} is the results folder, ! marks an input
# file, and > what it writes.
COMMANDS = {
    "download_ratings": "--source !plan/source.yaml --manifest >raw/manifest.json",
    "parse_ratings": "--source !plan/source.yaml --manifest !raw/manifest.json --ratings >ratings.parquet "
    "--items >items.parquet --users >users.parquet",
    "split_ratings": "--ratings !ratings.parquet --split !plan/splits/s.yaml --out >splits/s",
    "audit_splits": f"--stats !{STATS} --plan !plan/audit.yaml --out >tables/audit.csv",
    "train_run": f"!{RUN}/settings.yaml --split splits/s --states states --tracking-uri sqlite:///{{}}/mlflow.db",
    "search_settings": "--plan !plan/search/small.yaml --split splits/s --out >search/small.csv",
    "tabulate_results": f"--metrics !{METRICS} --stats !{STATS} --plan !plan/tables.yaml --out >tables",
    "judge_claims": "--trainings !tables/trainings.csv --datasets !tables/datasets.csv --plan !plan/claims.yaml "
    "--out >tables/claims.csv --own >tables/own_claims.csv",
    "draw_ablation": f"--plan !plan/ablations/one.yaml --runs runs --stats !{STATS} --out >figures/one.png "
    ">figures/one.svg",
    "draw_final": "--table !tables/final.csv --plan !plan/final.yaml --out >figures/final.png >figures/final.svg",
    "write_tuning": f"--search !search/small.csv --plan !plan/tuning.yaml --stats !{STATS} --out >search/tuning.md",
    "write_report": "--plan !plan/report.yaml --tables tables --figures figures --original original "
    "--across across.csv --search search "
    "--benchmarks benchmarks "
    "--out >report.html",
    "track_results": f"!{METRICS} --plan !plan/tracking.yaml --tracking-uri sqlite:///{{}}/mlflow.db "
    "--out >tracking.json",
}  # fmt: skip
# Files that are read though no option names them, for they lie in a folder that one does.
IMPLIED = {
    "train_run": [f"splits/s/{name}.parquet" for name in ("train", "valid", "test", "users", "items")] + [STATS],
    "search_settings": [f"splits/s/{name}.parquet" for name in ("train", "valid", "users", "items")],
    "tabulate_results": [f"{RUN}/settings.yaml"],
    "draw_ablation": [f"{RUN}/{name}" for name in ("history.parquet", "steps.parquet", "metrics.json")],
    "write_report": [
        f"tables/{name}.csv" for name in ("results", "trainings", "datasets", "claims", "own_claims", "final")
    ],
    "track_results": [f"{RUN}/{name}" for name in ("settings.yaml", "history.parquet", "checkpoint.pt")],
}
MAY_BE_MISSING = ("train_run", STATS, "missing")  # of a split that no script of ours has made


def config_of(config: dict, ratings: Path) -> dict:
    """config.yaml for a file of ratings and one small run."""
    columns = {"user": "user_id", "item": "item_id", "rating": "rating", "date": "date"}
    toy = {
        "title": "Toy",
        "source": "csv",
        "path": str(ratings),
        "columns": columns,
        "main_split": "s",
        "split_seed": 0,
    }
    toy |= {"splits": {"s": {"kind": "per_user", "test_fraction": 0.3}}}
    runs = {"small": {"hidden": [4], "epochs": 2}}
    ablations = {"one": {"title": "One run", "runs": {"small": "small"}}}
    search = {"trials": 1, "seed": 0, "runs": {"small": ["lr"]}}
    config = {**config, "dataset": "toy", "datasets": {"toy": toy}, "seeds": [0], "runs": runs, "ablations": ablations}
    return {**config, "final": {"models": {"DeepRec": "small"}}, "search": search}


def words(script: str, folder: Path) -> list[str]:
    """The script's command line in a results folder."""
    return [
        str(folder / word.strip("!>")) if word[0] in "!>" or word in FOLDERS else word.format(folder)
        for word in COMMANDS[script].split()
    ]


FOLDERS = {"states", "splits/s", "runs", "tables", "figures", "search", "benchmarks"}


def call(script: str, *arguments: str) -> int:
    """Run a script in this process; return its exit status."""
    before, handler = sys.argv, signal.getsignal(signal.SIGTERM)
    sys.argv = [script, *arguments]
    try:
        runpy.run_path(str(ROOT / "scripts" / f"{script}.py"), run_name="__main__")
    except SystemExit as end:
        return end.code or 0
    finally:
        sys.argv = before
        signal.signal(signal.SIGTERM, handler)
    return 0


@pytest.fixture(scope="module")
def whole(tmp_path_factory, config) -> Path:
    """The results of all scripts, one after the other, on sound input."""
    patch = pytest.MonkeyPatch()
    switch_nothing(patch)
    folder = tmp_path_factory.mktemp("whole") / "toy"
    toy_ratings().to_pandas().to_csv(folder.with_name("toy.csv"), index=False)
    plan = load_plan(config_of(config, folder.with_name("toy.csv")))
    for name in PLANS:
        write_text(folder / "plan" / f"{name}.yaml", plan_text(plan, name))
    write_run(plan.run("small").with_seed(0), folder / RUN / "settings.yaml")
    for script in COMMANDS:
        assert call(script, *words(script, folder)) == 0, script
    patch.undo()
    return folder


def switch_nothing(patch: pytest.MonkeyPatch) -> None:
    """Leave this process as it is, which the scripts would switch for all tests after."""
    patch.setattr(training_process, "prepare_training", lambda: None)
    patch.setattr(process, "pause_garbage_collection", lambda: None)
    patch.setattr(process, "leave_the_rest", lambda: None)


@pytest.fixture
def folder(whole, tmp_path, monkeypatch) -> Path:
    """A copy of those results, to damage."""
    switch_nothing(monkeypatch)
    return Path(shutil.copytree(whole, tmp_path / "toy"))


def inputs(script: str) -> list[str]:
    named = [word[1:] for word in COMMANDS[script].split() if word[0] == "!"]
    return named + IMPLIED.get(script, [])


def outputs(script: str) -> list[str]:
    named = [word[1:] for word in COMMANDS[script].split() if word[0] == ">"]
    return named or [f"{RUN}/{name}" for name in ("metrics.json", "checkpoint.pt", "predictions.parquet")]


def damage(path: Path, how: str) -> None:
    content = path.read_bytes()
    path.unlink()
    if how == "a folder":
        path.mkdir()
    elif how != "missing":
        path.write_bytes(
            {"empty": b"", "truncated": content[: len(content) // 2], "{}": b"{}\n", "other": b"\xff\xfe x"}[how]
        )


def cases():
    for script in COMMANDS:
        for file in inputs(script):
            for how in ("missing", "empty", "truncated", "{}", "other", "a folder"):
                is_text = file.endswith((".yaml", ".csv"))  # of which half may be sound
                if not (how == "truncated" and is_text) and (script, file, how) != MAY_BE_MISSING:
                    yield pytest.param(script, file, how, id=f"{script}-{file}-{how}")


@pytest.mark.parametrize(("script", "file", "how"), list(cases()))
def test_a_damaged_file_is_named_in_one_line_and_nothing_is_written(folder, caplog, script, file, how):
    for output in outputs(script):
        if output not in inputs(script) and (folder / output).is_file():
            (folder / output).unlink()
    damage(folder / file, how)
    assert call(script, *words(script, folder)) == 1
    said = [record.message for record in caplog.records if record.message.startswith("error: ")]
    assert len(said) == 1 and str(folder / file) in said[0]
    assert all(line.startswith((f"error: {folder}", str(folder))) for line in said[0].split("\n"))
    assert not [output for output in outputs(script) if output not in inputs(script) and (folder / output).is_file()]
    assert not list(folder.rglob(".*.partial*"))


def edit(path: Path, **changes) -> None:
    write_text(path, to_yaml({**yaml.safe_load(path.read_text()), **changes}))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": -1}, "seed: found -1; expected at least 0 (of the training)"),
        ({"seed": "x"}, "seed: found 'x'; expected a whole number (of the training)"),
        ({"run": 3}, "run: found 3; expected text (name of the run)"),
        ({"model": "svd"}, "model: found 'svd'; choose from autoencoder, bias, pca, als, pmf, autorec, rrn"),
        ({"model": ["als"]}, "model: found ['als']; choose from autoencoder, bias, pca, als, pmf, autorec, rrn"),
        ({"lr": 0}, "lr: found 0; expected more than 0"),
        ({"hidden": [4, 0]}, "hidden.1: found 0; expected at least 1"),
        ({"epochs": 10**20}, "epochs: found 100000000000000000000; expected a number of 64 bits"),
    ],
)
def test_hand_edited_settings_are_told_by_their_key(folder, caplog, changes, message):
    edit(folder / RUN / "settings.yaml", **changes)
    assert call("train_run", *words("train_run", folder)) == 1
    assert f"error: {folder / RUN / 'settings.yaml'}: {message}" in caplog.records[-1].message


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--threads", "0", "argument --threads: found '0'; expected a whole number of at least 1"),
        ("--processes", "-2", "argument --processes: found '-2'; expected a whole number of at least 1"),
        ("--save-seconds", "nan", "argument --save-seconds: found 'nan'; expected seconds, at least 0"),
        ("--device", "gpu", "argument --device: invalid choice: 'gpu' (choose from 'auto', 'cpu', 'cuda')"),
    ],
)
def test_options_are_told_by_their_name(folder, capsys, option, value, message):
    assert call("train_run", *words("train_run", folder), f"{option}={value}") == 2  # argparse's own status
    assert message in capsys.readouterr().err


def test_a_checkpoint_of_another_model_is_named(folder, caplog):
    run = read_run(folder / RUN / "settings.yaml")
    write_run(run.with_settings(hidden=[5]), folder / RUN / "settings.yaml")
    assert call("track_results", *words("track_results", folder)) == 1
    assert "checkpoint.pt: found a checkpoint of run 'small'; expected one of settings.yaml beside it" in caplog.text
