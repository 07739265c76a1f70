"""The best items, and NDCG and recall: worked by hand, and against scikit-learn."""

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import ndcg_score

from deeprec.data.matrix import Part, rating_matrix
from deeprec.models import ranking
from deeprec.models.ranking import ndcg_and_recall, ranking_scores, top_items


class Fixed:
    """A model that is a table of scores."""

    def __init__(self, table: torch.Tensor):
        self.table = table

    def scores(self, users: torch.Tensor) -> torch.Tensor:
        return self.table[users].clone()


def part(triples: list[tuple[int, int, int]]) -> Part:
    user, item, rating = np.array(triples).T
    return Part(user.astype(np.int32), item.astype(np.int32), rating.astype(np.int8))


def test_best_items_without_those_that_are_hidden():
    scores = torch.tensor([[1.0, 5.0, 3.0, 4.0], [9.0, 8.0, 7.0, 6.0]])
    values, items = top_items(scores, 2, (torch.tensor([0, 1, 1, 1]), torch.tensor([1, 0, 1, 2])))
    assert items[0].tolist() == [3, 2] and values[0].tolist() == [4.0, 3.0]
    assert items[1, 0] == 3 and values[1].tolist() == [6.0, -math.inf]
    assert top_items(scores, 99)[1].shape == (2, 4)


def test_a_hand_worked_example():
    """Of 12 items, the user liked 0, 2 and 11; they come up in places 1, 3 and 12."""
    relevant = torch.zeros(1, 12, dtype=torch.bool)
    relevant[0, [0, 2, 11]] = True
    ndcg, recall = ndcg_and_recall(torch.arange(10)[None], relevant)
    found = 1 + 1 / 2  # 1 / log2(2) + 1 / log2(4)
    best = 1 + 1 / math.log2(3) + 1 / 2
    assert ndcg.item() == pytest.approx(found / best, rel=1e-12) and recall.item() == pytest.approx(2 / 3, rel=1e-12)


def test_ndcg_is_scikit_learns_and_recall_counts():
    rng = np.random.default_rng(0)
    scores, relevant = rng.random((50, 40)), rng.random((50, 40)) < 0.3
    relevant[np.arange(50), rng.integers(0, 40, 50)] = True  # up to 18 of one user: more than fit into ten
    _, top = top_items(torch.from_numpy(scores), 10)
    ndcg, recall = ndcg_and_recall(top, torch.from_numpy(relevant))
    assert ndcg.mean().item() == pytest.approx(ndcg_score(relevant, scores, k=10, ignore_ties=True), rel=1e-12)
    expected = [relevant[u, np.argsort(-scores[u])[:10]].sum() / relevant[u].sum() for u in range(50)]
    np.testing.assert_allclose(recall, expected, rtol=1e-12)


def test_users_with_a_relevant_test_rating_count_and_what_they_knew_does_not_come_up(monkeypatch):
    """User 0 liked item 3, which stands first once train's 0 and valid's 1 are gone; user 1 liked nothing."""
    scores = torch.arange(12, 0, -1.0).repeat(3, 1)
    train = rating_matrix(*np.array([[0, 1, 2], [0, 0, 5]], np.int32), np.int8([5, 5, 1]), 3, 12)
    valid, test = part([(0, 1, 1), (0, 2, 1)]), part([(0, 3, 4), (0, 4, 3), (1, 7, 2), (2, 11, 5)])
    found = ranking_scores(Fixed(scores), train, valid, test, 4)
    # User 2's item 11 is the last of the 11 that are left: outside the ten.
    assert found == {"ndcg_10": 0.5, "recall_10": 0.5, "relevant": 4, "n_ranked_users": 2}
    monkeypatch.setattr(ranking, "RANK_BATCH", 1)
    assert ranking_scores(Fixed(scores), train, valid, test, 4) == found
    monkeypatch.setattr(ranking, "RANKED_USERS", 1)
    assert ranking_scores(Fixed(scores), train, valid, test, 4) == {
        **found,
        "ndcg_10": 1,
        "recall_10": 1,
        "n_ranked_users": 1,
    }


def test_without_a_threshold_or_a_relevant_rating_nothing_is_said():
    scores, train = torch.ones(2, 3), rating_matrix(*np.array([[0, 1], [0, 0]], np.int32), np.int8([5, 5]), 2, 3)
    valid, test = part([(0, 1, 1)]), part([(0, 2, 3)])
    assert ranking_scores(Fixed(scores), train, valid, test, None) == {}
    found = ranking_scores(Fixed(scores), train, valid, test, 4)
    assert found == {"ndcg_10": None, "recall_10": None, "relevant": 4, "n_ranked_users": 0}
