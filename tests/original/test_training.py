"""The authors' interface, through a program of our own that has it: options, curves, the best epoch, the same steps."""

import math
import sys

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch

from deeprec.data.text_format import write_text_format
from deeprec.evaluation.curves import read_curves
from deeprec.models.network import PRECISIONS
from deeprec.original import program
from deeprec.original.options import TOLERANCE, options_of, words
from deeprec.original.same_steps import check_same, double_precision, same_steps, their_layout
from deeprec.original.training import train_original
from deeprec.runtime.files import InputError
from tests.conftest import run_of

RUN = {"hidden": [6, 4], "batch_size": 16, "lr": 0.01}


def test_settings_mean_the_same_on_their_command_line():
    options = options_of(run_of(hidden=[16, 8], dropout=0.5, activation="tanh", constrained=True, epochs=7))
    told = words(options)
    assert "--hidden_layers=16,8" in told and "--drop_prob=0.5" in told and "--num_epochs=7" in told
    assert "--aug_step=-1" in told and "--constrained" in told and "--skip_last_layer_nl" in told
    assert options_of(run_of(refeed=2))["aug_step"] == 2
    assert not {"constrained", "skip_last_layer_nl"} & set(options_of(run_of()))


def test_what_their_program_cannot_do_is_named():
    with pytest.raises(InputError, match=r"run 'r': .* cannot train it: optimizer: found 'adam'.*; input_noise: found"):
        options_of(run_of(optimizer="adam", input_noise=0.5))
    with pytest.raises(InputError, match="found a model 'als'"):
        options_of(run_of("als"))


def test_a_training_has_our_files_and_their_best_epoch_is_scored_on_test(source, data, tmp_path):
    run, epochs = run_of(**RUN, epochs=4), []
    metrics = train_original(run, data[1], source, tmp_path / "out" / "seed_0", on_epoch=epochs.append)
    curves = read_curves("r", "r", [tmp_path / "out" / "seed_0"])
    history = curves.histories[0]
    assert epochs == [1, 2, 3, 4] == list(history["epoch"])
    assert metrics["valid_rmse"] == history["valid_rmse"].min()
    assert metrics["best_epoch"] == history["epoch"][history["valid_rmse"].argmin()]
    assert len(curves.steps[0]) == 4 * 2 == history["step"].iloc[-1]  # 40 users: two batches of 16, the last left out
    assert metrics["n_train"] == len(pq.read_table(data[0] / "train.parquet"))
    assert math.isfinite(metrics["test_rmse"]) and metrics["status"] == "finished"
    assert metrics["n_parameters"] == 2 * (25 * 6 + 6 * 4) + 6 + 4 + 6 + 25


def test_the_best_weights_are_kept_and_not_the_last(source, data, tmp_path):
    options = options_of(run_of(**RUN, epochs=40)) | {"lr": 0.3, "save_every": 1}
    options |= {"path_to_train_data": data[1] / "train", "path_to_eval_data": data[1] / "valid"}
    logged = program.train(source, options, seed=0, best=tmp_path / "best.pt")
    best = min(logged["EVALUATION_RMSE"])
    assert logged["EVALUATION_RMSE"][-1] > best  # else the test says nothing
    shape = {name: options[name] for name in ("hidden_layers", "non_linearity_type", "drop_prob")}
    paths = {"path_to_train_data": data[1] / "train", "path_to_eval_data": data[1] / "valid"}
    found = program.evaluate(source, {**shape, **paths, "save_path": tmp_path / "best.pt"}, tmp_path / "p.txt")
    assert found == pytest.approx(best, rel=1e-5)


def test_a_diverged_training_has_no_score(source, data, tmp_path):
    run = run_of(**{**RUN, "lr": 1e6}, epochs=3)
    metrics = train_original(run, data[1], source, tmp_path / "out", on_epoch=lambda epoch: None)
    assert metrics["status"] == "diverged" and metrics["test_rmse"] is None
    assert np.isnan(read_curves("r", "r", [tmp_path / "out"]).scores("valid_rmse")).all()


def test_the_seed_decides(source, data):
    options = options_of(run_of(**RUN, epochs=2)) | {"save_every": 1}
    options |= {"path_to_train_data": data[1] / "train", "path_to_eval_data": data[1] / "valid"}
    first, again, other = (program.train(source, options, seed=seed)["Training_RMSE"] for seed in (0, 0, 1))
    assert first == again != other


def test_the_rate_is_halved_when_the_torch_of_2017_did_it(source, data):
    options = options_of(run_of(**RUN, epochs=26)) | {"save_every": 99}
    options |= {"path_to_train_data": data[1] / "train", "path_to_eval_data": data[1] / "valid"}
    lr = program.train(source, options, seed=0)["lr"]
    assert lr[:24] == [0.01] * 24 and lr[24:] == [0.005] * 2


def test_nothing_of_theirs_stays_behind(source, data):
    before, path, save = set(sys.modules), list(sys.path), torch.save
    options = options_of(run_of(**RUN, epochs=1)) | {"save_every": 1}
    options |= {"path_to_train_data": data[1] / "train", "path_to_eval_data": data[1] / "valid"}
    program.train(source, options, seed=0)
    assert not set(program.MODULES) & (set(sys.modules) - before)
    assert sys.path == path and torch.save is save


def test_without_a_program_it_says_so(tmp_path):
    with pytest.raises(InputError, match=r"run\.py: no such file; expected a clone"):
        program.check_source(tmp_path)


@pytest.mark.parametrize("refeed", [0, 1])
def test_both_have_the_same_losses(source, data, refeed):
    run = run_of(**RUN, refeed=refeed, dropout=0.3)
    steps = same_steps(run, *data, source, 19)
    assert list(steps["step"][steps["step"] > 0]) == list(range(1, 21))
    assert list(steps["epoch"]) == [epoch for epoch in range(1, 11) for _ in range(3)]  # two steps, then validation
    assert steps["ours"].iloc[-2] < 0.9 * steps["ours"].iloc[0]  # it learns, so that later steps say something
    assert check_same(steps, "r") <= TOLERANCE
    assert steps["apart"][steps["step"] > 0].max() <= 1e-9  # no prediction in fp32 between


def test_their_layout_computes_the_same():
    ours = {"encode_w.0": torch.randn(5, 3), "encode_w.1": torch.randn(3, 2), "encode_b.0": torch.randn(3)}
    ours |= {"decode_w.0": torch.randn(3, 2), "decode_w.1": torch.randn(5, 3)}
    ours |= {"decode_b.0": torch.randn(3), "decode_b.1": torch.randn(5)}
    items = torch.tensor([3, 1, 4, 0, 2])
    theirs = their_layout(ours, items)
    assert theirs["encode_w.0"].shape == (3, 5) and torch.equal(theirs["encode_w.1"], ours["encode_w.1"].T)
    assert torch.equal(theirs["encode_w.0"][:, 1], ours["encode_w.0"][1])  # item 1 is their second, too
    assert torch.equal(theirs["decode_w.1"][0], ours["decode_w.1"][3])  # item 3 is their first
    assert torch.equal(theirs["decode_b.1"], ours["decode_b.1"][items])
    assert all(torch.equal(theirs[name], ours[name]) for name in ("encode_b.0", "decode_w.0", "decode_b.0"))


def test_double_precision_ends_with_its_block():
    before = torch.Tensor.float, torch.FloatTensor, torch.sparse.FloatTensor, dict(PRECISIONS)
    with pytest.raises(ZeroDivisionError), double_precision():
        assert torch.ones(1, dtype=torch.int8).float().dtype == torch.FloatTensor([1]).dtype == torch.float64
        raise ZeroDivisionError
    assert before == (torch.Tensor.float, torch.FloatTensor, torch.sparse.FloatTensor, dict(PRECISIONS))
    assert torch.ones(1).dtype == torch.float32


def test_fewer_users_than_a_batch_are_told(source, data):
    with pytest.raises(InputError, match=r"run 'r': found 40 users and batches of 40; expected more users than that"):
        same_steps(run_of(**{**RUN, "batch_size": 40}), *data, source, 20)


def test_a_program_with_a_fault_is_found(source, data, monkeypatch):
    told = program.words
    slower = lambda options: [*told(options), *(["--slower=0.99999"] if "lr" in options else [])]  # noqa: E731
    monkeypatch.setattr(program, "words", slower)
    with pytest.raises(InputError, match=r"run 'r': epoch \d+, .* the losses .* differ by .*; expected at most 1e-07"):
        check_same(same_steps(run_of(**RUN), *data, source, 20), "r")


@pytest.mark.parametrize("apart", [1.1e-7, np.nan])
def test_the_step_that_differs_most_is_named(apart):
    steps = pd.DataFrame({"epoch": [1, 1, 2], "step": [1, 0, 2], "apart": [1e-8, 2e-8, 1e-7]})
    assert check_same(steps, "r") == 1e-7
    with pytest.raises(InputError, match=f"run 'r': epoch 1, validation: .* differ by {apart:.1e}"):
        check_same(steps.assign(apart=[1e-8, apart, 1e-7]), "r")


def test_ratings_of_zero_are_refused(data, tmp_path):
    path = data[0] / "valid.parquet"
    table = pq.read_table(path).to_pandas()
    table.loc[0, "rating"] = 0
    table.to_parquet(path)
    with pytest.raises(InputError, match=r"valid\.parquet: found 1 ratings of 0"):
        write_text_format(data[0], tmp_path / "again")
