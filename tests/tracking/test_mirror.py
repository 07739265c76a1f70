"""The mirror: which model it logs. What else it makes, tests/workflow sees end to end."""

from pathlib import Path

import pytest
import torch

from deeprec.config.run_settings import Run, write_run
from deeprec.runtime.files import InputError, write_json
from deeprec.tracking.mirror import RunFolder, best_autoencoder
from tests.conftest import metrics_of, run_of


def folder(path: Path, model: str, valid: float | None, test: float | None) -> RunFolder:
    write_run(run_of(model), path / "settings.yaml")
    status = "diverged" if valid is None else "finished"
    write_json(path / "metrics.json", metrics_of(status=status, valid_rmse=valid, test_rmse=test))
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


def checkpoint(path: Path, run: Run) -> None:
    torch.save({"settings": run.as_dict(), "epoch": 1, "weights": {"w": torch.ones(3)}}, path)


def test_a_checkpoint_is_that_of_its_settings_and_whole(tmp_path):
    write_run(run_of(), tmp_path / "settings.yaml")
    path = tmp_path / "checkpoint.pt"
    checkpoint(path, run_of())
    assert torch.equal(RunFolder(tmp_path).weights["w"], torch.ones(3))
    content = bytearray(path.read_bytes())
    content[content.index(torch.ones(3).numpy().tobytes())] ^= 1
    path.write_bytes(content)
    assert torch.load(path, weights_only=True)["weights"]["w"][0] != 1  # torch itself does not notice
    with pytest.raises(InputError, match=r"checkpoint.pt: damaged \(.*data/0 does not match its checksum\)"):
        RunFolder(tmp_path).weights  # noqa: B018
    checkpoint(path, run_of(name="other", lr=0.5))
    with pytest.raises(InputError, match=r"found a checkpoint of run 'other'; expected one of settings.yaml beside"):
        RunFolder(tmp_path).weights  # noqa: B018
