"""Simulated ratings: a made-up world of users and movies, from which ratings are sampled, movie by movie.

Nothing in it is Netflix's but the sizes and the shape: ids with gaps, few users and movies with most of the
ratings, growth over time, tastes that drift, and noise of a known size, so that it is known how well the
best of models could do.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
from scipy.special import ndtr

from deeprec.data.netflix_text import FIRST_DATE, LAST_DATE, LAST_USER
from deeprec.runtime.files import InputError

N_DAYS = (LAST_DATE - FIRST_DATE).days + 1
# Netflix's ratings before a day, by the train counts of the paper's Table 1; the rest belongs to December 2005.
RATINGS_BEFORE = {
    date(2004, 6, 1): 27_444_060,
    date(2005, 6, 1): 68_895_892,
    date(2005, 9, 1): 84_399_499,
    date(2005, 12, 1): 98_074_901,
    date(2006, 1, 1): 100_480_507,
}
NETFLIX_USERS, NETFLIX_SHARE = 480_189, 0.485  # the best known movie is rated by 48.5 % of the users
N_TASTES = 8
USER_SKEW, ITEM_SKEW = 1.25, 2.0  # of log-normal activity and popularity; Netflix's median to mean
MEAN = 3.6  # stars
SPREAD = {"user": 0.4, "item": 0.45, "taste": 0.5, "drift": 0.35}  # standard deviations, stars


@dataclass(frozen=True)
class Size:
    """What to simulate; `noise` is the deviation of a rating, in stars, before it is rounded."""

    n_ratings: int
    n_users: int
    n_items: int
    noise: float
    seed: int

    def check(self) -> None:
        """Raise InputError where so many ratings do not fit."""
        least, most = 4 * self.n_users, self.n_users * self.n_items // 4
        if not least <= self.n_ratings <= most:
            raise InputError(
                f"simulated: {self.n_ratings:,} ratings, {self.n_users:,} users and {self.n_items:,} items; "
                f"expected {least:,} (4 a user) to {most:,} (a quarter of all pairs)"
            )
        if self.n_users > LAST_USER:
            raise InputError(f"simulated: n_users {self.n_users:,}; expected at most {LAST_USER:,}")


@dataclass(frozen=True)
class MovieRatings:
    """The ratings of one movie, each (n,)."""

    item: int  # from 1
    user: np.ndarray  # int64, index into the world's users
    rating: np.ndarray  # int8, stars
    day: np.ndarray  # int32, since 1999-11-11
    mean: np.ndarray  # float32, before noise and rounding


class World:
    """Users by falling activity, movies by id, and all that is fixed before any rating is sampled."""

    def __init__(self, size: Size) -> None:
        size.check()
        self.size = size
        rng = np.random.default_rng(size.seed)
        self.user_id = _ids(rng, size.n_users)
        self.activity = np.sort(rng.lognormal(0, USER_SKEW, size.n_users))[::-1]
        self.joined = _normal(rng, size.n_users, 1) ** 2 / 2  # on the calendar's clock
        self.user_bias = _normal(rng, size.n_users, SPREAD["user"])
        self.tastes = _normal(rng, (size.n_users, 2 * N_TASTES), 1)  # and where they drift to
        popularity = rng.lognormal(0, ITEM_SKEW, size.n_items)
        self.counts = allocate(popularity, size.n_ratings, int(NETFLIX_SHARE * size.n_users))
        self.calendar = Calendar()
        # Two thirds of the movies are there from the first day.
        self.released = self.calendar.clock(np.maximum(0, N_DAYS * (rng.random(size.n_items) * 2.85 - 1.9)))
        self.item_bias = _normal(rng, size.n_items, SPREAD["item"])
        self.traits = _normal(rng, (size.n_items, N_TASTES), N_TASTES**-0.5)
        self._guests = self._share_out(rng.permutation(size.n_users))
        self._sums = np.concatenate([[0.0], np.cumsum(self.activity)])
        self._certain = np.arange(size.n_users) + (self._sums[-1] - self._sums[:-1]) / self.activity

    def _share_out(self, users: np.ndarray) -> dict[int, np.ndarray]:
        """Give every user to one of the best known movies, half of whose ratings (rounded up) they may be.

        So that nobody goes without a rating: the halves hold twice as many users as there are, by `Size.check`.
        Rounded down they would not, where most movies have a single rating.
        """
        guests = {}
        for item in np.argsort(-self.counts, kind="stable"):
            guests[int(item)], users = np.split(users, [-(-self.counts[item] // 2)])
            if not users.size:
                break
        return guests

    def movies(self) -> Iterator[MovieRatings]:
        """Sample every movie's ratings, by movie; each has a random stream of its own."""
        for item in range(self.size.n_items):
            rng = np.random.default_rng([self.size.seed, item])
            yield self._rate(rng, item, self._audience(rng, item))

    def _audience(self, rng: np.random.Generator, item: int) -> np.ndarray:
        """Choose a movie's users: all different, as many as its count, likely by activity."""
        count = int(self.counts[item])
        if item in self._guests:
            turn = rng.exponential(size=self.size.n_users) / self.activity
            turn[self._guests[item]] = -1
            return np.argpartition(turn, count - 1)[:count]
        # The most active users would be chosen more than once: they come for certain.
        certain = int(np.searchsorted(self._certain, count))
        n = count - certain
        step = (self._sums[-1] - self._sums[certain]) / max(n, 1)
        points = self._sums[certain] + (np.arange(n) + rng.random(n)) * step
        chosen = np.searchsorted(self._sums, points, side="right") - 1
        # Two points may meet in one user; the second moves on to the next free one.
        chosen = np.maximum.accumulate(chosen - np.arange(n)) + np.arange(n)
        chosen = np.minimum(chosen, self.size.n_users - n + np.arange(n))
        return np.concatenate([np.arange(certain), chosen])

    def _rate(self, rng: np.random.Generator, item: int, users: np.ndarray) -> MovieRatings:
        # Halves of two normals' squares add up to an exponential: ratings of old movies keep to the calendar.
        waited = rng.standard_normal(len(users), np.float32) ** 2 / 2
        day = self.calendar.day(np.maximum(self.joined[users], self.released[item]) + waited)
        now, later = (self.tastes[users].reshape(-1, 2, N_TASTES) @ self.traits[item]).T
        mean = MEAN + self.user_bias[users] + self.item_bias[item]
        mean += SPREAD["taste"] * now + SPREAD["drift"] * (2 * day / N_DAYS - 1) * later
        mean = mean.astype(np.float32)
        noisy = mean + np.float32(self.size.noise) * rng.standard_normal(len(users), np.float32)
        rating = np.clip(np.rint(noisy), 1, 5).astype(np.int8)
        return MovieRatings(item + 1, users, rating, day, mean)


class Calendar:
    """Turns exponential times into days, so that as many ratings come by a day as came to Netflix.

    A clock's time t is reached when all but exp(-t) of the ratings are made. Their number grows with the third
    power of time until the first day of RATINGS_BEFORE, and steadily between two of them.
    """

    def __init__(self) -> None:
        first, *ends = [(day - FIRST_DATE).days for day in RATINGS_BEFORE]
        first_share, *shares = np.array(list(RATINGS_BEFORE.values())) / max(RATINGS_BEFORE.values())
        rise = np.linspace(0, 1, 50)
        self._days = np.concatenate([first * rise, ends])
        self._shares = np.concatenate([first_share * rise**3, shares])

    def day(self, time: np.ndarray) -> np.ndarray:
        """Return the day, int32 since 1999-11-11, of each time on the clock."""
        day: np.ndarray = np.minimum(np.interp(-np.expm1(-time), self._shares, self._days), N_DAYS - 1)
        return day.astype(np.int32)

    def clock(self, day: np.ndarray) -> np.ndarray:
        """Return the time on the clock, float32, when each day begins."""
        time: np.ndarray = -np.log1p(-np.interp(day, self._days, self._shares)).astype(np.float32)
        return time


def _ids(rng: np.random.Generator, n_users: int) -> np.ndarray:
    """Sample customer ids with Netflix's gaps, in random order; the largest id is always there."""
    largest = max(n_users, round(LAST_USER * n_users / NETFLIX_USERS))
    ids = np.append(rng.choice(largest - 1, n_users - 1, replace=False) + 1, largest)
    return rng.permutation(ids).astype(np.int32)


def _normal(rng: np.random.Generator, shape: int | tuple[int, ...], deviation: float) -> np.ndarray:
    return (deviation * rng.standard_normal(shape)).astype(np.float32)


def allocate(weights: np.ndarray, total: int, most: int) -> np.ndarray:
    """Share `total` out by weight, from 1 to `most` each, (n,) int64 that add up exactly."""
    low, high = 0.0, total / weights.min()
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (low, middle) if np.clip(middle * weights, 1, most).sum() > total else (middle, high)
    shares = np.clip(low * weights, 1, most)
    counts = np.floor(shares).astype(np.int64)
    while (missing := total - int(counts.sum())) > 0:
        free = np.flatnonzero(counts < most)
        counts[free[np.argsort(counts[free] - shares[free], kind="stable")[:missing]]] += 1
    return counts


class NoiseFloor:
    """The RMSE of a predictor that knows the world and lacks only the noise, overall and by month.

    Given the mean before noise and rounding, a rating takes its stars with known probabilities; the best
    prediction is their mean, and its squared error their variance.
    """

    _STEP = 0.01  # stars
    _LEAST, _MOST = -6.0, 13.0

    def __init__(self, noise: float) -> None:
        means = np.arange(self._LEAST, self._MOST, self._STEP)
        below = ndtr((np.arange(1.5, 5)[:, None] - means) / max(noise, 1e-9))  # (4, n)
        shares = np.diff(np.vstack([0 * means, below, 0 * means + 1]), axis=0)  # (5, n), of 1 to 5 stars
        stars = np.arange(1, 6)
        self._variance = stars**2 @ shares - (stars @ shares) ** 2
        self._sums, self._counts = np.zeros(N_DAYS), np.zeros(N_DAYS, np.int64)

    def add(self, ratings: MovieRatings) -> None:
        """Count a movie's ratings in."""
        cell = np.clip((ratings.mean - self._LEAST) / self._STEP + 0.5, 0, len(self._variance) - 1).astype(np.int32)
        self._sums += np.bincount(ratings.day, self._variance[cell], N_DAYS)
        self._counts += np.bincount(ratings.day, minlength=N_DAYS)

    @property
    def rmse(self) -> float:
        """Stars, over all ratings."""
        return float(np.sqrt(self._sums.sum() / self._counts.sum()))

    def by_month(self) -> dict[str, dict[str, float]]:
        """Return ratings and RMSE by month, such as "2005-12"."""
        months = (np.datetime64(FIRST_DATE) + np.arange(N_DAYS)).astype("datetime64[M]")
        table = {}
        for month in np.unique(months):
            sums, counts = self._sums[months == month].sum(), int(self._counts[months == month].sum())
            if counts:
                table[str(month)] = {"n_ratings": counts, "rmse": float(np.sqrt(sums / counts))}
        return table
