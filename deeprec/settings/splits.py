"""How a split by time is defined: which ratings train, and which are to be predicted."""

from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, TypeAdapter, model_validator

from deeprec.settings.base import OneOf, Settings, setting


def _day(value: object) -> object:
    # YAML makes a date of an unquoted one.
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise ValueError(f"expected a date 'YYYY-MM-DD' ({error})") from error


Day = Annotated[date, BeforeValidator(_day)]
Interval = Annotated[list[Day], Field(min_length=2, max_length=2)]


class _Split(Settings):
    seed: int | None = setting(
        None, "of the sampling between validation and test, and of ties; the data set's split_seed where absent", ge=0
    )


class DateSplit(_Split):
    """Train and test intervals of dates, both ends inclusive, as in the paper's Table 1: train < test."""

    kind: Literal["dates"] = setting("dates", "by dates, as the paper")
    train: Interval = Field(..., description="first and last date that train")
    test: Interval = Field(..., description="first and last date to predict")

    @model_validator(mode="after")
    def _is_in_order(self) -> Self:
        for name, (first, last) in (("train", self.train), ("test", self.test)):
            if first > last:
                raise ValueError(f"{name} begins on {first} after it ends on {last}")
        if self.train[1] >= self.test[0]:
            raise ValueError(f"train ends on {self.train[1]}, test begins on {self.test[0]}; expected train < test")
        return self


class PerUserSplit(_Split):
    """The last `test_fraction` of each user's ratings is the test interval, as the authors do for MovieLens.

    A user's ratings are ordered by time stamp where the source has one, else by date, and those of one time by the
    split's seed. The first `floor((1 - test_fraction) * n)` train.
    """

    kind: Literal["per_user"] = setting("per_user", "each user's last ratings")
    test_fraction: float = setting(..., "share of a user's ratings", gt=0, lt=1)


TimeSplit = Annotated[DateSplit | PerUserSplit, OneOf("kind", {"dates": DateSplit, "per_user": PerUserSplit})]


def parse_split(values: Any) -> TimeSplit:
    """Return the split that a mapping defines; raises pydantic's ValidationError where it defines none."""
    return TypeAdapter(TimeSplit).validate_python(values)
