"""Published counts that a data set's splits are held against."""

from typing import Annotated

from pydantic import Field

from deeprec.settings.base import Settings

Count = Annotated[int, Field(ge=0)]


class Counts(Settings):
    """Published counts of a part."""

    ratings: Count
    users: Count
    items: Count


class AuditedSplit(Settings):
    """Published counts of a split; `test` is the whole test interval, validation and test together."""

    train: Counts
    test: Counts


Audit = dict[str, AuditedSplit]  # by split
