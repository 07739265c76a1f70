"""The workflow end to end on shrunken data, and what makes it run again."""

import csv
import os
import re
import shutil
import subprocess
import sys
import zipfile
from copy import deepcopy
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

from deeprec.runtime.files import read_json
from tests.conftest import ROOT, toy_ratings
from tests.original.conftest import hashes_of, make_clone

pytestmark = [pytest.mark.workflow, pytest.mark.xdist_group("workflow")]
BIN = Path(sys.executable).parent
RESULTS = Path("results/movielens-100k")
LOST = "dropout_0.8"  # the run that is made to diverge
TITLE = "Deeper {is} 'better', \"says\" $HOME & the paper – ü"  # whatever a title holds, it reaches its figure


def shrink(config: dict) -> dict:
    """The same workflow with tiny layers, three epochs and few runs."""
    config["models"] = {"autoencoder": {"epochs": 3, "hidden": [4, 3], "batch_size": 16}}
    config["runs"] = {
        "depth_2": {"hidden": [4]},
        "depth_4": {},
        LOST: {"hidden": [4, 4, 4], "lr": 1e6},
        "als": {"rank": 2, "epochs": 2},
    }
    config["ablations"] = {
        "depth": {
            "title": TITLE,
            "experiment": "C",
            "runs": {"2": "depth_2", "4": "depth_4"},
            "paper": {"depth_2": 1.146},
        },
        "mine": {"title": "Without a panel of its own", "runs": {"lost": LOST, "ALS": "als"}},
    }
    config["final"] |= {"models": {"ALS": "als", "DeepRec": "depth_4"}, "paper": {"DeepRec": {"3m": 0.9373}}}
    config["search"] = {"trials": 2, "seed": 0, "runs": {"als": {"rank": {"choices": [1, 3]}}}}
    return config | {"seeds": [0, 1], "seeds_per_job": 2, "across": ["movielens-100k", "other"]}


def toy_dataset(archive: Path) -> dict:
    """The entry of a file of 500 ratings, in place of MovieLens 100K's."""
    dataset = {"title": "Toy ratings", "source": "movielens", "archive": "ml-100k", "path": str(archive)}
    splits = {"last30": {"kind": "per_user", "test_fraction": 0.3}}
    return dataset | {"main_split": "last30", "split_seed": 0, "splits": splits}


def write_archive(path: Path) -> None:
    """Write toy ratings in MovieLens 100K's own layout."""
    table = toy_ratings().to_pandas()
    table["date"] = (pd.to_datetime(table["date"]) - pd.Timestamp(0)) // pd.Timedelta(seconds=1)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("ml-100k/u.data", table.to_csv(sep="\t", header=False, index=False))
        items = sorted(table["item_id"].unique())
        archive.writestr(
            "ml-100k/u.item", "\n".join(f"{item}|Title {item} (1995)|" for item in items).encode("latin-1")
        )


@pytest.fixture(scope="module")
def project(tmp_path_factory, config) -> Path:
    """A copy of the repository with the shrunken config, so that its code can be edited."""
    folder = tmp_path_factory.mktemp("project") / "a b's ü $HOME"  # as people call their folders
    folder.mkdir()
    for name in ("deeprec", "scripts", "workflow", "envs"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Snakefile", folder)
    shutil.copy(ROOT / "constraints.txt", folder)
    (folder / "profiles").symlink_to("workflow/profiles")
    write_archive(folder / "toy.zip")
    program, commit = make_clone(tmp_path_factory.mktemp("clone"))
    (folder / "workflow" / "original.sha256").write_text(
        "".join(f"{h}  {name}\n" for name, h in hashes_of(program).items())
    )
    (folder / "config.yaml").write_text(
        yaml.safe_dump(shrink(deepcopy(config)) | {"original": {"path": str(program), "commit": commit}})
    )
    for name, title in (("movielens-100k", "Toy ratings"), ("other", "Other ratings")):
        entry = toy_dataset(folder / "toy.zip") | {"title": title}
        (folder / "workflow" / "datasets" / f"{name}.yaml").write_text(yaml.safe_dump(entry))
    return folder


def snakemake(folder: Path, *options: str, fails: bool = False) -> str:
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "PYTHONPATH": "workflow/console"}
    command = [BIN / "snakemake", "--cores", "2", *options]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert (done.returncode != 0) == fails, done.stdout + done.stderr
    return done.stdout + done.stderr


def planned(folder: Path, *options: str) -> dict[str, int]:
    """Return how many jobs of each rule a run would start now."""
    said = snakemake(folder, "-n", "--quiet", "rules", *options)
    if "Nothing to be done" in said:
        return {}
    table = said.split("Job stats:")[-1].split("total")[0]
    return {rule: int(n) for rule, n in re.findall(r"^(\w+) +(\d+)$", table, re.M)}


@pytest.fixture(scope="module")
def finished(project) -> Path:
    snakemake(project)
    return project


def test_processes_reach_the_trainings_that_can_share_them(project):
    said = snakemake(project, "-n", "-p", "--forceall", "--config", "processes=2")
    started = dict(re.findall(r"train_run.py results/[^ ]*/runs/(\w+)/.* --threads (\d --processes \d)", said))
    assert started["depth_4"] == "2 --processes 2" and started["als"] == "1 --processes 1"


def test_no_limit_to_starts_holds_up_the_jobs_of_this_machine(finished):
    plans = [f"{RESULTS}/plan/{name}.yaml" for name in ("source", "tracking")]
    said = snakemake(finished, "--forcerun", "write_plan", "--max-jobs-per-timespan", "1/20s", "--", *plans)
    assert "2 of 2 steps (100%) done" in said and "Job rate limit reached" not in said


def test_outputs_are_those_of_the_contract(finished):
    results = finished / RESULTS
    ratings = pq.read_table(results / "ratings.parquet")
    assert [str(ratings[c].type) for c in ("user_id", "item_id", "rating", "date")] == [
        "int32",
        "int32",
        "int8",
        "date32[day]",
    ]
    for part in ("train", "valid", "test"):
        table = pd.read_parquet(results / "splits" / "last30" / f"{part}.parquet")
        assert list(table) == ["user", "item", "rating", "date"]
        assert table.equals(table.sort_values(["user", "item"])) and len(table)
    for run in ("depth_2", "depth_4", LOST, "als"):
        for seed in (0, 1):
            metrics = read_json(results / "runs" / run / f"seed_{seed}" / "metrics.json")
            assert (metrics["status"] == "diverged") == (run == LOST)
    for figure in ("depth", "mine", "final"):
        assert (results / "figures" / f"{figure}.png").stat().st_size > 5000
        assert "</svg>" in (results / "figures" / f"{figure}.svg").read_text()
    with (results / "tables" / "results.csv").open() as file:
        rows = {row["run"]: row for row in csv.DictReader(file)}
    final = pd.read_csv(results / "tables" / "final.csv")
    assert list(final["model"]) == ["ALS", "DeepRec"] and final["rmse_last30"].notna().all()
    assert rows["depth_2"]["paper_valid_rmse"] == "1.146" and rows[LOST]["n_diverged"] == "2"
    assert not (results / "states").exists() or not list((results / "states").iterdir())


def test_tracking_holds_every_run_and_the_best_model(finished):
    tracking = read_json(finished / RESULTS / "tracking.json")
    assert len(tracking["runs"]) == 8
    code = (
        "import mlflow, json\n"
        f"mlflow.set_tracking_uri({tracking['tracking_uri']!r})\n"
        "client = mlflow.MlflowClient()\n"
        f"runs = client.search_runs([{tracking['experiment_id']!r}])\n"
        "assert not client.search_runs(['0'])\n"
        "assert len(client.search_model_versions(\"name='movielens-100k'\")) == 2\n"
        "champion = mlflow.pyfunc.load_model('models:/movielens-100k@champion')\n"
        "assert list(champion.predict({'user_id': [100]}, params={'top': 3})['rank']) == [1, 2, 3]\n"
        "print(json.dumps([[r.data.tags['ablation'], r.info.status,"
        " [a.path for a in client.list_artifacts(r.info.run_id)],"
        " r.data.tags['mlflow.note.content'], len(r.inputs.dataset_inputs)] for r in runs]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=finished, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    runs = yaml.safe_load(done.stdout.strip().splitlines()[-1])
    assert len(runs) == 8 and {ablation for ablation, *_ in runs} == {"depth", "depth, final", "mine", "mine, final"}
    for _, status, artifacts, note, n_inputs in runs:
        assert status == "FINISHED" and n_inputs == 1
        assert {"curve.png", "settings.yaml", "metrics.json"} <= set(artifacts)
        assert "python scripts/train_run.py" in note


def test_noted_command_repeats_a_run(finished):
    """The command that MLflow's note gives makes the same predictions again."""
    run = finished / RESULTS / "runs" / "depth_4" / "seed_1"
    copy = finished / "again" / "settings.yaml"
    copy.parent.mkdir()
    shutil.copy(run / "settings.yaml", copy)
    command = [sys.executable, "scripts/train_run.py", copy, "--split", RESULTS / "splits" / "last30"]
    environment = {**os.environ, "PYTHONPATH": str(finished)}
    subprocess.run(
        [*command, "--tracking-uri", "sqlite:///again.db"],
        cwd=finished,
        env=environment,
        check=True,
        capture_output=True,
    )
    assert (copy.parent / "predictions.parquet").read_bytes() == (run / "predictions.parquet").read_bytes()


def test_search_is_asked_for_by_name(finished):
    said = snakemake(finished, "--logger", "progress", "--", "search")
    assert (
        "als trial 0" in said and "Elapsed time" in said and "jobid" not in said
    )  # a line for all jobs, not ten a job
    table = pd.read_csv(finished / RESULTS / "search" / "als.csv")
    assert set(table["rank"]) <= {1, 3} and list(table["state"]) == ["complete"] * 2
    page = (finished / RESULTS / "search" / "tuning.md").read_text()
    assert "How the models were tuned: Toy ratings" in page and "2 trials" in page and "## als" in page
    for plot in ("history", "importances", "parallel"):
        assert "</svg>" in (finished / RESULTS / "search" / "als" / f"{plot}.svg").read_text()
    assert set(read_json(finished / RESULTS / "search" / "tracking.json")["searches"]) == {"als"}
    assert not list((finished / RESULTS / "search").glob("*.journal"))
    # The report is made again, to show it; no other job is.
    assert planned(finished) == {"all": 1, "write_report": 1}
    snakemake(finished)
    assert "<summary>als</summary>" in (finished / RESULTS / "report.html").read_text()


def test_the_authors_program_is_asked_for_by_name(finished):
    """Theirs is a stand-in of ours here, with their interface."""
    snakemake(finished, "original")
    table = pd.read_csv(finished / RESULTS / "original" / "comparison.csv")
    assert list(table["label"]) == [2, 4] and table[["theirs_valid_rmse_mean", "difference"]].notna().all(axis=None)
    page = (finished / RESULTS / "original" / "original.md").read_text()
    assert "The authors' own program on Toy ratings" in page and "all 2 runs have the same loss" in page
    assert "authors' program" in (finished / RESULTS / "original" / "figures" / "depth.svg").read_text()
    assert planned(finished, "--", "original") == {}
    snakemake(finished)
    assert "orders 1 of 1 pairs of runs as ours does" in (finished / RESULTS / "report.html").read_text()


def test_across_makes_what_is_missing_and_tells_of_other_settings(finished):
    """A second data set, of the same ratings, by a workflow of its own."""
    snakemake(finished, "across")
    table = pd.read_csv(finished / "results" / "across" / "claims.csv")
    first = table[table["claim"] == "depth_first"].set_index("dataset")
    assert list(first.index) == ["movielens-100k", "other"] and first["effect"].iloc[0] == first["effect"].iloc[1]
    page = (finished / "results" / "across" / "across.md").read_text()
    assert "**Other ratings**: 331 training ratings" in page and "| – | – | Run on none. |" in page
    assert (finished / "results" / "across" / "claims.png").stat().st_size > 5000
    assert planned(finished, "--", "across") == {}
    (finished / "results" / "other" / "tables" / "claims.csv").unlink()
    assert planned(finished, "--", "across") == {"make_dataset": 1, "compare_datasets": 1, "across": 1}
    snakemake(finished, "across")
    assert planned(finished) == {"all": 1, "write_report": 1}  # the report tells of it
    snakemake(finished)
    assert "Across 2 data sets: held on" in (finished / RESULTS / "report.html").read_text()
    path = finished / "results" / "other" / "runs" / "depth_2" / "seed_0" / "settings.yaml"
    with replaced(path, path.read_text().replace("lr: 0.001", "lr: 0.5")):
        said = snakemake(finished, "--forcerun", "compare_datasets", "--", "across", fails=True)
    assert "settings.yaml: lr: found 0.5; expected 0.001, as the config plans" in said and "Traceback" not in said
    snakemake(finished)  # the comparison that failed is gone, and so from the report
    shutil.rmtree(finished / "results" / "other")


def test_finished_workflow_has_nothing_to_do_and_edits_rerun_what_they_concern(finished):
    assert planned(finished) == {}
    config = yaml.safe_load((finished / "config.yaml").read_text())
    config["runs"]["depth_2"] = {"hidden": [5]}
    with replaced(finished / "config.yaml", yaml.safe_dump(config)):
        jobs = planned(finished)
        assert jobs["train_run_0"] == 1 and jobs["draw_ablation"] == 1 and "split_ratings" not in jobs
    config["runs"]["depth_2"] = {"hidden": [4]}
    config["ablations"]["mine"]["title"] = "Another title"
    with replaced(finished / "config.yaml", yaml.safe_dump(config)):
        jobs = planned(finished)
        assert jobs["write_plan"] == 2 and "train_run_0" not in jobs
    with edited(finished / "deeprec" / "models" / "network.py"):
        jobs = planned(finished)
        assert jobs["train_run_0"] == 3 and "split_ratings" not in jobs  # not ALS
    with edited(finished / "deeprec" / "models" / "als.py"):
        assert planned(finished)["train_run_0"] == 1
    with edited(finished / "deeprec" / "evaluation" / "ablation_figure.py"):
        jobs = planned(finished)
        assert "train_run_0" not in jobs and jobs["draw_ablation"] == 2 and jobs["write_report"] == 1
    assert planned(finished) == {}


def test_what_was_deleted_is_made_again(finished, tmp_path):
    deleted = {
        "results/mlflow.db": {"track_results"},
        RESULTS / "tables" / "claims.csv": {"judge_claims", "write_report"},
        RESULTS / "figures" / "mine.svg": {"draw_ablation", "write_report"},
        RESULTS / "splits" / "last30" / "users.parquet": {"split_ratings", "train_run_0"},
    }
    tracking = finished / RESULTS / "tracking.json"
    kept = tracking.read_text()
    for path, rules in deleted.items():
        shutil.move(finished / path, tmp_path / "aside")
        assert rules <= set(planned(finished)), path
        shutil.move(tmp_path / "aside", finished / path)
        tracking.write_text(kept)  # which a store that is gone makes untrue
    assert set(planned(finished)) <= {"track_results", "all"}
    snakemake(finished)
    assert planned(finished) == {}


def test_the_command_line_sets_any_key_and_retrains_what_it_concerns_alone(finished):
    assert set(planned(finished, "--config", "tracking_uri=sqlite:///results/other.db", "save_seconds=7")) == {
        "track_results", "all",
    }  # fmt: skip
    for size in (1, 3):
        jobs = planned(finished, "--config", "seeds=[0,1,2]", f"seeds_per_job={size}")
        assert jobs["train_run_2"] == 4 and "train_run_0" not in jobs
    assert planned(finished, "--config", "models={autoencoder: {epochs: 2}}")["train_run_0"] == 3
    alone = ["runs={alone: {hidden: [3]}}", "--", str(RESULTS / "runs" / "alone" / "seed_0" / "metrics.json")]
    assert planned(finished, "--config", *alone)["train_run_0"] == 1  # though no ablation asks for it
    said = snakemake(finished, "-n", "--config", "search=null", fails=True)
    assert "config: search: found None; expected a mapping" in said and "in <module>" not in said


def test_it_runs_from_anywhere(project, tmp_path):
    said = snakemake(tmp_path, "-n", "--quiet", "rules", "--snakefile", str(project / "Snakefile"))
    assert "train_run_0" in said
    assert "train_run_0" in snakemake(project, "-n", "--quiet", "rules", "--directory", str(tmp_path / "there"))


def test_a_password_in_an_address_is_refused_and_kept_nowhere(project, tmp_path):
    secret = "postgresql://me:hunter2@db/mlflow"
    said = snakemake(project, "--directory", str(tmp_path), "--config", f"tracking_uri={secret}", fails=True)
    assert "config: tracking_uri: found a password" in said and "PGPASSFILE" in said and "hunter2" not in said
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"hunter2" in path.read_bytes()]


def test_braces_in_the_projects_folder_are_refused(project, tmp_path):
    (tmp_path / "a {c}").symlink_to(project)
    said = snakemake(tmp_path, "-n", "--snakefile", str(tmp_path / "a {c}" / "Snakefile"), fails=True)
    assert "a {c}: found a brace in the name of the project's folder; expected none" in said
    assert "Traceback" not in said and "NameError" not in said


class replaced:
    """A file with other content, for a while; its time stays what it was afterwards."""

    def __init__(self, path: Path, text: str):
        self.path, self.text = path, text

    def __enter__(self):
        self.before, self.stat = self.path.read_text(), self.path.stat()
        self.path.write_text(self.text)

    def __exit__(self, *error):
        self.path.write_text(self.before)
        os.utime(self.path, ns=(self.stat.st_atime_ns, self.stat.st_mtime_ns))


def edited(path: Path) -> replaced:
    return replaced(path, path.read_text() + "\n# edited\n")


def test_wrong_config_stops_before_any_job(finished):
    config = yaml.safe_load((finished / "config.yaml").read_text())
    config["runs"]["depth_2"]["hiden"] = [3]
    with replaced(finished / "config.yaml", yaml.safe_dump(config)):
        said = snakemake(finished, fails=True)
    assert "run 'depth_2': unknown key hiden; choose from epochs, patience" in said and "rule " not in said


def test_broken_archive_is_named_and_leaves_nothing(project, tmp_path):
    (tmp_path / "broken.zip").write_bytes((project / "toy.zip").read_bytes()[:500])
    config = yaml.safe_load((project / "config.yaml").read_text())
    config["datasets"] = {"movielens-100k": {"path": str(tmp_path / "broken.zip")}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    said = snakemake(project, "--directory", str(tmp_path), fails=True)
    assert "broken.zip" in said and "Traceback" not in said
    assert not list((tmp_path / RESULTS).glob("*.parquet"))


@pytest.mark.conda
def test_conda_environments_do_the_same(project, tmp_path):
    """Every rule in its own environment: other pythons, same results."""
    shutil.copy(project / "config.yaml", tmp_path)
    snakemake(project, "--directory", str(tmp_path), "--use-conda")
    asked_for_by_name = {"original.yaml", "workflow.yaml"}
    envs = {path.name for path in (ROOT / "envs").glob("*.yaml")} - asked_for_by_name
    assert len(list((tmp_path / ".snakemake" / "conda").glob("*.yaml"))) == len(envs)
    if not (project / RESULTS).exists():
        snakemake(project)
    for run in ("depth_4/seed_0", "als/seed_1"):
        one, two = (folder / RESULTS / "runs" / run / "predictions.parquet" for folder in (project, tmp_path))
        assert one.read_bytes() == two.read_bytes()
