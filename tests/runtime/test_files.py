"""Outputs appear whole or not at all."""

import subprocess
import sys

import pytest

from deeprec.runtime.files import (
    ROOT,
    InputError,
    digest,
    read_json,
    remove_leftovers,
    replacing,
    write_json,
    write_text,
)


def test_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "out.txt"
    write_text(path, "old")
    with pytest.raises(RuntimeError), replacing(path) as beside:
        beside.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_folder_is_made_and_suffix_kept(tmp_path):
    with replacing(tmp_path / "new" / "figure.svg") as beside:
        assert beside.suffix == ".svg"
        beside.write_text("x")
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["figure.svg"]


LEAVE = """
import os, sys
from deeprec.runtime.files import replacing
with replacing(sys.argv[1]) as beside:
    beside.write_text("half")
    os.kill(os.getpid(), 9)
"""


def test_what_killed_processes_left_is_removed_and_what_living_ones_write_is_not(tmp_path):
    killed = subprocess.run([sys.executable, "-c", LEAVE, tmp_path / "deep" / "a.b.txt"], cwd=ROOT)
    assert killed.returncode == -9
    [left] = (tmp_path / "deep").iterdir()
    others = [left.with_name(".x.elsewhere.4194304.partial.txt"), left.with_name("notes.partial.txt")]
    for path in others:
        path.touch()
    with replacing(tmp_path / "deep" / "c.txt") as beside:
        beside.touch()
        assert remove_leftovers(tmp_path) == [left]
        assert set(left.parent.iterdir()) == {*others, beside}


def test_json_refuses_nan_and_garbage(tmp_path):
    with pytest.raises(ValueError):
        write_json(tmp_path / "x.json", {"rmse": float("nan")})
    assert not (tmp_path / "x.json").exists()
    (tmp_path / "y.json").write_text("{")
    with pytest.raises(InputError, match=r"y\.json: not valid JSON"):
        read_json(tmp_path / "y.json")


def test_a_digest_tells_files_by_their_content(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("a")
    assert digest(one, two) == "" and digest(two) == ""
    two.write_text("b")
    assert len({digest(one), digest(two), digest(one, two), digest(two, one)}) == 4
    before = digest(one, two)
    two.write_text("a")
    assert digest(one) == digest(two) and digest(one, two) != before
