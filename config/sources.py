"""Settings of the sources: where the events, users and items are and which column is what."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from config.section import Days, Section


class SyntheticSource(Section):
    """The embedded streaming service: deterministic by seed, needs no files."""

    kind: Literal["synthetic"] = "synthetic"
    users: int = Field(6000, ge=10, description="users in the users table")
    items: int = Field(1500, ge=20, description="items in the items table")
    interactions: int = Field(250_000, ge=100, description="about how many events in all")
    days: Days = Field(120, description="days of history")
    start: str = Field("2026-01-01", description="first day, YYYY-MM-DD")
    seed: int = Field(7, ge=0, description="same seed, same bytes")

    @field_validator("start", mode="before")
    @classmethod
    def _is_a_day(cls, start: Any) -> Any:
        try:
            day = start if isinstance(start, date) else date.fromisoformat(str(start))
        except ValueError as error:
            raise ValueError("must be a day, YYYY-MM-DD") from error
        return day.isoformat()


class MovieLensSource(Section):
    """MovieLens 100k, 1m or latest, in its original files."""

    kind: Literal["movielens"] = "movielens"
    path: str = Field(description="folder with ratings.dat, u.data or ratings.csv")
    stars_min: float | None = Field(
        None, ge=0, le=5, description="ratings below it are left out (and counted); none: all read"
    )


class KionSource(Section):
    """KION: interactions.csv, users.csv, items.csv (original or English columns)."""

    kind: Literal["kion"] = "kion"
    path: str = Field(description="folder with interactions*.csv, users*.csv and items*.csv")


class InteractionsFile(Section):
    """Where the events are and which column is what."""

    path: str = Field(description="CSV or Parquet file, or a glob of them; any fsspec URL")
    user_id: str = Field("user_id", description="column with the user's id")
    item_id: str = Field("item_id", description="column with the item's id")
    ts: str = Field("ts", description="column with the time of the event")
    ts_format: str = Field(
        "auto",
        description="'auto', 's', 'ms', 'us' (since 1970, UTC) or a strptime format",
    )
    value: str | None = Field(None, description="column with the strength; none: every row is 1")
    value_scale: float = Field(1.0, gt=0, description="the value that means 1.0")
    value_min: float | None = Field(
        None, description="rows below it, in the column's own unit, are left out (and counted)"
    )
    duration_s: str | None = Field(None, description="column with seconds watched")
    known_at: str | None = Field(None, description="column with the time the row arrived")
    delimiter: str = Field(",", min_length=1, description="of CSV files")


class EntityFile(Section):
    """A table of users or items and its attributes."""

    path: str = Field(description="CSV or Parquet file, or a glob of them; any fsspec URL")
    id: str = Field(description="column with the id")
    categorical: list[str] = Field([], description="columns with one category each")
    numeric: list[str] = Field([], description="columns with a number each")
    multi: list[str] = Field([], description="columns with several categories in one cell")
    separator: str = Field("|", min_length=1, description="between the values of a multi column")
    title: str | None = Field(None, description="column with the item's name, for reports")
    valid_from: str | None = Field(
        None,
        description="column with the day or time from which the row is known; the files may then "
        "hold many versions of an id, and features of a day read the newest before it",
    )
    delimiter: str = Field(",", min_length=1, description="of CSV files")


class TabularSource(Section):
    """Bring your own data: any CSV or Parquet files with a mapping of columns."""

    kind: Literal["tabular"] = "tabular"
    interactions: InteractionsFile
    users: EntityFile | None = None
    items: EntityFile | None = None


Source = Annotated[
    SyntheticSource | MovieLensSource | KionSource | TabularSource, Field(discriminator="kind")
]
