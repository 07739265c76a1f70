"""`--config` as config.yaml would say it."""

import pytest
from snakemake.cli import parse_config

from deeprec.config.command_line import typed


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("seeds=[0,1]", [0, 1]),
        ("models={pmf: {epochs: 2, lr: 0.01, center: true}}", {"pmf": {"epochs": 2, "lr": 0.01, "center": True}}),
        ("final={models: {RRN: null}}", {"models": {"RRN": None}}),
        ("search=null", None),
        ("dataset=netflix", "netflix"),
        ("shapes={3m: [128, 256]}", {"3m": [128, 256]}),
        ("datasets={mine: {title: 'a: b', splits: {s: {train: [1999-01-01, 2000-01-01]}}}}",
         {"mine": {"title": "a: b", "splits": {"s": {"train": ["1999-01-01", "2000-01-01"]}}}}),
        ("save_seconds=2.5", 2.5),
    ],
)  # fmt: skip
def test_values_have_the_types_of_yaml(said, value):
    [(_, found)] = typed(parse_config([said])).items()
    assert found == value and type(found) is type(value)
