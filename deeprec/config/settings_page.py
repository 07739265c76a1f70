"""docs/settings.md: every setting with its type, range, unit, meaning and default, from the classes that check it."""

from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo

from deeprec.config.schema import Config, Dataset
from deeprec.settings.base import Settings, Space
from deeprec.settings.models import MODELS
from deeprec.settings.sources import SOURCES

HEAD = """# Settings

Made of the classes that check them, by `make docs`: do not edit. A run's `settings.yaml` holds all of its model's;
`config.yaml` and a data set's file (`workflow/datasets/`) say what differs from these defaults. "Searched" is where
`snakemake --cores all search` samples a setting from, for the runs that config.yaml lists there.
"""
BOUNDS = {Ge: "≥", Gt: ">", Le: "≤", Lt: "<"}


def render_settings() -> str:
    """Return the page in Markdown."""
    parts = [HEAD]
    for name, kind in MODELS.items():
        parts += [f"## Model `{name}`\n\n{kind.__doc__}\n", _table(kind, searched=True)]
    parts += ["## `config.yaml`\n", _table(Config)]
    parts += ["## A data set, whatever its source\n", _table(Dataset, leave_out={"source"})]
    for name, source in SOURCES.items():
        parts += [f"## Source `{name}`\n\n{source.__doc__}\n", _table(source, leave_out={"source"})]
    return "\n".join(parts)


def _table(kind: type[Settings], *, searched: bool = False, leave_out: set[str] | None = None) -> str:
    columns = ["setting", "type", "unit", "default", "meaning", *(["searched"] if searched else [])]
    rows = [columns, ["---"] * len(columns)]
    for name, field in kind.model_fields.items():
        if name not in (leave_out or set()):
            extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
            row = [f"`{name}`", _type(field), str(extra.get("unit") or ""), _default(field), field.description or ""]
            rows.append([*row, *([_space(extra.get("search"))] if searched else [])])  # type: ignore[arg-type]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows) + "\n"


def _type(field: FieldInfo) -> str:
    bounds = " and ".join(_bounds(field.metadata))
    return f"{_words(field.annotation)} {bounds}".strip()


def _bounds(metadata: list[Any]) -> Iterator[str]:
    for kind, sign in BOUNDS.items():
        for bound in metadata:
            if isinstance(bound, kind):
                yield f"{sign} {getattr(bound, kind.__name__.lower()):g}"


def _words(annotation: Any) -> str:
    """Say a type in a person's words."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in inner)
    if origin is list:
        return f"list of {_words(inner[0])}"
    if origin is dict:
        return "mapping"
    if annotation in (int, float, str, bool):
        return {int: "whole number", float: "number", str: "text", bool: "true or false"}[annotation]
    if inner and hasattr(annotation, "__metadata__"):  # Annotated
        return f"{_words(inner[0])} {' and '.join(_bounds([m for m in annotation.__metadata__ for m in _unpack(m)]))}".strip()
    if inner:  # a union
        return ", ".join(_words(one) for one in inner if one is not type(None))
    return "mapping"


def _unpack(metadata: Any) -> list[Any]:
    return list(getattr(metadata, "metadata", [metadata]))


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "must be said"
    value = field.default
    if (
        value is None
        or isinstance(value, dict | Settings)
        or (isinstance(value, list) and value and isinstance(value[0], Settings))
    ):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _space(space: Space | None) -> str:
    if not space:
        return ""
    [(kind, values)] = space.items()
    if kind == "choices":
        return ", ".join(str(value).lower() if isinstance(value, bool) else str(value) for value in values)
    return f"{values[0]:g} to {values[1]:g}" + (", evenly in the logarithm" if kind == "log_uniform" else ", evenly")
