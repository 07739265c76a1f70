"""A disk that fills up: one clear line, and nothing half-written."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deeprec.config.run_settings import to_yaml
from deeprec.data.ratings import write_table
from deeprec.data.simulated_archive import simulate_ratings
from deeprec.data.splits import split_ratings
from deeprec.runtime.files import ROOT, InputError, replacing
from deeprec.settings.splits import PerUserSplit
from tests.conftest import toy_ratings
from tests.data.test_world import source_of

FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_full_disk_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "out.bin"
    with (
        pytest.raises(InputError, match=r"out.bin: no space left to write it .* GB are free"),
        replacing(path) as beside,
    ):
        beside.write_bytes(b"half")
        raise FULL
    assert list(tmp_path.iterdir()) == []


def test_other_errors_pass_as_they_are(tmp_path: Path) -> None:
    with pytest.raises(PermissionError), replacing(tmp_path / "out.bin"):
        raise PermissionError


def test_full_disk_while_writing_parquet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write_nothing_more(*args: object, **options: object) -> None:
        raise FULL

    monkeypatch.setattr(pq.ParquetWriter, "write_table", write_nothing_more)
    with pytest.raises(InputError, match=r"ratings.parquet: no space left"):
        write_table(pa.table({"user_id": [1]}), tmp_path / "ratings.parquet")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("last", [False, True])
def test_full_disk_while_splitting(last: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether at a part's first row group or at the very end, no part is left."""

    def no_more(*args: object, **options: object) -> None:
        raise FULL

    write_table(toy_ratings(), tmp_path / "ratings.parquet")
    monkeypatch.setattr(pq.ParquetWriter, "close" if last else "write_table", no_more)
    with pytest.raises(InputError, match=r"(train|valid|test).parquet: no space left"):
        split_ratings(tmp_path / "ratings.parquet", tmp_path / "s", PerUserSplit(test_fraction=0.3, seed=0))
    assert list((tmp_path / "s").iterdir()) == []


def test_full_disk_while_simulating(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_more(*args: object) -> bytes:
        raise FULL

    monkeypatch.setattr("deeprec.data.simulated_archive.MovieText.__call__", no_more)
    with pytest.raises(InputError, match=r"simulated.tar.gz: no space left"):
        simulate_ratings(source_of(), tmp_path / "simulated.tar.gz", tmp_path / "simulation.json")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_system_s_own_error_is_understood(tmp_path: Path) -> None:
    """Arrow raises OSError with the system's number, too."""
    for write in (
        lambda: Path("/dev/full").write_bytes(b"x"),
        lambda: pq.write_table(pa.table({"x": range(10_000)}), pa.OSFile("/dev/full", "wb")),  # a path would be removed
    ):
        with pytest.raises(InputError, match=r"out.bin: no space left"), replacing(tmp_path / "out.bin"):
            write()


def test_script_ends_in_one_line_and_leaves_no_output(tmp_path: Path) -> None:
    """A limit on the size of files stands in for the disk: the system refuses to write on.

    Bytecode is not written: Python keeps a module's that was cut off, and every later import of it would fail.
    """
    command = (
        "import resource, signal, runpy, sys; sys.dont_write_bytecode = True; "
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000)); sys.argv = sys.argv[1:]; "
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    source = tmp_path.with_name("source.yaml")
    source.write_text(to_yaml(source_of().model_dump()))
    arguments = ["scripts/simulate_ratings.py", "--source", source]
    for name in ("archive", "truth", "manifest"):
        arguments += [f"--{name}", tmp_path / f"{name}.json"]
    done = subprocess.run(
        [sys.executable, "-c", command, *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 1
    assert "error: " in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
