"""Spaces, what is tried of them, and the way of a trial from the search to its table and back."""

import optuna
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.trial import TrialState

from deeprec.evaluation.search_study import distributions_of, settings_of, study_of
from deeprec.evaluation.search_trials import chosen_settings, labelled, read_trials
from deeprec.evaluation.tables import write_csv

SPACES = {
    "l2": {"log_uniform": [0.00001234, 0.01]},
    "dropout": {"uniform": [0, 0.9999]},
    "hidden": {"choices": [[128, 64], [64], [1]]},
    "rank": {"choices": [4, 16, 8]},
    "center": {"choices": [True, False]},
    "activation": {"choices": ["none", "selu", "NA"]},
    "scale": {"choices": [0.0, 0.5, 2.0]},
}


@given(st.integers(0, 2**32 - 1))
def test_what_is_tried_lies_in_its_space_and_has_three_digits(seed):
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed))
    tried = settings_of(study.ask(distributions_of(SPACES)).params, SPACES)
    assert list(tried) == list(SPACES)
    for name, space in SPACES.items():
        [(kind, values)] = space.items()
        if kind == "choices":
            assert tried[name] in values
        else:
            assert values[0] <= tried[name] <= values[1]
            assert tried[name] in values or tried[name] == float(f"{tried[name]:.3g}")


def test_samples_lie_evenly_in_the_logarithm_or_not():
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(0))
    spaces = {"log": {"log_uniform": [0.001, 0.1]}, "even": {"uniform": [0.5, 0.9]}}
    tried = pd.DataFrame([settings_of(study.ask(distributions_of(spaces)).params, spaces) for _ in range(200)])
    assert 80 < (tried["log"] < 0.01).sum() < 120 and 80 < (tried["even"] < 0.7).sum() < 120


@pytest.mark.parametrize(("sampled", "tried"), [(0.99989, 0.9999), (0.0000123, 0.0000123), (0.12345, 0.123)])
def test_rounding_never_leaves_the_range(sampled, tried):
    assert settings_of({"dropout": sampled}, {"dropout": SPACES["dropout"]}) == {"dropout": tried}


@pytest.fixture
def table() -> pd.DataFrame:
    """Every choice once, as `search_settings` has them."""
    tried = [
        {
            "l2": 0.00012 * (n + 1),
            "dropout": 0.9 / (n + 1),
            **{
                name: space["choices"][n % len(space["choices"])]
                for name, space in SPACES.items()
                if "choices" in space
            },
        }
        for n in range(4)
    ]
    rows = [labelled(settings, SPACES) for settings in tried]
    outcome = {"valid_rmse": [0.9, 0.8, None, 0.85], "state": ["complete", "complete", "diverged", "pruned"]}
    return pd.DataFrame(rows).assign(**outcome)


def test_a_table_is_read_as_it_was_written(table, tmp_path):
    write_csv(table, tmp_path / "r.csv")
    read = read_trials(tmp_path / "r.csv", SPACES)
    for name, space in SPACES.items():
        if "choices" in space:
            assert [space["choices"][n % len(space["choices"])] for n in range(4)] == list(read[name]), name
        else:
            assert list(read[name]) == pytest.approx(list(table[name]))
    chosen = chosen_settings(read, SPACES)
    assert chosen == {
        "l2": 0.00024, "dropout": 0.45, "hidden": [64], "rank": 16, "center": False, "activation": "selu", "scale": 0.5,
    }  # fmt: skip
    assert isinstance(chosen["rank"], int) and isinstance(chosen["center"], bool)


def test_a_study_has_the_table_s_trials(table, tmp_path):
    write_csv(table, tmp_path / "r.csv")
    study = study_of(read_trials(tmp_path / "r.csv", SPACES), SPACES)
    states = [TrialState.COMPLETE, TrialState.COMPLETE, TrialState.PRUNED, TrialState.PRUNED]
    assert [trial.state for trial in study.trials] == states
    assert [trial.value for trial in study.trials] == [0.9, 0.8, None, None]
    assert study.best_params["hidden"] == "[64]" and study.best_params["rank"] == 16
