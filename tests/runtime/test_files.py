"""Outputs appear whole or not at all."""

import pytest

from deeprec.runtime.files import InputError, read_json, replacing, write_json, write_text


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


def test_json_refuses_nan_and_garbage(tmp_path):
    with pytest.raises(ValueError):
        write_json(tmp_path / "x.json", {"rmse": float("nan")})
    assert not (tmp_path / "x.json").exists()
    (tmp_path / "y.json").write_text("{")
    with pytest.raises(InputError, match=r"y\.json: not valid JSON"):
        read_json(tmp_path / "y.json")
