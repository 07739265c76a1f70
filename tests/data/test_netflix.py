"""Netflix's data set: every form gives the same tables, every kind of bad input its file and line."""

import io
import re
import subprocess
import sys
import tarfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deeprec.data import netflix, netflix_text
from deeprec.data.netflix_text import Piece, parse_block
from deeprec.data.ratings import SourceTables, write_table
from deeprec.runtime.files import InputError, write_json
from deeprec.settings.sources import NetflixSource
from tests.conftest import ROOT
from tests.data import netflix_forms as forms


def as_archive(folder: Path, ratings: forms.Ratings) -> Path:
    return forms.write_archive(folder, forms.movie_texts(ratings))


def as_folder(folder: Path, ratings: forms.Ratings) -> Path:
    return forms.write_folder(folder, forms.movie_texts(ratings))


def as_training_set_folder(folder: Path, ratings: forms.Ratings) -> Path:
    return forms.write_folder(folder, forms.movie_texts(ratings)) / "training_set"


def as_tar(folder: Path, ratings: forms.Ratings) -> Path:
    texts = forms.movie_texts(dict(reversed(ratings.items())))  # a tar keeps no promise about its order
    path = folder / "training_set.tar"
    path.write_bytes(forms.training_set(texts))
    (folder / "movie_titles.txt").write_bytes(forms.TITLES.encode("latin-1"))
    return path


def as_windows_folder(folder: Path, ratings: forms.Ratings) -> Path:
    return forms.write_folder(folder, forms.movie_texts(ratings, "\r\n"))


def as_kaggle_folder(folder: Path, ratings: forms.Ratings) -> Path:
    return forms.write_files(folder / "kaggle", forms.kaggle_texts(ratings))


def as_kaggle_zip(folder: Path, ratings: forms.Ratings) -> Path:
    return forms.write_zip(folder / "netflix-prize-data.zip", forms.kaggle_texts(ratings, "\r\n"))


FORMS = [
    as_archive,
    as_folder,
    as_training_set_folder,
    as_tar,
    as_windows_folder,
    as_kaggle_folder,
    as_kaggle_zip,
]


def read(path: Path) -> SourceTables:
    return netflix.read(path, NetflixSource(source="netflix", path=str(path)))


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_every_form_gives_the_same_bytes(form: Callable, tmp_path: Path) -> None:
    ratings = forms.some_ratings()
    (tmp_path / "a").mkdir()
    for path, name in ((as_archive(tmp_path / "a", ratings), "a"), (form(tmp_path, ratings), "b")):
        source = read(path)
        write_table(source.ratings, tmp_path / f"{name}.parquet")
        write_table(source.items, tmp_path / f"{name}.items.parquet")
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    assert (tmp_path / "a.items.parquet").read_bytes() == (tmp_path / "b.items.parquet").read_bytes()


def test_table_holds_the_lines_typed_and_ordered(tmp_path: Path) -> None:
    ratings = forms.some_ratings()
    table = read(as_archive(tmp_path, ratings)).ratings
    expected = sorted(
        (int(user), movie, int(rating), date)
        for movie, lines in ratings.items()
        for user, rating, date in (line.split(",") for line in lines)
    )
    rows = [(row["user_id"], row["item_id"], row["rating"], row["date"].isoformat()) for row in table.to_pylist()]
    assert rows == expected
    assert [str(kind) for kind in table.schema.types] == ["int32", "int32", "int8", "date32[day]"]


def test_titles_and_years_come_along(tmp_path: Path) -> None:
    items = read(as_archive(tmp_path, forms.some_ratings())).items.to_pylist()
    assert items[1] == {"item_id": 2, "title": "Dots, Hidden, and Other Commas", "year": None}
    assert items[2] == {"item_id": 3, "title": "Amélie à Paris", "year": 1997}


def test_titles_may_be_unknown(tmp_path: Path) -> None:
    path = forms.write_folder(tmp_path, forms.movie_texts(forms.some_ratings()), titles=None)
    assert read(path).items["title"].null_count == 4


@pytest.mark.parametrize("block", [1, 7, 64, 1000])
def test_blocks_of_any_size_give_the_same(block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ratings = forms.some_ratings()
    whole = read(as_kaggle_folder(tmp_path, ratings)).ratings
    monkeypatch.setattr(netflix, "BLOCK_BYTES", block)
    monkeypatch.setattr(netflix_text, "BLOCK_BYTES", block)
    assert read(tmp_path / "kaggle").ratings.equals(whole)


def test_last_line_may_lack_its_end(tmp_path: Path) -> None:
    ratings = forms.some_ratings()
    texts = {name: text.rstrip(b"\n") for name, text in forms.movie_texts(ratings).items()}
    kaggle = {name: text.rstrip(b"\n") for name, text in forms.kaggle_texts(ratings).items()}
    whole = read(as_tar(tmp_path, ratings)).ratings
    assert read(forms.write_folder(tmp_path, texts)).ratings.equals(whole)
    assert read(forms.write_files(tmp_path / "kaggle", kaggle)).ratings.equals(whole)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 2_649_429), st.integers(1, 5), st.integers(10_906, 13_148)), min_size=1))
def test_parsing_inverts_formatting(rows: list[tuple[int, int, int]]) -> None:
    text = "".join(f"{user},{rating},{np.datetime64(day, 'D')}\n" for user, rating, day in rows)
    columns = parse_block([Piece(1, "mv_0000001.txt", 2, text.encode())])
    assert list(zip(*(column.tolist() for column in columns), strict=True)) == rows


@settings(deadline=None)
@given(st.lists(st.sampled_from(["1,3,2005-01-01", "77,5,2004-02-29", "1,6,2005-01-01", "x", "", "9:", "1,2"])))
def test_a_bad_line_is_named_wherever_it_is(lines: list[str]) -> None:
    bad = [line for line in lines if line not in ("1,3,2005-01-01", "77,5,2004-02-29")]
    if not lines:
        return
    piece = Piece(1, "mv_0000001.txt", 2, "".join(f"{line}\n" for line in lines).encode())
    if not bad:
        assert len(parse_block([piece])[0]) == len(lines)
        return
    with pytest.raises(InputError, match=rf"^mv_0000001.txt:{lines.index(bad[0]) + 2}: "):
        parse_block([piece])


BAD_LINES = {
    "non-numeric field": ("abc,3,2005-01-01", "'abc,3,2005-01-01'; expected 'CustomerID,Rating,YYYY-MM-DD'"),
    "missing field": ("12,3", "'12,3'; expected 'CustomerID,Rating,YYYY-MM-DD'"),
    "empty line": ("", "''; expected 'CustomerID,Rating,YYYY-MM-DD'"),
    "rating above 5": ("12,6,2005-01-01", "rating 6; expected 1 to 5"),
    "rating 0": ("12,0,2005-01-01", "rating 0; expected 1 to 5"),
    "rating too large for a byte": ("12,300,2005-01-01", "rating 300; expected 1 to 5"),
    "impossible date": ("12,3,2005-02-30", "date 2005-02-30: day is out of range for month; expected a day"),
    "date too early": ("12,3,1999-11-10", "date 1999-11-10; expected 1999-11-11 to 2005-12-31"),
    "date too late": ("12,3,2006-01-01", "date 2006-01-01; expected 1999-11-11 to 2005-12-31"),
    "customer 0": ("0,3,2005-01-01", "customer 0; expected 1 to 2649429"),
}


@pytest.mark.parametrize("case", BAD_LINES)
@pytest.mark.parametrize("form", [as_archive, as_folder, as_kaggle_zip])
def test_bad_line_is_refused_with_file_and_line(form: Callable, case: str, tmp_path: Path) -> None:
    line, reason = BAD_LINES[case]
    ratings = forms.some_ratings()
    ratings[2].insert(3, line)
    with pytest.raises(InputError) as error:
        read(form(tmp_path, ratings))
    file = "combined_data_2.txt" if form is as_kaggle_zip else "mv_0000002.txt"
    assert f"{file}:5: {reason}" in str(error.value)
    assert str(tmp_path) in str(error.value)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_duplicate_rating_is_refused_with_file_and_lines(form: Callable, tmp_path: Path) -> None:
    ratings = forms.some_ratings()
    ratings[3].append(ratings[3][0])
    file = "combined_data_3.txt" if "kaggle" in form.__name__ else "mv_0000003.txt"
    with pytest.raises(InputError, match=rf"more than once.*{file}:2, .*{file}:{len(ratings[3]) + 1}$"):
        read(form(tmp_path, ratings))


def test_header_must_agree_with_the_file_name(tmp_path: Path) -> None:
    texts = forms.movie_texts(forms.some_ratings())
    texts["mv_0000002.txt"] = b"3:\n" + texts["mv_0000002.txt"].partition(b"\n")[2]
    with pytest.raises(InputError, match=r"mv_0000002.txt:1: header '3:'; expected '2:'"):
        read(forms.write_archive(tmp_path, texts))


@pytest.mark.parametrize(
    ("text", "reason"),
    [(b"", "mv_0000002.txt: empty file"), (b"2:\n", "mv_0000002.txt:2: no ratings of movie 2")],
)
def test_empty_movie_file_is_refused(text: bytes, reason: str, tmp_path: Path) -> None:
    texts = {**forms.movie_texts(forms.some_ratings()), "mv_0000002.txt": text}
    with pytest.raises(InputError, match=reason):
        read(forms.write_archive(tmp_path, texts))


def test_empty_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "nf_prize_dataset.tar.gz"
    path.write_bytes(b"")
    with pytest.raises(InputError, match=r"nf_prize_dataset.tar.gz: truncated or damaged tar file, or none at all"):
        read(path)


def test_archive_without_ratings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected Netflix's ratings"):
        read(forms.write_files(tmp_path / "kaggle", {"readme.txt": b"nothing"}))


@pytest.mark.parametrize("titles", [forms.TITLES, None])
def test_missing_movie_file_is_named(titles: str | None, tmp_path: Path) -> None:
    texts = forms.movie_texts(forms.some_ratings())
    del texts["mv_0000003.txt"]
    with pytest.raises(InputError, match=r"no ratings of movie 3; expected a file for each of 4 movies, found 3"):
        read(forms.write_folder(tmp_path, texts, titles))


def test_movie_without_a_title_is_named(tmp_path: Path) -> None:
    texts = forms.movie_texts({**forms.some_ratings(), 5: ["1,1,2005-01-01"]})
    with pytest.raises(InputError, match=r"mv_0000005.txt: no title for movie 5; expected 4$"):
        read(forms.write_archive(tmp_path, texts))


def test_duplicate_movie_in_an_archive_is_named(tmp_path: Path) -> None:
    texts = forms.movie_texts(forms.some_ratings())
    path = forms.write_archive(tmp_path, {**texts, "copy/mv_0000001.txt": texts["mv_0000001.txt"]})
    with pytest.raises(InputError, match=r"copy/mv_0000001.txt: movie 1 again, after .*training_set/mv_0000001.txt;"):
        read(path)


def test_duplicate_movie_file_is_named(tmp_path: Path) -> None:
    texts = forms.movie_texts(forms.some_ratings())
    folder = forms.write_folder(tmp_path, texts)
    forms.write_files(folder / "training_set" / "copy", {"mv_0000001.txt": texts["mv_0000001.txt"]})
    with pytest.raises(InputError, match=r"mv_0000001.txt: movie 1 again, after .*; expected one file a movie"):
        read(folder)


def test_kaggle_part_missing_is_named(tmp_path: Path) -> None:
    files = forms.kaggle_texts(forms.some_ratings())
    del files["combined_data_4.txt"]
    with pytest.raises(
        InputError, match=r"combined_data_4.txt missing; expected combined_data_1.txt to combined_data_4"
    ):
        read(forms.write_files(tmp_path / "kaggle", files))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "combined_data_1.txt: empty file"),
        (b"12,3,2005-01-01\n1:\n", "combined_data_1.txt:1: .*expected 'MovieID:' first"),
        (b"1:\n12,3,2005-01-01\nx:\n", "combined_data_1.txt:3: 'x:'; expected 'MovieID:' or a rating"),
        (
            b"1:\n12,3,2005-01-01\n99999999:\n13,3,2005-01-01\n",
            "combined_data_1.txt:3: '99999999:'; expected 'MovieID:",
        ),
        (b"1:\n12,3,2005-01-01\n1:\n13,3,2005-01-01\n", "combined_data_1.txt:3: movie 1 again"),
        (b"1:\n7:\n12,3,2005-01-01\n", "combined_data_1.txt:2: no ratings of movie 1; expected"),
        (b"1:\n12,3,2005-01-01\n7:", "combined_data_1.txt:4: no ratings of movie 7; expected"),
    ],
)
def test_bad_kaggle_file_is_refused(text: bytes, reason: str, tmp_path: Path) -> None:
    files = {**forms.kaggle_texts(forms.some_ratings()), "combined_data_1.txt": text}
    with pytest.raises(InputError, match=reason):
        read(forms.write_files(tmp_path / "kaggle", files))


PART = NetflixSource(source="netflix", path="here", partial=True)


def test_some_of_the_movies_are_enough_where_said(tmp_path: Path) -> None:
    ratings = forms.some_ratings()
    files = forms.kaggle_texts(ratings)
    del files["combined_data_4.txt"]
    folder = forms.write_files(tmp_path / "kaggle", files)
    source = netflix.read(folder, PART)
    movies = source.items["item_id"].to_pylist()
    assert 0 < len(movies) < 4 and source.ratings.num_rows == sum(len(ratings[movie]) for movie in movies)
    alone = netflix.read(folder / "combined_data_1.txt", PART)
    assert alone.ratings.num_rows == len(ratings[1]) and alone.items.num_rows == 1
    with pytest.raises(InputError, match=r"combined_data_2.txt, .* missing; expected .*, or say partial: true"):
        read(folder / "combined_data_1.txt")


def test_of_a_part_every_movie_still_has_its_title_and_no_other_file(tmp_path: Path) -> None:
    texts = forms.movie_texts({3: forms.some_ratings()[3], 5: ["1,1,2005-01-01"]})
    with pytest.raises(InputError, match=r"mv_0000005.txt: no title for movie 5; expected 4$"):
        netflix.read(forms.write_archive(tmp_path, texts), PART)
    del texts["mv_0000005.txt"]
    part = netflix.read(forms.write_archive(tmp_path, texts), PART)
    assert part.items.to_pylist() == [{"item_id": 3, "title": "Amélie à Paris", "year": 1997}]


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), form=st.sampled_from([as_archive, as_tar, as_kaggle_zip]))
def test_a_damaged_archive_is_told_in_one_line(data: st.DataObject, form: Callable, tmp_path: Path) -> None:
    path = form(tmp_path, forms.some_ratings(n_users=12))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)) | st.just(len(content)))])
    try:
        found = netflix.read(path, PART)
    except InputError as error:
        assert str(error).startswith(str(tmp_path)) and str(error).isprintable()
    else:
        assert found.ratings.num_rows


@pytest.mark.parametrize("share", [0.0005, 0.3, 0.9, 0.999])
def test_truncated_gzip_is_refused(share: float, tmp_path: Path) -> None:
    path = as_archive(tmp_path, forms.some_ratings(n_users=2000))
    data = path.read_bytes()
    path.write_bytes(data[: max(12, int(len(data) * share))])
    with pytest.raises(InputError, match=r"nf_prize_dataset.tar.gz: the gzip file ends in the middle"):
        read(path)


def test_damaged_gzip_is_refused(tmp_path: Path) -> None:
    path = as_archive(tmp_path, forms.some_ratings())
    data = bytearray(path.read_bytes())
    data[-8] ^= 1  # the checksum, after all of the data
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"damaged gzip file .*incorrect data check"):
        read(path)


def test_truncated_tar_is_refused(tmp_path: Path) -> None:
    path = as_tar(tmp_path, forms.some_ratings())
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InputError, match=r"training_set.tar.*: truncated or damaged tar file"):
        read(path)


def test_truncated_zip_is_refused(tmp_path: Path) -> None:
    path = as_kaggle_zip(tmp_path, forms.some_ratings())
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"netflix-prize-data.zip: truncated or damaged zip file"):
        read(path)


@pytest.mark.parametrize("name", ["../evil.txt", "/etc/evil.txt", "download/../../evil.txt", "C:\\evil.txt"])
def test_member_that_points_out_of_the_archive_is_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / "evil.tar.gz"
    path.write_bytes(forms.tar_of({name: b"evil"}, "w:gz"))
    with pytest.raises(InputError, match="points out of the archive"):
        read(path)
    with pytest.raises(InputError, match="points out of the archive"):
        read(forms.write_zip(tmp_path / "evil.zip", {name: b"evil"}))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_link_in_an_archive_is_refused(kind: bytes, tmp_path: Path) -> None:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        member = tarfile.TarInfo("training_set/mv_0000001.txt")
        member.type, member.linkname = kind, "/etc/passwd"
        archive.addfile(member)
    path = tmp_path / "training_set.tar"
    path.write_bytes(target.getvalue())
    with pytest.raises(InputError, match=r"mv_0000001.txt: a link or a device; expected files and folders only"):
        read(path)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("5,19x4,Title", "expected 'MovieID,Year"),
        ("5", "expected 'MovieID,Year"),
        ("1,1999,Again", "movie 1 again"),
        ("5,199999,Title", "expected 'MovieID,Year"),
        ("5,²,Title", "expected 'MovieID,Year"),
        (f"{10**12},1999,Title", "expected 'MovieID,Year"),
        ("-5,1999,Title", "expected 'MovieID,Year"),
    ],
)
def test_bad_title_is_refused_with_file_and_line(line: str, reason: str, tmp_path: Path) -> None:
    path = forms.write_archive(tmp_path, forms.movie_texts(forms.some_ratings()), forms.TITLES + line + "\n")
    with pytest.raises(InputError, match=rf"movie_titles.txt:5: .*{reason}"):
        read(path)


def test_script_refuses_bad_input_in_one_line_and_writes_nothing(tmp_path: Path) -> None:
    ratings = forms.some_ratings()
    ratings[4][0] = "12,6,2005-01-01"
    write_json(tmp_path / "manifest.json", {"path": as_archive(tmp_path, ratings).name})
    (tmp_path / "source.yaml").write_text("{source: netflix, path: here}")
    before = sorted(tmp_path.iterdir())
    arguments = ["--source", tmp_path / "source.yaml", "--manifest", tmp_path / "manifest.json"]
    arguments += ["--ratings", tmp_path / "ratings.parquet", "--items", tmp_path / "items.parquet"]
    command = [sys.executable, ROOT / "scripts" / "parse_ratings.py", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env={"PYTHONPATH": str(ROOT)})
    assert done.returncode == 1
    assert re.fullmatch(r"error: .*mv_0000004.txt:2: rating 6; expected 1 to 5\n", done.stderr)
    assert sorted(tmp_path.iterdir()) == before


def test_row_groups_can_be_skipped_by_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deeprec.data.ratings.ROW_GROUP", 20)
    write_table(read(as_archive(tmp_path, forms.some_ratings())).ratings, tmp_path / "ratings.parquet")
    metadata = pq.read_metadata(tmp_path / "ratings.parquet")
    ranges = [metadata.row_group(group).column(0).statistics for group in range(metadata.num_row_groups)]
    assert len(ranges) > 2
    assert all(a.max <= b.min for a, b in pairwise(ranges))
