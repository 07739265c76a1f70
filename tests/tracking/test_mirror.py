"""The mirror: which model it logs. What else it makes, tests/workflow sees end to end."""

from pathlib import Path

from deeprec.config.run_settings import write_run
from deeprec.runtime.files import write_json
from deeprec.tracking.mirror import RunFolder, best_autoencoder
from tests.conftest import run_of


def folder(path: Path, model: str, valid: float | None, test: float | None) -> RunFolder:
    write_run(run_of(model), path / "settings.yaml")
    status = "diverged" if valid is None else "finished"
    write_json(path / "metrics.json", {"status": status, "valid_rmse": valid, "test_rmse": test})
    return RunFolder(path)


def test_validation_chooses_the_model_and_test_has_no_say(tmp_path):
    folders = [
        folder(tmp_path / "a", "autoencoder", 1.02, 0.90),
        folder(tmp_path / "b", "autoencoder", 1.01, 1.10),
        folder(tmp_path / "c", "autoencoder", None, None),
        folder(tmp_path / "d", "als", 0.95, 0.95),
    ]
    assert best_autoencoder(folders) == folders[1]
    assert best_autoencoder(folders[2:]) is None
