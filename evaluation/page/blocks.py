"""What a section of the report is built from, and how its numbers are written."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, ClassVar


@dataclass(frozen=True)
class Cell:
    """A table cell; ``note`` stands small below it, ``mark`` is ``best``, ``bad`` or nothing."""

    text: str
    note: str = ""
    mark: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of cells; the first ``texts`` columns are words, the row ``strong`` stands out."""

    kind: ClassVar[str] = "table"
    head: list[str]
    rows: list[list[Cell]]
    texts: int = 1
    caption: str = ""
    strong: int = -1


@dataclass(frozen=True)
class Columns:
    """Narrow tables side by side where there is room."""

    kind: ClassVar[str] = "columns"
    tables: list[Table]


@dataclass(frozen=True)
class Fold:
    """Tables that open on demand."""

    kind: ClassVar[str] = "fold"
    title: str
    tables: list[Table]


@dataclass(frozen=True)
class Chart:
    """A picture, one sentence on how to read it, and the numbers it was drawn from."""

    title: str
    svg: str
    reading: str
    numbers: Table
    legend: Sequence[str] = ()


@dataclass(frozen=True)
class Charts:
    """Charts side by side where there is room."""

    kind: ClassVar[str] = "charts"
    charts: list[Chart]


@dataclass(frozen=True)
class Figures:
    """A row of labelled figures."""

    kind: ClassVar[str] = "figures"
    entries: list[tuple[str, str]]


@dataclass(frozen=True)
class Note:
    """A sentence that stands where figures would."""

    kind: ClassVar[str] = "note"
    text: str


@dataclass(frozen=True)
class Users:
    """Cards of sample users: name, history in words, items with title, why, hit."""

    kind: ClassVar[str] = "users"
    users: list[dict[str, Any]]


@dataclass(frozen=True)
class Section:
    """One section of the page: blocks, or why there are none."""

    key: str
    title: str
    lead: str = ""
    blocks: list[Any] = field(default_factory=list)
    error: str = ""
    absent: str = ""


def number(value: float | int | str | None, digits: int = 4) -> str:
    """Write a figure: whole numbers with commas, others with ``digits`` decimals, none as a dash.

    >>> number(1234567), number(0.05123), number(None), number(float("nan")), number("as is")
    ('1,234,567', '0.0512', '–', 'NaN', 'as is')
    """
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("∞" if value > 0 else "−∞")
    if isinstance(value, int):
        return f"{value:,}".replace("-", "−")
    return f"{value:,.{digits}f}".replace("-", "−")


def percent(share: float | None, digits: int = 1) -> str:
    """Write a share 0..1 as per cent.

    >>> percent(0.123)
    '12.3 %'
    """
    return "–" if share is None else f"{number(share * 100.0, digits)} %"


def seconds(value: float) -> str:
    """Write a duration: ``0.4 s``, ``12 s``, ``3 min 5 s``.

    >>> seconds(0.42), seconds(12.3), seconds(185.0)
    ('0.4 s', '12 s', '3 min 5 s')
    """
    if value < 9.95:
        return f"{value:.1f} s"
    whole = round(value)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"


def long_date(day: str) -> str:
    """Write an ISO day in words.

    >>> long_date("2000-12-28")
    'Thursday, 28 December 2000'
    """
    when = date.fromisoformat(day)
    return f"{when:%A}, {when.day} {when:%B %Y}"


def table(head: list[str], rows: Sequence[Sequence[Any]], texts: int = 1, **more: Any) -> Table:
    """Make a table from plain values; cells are kept as they are."""
    cells = [[x if isinstance(x, Cell) else Cell(number(x)) for x in row] for row in rows]
    return Table(head, cells, texts, **more)
