"""The registry of models: every setting is described, every space lies in its range."""

from typing import get_args

import pytest

from deeprec.models.network import ACTIVATIONS, PRECISIONS
from deeprec.settings.autoencoder import Activation, AutoEncoderSettings
from deeprec.settings.models import MODELS

FIELDS = [(model, name) for model, kind in MODELS.items() for name in kind.model_fields]


@pytest.mark.parametrize(("model", "name"), FIELDS)
def test_every_setting_has_a_description_and_a_default(model, name):
    field = MODELS[model].model_fields[name]
    assert field.description and (not field.is_required() or (model, name) == ("blend", "members"))


@pytest.mark.parametrize(("model", "name"), FIELDS)
def test_every_space_lies_in_its_settings_range(model, name):
    kind = MODELS[model]
    for values in (kind.space_of(name) or {}).values():
        for value in values:
            assert getattr(kind(**{name: value}), name) == value


@pytest.mark.parametrize("model", MODELS)
def test_a_models_settings_have_no_name_that_a_run_has(model):
    """Both lie side by side in settings.yaml."""
    taken = {"dataset", "run", "seed", "split", "split_definition", "model", "recipe"}
    assert not taken & set(MODELS[model].model_fields)


def test_steps_are_counted_in_what_a_batch_counts():
    size = {"n_users": 100, "n_items": 30, "n_ratings": 1000}
    steps = {name: kind().n_steps(**size) for name, kind in MODELS.items() if name != "blend"}
    assert steps == {"autoencoder": 1, "bias": 1, "pca": 1, "als": 1, "pmf": 1, "autorec": 1, "rrn": 1}
    assert MODELS["autoencoder"](batch_size=32).n_steps(**size) == 4  # users
    assert MODELS["pmf"](batch_size=300).n_steps(**size) == 4  # ratings
    assert MODELS["rrn"](batch_size=300).n_steps(**size) == 7  # ratings, from both sides
    rows = [MODELS["autorec"](batch_size=20, rows=rows).n_steps(**size) for rows in ("users", "items")]
    assert rows == [5, 2]


def test_choices_are_those_that_the_network_has():
    assert set(get_args(Activation)) == set(ACTIVATIONS)
    assert set(get_args(AutoEncoderSettings.model_fields["precision"].annotation)) == set(PRECISIONS)
