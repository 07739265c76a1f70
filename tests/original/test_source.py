"""The authors' files: one commit, every hash checked, nothing half-written."""

import pytest

from deeprec.original.source import get_original, read_hashes
from deeprec.runtime.files import ROOT, InputError
from deeprec.settings.original import OriginalSettings
from tests.original.conftest import hashes_of


def test_files_are_those_of_the_commit_and_not_of_the_working_tree(clone, tmp_path):
    folder, commit = clone
    hashes = hashes_of(folder)
    was = (folder / "run.py").read_bytes()
    (folder / "run.py").write_text("changed since")
    get_original(OriginalSettings(path=str(folder), commit=commit), hashes, tmp_path / "out")
    assert (tmp_path / "out/run.py").read_bytes() == was
    assert (tmp_path / "out/reco_encoder/model/model.py").exists()


def test_an_address_is_fetched(clone, tmp_path):
    folder, commit = clone
    settings = OriginalSettings(url=folder.as_uri(), commit=commit)
    get_original(settings, hashes_of(folder), tmp_path / "out")
    assert (tmp_path / "out/run.py").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"commit": "0" * 40}, f"found no commit {'0' * 40}; expected one of NVIDIA/DeepRecommender"),
        ({"path": "nowhere"}, "original.path: found no folder nowhere; expected a clone"),
        ({"path": "/"}, "original.path: found no git repository in /; expected a clone"),
        ({"path": None, "url": "file:///nowhere"}, "file:///nowhere: git could not fetch commit"),
    ],
)
def test_what_is_missing_is_told_in_a_line(clone, tmp_path, change, words):
    folder, commit = clone
    settings = OriginalSettings(**{"path": str(folder), "commit": commit, **change})
    with pytest.raises(InputError) as told:
        get_original(settings, hashes_of(folder), tmp_path / "out")
    assert words in str(told.value) and "\n" not in str(told.value)
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_another_is_refused_and_none_is_written(clone, tmp_path):
    folder, commit = clone
    hashes = hashes_of(folder) | {"infer.py": "0" * 64}
    with pytest.raises(InputError, match=r"infer\.py of commit .*: found SHA-256 \w{64}; expected 0{64}"):
        get_original(OriginalSettings(path=str(folder), commit=commit), hashes, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_file_that_the_commit_lacks_is_named(clone, tmp_path):
    folder, commit = clone
    with pytest.raises(InputError, match=r"found no absent\.py in commit"):
        get_original(OriginalSettings(path=str(folder), commit=commit), {"absent.py": "0" * 64}, tmp_path / "out")


def test_the_hashes_of_the_repository_are_whole():
    hashes = read_hashes(ROOT / "workflow" / "original.sha256")
    assert {"run.py", "infer.py", "compute_RMSE.py", "reco_encoder/model/model.py"} < set(hashes)


@pytest.mark.parametrize("line", ["nothing", f"{'0' * 64}  ../up.py", f"{'0' * 64}  /root.py", f"{'0' * 63}  run.py"])
def test_a_wrong_line_of_hashes_is_named(tmp_path, line):
    (tmp_path / "h").write_text(f"{'0' * 64}  run.py\n{line}\n")
    with pytest.raises(InputError, match="line 2: found"):
        read_hashes(tmp_path / "h")


@pytest.mark.parametrize("key", ["url", "path"])
def test_what_git_would_take_for_an_option_is_refused(key):
    with pytest.raises(ValueError, match="git would take it for an option"):
        OriginalSettings(**{key: "--upload-pack=evil"})
