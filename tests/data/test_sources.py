"""Where raw files come from: every source has its way, a local file is used where it lies."""

import hashlib
from importlib import import_module
from pathlib import Path

import pytest

from deeprec.data import netflix
from deeprec.data.download import Checksum
from deeprec.data.ratings import write_table
from deeprec.data.sources import download_ratings, name_of, parse_ratings, reader_of
from deeprec.data.splits import split_ratings
from deeprec.runtime.files import InputError, read_json
from deeprec.settings.sources import SOURCES, FileSource, NetflixSource, SimulatedSource, Source
from deeprec.settings.splits import PerUserSplit
from tests.data import netflix_forms as forms


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_every_source_fetches_and_reads(source: type[Source]) -> None:
    reader = import_module(source.reader)
    assert callable(reader.read)
    assert issubclass(source, FileSource | SimulatedSource) or callable(reader.fetch)


def netflix_source(**keys: object) -> NetflixSource:
    return NetflixSource(source="netflix", **keys)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return forms.write_archive(tmp_path, forms.movie_texts(forms.some_ratings()))


def test_local_file_is_used_where_it_lies(archive: Path, tmp_path: Path) -> None:
    dataset = netflix_source(path=str(archive))
    download_ratings(dataset, tmp_path / "raw" / "manifest.json")
    assert read_json(tmp_path / "raw" / "manifest.json") == {"path": str(archive), "origin": str(archive)}
    assert parse_ratings(dataset, tmp_path / "raw" / "manifest.json").ratings.num_rows > 50


def test_checksum_of_a_local_file_is_verified(archive: Path, tmp_path: Path) -> None:
    right = hashlib.md5(archive.read_bytes()).hexdigest()
    download_ratings(netflix_source(path=str(archive), md5=right), tmp_path / "manifest.json")
    with pytest.raises(InputError, match=rf"{archive}: md5 .*; expected {32 * '0'}"):
        download_ratings(netflix_source(path=str(archive), md5=32 * "0"), tmp_path / "other.json")
    with pytest.raises(InputError, match=rf"{archive}: .* bytes; expected 5"):
        download_ratings(netflix_source(path=str(archive), md5=right, bytes=5), tmp_path / "other.json")
    assert not (tmp_path / "other.json").exists()


def test_checksum_of_the_archive_is_not_asked_of_other_forms(archive: Path, tmp_path: Path) -> None:
    ratings = forms.some_ratings()
    folder = forms.write_folder(tmp_path, forms.movie_texts(ratings))
    kaggle = forms.write_zip(tmp_path / "netflix-prize-data.zip", forms.kaggle_texts(ratings))
    known = {"url": "https://x.org/nf_prize_dataset.tar.gz", "md5": 32 * "0"}
    for path in (folder, kaggle):
        download_ratings(netflix_source(path=str(path), **known), tmp_path / "manifest.json")
        assert parse_ratings(netflix_source(**known), tmp_path / "manifest.json").items.num_rows == 4
    with pytest.raises(InputError, match=r"nf_prize_dataset.tar.gz: md5 "):
        download_ratings(netflix_source(path=str(archive), **known), tmp_path / "other.json")


def test_missing_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"path '/no/such.tar.gz': no such file or folder"):
        download_ratings(netflix_source(path="/no/such.tar.gz"), tmp_path / "manifest.json")


def test_address_is_downloaded_beside_the_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr("deeprec.data.sources.download", lambda *args: asked.append(args))
    source = netflix_source(url="https://somewhere.org/a/file.tar.gz", md5=32 * "0", bytes=9)
    download_ratings(source, tmp_path / "manifest.json")
    assert asked == [(source.url, tmp_path / "file.tar.gz", Checksum("md5", 32 * "0", 9))]
    assert read_json(tmp_path / "manifest.json") == {"path": "file.tar.gz", "origin": source.url}


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://x.org/a/r.csv?token=a/b.zip#top", "r.csv"),
        ("https://x.org/get?file=r.csv", "get"),
        ("https://x.org/my%20ratings.csv", "my ratings.csv"),
        ("https://x.org/..%2F..%2Fr.csv", "r.csv"),
        ("https://x.org/?r.csv", "download"),
        ("https://x.org", "download"),
    ],
)
def test_a_file_is_named_by_its_address_without_the_query(url: str, name: str) -> None:
    assert name_of(url) == name


def test_what_a_definition_leaves_out_goes_from_the_archive_to_the_split(archive: Path, tmp_path: Path) -> None:
    source = netflix_source(path=str(archive), min_ratings={"user": 2, "item": 12})
    download_ratings(source, tmp_path / "manifest.json")
    tables = parse_ratings(source, tmp_path / "manifest.json")
    whole = parse_ratings(netflix_source(path=str(archive)), tmp_path / "manifest.json").ratings
    assert tables.left_out["n_rare"] == whole.num_rows - tables.ratings.num_rows > 0
    write_table(tables.ratings, tmp_path / "ratings.parquet")
    stats = split_ratings(tmp_path / "ratings.parquet", tmp_path / "s", PerUserSplit(test_fraction=0.5, seed=0))
    assert {name: stats[name] for name in tables.left_out} == tables.left_out


def test_simulated_ratings_are_read_as_netflix_s() -> None:
    simulated = SimulatedSource(source="simulated", n_ratings=100, n_users=10, n_items=10, noise=0.5, seed=0)
    assert reader_of(simulated) is netflix
