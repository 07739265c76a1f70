"""docs/settings.md is what the classes say."""

from deeprec.config.settings_page import render_settings
from deeprec.runtime.files import ROOT


def test_the_page_is_not_stale():
    assert (ROOT / "docs" / "settings.md").read_text(encoding="utf-8") == render_settings(), "run `make docs`"


def test_a_setting_is_told_with_range_unit_default_and_space():
    page = render_settings()
    row = "| `batch_size` | whole number ≥ 1 | rows | `128` | of a step | 64, 128, 256, 512 |"
    assert row in page
    assert (
        "| `dropout` | number ≥ 0 and < 1 |  | `0.0` | probability to drop an element of the code | 0 to 0.9, evenly |"
        in page
    )
    assert "| `optimizer` | `sgd`, `adam` |" in page and "| `columns` | mapping |  | must be said |" in page
