"""Archives as streams, and work that runs ahead in a thread."""

import gzip
import io
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deeprec.data.archives import GunzipStream, ahead, files_in
from tests.data import netflix_forms as forms


@settings(deadline=None)
@given(st.lists(st.binary(max_size=2000), min_size=1, max_size=4), st.integers(1, 500), st.binary(max_size=3))
def test_gunzip_inverts_gzip(members: list[bytes], size: int, padding: bytes) -> None:
    zipped = b"".join(map(gzip.compress, members)) + bytes(len(padding))
    stream = GunzipStream(io.BytesIO(zipped), "x.gz")
    found = b"".join(iter(lambda: stream.read(size), b""))
    assert found == b"".join(members)


def test_files_of_nested_tars_come_with_their_names(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz"
    path.write_bytes(forms.tar_of({"x/one.txt": b"1", "x/in.tar": forms.tar_of({"y/two.txt": b"22"})}, "w:gz"))
    found = {name: stream.read() for name, stream in files_in(path)}
    assert found == {f"{path}:x/one.txt": b"1", f"{path}:x/in.tar:y/two.txt": b"22"}


def test_unpacked_tar_is_not_read_twice(tmp_path: Path) -> None:
    files = {"training_set.tar": forms.tar_of({"a.txt": b"1"})}
    folder = forms.write_files(tmp_path / "download", files)
    assert [name for name, _ in files_in(folder)] == [f"{folder}/training_set.tar:a.txt"]
    forms.write_files(folder / "training_set", {"a.txt": b"1"})
    assert [name for name, _ in files_in(folder)] == [f"{folder}/training_set/a.txt"]


@pytest.mark.parametrize("n", [0, 1, 2, 50])
def test_ahead_yields_all_in_order(n: int) -> None:
    assert list(ahead(iter(range(n)))) == list(range(n))


def test_ahead_raises_what_its_source_raises() -> None:
    def source() -> Iterator[int]:
        yield 1
        raise ValueError("here")

    items = ahead(source())
    assert next(items) == 1
    with pytest.raises(ValueError, match="here"):
        next(items)


def test_ahead_runs_ahead_but_not_far_and_ends_with_its_reader() -> None:
    made: list[int] = []

    def source() -> Iterator[int]:
        for item in range(100):
            made.append(item)
            yield item

    items = ahead(source(), depth=2)
    next(items)
    items.close()
    assert len(made) <= 4
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ThreadPool")]
