"""MovieLens: every archive's layout reads, and the fall-back of the smallest works."""

import subprocess
import zipfile
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deeprec.data import movielens
from deeprec.data.download import DownloadError
from deeprec.data.movielens import IN_WHEEL, YEAR
from deeprec.data.ratings import SourceTables
from deeprec.runtime.files import InputError
from deeprec.settings.sources import MovieLensSource

ROWS = [(2, 10, 3, 874_965_758), (1, 20, 5, 876_893_171), (1, 10, 4, 878_542_960)]
COLON = "\n".join("::".join(map(str, row)) for row in ROWS) + "\n"
CSV = "userId,movieId,rating,timestamp\n" + "\n".join(
    f"{user},{item},{rating}.5,{seconds}" for user, item, rating, seconds in ROWS
)
TITLES = 'movieId,title,genres\n20,"Postman, The (Il ""Postino"") (1994)",Drama\n10,Unknown,\n'
FILES = {
    "ml-100k": {
        "ml-100k/u.data": "\n".join("\t".join(map(str, row)) for row in ROWS) + "\n",
        "ml-100k/u.item": "20|Postman, The (Il \"Postino\") (1994)|x\n10|Unknown||\n",
    },
    "ml-1m": {
        "ml-1m/ratings.dat": COLON,
        "ml-1m/movies.dat": "20::Postman, The (Il \"Postino\") (1994)::D\n10::Unknown::\n",
    },
    "ml-10m": {
        "ml-10M100K/ratings.dat": COLON.replace("::4::", "::4.5::"),
        "ml-10M100K/movies.dat": "20::Postman, The (Il \"Postino\") (1994)::D\n10::Unknown::\n",
    },
    **{
        name: {f"{name}/ratings.csv": CSV, f"{name}/movies.csv": TITLES}
        for name in ("ml-20m", "ml-25m", "ml-32m", "ml-latest-small")
    },
    "wheel": {
        f"{IN_WHEEL}.inter": "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
        + "\n".join("\t".join(map(str, row)) for row in ROWS),
        f"{IN_WHEEL}.item": "item_id\ttitle\tyear\tclass\n"
        "20\tPostman, The (Il \"Postino\")\t1994\tx\n10\tUnknown\t\t\n",
    },
}  # fmt: skip


def write_zip(path: Path, files: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def source_of(archive: str) -> MovieLensSource:
    return MovieLensSource(source="movielens", archive=archive)


def read(path: Path, archive: str = "ml-100k") -> SourceTables:
    return movielens.read(path, source_of(archive))


@pytest.mark.parametrize("name", FILES)
def test_archive_reads(name: str, tmp_path: Path) -> None:
    source = read(write_zip(tmp_path / "ml.zip", FILES[name]), "ml-100k" if name == "wheel" else name)
    table = source.ratings
    assert table["user_id"].to_pylist() == [1, 1, 2]
    assert table["item_id"].to_pylist() == [10, 20, 10]
    assert [day.isoformat() for day in table["date"].to_pylist()] == [
        "1997-11-03",
        "1997-10-15",
        "1997-09-22",
    ]
    assert [int(time.timestamp()) for time in table["timestamp"].to_pylist()] == [
        878_542_960,
        876_893_171,
        874_965_758,
    ]
    expected = {"ml-10m": [4.5, 5, 3], "ml-100k": [4, 5, 3], "ml-1m": [4, 5, 3], "wheel": [4, 5, 3]}
    assert table["rating"].to_pylist() == expected.get(name, [4.5, 5.5, 3.5])
    assert str(table["rating"].type) == ("int8" if name in ("ml-100k", "ml-1m", "wheel") else "float")
    assert source.items.to_pylist() == [
        {"item_id": 10, "title": "Unknown", "year": None},
        {"item_id": 20, "title": 'Postman, The (Il "Postino")', "year": 1994},
    ]


def test_every_archive_has_a_layout() -> None:
    assert set(movielens.MD5) == set(FILES) - {"wheel"}


@settings(deadline=None)
@given(st.text("abc ()12", max_size=20), st.integers(1000, 9999))
def test_year_comes_off_the_title(title: str, year: int) -> None:
    match = YEAR.fullmatch(f"{title} ({year})")
    assert (match[1], match[2]) == (title.rstrip(), str(year))


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"readme.txt": "x"}, "no MovieLens ratings inside; expected ml-100k/u.data or"),
        (
            {**FILES["ml-100k"], "ml-100k/u.data": "1\t2\tx\t4\n"},
            r"ml.zip:ml-100k/u.data:1: rating 'x'; expected a finite number",
        ),
        ({**FILES["ml-100k"], "ml-100k/u.data": "1\t2\t3\t4\n1\tx\t3\t4\n"}, "u.data:2: item 'x'; expected a whole"),
        (
            {**FILES["ml-100k"], "ml-100k/u.data": "1\t2\t3\t4\n1\t3\t3\n"},
            "u.data:2: 3 fields in .*; expected 4, as on",
        ),
        ({**FILES["ml-100k"], "ml-100k/u.data": "1\t2\t3\t\n"}, "u.data:1: no timestamp; expected a value"),
        ({**FILES["ml-100k"], "ml-100k/u.data": ""}, "u.data: empty file; expected user in 0"),
        ({"ml-100k/u.data": "1\t2\t3\t4\n"}, "no ml-100k/u.item inside; expected it beside ml-100k/u.data"),
        ({**FILES["ml-100k"], "ml-100k/u.item": "1|b\na|b\n"}, r"u.item:2: 'a b'; expected an item's id and its title"),
        ({**FILES["ml-100k"], "ml-100k/u.item": f"{2**40}|b\n"}, r"u.item:1: '1099511627776 b'; expected an item's id"),
        ({**FILES["ml-100k"], "ml-100k/u.item": "7\n"}, r"u.item:1: '7'; expected an item's id and its title"),
        (
            {**FILES["ml-100k"], "ml-100k/u.data": "1\t2\t3\t4\n1\t7\t3\t4\n1\t2\t3\t5\n"},
            r"user 1 rates item 2 more than once.*: line 1 and line 3",
        ),
        (FILES["ml-1m"], "ml.zip: holds ml-1m; expected ml-100k, as the data set's archive says"),
    ],
)
def test_bad_archive_is_refused(files: dict[str, str], reason: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=reason):
        read(write_zip(tmp_path / "ml.zip", files))


def test_truncated_archive_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "ml.zip", FILES["ml-1m"])
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InputError, match=r"ml.zip: truncated or damaged zip file \(File is not a zip file\)"):
        read(path)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), name=st.sampled_from(["ml-100k", "ml-1m", "ml-latest-small"]))
def test_a_damaged_archive_is_told_in_one_line(data: st.DataObject, name: str, tmp_path: Path) -> None:
    path = write_zip(tmp_path / "ml.zip", FILES[name])
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    try:
        found = read(path, name)
    except InputError as error:
        assert str(error).startswith(str(path)) and str(error).isprintable()
    else:
        assert found.ratings.num_rows == 3


def test_milliseconds_are_told_from_seconds(tmp_path: Path) -> None:
    files = {**FILES["ml-1m"], "ml-1m/ratings.dat": COLON.replace("\n", "000\n")}
    seconds = read(write_zip(tmp_path / "s.zip", FILES["ml-1m"]), "ml-1m").ratings
    assert read(write_zip(tmp_path / "ms.zip", files), "ml-1m").ratings.equals(seconds)


def test_an_impossible_year_stays_unknown(tmp_path: Path) -> None:
    files = {**FILES["wheel"], f"{IN_WHEEL}.item": "item_id\ttitle\tyear\tclass\n20\tPostman\t199400\tx\n"}
    assert read(write_zip(tmp_path / "ml.zip", files)).items.to_pylist() == [
        {"item_id": 20, "title": "Postman", "year": None}
    ]


def test_every_archive_has_an_address_and_a_layout() -> None:
    archives = get_args(MovieLensSource.model_fields["archive"].annotation)
    assert set(movielens.MD5) == set(archives)


def unreachable(*args: object) -> None:
    raise DownloadError("no way there")


def test_larger_archives_have_no_fall_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(movielens, "download", unreachable)
    with pytest.raises(DownloadError, match="no way there"):
        movielens.fetch(source_of("ml-1m"), tmp_path)


def test_smallest_falls_back_to_the_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def pip(command: list[str], **options: object) -> subprocess.CompletedProcess:
        folder = Path(command[command.index("--dest") + 1])
        write_zip(folder / "recbole.whl", FILES["wheel"])
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(movielens, "download", unreachable)
    monkeypatch.setattr(movielens.subprocess, "run", pip)
    with pytest.raises(InputError, match="expected 9c9948202011f37e"):  # the checksum is looked at
        movielens.fetch(source_of("ml-100k"), tmp_path)
    monkeypatch.setattr(movielens, "WHEEL_CHECKSUM", type("Any", (), {"check": lambda path: None}))
    path, origin = movielens.fetch(source_of("ml-100k"), tmp_path)
    assert origin == "pip download recbole==1.2.1"
    assert read(path).ratings.num_rows == 3


def test_a_checksum_of_the_definition_is_asked_of_the_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(movielens, "download", lambda url, path, checksum: asked.append(checksum))
    movielens.fetch(source_of("ml-latest-small"), tmp_path)
    dated = MovieLensSource(source="movielens", archive="ml-latest-small", md5=32 * "a")
    movielens.fetch(dated, tmp_path)
    assert asked == [None, movielens.Checksum("md5", 32 * "a")]


def test_failing_fall_back_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(movielens, "download", unreachable)
    failed = subprocess.CompletedProcess([], 1, "", "no such index")
    monkeypatch.setattr(movielens.subprocess, "run", lambda command, **options: failed)
    with pytest.raises(InputError, match=r"pip download .* failed: no such index"):
        movielens.fetch(source_of("ml-100k"), tmp_path)


def test_archive_fetched_before_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(movielens, "download", unreachable)
    (tmp_path / "ml-1m.zip").write_bytes(b"")
    assert movielens.fetch(source_of("ml-1m"), tmp_path)[0] == tmp_path / "ml-1m.zip"
