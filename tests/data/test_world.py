"""Simulated ratings: Netflix's layout and shape, the same bytes for a seed, and a noise floor that holds."""

import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deeprec.data import netflix
from deeprec.data.netflix_text import FIRST_DATE, LAST_DATE, LAST_USER
from deeprec.data.simulated_archive import simulate_ratings
from deeprec.data.world import N_DAYS, RATINGS_BEFORE, Calendar, NoiseFloor, Size, World, allocate
from deeprec.runtime.files import InputError, read_json
from deeprec.settings.sources import NetflixSource, SimulatedSource

SMALL = {"n_ratings": 20_000, "n_users": 400, "n_items": 250, "noise": 0.8, "seed": 0}


def source_of(**changes: float) -> SimulatedSource:
    return SimulatedSource(source="simulated", **{**SMALL, **changes})


def simulate(folder: Path, **changes: float) -> Path:
    folder.mkdir(exist_ok=True)
    simulate_ratings(source_of(**changes), folder / "simulated.tar.gz", folder / "simulation.json")
    return folder / "simulated.tar.gz"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate(tmp_path_factory.mktemp("simulated"))


@pytest.fixture(scope="module")
def ratings(archive: Path) -> pd.DataFrame:
    return netflix.read(archive, NetflixSource(source="netflix", path=str(archive))).ratings.to_pandas()


def test_layout_is_netflix_s(archive: Path) -> None:
    with tarfile.open(archive) as outer:
        assert outer.getnames() == ["download/movie_titles.txt", "download/training_set.tar"]
        with tarfile.open(fileobj=outer.extractfile("download/training_set.tar")) as inner:
            names = inner.getnames()
            text = inner.extractfile(names[0]).read().decode()
    assert names == [f"training_set/mv_{movie:07d}.txt" for movie in range(1, 251)]
    assert text.startswith("1:\n")
    assert text.endswith("\n")


def test_sizes_are_exact_and_ids_have_gaps(ratings: pd.DataFrame) -> None:
    assert len(ratings) == 20_000
    assert ratings["user_id"].nunique() == 400
    assert ratings["item_id"].nunique() == ratings["item_id"].max() == 250
    assert ratings["user_id"].max() == round(LAST_USER * 400 / 480_189)
    assert ratings["rating"].between(1, 5).all()
    assert ratings["date"].between(FIRST_DATE, LAST_DATE).all()


def test_users_and_items_are_skewed_and_time_grows(ratings: pd.DataFrame) -> None:
    for name in ("user_id", "item_id"):
        counts = ratings.groupby(name).size()
        assert counts.mean() > 1.3 * counts.median()
    years = pd.to_datetime(ratings["date"]).dt.year.value_counts()
    assert years[2001] < years[2003] < years[2005]


def test_time_grows_as_the_paper_s_table_says() -> None:
    """Old movies keep to the calendar; new ones, a third, shift a little of it."""
    size = Size(n_ratings=200_000, n_users=2_000, n_items=1_000, noise=0.8, seed=0)
    day = np.concatenate([movie.day for movie in World(size).movies()])
    ends = [(end - FIRST_DATE).days for end in RATINGS_BEFORE]
    shares = np.diff([0, *RATINGS_BEFORE.values()]) / 100_480_507
    assert np.histogram(day, [0, *ends])[0] / size.n_ratings == pytest.approx(shares, rel=0.2)


@given(st.floats(0, N_DAYS - 1))
def test_clock_inverts_the_calendar(day: float) -> None:
    calendar = Calendar()
    assert abs(calendar.day(calendar.clock(np.array([day])))[0] - day) <= 1.01  # whole days


def test_titles_are_simulated(archive: Path) -> None:
    items = netflix.read(archive, NetflixSource(source="netflix", path=str(archive))).items
    assert all(title.startswith("Simulated") for title in items["title"].to_pylist())
    assert "Simulated Café, Part 3" in items["title"].to_pylist()
    assert items["year"].null_count == 1


def test_same_seed_same_bytes(archive: Path, tmp_path: Path) -> None:
    again = simulate(tmp_path / "again")
    assert again.read_bytes() == archive.read_bytes()
    assert (again.parent / "simulation.json").read_text() == (archive.parent / "simulation.json").read_text()
    assert simulate(tmp_path / "other", seed=1).read_bytes() != archive.read_bytes()


def test_nothing_but_the_outputs_is_left(archive: Path) -> None:
    assert sorted(path.name for path in archive.parent.iterdir()) == ["simulated.tar.gz", "simulation.json"]


def test_floor_by_month_adds_up(archive: Path) -> None:
    truth = read_json(archive.parent / "simulation.json")
    months = truth["noise_floor_by_month"].values()
    n = sum(month["n_ratings"] for month in months)
    assert n == truth["n_ratings"] == 20_000
    mean = np.sqrt(sum(month["n_ratings"] * month["rmse"] ** 2 for month in months) / n)
    assert truth["noise_floor_rmse"] == pytest.approx(mean)


@pytest.mark.parametrize("noise", [0.3, 0.8, 1.5])
def test_floor_is_the_error_of_the_best_prediction(noise: float) -> None:
    size = Size(n_ratings=60_000, n_users=500, n_items=500, noise=noise, seed=0)
    floor, errors = NoiseFloor(noise), []
    noises = np.random.default_rng(1).standard_normal(1_000) * noise
    for movie in World(size).movies():
        floor.add(movie)
        stars = np.clip(np.rint(movie.mean[:, None] + noises), 1, 5)  # what could have come as well
        errors.append((movie.rating - stars.mean(1)) ** 2)
    assert floor.rmse == pytest.approx(np.sqrt(np.concatenate(errors).mean()), rel=0.02)  # its standard error is 0.3 %


def test_without_noise_the_floor_is_almost_nothing() -> None:
    size = Size(n_ratings=5_000, n_users=100, n_items=250, noise=0.0, seed=0)
    floor = NoiseFloor(0.0)
    for movie in World(size).movies():
        floor.add(movie)
    assert floor.rmse < 0.1


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.integers(20, 200), st.integers(20, 60), st.data())
def test_every_size_comes_out_exactly(seed: int, n_users: int, n_items: int, data: st.DataObject) -> None:
    n_ratings = data.draw(st.integers(4 * n_users, n_users * n_items // 4))
    world = World(Size(n_ratings, n_users, n_items, 0.8, seed))
    movies = list(world.movies())
    assert sum(len(movie.user) for movie in movies) == n_ratings
    assert all(len(set(movie.user)) == len(movie.user) > 0 for movie in movies)
    assert set(np.concatenate([movie.user for movie in movies])) == set(range(n_users))


@pytest.mark.parametrize("seed", range(20))
def test_everybody_rates_even_where_most_movies_have_one_rating(seed: int) -> None:
    movies = World(Size(n_ratings=80, n_users=20, n_items=60, noise=0.8, seed=seed)).movies()
    assert set(np.concatenate([movie.user for movie in movies])) == set(range(20))


@settings(deadline=None)
@given(st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=50), st.data())
def test_shares_add_up_within_their_bounds(weights: list[float], data: st.DataObject) -> None:
    most = data.draw(st.integers(1, 1000))
    total = data.draw(st.integers(len(weights), len(weights) * most))
    counts = allocate(np.array(weights), total, most)
    assert counts.sum() == total
    assert counts.min() >= 1
    assert counts.max() <= most


@pytest.mark.parametrize("n_ratings", [1_599, 25_001])
def test_size_that_does_not_fit_is_refused(n_ratings: int, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"simulated: .* expected 1,600 \(4 a user\) to 25,000"):
        simulate(tmp_path / "s", n_ratings=n_ratings)
    assert list((tmp_path / "s").iterdir()) == []
