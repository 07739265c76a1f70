"""The journal of a search under way: whatever is wrong with it is told in one line."""

import json
from pathlib import Path

import optuna
import pytest

from deeprec.runtime.files import InputError
from deeprec.training.study import OUTCOME, finished_trials, open_study

PRUNER = optuna.pruners.NopPruner()
SPACE = {"x": optuna.distributions.FloatDistribution(0, 1)}


@pytest.fixture
def journal(tmp_path) -> Path:
    """Two trials that are done, and one that was cut off."""
    path = tmp_path / "als.journal"
    with open_study(path, {"seed": 0}, PRUNER) as study:
        for value in (0.5, 0.25):
            trial = study.ask(SPACE)
            trial.set_user_attr(OUTCOME, {"state": "complete"})
            study.tell(trial, value)
        study.ask(SPACE)
    return path


def opened(path: Path) -> list[float | None]:
    with open_study(path, {"seed": 0}, PRUNER) as study:
        return [trial.value for trial in finished_trials(study)]


def test_what_is_done_is_there_again_and_what_was_cut_off_does_not_count(journal):
    assert opened(journal) == [0.5, 0.25]
    with open_study(journal, {"seed": 0}, PRUNER) as study:
        assert [trial.state.name for trial in study.trials] == ["COMPLETE", "COMPLETE", "FAIL"]
    assert list(journal.parent.iterdir()) == [journal]  # no lock is left


def test_an_empty_journal_is_a_search_that_has_not_begun(tmp_path):
    (tmp_path / "als.journal").touch()
    assert opened(tmp_path / "als.journal") == []


def test_a_line_that_was_not_finished_is_cut_off(journal, caplog):
    whole = journal.read_bytes()
    journal.write_bytes(whole + b'{"op_code": 4, "wor')
    n_lines = len(journal.read_text().splitlines())
    assert opened(journal) == [0.5, 0.25] and journal.read_bytes().startswith(whole)
    assert f"als.journal: line {n_lines} was not written to its end; it is cut off" in caplog.text


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (b"\x00\x01\xff", r"found '\\x00\\x01"),
        (b"trial,lr\n", "found 'trial,lr'"),
        (b"[1]\n", r"found '\[1\]'"),
        (b"3\n", "found '3'"),
        (b"{}\n", "found '{}'"),
        (b"\n", "found ''"),
    ],
)
@pytest.mark.parametrize("at", [0, 3, -1])
def test_a_damaged_line_is_named(journal, line, found, at):
    lines = journal.read_bytes().splitlines(keepends=True)
    lines[at] = line.rstrip(b"\n") + b"\n"
    journal.write_bytes(b"".join(lines))
    with pytest.raises(
        InputError, match=f"als.journal: line {at % len(lines) + 1}: {found}.*; expected an entry"
    ) as error:
        opened(journal)
    assert "delete the file to start the search over" in str(error.value) and "\n" not in str(error.value)
    assert journal.read_bytes() == b"".join(lines)


@pytest.mark.parametrize("change", [{"op_code": 99}, {"study_name": None}, {"directions": ["up"]}])
def test_entries_that_do_not_fit_together_are_damage(journal, change):
    first, *others = journal.read_text().splitlines(keepends=True)
    entry = {key: value for key, value in {**json.loads(first), **change}.items() if value is not None}
    journal.write_text("".join([json.dumps(entry) + "\n", *others]))
    with pytest.raises(InputError, match=r"als.journal: damaged \(.*\); expected Optuna's journal of a search"):
        opened(journal)


def test_a_trial_without_its_outcome_is_damage(journal):
    kept = [line for line in journal.read_text().splitlines(keepends=True) if '"complete"' not in line]
    journal.write_text("".join(kept))
    with pytest.raises(InputError, match=r"als.journal: trial 0: found no outcome of a training"):
        opened(journal)


def test_two_searches_at_once_are_refused(journal):
    with open_study(journal, {"seed": 0}, PRUNER), pytest.raises(InputError, match=r"als.journal: found it in use by"):
        opened(journal)
    assert opened(journal) == [0.5, 0.25]


def test_a_folder_in_its_place_is_named(tmp_path):
    (tmp_path / "als.journal").mkdir()
    with pytest.raises(
        InputError, match=r"als.journal: Is a directory; expected a file to keep the search's trials in"
    ):
        opened(tmp_path / "als.journal")
