"""One object for a trained model: what it predicts, what it recommends, and what it says of a new user."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from deeprec.config.run_settings import Run
from deeprec.data.matrix import Part, RatingMatrix
from deeprec.models.factors import clip as clipped
from deeprec.models.learners import Scorer
from deeprec.models.ranking import entries_at, top_items
from deeprec.runtime.files import InputError
from deeprec.serving.catalogue import Catalogue
from deeprec.serving.new_ratings import matrix_of, parse_days

SCORES_AT_ONCE = 1 << 24  # of users and items, 64 MB: bounds memory, not results


@dataclass(frozen=True)
class Recommender:
    """A trained model behind the ids of its data set. `deeprec.load` makes one."""

    run: Run
    scorer: Scorer
    train: RatingMatrix
    catalogue: Catalogue
    limits: tuple[float, float]  # lowest and highest training rating, stars

    def predict(self, users: Any, items: Any, dates: Any = None, *, clip: bool = True) -> pd.DataFrame:
        """Return the predicted rating of each pair: `user_id`, `item_id`, `title`, `prediction` (stars).

        A single id goes with all of the other side. Without `clip`, a prediction is what the run's predictions.parquet
        holds, and some models leave the range of the training ratings. Only a model of time looks at `dates`; without
        them, it predicts for the last training date. Raises InputError that names the ids which are unknown.
        """
        users, items, dates = _paired({"users": users, "items": items, "dates": dates})
        user, item = self.catalogue.users.dense(users), self.catalogue.items.dense(items)
        prediction = self.predict_dense(user, item, self.days(dates), clip=clip)
        return pd.DataFrame({"user_id": users, **self._named(items, item, prediction)})

    def predict_dense(self, user: np.ndarray, item: np.ndarray, day: np.ndarray, *, clip: bool) -> np.ndarray:
        """Return the predicted ratings of pairs of dense indices, (n,) float32, stars; `day` since 1970-01-01."""
        if not len(user):
            return np.empty(0, np.float32)
        prediction = self.scorer.predict(Part(user, item, np.zeros(len(user), np.int8), day))
        return clipped(prediction, self.limits if clip else None)

    def days(self, dates: pd.Index) -> np.ndarray:
        """Return dates as days since 1970-01-01, (n,) int32, and the last training date for those that are missing."""
        return parse_days(dates, self._last_day)

    @property
    def _last_day(self) -> int:
        return 0 if self.train.dates is None else int(self.train.dates.max())

    def recommend(self, users: Any, n: int = 10, *, hide_seen: bool = True, clip: bool = True) -> pd.DataFrame:
        """Return each user's best `n` items: `user_id`, `rank` (from 1), `item_id`, `title`, `prediction` (stars).

        With `hide_seen`, items that the user rated in the training part are left out. The order is that of the
        predictions before they are clipped. Raises InputError that names users who are unknown.
        """
        ids = pd.Index(_listed(users))
        blocks = list(self._blocks(ids, self.catalogue.users.dense(ids), n, hide_seen, clip))
        return pd.concat(blocks, ignore_index=True)

    def recommend_all(self, n: int = 10, *, hide_seen: bool = True, clip: bool = True) -> Iterator[pd.DataFrame]:
        """Yield what `recommend` returns, for all users that the model was trained on, some users at a time."""
        ids = self.catalogue.users.known
        return self._blocks(ids, np.arange(len(ids)), n, hide_seen, clip)

    def _blocks(self, ids: pd.Index, user: np.ndarray, n: int, hide_seen: bool, clip: bool) -> Iterator[pd.DataFrame]:
        check_n(n)
        size = max(1, SCORES_AT_ONCE // len(self.catalogue.items))
        for start in range(0, max(1, len(ids)), size):  # of no users, one empty table
            block = slice(start, start + size)
            rows = torch.from_numpy(user[block]).long()
            seen = entries_at(self.train, rows) if hide_seen else None
            scores = self.scorer.scores(rows) if len(rows) else torch.empty(0, len(self.catalogue.items))
            at, table = self.best(scores, seen, n, clip)
            yield pd.DataFrame({"user_id": ids[block][at], **table})

    @torch.no_grad()
    def best(
        self, scores: Tensor, seen: tuple[Tensor, Tensor] | None, n: int, clip: bool
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Return the best items of rows of scores, (n_users, n_items), which it overwrites where they are seen.

        Each one's row, and the columns of a table.
        """
        score, item = (x.cpu().numpy() for x in top_items(scores, n, seen))
        row, place = np.nonzero(score > -np.inf)  # who has seen nearly all has fewer than n
        item, prediction = item[row, place], clipped(score[row, place], self.limits if clip else None)
        return row, {"rank": place + 1, **self._named(self.catalogue.items.known[item], item, prediction)}

    def _named(self, items: pd.Index, item: np.ndarray, prediction: np.ndarray) -> dict[str, Any]:
        return {"item_id": items, "title": self.catalogue.titles[item], "prediction": prediction}

    def add_user(self, ratings: pd.DataFrame | Mapping[str, Sequence[Any]], *, origin: str = "ratings") -> "NewUser":
        """Take in a new user by his ratings, a table of `item_id`, `rating` and perhaps `date`; nothing is trained.

        Raises InputError, which names `origin`, where the table does not fit, and where the model has no way to take in
        a new user.
        """
        matrix = matrix_of(pd.DataFrame(ratings), self.catalogue.items, self.limits, self._last_day, origin)
        return NewUser(self, self.scorer.fold_in(matrix).detach(), entries_at(matrix, torch.arange(1)))


@dataclass(frozen=True)
class NewUser:
    """What a model says of someone whom it was not trained on."""

    recommender: Recommender
    scores: Tensor  # (1, n_items), stars
    seen: tuple[Tensor, Tensor]  # row (0) and item of each of his ratings

    def predict(self, items: Any, *, clip: bool = True) -> pd.DataFrame:
        """Return his predicted rating of each item: `item_id`, `title`, `prediction` (stars)."""
        items = pd.Index(_listed(items))
        item = self.recommender.catalogue.items.dense(items)
        prediction = self.scores[0].cpu().numpy()[item]
        limits = self.recommender.limits if clip else None
        return pd.DataFrame(self.recommender._named(items, item, clipped(prediction, limits)))

    def recommend(self, n: int = 10, *, hide_seen: bool = True, clip: bool = True) -> pd.DataFrame:
        """Return his best `n` items, without those that he rated: `rank`, `item_id`, `title`, `prediction` (stars)."""
        check_n(n)
        _, table = self.recommender.best(self.scores.clone(), self.seen if hide_seen else None, n, clip)
        return pd.DataFrame(table)


def check_n(n: Any) -> None:
    """Raise InputError where a number of items is none."""
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise InputError(f"number of items to recommend: found {n!r}; expected a whole number from 1")


def _listed(ids: Any) -> Any:
    return [ids] if np.isscalar(ids) else ids


def _paired(columns: dict[str, Any]) -> Iterator[pd.Index]:
    """Yield columns of one length: a single value goes with all of the others; None is missing everywhere."""
    listed = {name: pd.Index(_listed(values)) for name, values in columns.items() if values is not None}
    n = max((len(index) for name, index in listed.items() if not np.isscalar(columns[name])), default=1)
    for name, values in columns.items():
        index = listed.get(name, pd.Index([None]))
        if values is None or np.isscalar(values):
            index = index.repeat(n)
        if len(index) != n:
            raise InputError(f"{name}: found {len(index):,} values beside {n:,} others; expected as many, or one")
        yield index
