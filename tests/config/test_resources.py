"""What jobs ask of a cluster."""

import pytest

from deeprec.config.resources import more_each_try, size_mb
from deeprec.runtime.provenance import n_gpus, wants_gpu
from deeprec.settings.autoencoder import AutoEncoderSettings
from deeprec.settings.base import MILLION_MB
from deeprec.settings.models import MODELS


def test_memory_grows_with_each_try():
    assert [more_each_try(500)(None, attempt) for attempt in (1, 2, 3)] == [500, 1000, 1500]


def test_size_is_that_of_the_files_and_what_is_missing_is_named(tmp_path):
    (tmp_path / "a").write_bytes(b"x" * 3_000_000)
    assert size_mb([tmp_path / "a"] * 2) == 6.0
    with pytest.raises(FileNotFoundError, match="not_yet"):
        size_mb([tmp_path / "not_yet"])


@pytest.mark.parametrize("name", [name for name in MODELS if name != "blend"])
def test_a_training_of_more_ratings_or_epochs_may_take_longer(name):
    small, long = MODELS[name](epochs=5), MODELS[name](epochs=50)
    assert small.training_minutes(0.2) <= 15  # MovieLens 100K
    assert small.training_minutes(2000 * MILLION_MB) > small.training_minutes(0.2)
    assert long.training_minutes(2000 * MILLION_MB) > small.training_minutes(2000 * MILLION_MB)


def test_what_was_measured_at_netflix_s_size_has_the_time_it_took_and_less_than_five_times_as_much():
    """606 s an epoch on two cores (docs/netflix.md), so 1,212 on one at most."""
    model = AutoEncoderSettings(hidden=[512, 512, 1024], refeed=1, epochs=10)
    assert 10 * 606 / 60 <= model.training_minutes(98 * MILLION_MB) <= 5 * 10 * 606 / 60


@pytest.mark.parametrize(
    ("device", "here", "wanted"),
    [("cuda", 0, True), ("auto", 0, False), ("auto", 2, True), ("cpu", 2, False)],
)
def test_cuda_asks_for_a_gpu_from_a_login_node_without_one(monkeypatch, device, here, wanted):
    monkeypatch.setattr("deeprec.runtime.provenance.n_gpus", lambda: here)
    assert wants_gpu(device) == wanted


@pytest.mark.parametrize(("visible", "n"), [(None, 4), ("0", 1), ("1,3", 2), ("", 0), ("-1", 0)])
def test_only_visible_gpus_count(monkeypatch, visible, n):
    monkeypatch.setattr("pathlib.Path.glob", lambda self, pattern: [pattern] * 4)
    if visible is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert n_gpus() == n
