"""docs/settings.md: every setting with its type, range, unit, meaning and default, from the classes that check it."""

from collections.abc import Iterable, Iterator
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo

from deeprec.config.schema import Config, Dataset
from deeprec.settings.base import Settings, Space
from deeprec.settings.models import MODELS
from deeprec.settings.sources import SOURCES, Source

HEAD = """# Settings

Made of the classes that check them, by `make docs`: do not edit. A run's `settings.yaml` holds all of its model's;
`config.yaml` and a data set's file (`workflow/datasets/`) say what differs from these defaults. "Searched" is where
`snakemake --cores all search` samples a setting from, for the runs that config.yaml lists there.
"""
PLAIN = {int: "whole number", float: "number", str: "text", bool: "true or false"}
BOUNDS = {Ge: "≥", Gt: ">", Le: "≤", Lt: "<"}


def render_settings() -> str:
    """Return the page in Markdown."""
    parts = [HEAD]
    for name, kind in MODELS.items():
        parts += [f"## Model `{name}`\n\n{kind.__doc__}\n", _table(kind, searched=True)]
    parts += ["## `config.yaml`\n", _table(Config)]
    parts += ["## A data set, whatever its source\n", _table(Dataset, leave_out={"source"})]
    for name, source in SOURCES.items():
        parts += [f"## Source `{name}`\n\n{source.__doc__}\n", _table(source, leave_out=set(Source.model_fields))]
    return "\n".join(parts)


def _table(kind: type[Settings], *, searched: bool = False, leave_out: set[str] | None = None) -> str:
    columns = ["setting", "type", "unit", "default", "meaning", *(["searched"] if searched else [])]
    rows = [columns, ["---"] * len(columns)]
    for name, field in kind.model_fields.items():
        if name not in (leave_out or set()):
            extra: Any = field.json_schema_extra or {}
            words, unit = _type(field.annotation, field.metadata), extra.get("unit") or ""
            row = [f"`{name}`", words, unit, _default(field), field.description or ""]
            rows.append([*row, *([_space(extra.get("search"))] if searched else [])])
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows) + "\n"


def _type(annotation: Any, limits: Iterable[Any]) -> str:
    """Say a type and its bounds in a person's words."""
    # A Field() inside an Annotated keeps its bounds in a list of its own.
    bounds = _bounds([bound for limit in limits for bound in getattr(limit, "metadata", [limit])])
    return f"{_words(annotation)} {' and '.join(bounds)}".strip()


def _bounds(limits: list[Any]) -> Iterator[str]:
    for kind, sign in BOUNDS.items():
        for limit in limits:
            if isinstance(limit, kind):
                yield f"{sign} {getattr(limit, kind.__name__.lower()):g}"


def _words(annotation: Any) -> str:
    """Say a type, but for its bounds, in a person's words."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is None:
        return PLAIN.get(annotation, "mapping")
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in inner)
    if origin is list:
        return f"list of {_words(inner[0])}"
    if origin is Annotated:
        return _type(inner[0], inner[1:])
    if origin in (Union, UnionType):
        return ", ".join(_words(one) for one in inner if one is not type(None))
    return "mapping"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "must be said"
    value = field.default
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    first = value[0] if isinstance(value, list) and value else value
    # Mappings, and lists of them, are too long for a cell.
    return "" if first is None or isinstance(first, dict | Settings) else f"`{value}`"


def _space(space: Space | None) -> str:
    if not space:
        return ""
    [(kind, values)] = space.items()
    if kind == "choices":
        return ", ".join(str(value).lower() if isinstance(value, bool) else str(value) for value in values)
    return f"{values[0]:g} to {values[1]:g}" + (", evenly in the logarithm" if kind == "log_uniform" else ", evenly")
