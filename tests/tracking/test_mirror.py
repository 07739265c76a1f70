"""The mirror: what it reads of a run's folder. What it makes of it, tests/workflow sees end to end."""

from pathlib import Path

import pytest
import torch

from deeprec.config.run_settings import Run, write_run
from deeprec.runtime.files import InputError
from deeprec.tracking.mirror import RunFolder
from tests.conftest import run_of


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
