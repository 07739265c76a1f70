"""The page of what a GPU does: what it asks for, and that it is whole or not there."""

import argparse

import pytest
import torch

from deeprec.runtime.files import InputError


@pytest.fixture
def on_gpu(benchmark):
    return benchmark("on_gpu")


def options(out, device="cpu"):
    return argparse.Namespace(out=out, device=device, quick=True)


def test_both_devices_and_precisions_are_asked_for(on_gpu):
    asked = on_gpu.commands("cuda", quick=False)
    steps = [(one[one.index("--device") + 1], one[one.index("--precision") + 1]) for one in asked[on_gpu.STEP]]
    both = ["cuda", "cuda", "cpu"]
    assert steps == [(device, precision) for precision in ("fp32", "bf16") for device in both]
    assert ["--compiled" in one for one in asked[on_gpu.STEP]] == 2 * [False, True, False]
    assert [one[-2:] for one in asked[on_gpu.EPOCH]] == [["--device", "cuda"], ["--device", "cpu"]]
    assert [len(found) for found in on_gpu.commands("cpu", quick=False).values()] == [4, 1]


def test_the_page_holds_each_command_and_what_it_said(on_gpu, monkeypatch, tmp_path):
    monkeypatch.setattr(on_gpu, "said", lambda command: f"first line\nsaid by {' '.join(command)}")
    on_gpu.main(options(tmp_path / "page.md"))
    text = (tmp_path / "page.md").read_text()
    for command in [on_gpu.TESTS, *(one for asked in on_gpu.commands("cpu", quick=True).values() for one in asked)]:
        assert f"`python {' '.join(command)}`" in text and f"said by {' '.join(command)}" in text
    assert "no GPU" in text and "torch" in text and "commit" in text


def test_a_command_that_fails_leaves_no_page(on_gpu, monkeypatch, tmp_path):
    monkeypatch.setattr(on_gpu, "TESTS", ["-c", "print('so far'); raise SystemExit(3)"])
    with pytest.raises(InputError, match="exit status 3, expected 0: so far"):
        on_gpu.main(options(tmp_path / "page.md"))
    assert not list(tmp_path.iterdir())


def test_without_a_gpu_it_is_refused(on_gpu, monkeypatch, tmp_path):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="--device: found cuda, and no GPU"):
        on_gpu.main(options(tmp_path / "page.md", device="cuda"))
