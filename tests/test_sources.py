"""Where raw files come from: every source has its way, a local file is used where it lies."""

import hashlib
from pathlib import Path

import pytest

from deeprec import netflix
from deeprec.download import Checksum
from deeprec.files import InputError, read_json
from deeprec.sources import SOURCES, download_ratings, parse_ratings
from tests import netflix_forms as forms


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_fetches_and_reads(source: str) -> None:
    assert callable(SOURCES[source].fetch)
    assert callable(SOURCES[source].read)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return forms.write_archive(tmp_path, forms.movie_texts(forms.some_ratings()))


def test_local_file_is_used_where_it_lies(archive: Path, tmp_path: Path) -> None:
    dataset = {"source": "netflix", "path": str(archive)}
    download_ratings(dataset, tmp_path / "raw" / "manifest.json")
    assert read_json(tmp_path / "raw" / "manifest.json") == {"path": str(archive), "origin": str(archive)}
    assert parse_ratings(dataset, tmp_path / "raw" / "manifest.json").ratings.num_rows > 50


def test_checksum_of_a_local_file_is_verified(archive: Path, tmp_path: Path) -> None:
    dataset = {
        "source": "netflix",
        "path": str(archive),
        "md5": hashlib.md5(archive.read_bytes()).hexdigest(),
    }
    download_ratings(dataset, tmp_path / "manifest.json")
    with pytest.raises(InputError, match=rf"{archive}: md5 .*; expected {32 * '0'}"):
        download_ratings({**dataset, "md5": 32 * "0"}, tmp_path / "other.json")
    with pytest.raises(InputError, match=rf"{archive}: .* bytes; expected 5"):
        download_ratings({**dataset, "bytes": 5}, tmp_path / "other.json")
    assert not (tmp_path / "other.json").exists()


def test_checksum_of_the_archive_is_not_asked_of_other_forms(archive: Path, tmp_path: Path) -> None:
    ratings = forms.some_ratings()
    folder = forms.write_folder(tmp_path, forms.movie_texts(ratings))
    kaggle = forms.write_zip(tmp_path / "netflix-prize-data.zip", forms.kaggle_texts(ratings))
    dataset = {"source": "netflix", "url": "https://x.org/nf_prize_dataset.tar.gz", "md5": 32 * "0"}
    for path in (folder, kaggle):
        download_ratings({**dataset, "path": str(path)}, tmp_path / "manifest.json")
        assert parse_ratings(dataset, tmp_path / "manifest.json").items.num_rows == 4
    with pytest.raises(InputError, match=r"nf_prize_dataset.tar.gz: md5 "):
        download_ratings({**dataset, "path": str(archive)}, tmp_path / "other.json")


def test_missing_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"path '/no/such.tar.gz': no such file or folder"):
        download_ratings({"source": "netflix", "path": "/no/such.tar.gz"}, tmp_path / "manifest.json")


@pytest.mark.parametrize("source", ["netflix", "csv"])
def test_address_is_downloaded_beside_the_manifest(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(SOURCES[source], "download", lambda *args: asked.append(args))
    dataset = {"source": source, "url": "https://somewhere.org/a/file.tar.gz", "md5": 32 * "0", "bytes": 9}
    download_ratings(dataset, tmp_path / "manifest.json")
    assert asked == [(dataset["url"], tmp_path / "file.tar.gz", Checksum("md5", 32 * "0", 9))]
    assert read_json(tmp_path / "manifest.json") == {"path": "file.tar.gz", "origin": dataset["url"]}


def test_simulated_ratings_are_read_as_netflix_s() -> None:
    assert SOURCES["simulated"] is netflix
