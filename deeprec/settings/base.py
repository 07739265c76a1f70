"""What all settings share: strict types, unknown keys refused, and errors that a person can act on."""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, ValidationError, model_validator
from pydantic_core import CoreSchema, ErrorDetails, InitErrorDetails, PydanticCustomError, core_schema

# What was expected, by pydantic's kind of error; {ge} and its like come from the field.
EXPECTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "text",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping of keys to values",
    "model_type": "a mapping of keys to values",
    "finite_number": "a finite number",
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "too_short": "at least {min_length} entries",
    "too_long": "at most {max_length} entries",
    "string_too_short": "at least {min_length} characters",
    "string_too_long": "at most {max_length} characters",
}
Space = dict[str, list[Any]]  # {"log_uniform" or "uniform": [low, high]} or {"choices": […]}
SHOWN = 60  # characters of a wrong value


class Settings(BaseModel):
    """A mapping with known keys. A wrong one raises pydantic's ValidationError, in words of ours (`problems`)."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, validate_default=True)

    @model_validator(mode="wrap")
    @classmethod
    def _tell_plainly(cls, value: Any, handler: Callable[[Any], Self]) -> Self:
        try:
            if too_large := [key for key, held in _items(value) if _beyond_64_bits(held)]:
                found = [
                    _detail((key,), f"found {shown(value[key])}; expected a number of 64 bits") for key in too_large
                ]
                raise ValidationError.from_exception_data(cls.__name__, found)
            return handler(value)
        except ValidationError as error:
            raise ValidationError.from_exception_data(cls.__name__, list(cls._told(error))) from None

    @classmethod
    def _told(cls, error: ValidationError) -> Iterator[InitErrorDetails]:
        found = error.errors(include_url=False)
        if unknown := [str(e["loc"][-1]) for e in found if e["type"] == "extra_forbidden"]:
            known = ", ".join(field.alias or name for name, field in cls.model_fields.items())
            yield _detail((), f"unknown key {', '.join(unknown)}; choose from {known}")
        for e in found:
            if e["type"] != "extra_forbidden":
                about = cls._described(e["loc"])
                yield _detail(e["loc"], _message(e) + (f" ({about})" if about and e["type"] != "told" else ""))

    @classmethod
    def _described(cls, at: tuple[int | str, ...]) -> str | None:
        field = next((f for name, f in cls.model_fields.items() if at and at[0] in (name, f.alias)), None)
        return field.description if field else None


def _items(value: Any) -> list[tuple[str, Any]]:
    return list(value.items()) if isinstance(value, Mapping) else []


def _beyond_64_bits(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(_beyond_64_bits, value))
    return isinstance(value, int) and not -(2**63) <= value < 2**63


def _detail(at: tuple[int | str, ...], message: str) -> InitErrorDetails:
    # As a parameter, since the text itself is a template to pydantic, and what was found may hold braces.
    return {"type": PydanticCustomError("told", "{words}", {"words": message}), "loc": at, "input": None}


def _message(error: ErrorDetails) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "told":
        return error["msg"]
    if kind == "missing":
        return "missing; expected a value"
    found = shown(error["input"])
    if kind == "literal_error":
        choices = re.findall(r"'([^']*)'|(\w+)", context["expected"].replace(" or ", ", "))
        return f"found {found}; choose from {', '.join(a or b for a, b in choices)}"
    if kind in EXPECTED:
        return f"found {found}; expected {EXPECTED[kind].format(**context)}"
    words = error["msg"].removeprefix("Value error, ")
    # What a model as a whole lacks is told without the whole model.
    return words if isinstance(error["input"], Mapping | Settings) else f"found {found}; {words}"


def shown(value: Any) -> str:
    """Return a wrong value as it stands in a message, cut where it is long."""
    words = repr(value)
    return words if len(words) <= SHOWN else words[:SHOWN] + "…"


def problems(error: ValidationError, at: str = "") -> list[str]:
    """Return an error's messages, a line each: the key, what was found, what was expected."""
    lines = []
    for e in error.errors(include_url=False):
        key = ".".join(str(step) for step in ([at] if at else []) + [s for s in e["loc"] if s != "[key]"])
        lines.append((f"{key}: " if key else "") + _message(e))
    return lines


class OneOf:
    """Annotates a field that holds one of several settings classes, told apart by the value of a key."""

    def __init__(self, key: str, kinds: Mapping[str, type[Settings]]):
        self.key, self.kinds = key, kinds

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Let pydantic check a value as `parse` does."""
        return core_schema.no_info_plain_validator_function(
            self.parse, serialization=core_schema.plain_serializer_function_ser_schema(lambda kept: kept.model_dump())
        )

    def parse(self, value: Any) -> Any:
        """Return the settings of the class that the key names."""
        if isinstance(value, tuple(self.kinds.values())):
            return value
        if not isinstance(value, Mapping):
            raise PydanticCustomError("told", "{words}", {"words": f"found {shown(value)}; expected a mapping"})
        kind: Any = value.get(self.key)
        if not isinstance(kind, str) or kind not in self.kinds:
            found = f"found {shown(kind)}" if self.key in value else "missing"
            words = f"{self.key}: {found}; choose from {', '.join(self.kinds)}"
            raise PydanticCustomError("told", "{words}", {"words": words})
        return self.kinds[kind].model_validate(value)


def setting(default: Any, description: str, *, unit: str = "", search: Space | None = None, **limits: Any) -> Any:
    """Return a field of a settings class; `search` is where a search samples it from, `limits` are pydantic's."""
    extra: dict[str, Any] = {"unit": unit, "search": search}
    return Field(default, description=description, json_schema_extra=extra, **limits)


MILLION_MB = 3.0  # of a split's files for a million ratings: Netflix has 3.1, MovieLens 100K 2.0
START_MINUTES = 10  # imports, reading, predictions, a slow file system: however small the data


class ModelSettings(Settings):
    """What defines a training of one model, and what else is true of that model."""

    # The model's name in config.yaml, and the class that learns it: "module:class", imported when it trains.
    model: ClassVar[str]
    learner: ClassVar[str]
    maker: ClassVar[str] = ""  # "module:function" that makes a run of others, for a model that is not trained
    dated: ClassVar[bool] = False  # reads the training ratings' dates, 2 bytes a rating
    shared: ClassVar[bool] = False  # several processes can train it together
    million_seconds: ClassVar[float] = 0.0  # of an epoch over a million ratings on one core (docs/scale.md)

    epochs: int = setting(..., "passes over the training ratings", ge=1)
    patience: int = setting(
        0, "stop after so many epochs without a better validation RMSE; 0 does all", unit="epochs", ge=0
    )

    @classmethod
    def space_of(cls, name: str) -> Space | None:
        """Return where a search samples a setting from; None for one that is not searched."""
        extra: Any = cls.model_fields[name].json_schema_extra or {}
        space: Space | None = extra.get("search")
        return space

    def n_steps(self, n_users: int, n_items: int, n_ratings: int) -> int:
        """Return how many steps an epoch takes; one where the model is solved for at once."""
        return 1

    def training_mb(self, size_mb: float) -> int:
        """Return the MB that a training takes, by the size of its split's files (docs/scale.md)."""
        return round(2000 + 15 * size_mb)

    def training_minutes(self, size_mb: float) -> int:
        """Return the minutes that a training takes on one core at most, by the size of its split's files."""
        seconds = self.epochs * self.epoch_seconds(size_mb / MILLION_MB)
        return math.ceil(START_MINUTES + seconds / 60)

    def epoch_seconds(self, millions: float) -> float:
        """Return the seconds of an epoch on one core, by millions of ratings."""
        return self.million_seconds * millions
