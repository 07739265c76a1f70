"""The kinds of data that the pipeline can start from: what must be said of each, and the module that reads it."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from deeprec.settings.base import OneOf, Settings, setting


class MinRatings(Settings):
    """How many ratings each user and each item has at least: a k-core of the ratings."""

    user: int = setting(1, "of each user", unit="ratings", ge=1)
    item: int = setting(1, "of each item", unit="ratings", ge=1)


def _of_both(value: object) -> object:
    return {"user": value, "item": value} if isinstance(value, int) and not isinstance(value, bool) else value


class Source(Settings):
    """What defines a data set's ratings table."""

    reader: ClassVar[str]  # module with read(path, source) and, where it downloads, fetch(source, folder)
    named_users: ClassVar[bool] = False  # the file may know users by name

    source: str
    min_ratings: Annotated[MinRatings, BeforeValidator(_of_both)] | None = setting(
        None, "users and items with fewer ratings are left out, again until none is left; {user: 5, item: 5}, or 5"
    )


class FileSource(Source):
    """A file at an address, or on this machine already."""

    url: str | None = setting(None, "address of the file, http:// or https://", pattern="^https?://")
    path: str | None = setting(None, "local file to use instead of a download", min_length=1)
    md5: str | None = setting(None, "checksum of the file behind url: 32 hex digits", pattern="^[0-9a-f]{32}$")
    bytes: int | None = setting(None, "size of the file", unit="bytes", ge=1)

    @model_validator(mode="after")
    def _has_a_place(self) -> Self:
        if self.url is None and self.path is None:
            raise ValueError("expected a url or a path")
        return self


class NetflixSource(FileSource):
    """Netflix's training set in any of its forms (docs/netflix.md)."""

    reader: ClassVar[str] = "deeprec.data.netflix"

    source: Literal["netflix"] = setting(..., "kind of data")
    partial: bool = setting(
        False, "some of the movies are enough; then nothing is audited, and the title has to say 'part'"
    )


class MovieLensSource(Source):
    """One of GroupLens's archives."""

    reader: ClassVar[str] = "deeprec.data.movielens"

    source: Literal["movielens"] = setting(..., "kind of data")
    archive: Literal["ml-100k", "ml-1m", "ml-10m", "ml-20m", "ml-25m", "ml-32m", "ml-latest-small"] = setting(
        ..., "which of the archives"
    )
    path: str | None = setting(None, "local archive to use instead of a download", min_length=1)
    md5: str | None = setting(
        None, "checksum of the archive, where it changes over time: 32 hex digits", pattern="^[0-9a-f]{32}$"
    )


class Columns(Settings):
    """Which column holds what: its name, or its number from 0 in a file without a header."""

    user: str | int = setting(..., "column of the users' ids or names")
    item: str | int = setting(..., "column of the items' ids or names")
    rating: str | int = setting(..., "column of the ratings")
    date: str | int | None = setting(None, "column of the dates; of a date-time the day alone, in UTC")
    timestamp: str | int | None = setting(
        None, "column of the times: unix times in seconds, ms, µs or ns, or date-times, of UTC where they name no zone"
    )

    @model_validator(mode="after")
    def _has_a_time(self) -> Self:
        if (self.date is None) == (self.timestamp is None):
            raise ValueError("expected a date or a timestamp, one of the two")
        return self


def _known_encoding(name: str) -> str:
    try:
        "".encode(name)
    except LookupError:
        raise ValueError("expected the name of a text encoding, such as utf-8, utf-16 or latin-1") from None
    return name


class CsvSource(FileSource):
    """A delimited or Parquet file of one's own, plain, compressed (gzip, bzip2, xz, zstd) or alone in a zip."""

    reader: ClassVar[str] = "deeprec.data.delimited"
    named_users: ClassVar[bool] = True

    source: Literal["csv"] = setting(..., "kind of data")
    delimiter: str = setting(",", "between two fields, one character or more", min_length=1, pattern=r'^[^"\r\n]*$')
    header: bool = setting(True, "whether the first line names the columns")
    columns: Columns = Field(..., description="which column holds what")
    decimal: Literal[".", ","] = setting(".", "mark before the fraction of a number")
    encoding: Annotated[str, AfterValidator(_known_encoding)] | None = setting(
        None, "of the text, such as latin-1; UTF-8 where absent, or UTF-16 by its byte order mark"
    )
    zero: Literal["refuse", "drop"] = setting("refuse", "what a rating of 0 does, which would count as not rated")
    repeated: Literal["refuse", "last", "first", "mean"] = setting(
        "refuse", "which of several ratings of a user for an item counts, by their times"
    )


class SimulatedSource(Source):
    """Made-up ratings, in Netflix's layout."""

    reader: ClassVar[str] = "deeprec.data.netflix"

    source: Literal["simulated"] = setting(..., "kind of data")
    n_ratings: int = setting(..., "number of ratings", ge=100)
    n_users: int = setting(..., "number of users", ge=10)
    n_items: int = setting(..., "number of items", ge=10)
    noise: float = setting(..., "deviation of a rating before it is rounded", unit="stars", ge=0)
    seed: int = setting(..., "same seed, same bytes", ge=0)


SOURCES: dict[str, type[Source]] = {
    "netflix": NetflixSource,
    "movielens": MovieLensSource,
    "csv": CsvSource,
    "simulated": SimulatedSource,
}
AnySource = Annotated[Source, OneOf("source", SOURCES)]
