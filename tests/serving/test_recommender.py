"""A trained model in use: its predictions, its recommendations, and its answer to a new user."""

import numpy as np
import pandas as pd
import pytest
import torch

from deeprec.data.matrix import read_part
from deeprec.runtime.files import InputError
from deeprec.serving import recommender
from tests.serving.conftest import RUNS

ALL = list(RUNS)


def raw(model, user, item):
    """Raw ids of dense indices."""
    return model.catalogue.users.known[user], model.catalogue.items.known[item]


def training_ratings(dataset, model, user: int) -> pd.DataFrame:
    """A known user's training ratings, as a new user would write them."""
    train = pd.read_parquet(dataset / "splits" / "s" / "train.parquet").query("user == @user")
    _, items = raw(model, 0, train["item"])
    return pd.DataFrame({"item_id": items, "rating": train["rating"].to_numpy(), "date": train["date"].to_numpy()})


@pytest.mark.parametrize("name", ALL)
def test_predictions_are_those_of_the_run(name, dataset, loaded):
    model, test = loaded[name], read_part(dataset / "splits" / "s", "test")
    expected = pd.read_parquet(dataset / "runs" / name / "seed_0" / "predictions.parquet")["prediction"]
    dates = pd.read_parquet(dataset / "splits" / "s" / "test.parquet")["date"]
    found = model.predict(*raw(model, test.user, test.item), dates, clip=False)
    np.testing.assert_array_equal(found["prediction"], expected)
    assert found["title"][0] == f"Film {found['item_id'][0]} ({1990 + found['item_id'][0] % 10})"
    inside = model.predict(*raw(model, test.user, test.item), dates)["prediction"]
    np.testing.assert_array_equal(inside, expected.clip(1, 5))


@pytest.mark.parametrize("name", ALL)
def test_the_best_items_are_the_unseen_ones_of_highest_prediction(name, loaded):
    """Against all predictions, sorted by pandas."""
    model = loaded[name]
    user, items = model.catalogue.users.known[5], model.catalogue.items.known
    scores = model.scorer.scores(torch.tensor([5]))[0].detach().numpy()
    seen = model.train.rows(torch.tensor([5])).at.columns.numpy()
    expected = pd.Series(scores, items).drop(items[seen]).sort_values(ascending=False)[:4]
    found = model.recommend(user, 4, clip=False)
    assert list(found["item_id"]) == list(expected.index) and list(found["rank"]) == [1, 2, 3, 4]
    np.testing.assert_array_equal(found["prediction"], expected)
    everything = model.recommend(user, 1000, hide_seen=False)
    assert sorted(everything["item_id"]) == sorted(items)
    assert everything["prediction"].between(1, 5).all()
    assert len(model.recommend(user, 1000)) == len(items) - len(seen)


@pytest.mark.parametrize("name", ALL)
def test_users_together_get_what_each_gets_alone(name, loaded, monkeypatch):
    model = loaded[name]
    users = model.catalogue.users.known[[7, 0, 31]]
    together = model.recommend(users, 3)
    alone = pd.concat([model.recommend(user, 3) for user in users], ignore_index=True)
    assert list(together["user_id"]) == [user for user in users for _ in range(3)]
    pd.testing.assert_frame_equal(together, alone, rtol=0, atol=1e-5)
    monkeypatch.setattr(recommender, "SCORES_AT_ONCE", 7 * 25 + 3)  # 7 of 40 users
    everyone = pd.concat(list(model.recommend_all(3)), ignore_index=True)
    assert len(everyone) == 3 * 40
    rows = everyone[everyone["user_id"].isin(users)].set_index(["user_id", "rank"]).loc[users].reset_index()
    pd.testing.assert_frame_equal(rows, together, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["bias", "pca", "u_autorec", "deeprec"])
def test_a_new_user_with_a_known_one_s_ratings_gets_his_answers(name, dataset, loaded):
    model = loaded[name]
    new = model.add_user(training_ratings(dataset, model, 3))
    user, items = model.catalogue.users.known[3], model.catalogue.items.known
    expected = model.predict(user, items, clip=False)["prediction"]
    # What a run clips by itself is unclipped for the order of the best.
    limits = (-np.inf, np.inf) if name == "deeprec" else (1, 5)
    np.testing.assert_allclose(new.predict(items, clip=False)["prediction"].clip(*limits), expected, rtol=0, atol=1e-5)
    pd.testing.assert_frame_equal(new.recommend(5), model.recommend(user, 5).drop(columns="user_id"), rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ALL)
def test_a_new_user_is_told_what_he_has_not_rated_and_the_model_stays_as_it_was(name, loaded):
    model = loaded[name]
    before = model.recommend(100, 3)
    new = model.add_user({"item_id": [4, 1, 31], "rating": [5, 1, 3.5]})
    best = new.recommend(100)
    assert set(best["item_id"]) == set(model.catalogue.items.known) - {4, 1, 31}
    assert best["prediction"].between(1, 5).all() and best["prediction"].is_monotonic_decreasing
    pd.testing.assert_frame_equal(model.recommend(100, 3), before)
    other = model.add_user({"item_id": [4, 1, 31], "rating": [1, 3, 1]})
    one, two = (user.predict([7, 10], clip=False)["prediction"] for user in (new, other))
    assert not one.equals(two)


def test_order_of_a_new_user_s_ratings_is_nothing(loaded):
    one = loaded["als"].add_user({"item_id": [4, 1, 31], "rating": [5, 1, 3]})
    two = loaded["als"].add_user(pd.DataFrame({"rating": [3, 5, 1], "item_id": [31, 4, 1]}))
    pd.testing.assert_frame_equal(one.recommend(9), two.recommend(9))


def test_dates_matter_to_the_model_of_time_alone(loaded):
    ratings = {"item_id": [4, 1, 31], "rating": [5, 1, 3]}
    early = {**ratings, "date": ["2002-11-10", "2002-11-10", "2002-11-11"]}
    for name in ("rrn", "deeprec"):
        model = loaded[name]
        same = model.add_user(ratings).recommend(5).equals(model.add_user(early).recommend(5))
        assert same == (name == "deeprec")
        one, two = (model.predict(100, 4, date)["prediction"] for date in ("2002-11-10", None))
        assert one.equals(two) == (name == "deeprec")


def test_a_single_id_goes_with_all_of_the_others(loaded):
    model = loaded["bias"]
    assert list(model.predict(100, [4, 7])["user_id"]) == [100, 100]
    assert list(model.predict([100, 107], 4)["item_id"]) == [4, 4]
    assert len(model.predict([], [])) == 0 and len(model.recommend([])) == 0
    assert list(model.recommend([]).columns) == list(model.recommend(100).columns)
    with pytest.raises(InputError, match="items: found 2 values beside 3 others; expected as many, or one"):
        model.predict([100, 107, 114], [4, 7])


WRONG = [
    (lambda m: m.predict(99, 4), r"user 99: not among the 40 users .* expected an id such as 100, 107, 114"),
    (lambda m: m.predict([100, 5, 6, 5], [4] * 4), "user 5, 6: not among"),
    (lambda m: m.predict(100, list(range(0, 60))), r"item 0, 2, 3, 5, 6 and \d+ more: not among the 25 items"),
    (lambda m: m.predict(100, "Film 4"), "item 'Film 4': not among"),
    (lambda m: m.predict("100", 4), "user '100': not among"),
    (lambda m: m.predict(True, 4), "user True: not among"),
    (lambda m: m.predict(100, 4.5), "item 4.5: not among"),
    (lambda m: m.predict(100, float("nan")), "item nan: not among"),
    (lambda m: m.predict(100, 4, "soon"), "date: found 'soon'; expected a date such as '2005-12-31'"),
    (lambda m: m.predict(100, 4, 17), "date: found 17; expected a date"),
    (lambda m: m.recommend(100, 0), "number of items to recommend: found 0; expected a whole number from 1"),
    (lambda m: m.recommend(100, "ten"), "number of items to recommend: found 'ten'"),
    (lambda m: m.recommend([100, 1]), "user 1: not among"),
    (
        lambda m: m.add_user({"item_id": [4]}),
        "ratings: no column rating; found item_id; expected item_id, rating",
    ),
    (
        lambda m: m.add_user({"item_id": [4], "rating": [3], "stars": [1]}),
        "ratings: unknown column stars; found",
    ),
    (lambda m: m.add_user({"item_id": [], "rating": []}), "ratings: found none; expected at least one"),
    (lambda m: m.add_user({"item_id": [2], "rating": [3]}), "item 2: not among"),
    (lambda m: m.add_user({"item_id": [4, 7, 4], "rating": [3, 3, 1]}), "ratings: item 4 is rated more than once"),
    (lambda m: m.add_user({"item_id": [4], "rating": [9]}), "found 9 for item 4; expected a number from 1 to 5"),
    (
        lambda m: m.add_user({"item_id": [4], "rating": [float("nan")]}),
        "ratings: found nan for item 4; expected",
    ),
    (lambda m: m.add_user({"item_id": [4], "rating": ["good"]}), "ratings: found 'good' for item 4; expected a number"),
    (lambda m: m.add_user({"item_id": [4], "rating": [True]}), "ratings: found True for item 4; expected a number"),
]


@pytest.mark.parametrize(("ask", "told"), WRONG)
def test_what_makes_no_sense_is_named(ask, told, loaded):
    with pytest.raises(InputError, match=told):
        ask(loaded["als"])
