"""What every model offers to be used: all items' scores of a user, known or new, and a restored model."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from deeprec.data.matrix import Part, RatingMatrix, rating_matrix
from deeprec.models.factors import FactorLearner
from deeprec.models.learners import Scorer, restore
from deeprec.runtime.files import InputError
from deeprec.training.loop import train
from deeprec.training.runs import make_learner
from tests.models.test_rivals import CPU, EVERYONE, matrix_of, ratings, run_of

FREE = [name for name in EVERYONE if name != "deeprec"]  # those that would clip


def some_ratings() -> Part:
    """Return a part of all pairs, so that there is something to predict."""
    part, rng = ratings(), np.random.default_rng(1)
    keep = rng.random(len(part)) < 0.6
    return Part(part.user[keep], part.item[keep], part.rating[keep], part.date[keep])


def learnt(name: str, epochs: int = 3) -> tuple[Scorer, RatingMatrix]:
    """Return a model that does not clip, and its training ratings."""
    run, part = run_of(name, epochs=epochs, **({"clip": False} if name in FREE else {})), some_ratings()
    matrix = matrix_of(part)
    learner = make_learner(run, matrix, CPU)
    train(learner, part, epochs)
    return learner, matrix


def rows_of(matrix: RatingMatrix, users: list[int]) -> RatingMatrix:
    """Return some users' ratings as those of new ones."""
    entries = [torch.arange(*matrix.offsets[u : u + 2].tolist()) for u in users]
    whole = torch.cat(entries)
    user = np.repeat(np.arange(len(users)), [len(e) for e in entries]).astype(np.int32)
    columns = matrix.columns[whole].numpy(), matrix.values[whole].numpy()
    dates = matrix.dates[whole].numpy()
    return rating_matrix(user, *columns, len(users), matrix.n_columns, dates)


@pytest.mark.parametrize("name", EVERYONE)
def test_all_scores_are_the_predictions_of_all_pairs(name: str) -> None:
    scorer, matrix = learnt(name)
    users = torch.tensor([7, 0, 3])
    user, item = np.repeat(users.numpy(), 9).astype(np.int32), np.tile(np.arange(9, dtype=np.int32), 3)
    last = np.full(27, matrix.dates.max().item(), np.int32)
    expected = scorer.predict(Part(user, item, np.zeros(27, np.int8), last)).reshape(3, 9)
    np.testing.assert_allclose(scorer.scores(users).detach(), expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize("name", ["bias", "pca", "u_autorec", "deeprec"])
def test_a_new_user_with_a_known_one_s_ratings_gets_his_scores(name: str) -> None:
    scorer, matrix = learnt(name)
    found = scorer.fold_in(rows_of(matrix, [2, 11]))
    np.testing.assert_allclose(found, scorer.scores(torch.tensor([2, 11])), rtol=0, atol=2e-5)


def test_als_and_pmf_solve_for_a_new_user() -> None:
    """NumPy's normal equations in float64, given the items' factors."""
    for name, l2_of in (("als", lambda n, s: s.l2 * n), ("pmf", lambda n, s: s.l2 * n)):
        scorer, matrix = learnt(name)
        settings, q = run_of(name).settings, scorer.weights()["items"].double().numpy()
        mean = scorer.weights().get("mean", torch.zeros(())).item()
        entries = slice(*matrix.offsets[4:6].tolist())
        rated, r = q[matrix.columns[entries].numpy()], matrix.values[entries].double().numpy() - mean
        p = np.linalg.solve(rated.T @ rated + l2_of(len(r), settings) * np.eye(q.shape[1]), rated.T @ r)
        np.testing.assert_allclose(scorer.fold_in(rows_of(matrix, [4]))[0], mean + q @ p, rtol=0, atol=1e-4)


def test_als_that_has_converged_gives_a_known_user_s_scores() -> None:
    scorer, matrix = learnt("als", epochs=200)
    found = scorer.fold_in(rows_of(matrix, list(range(12))))
    np.testing.assert_allclose(found, scorer.scores(torch.arange(12)), rtol=0, atol=1e-3)


def test_i_autorec_solves_for_a_new_user_s_output_weights() -> None:
    """At the solution the gradient of the training's objective is 0: for w and for the free bias."""
    scorer, matrix = learnt("i_autorec")
    new = rows_of(matrix, [5])
    hidden, item = scorer._hidden.double(), new.columns.long()
    y = scorer.fold_in(new)[0].double()
    residual = new.values.double() - y[item]
    # y = H w + b gives w, since the hidden vectors span their space.
    w = torch.linalg.lstsq(torch.cat([hidden, torch.ones(9, 1)], 1), y[:, None]).solution[:-1, 0]
    gradient = -2 * hidden[item].T @ residual + scorer.settings.l2 * w
    assert abs(residual.sum().item()) < 1e-4 and gradient.abs().max().item() < 1e-2


def test_rrn_reads_a_new_user_s_ratings_and_solves_for_his_bias_and_factors() -> None:
    """With a known user's ratings the states are his, so that scores differ by a bias and stationary factors alone."""
    scorer, matrix = learnt("rrn")
    new = rows_of(matrix, [6])
    found, known = scorer.fold_in(new)[0], scorer.scores(torch.tensor([6]))[0]
    spanned = torch.cat([scorer.side["item"].factors, torch.ones(9, 1)], 1).detach()  # (n_items, rank + 1)
    difference = (found - known)[:, None]
    left = difference - spanned @ torch.linalg.lstsq(spanned, difference).solution
    np.testing.assert_allclose(left, np.zeros((9, 1)), rtol=0, atol=1e-5)
    far = replace(new, dates=new.dates + 3000)  # a date after the training counts as its last
    last = replace(new, dates=torch.full_like(new.dates, matrix.dates.max()))
    torch.testing.assert_close(scorer.fold_in(far), scorer.fold_in(last), rtol=0, atol=0)


@pytest.mark.parametrize("name", EVERYONE)
def test_several_new_users_do_not_meet(name: str) -> None:
    scorer, matrix = learnt(name)
    together = scorer.fold_in(rows_of(matrix, [1, 8, 4]))
    alone = torch.cat([scorer.fold_in(rows_of(matrix, [user])) for user in (1, 8, 4)])
    np.testing.assert_allclose(together, alone, rtol=0, atol=2e-5)


@pytest.mark.parametrize("name", EVERYONE)
def test_a_restored_model_scores_as_the_learnt_one_and_moves_no_generator(name: str) -> None:
    scorer, matrix = learnt(name)
    settings = run_of(name, **({"clip": False} if name in FREE else {})).settings
    before = torch.get_rng_state()
    again = restore(settings, scorer.weights(), matrix)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(again.scores(torch.arange(12)), scorer.scores(torch.arange(12)))


@pytest.mark.parametrize("name", ["i_autorec", "rrn"])
def test_weights_that_are_loaded_replace_what_was_kept_of_others(name: str) -> None:
    everyone, (scorer, _) = torch.arange(12), learnt(name)
    weights = {key: value.clone() for key, value in scorer.weights().items()}
    before = scorer.scores(everyone).detach().clone()
    scorer.train_epoch(4)
    assert not torch.equal(scorer.scores(everyone), before)
    scorer.load(weights)
    assert torch.equal(scorer.scores(everyone), before)


def test_a_model_without_a_way_says_so() -> None:
    matrix = matrix_of(some_ratings())
    with pytest.raises(InputError, match="FactorLearner: takes in no new user; expected one of the training part"):
        FactorLearner(matrix, CPU, clip=True).fold_in(matrix)
