"""What a source of data gives to ingest: raw tables and what their columns mean.

A source reads and checks nothing itself. It names the parts (files, or tables made in memory) of
up to three raw tables and says which column is what; :mod:`data.ingest` does the rest, the same
way for every source.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

RECORD = "__record"
"""Column added to every batch: int64, 0-based position of the row in its part, rejected rows
counted too."""


@dataclass(frozen=True)
class Attributes:
    """Names of the attributes of users or items, by kind.

    Attributes:
        categorical: one category each, strings in the lake.
        numeric: a number each, float32 in the lake.
        multi: several categories each, lists of strings in the lake.
    """

    categorical: tuple[str, ...] = ()
    numeric: tuple[str, ...] = ()
    multi: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All names, in the order categorical, numeric, multi."""
        return self.categorical + self.numeric + self.multi

    def to_dict(self) -> dict[str, list[str]]:
        """Give the lists as ``attributes.json`` holds them."""
        return {name: list(value) for name, value in dataclasses.asdict(self).items()}


@dataclass(frozen=True)
class Rejected:
    """A row that could not be cut into columns."""

    record: int
    """0-based position in the part, rejected rows counted too."""
    reason: str


class Part(ABC):
    """One file, or one table made in memory, of a raw table."""

    name: str
    """Shown in messages and in the quarantine: a path, or what was generated."""

    @abstractmethod
    def stamp(self) -> dict[str, Any]:
        """Identity of the content as JSON values: of a file its size and hash; never its age."""

    @abstractmethod
    def schema(self) -> pa.Schema:
        """Columns as they are found; text files have string columns only."""

    @abstractmethod
    def batches(self, columns: Sequence[str], rejected: list[Rejected]) -> Iterator[pa.RecordBatch]:
        """Read some columns in bounded memory, in order, each batch with :data:`RECORD`.

        Args:
            columns: names out of :meth:`schema`.
            rejected: rows that cannot be read as columns are appended here.
        """

    @abstractmethod
    def locate(self, records: Sequence[int]) -> Iterator[tuple[int, str]]:
        """Give ``(line, raw text)`` of some rows, by ascending 0-based record number.

        The line is 1-based, as an editor shows it; a table without lines counts its rows.
        """


@dataclass(frozen=True)
class MemoryPart(Part):
    """A table made by code; typed columns pass ingest unchanged.

    Args:
        name: shown in messages.
        params: what the table is a function of (all parameters and the seed).
        make: builds the table; called once, and not at all where ingest is up to date.
    """

    name: str
    params: Mapping[str, Any]
    make: Callable[[], pa.Table] = field(compare=False)

    def stamp(self) -> dict[str, Any]:
        """Identity of the content: the parameters."""
        return {"name": self.name, "params": dict(self.params)}

    def schema(self) -> pa.Schema:
        """Columns of the table."""
        return self._table.schema

    def batches(self, columns: Sequence[str], rejected: list[Rejected]) -> Iterator[pa.RecordBatch]:
        """Give the table in batches; nothing is ever rejected."""
        del rejected
        start = 0
        for batch in self._table.select(list(columns)).to_batches(max_chunksize=1 << 17):
            records = pa.array(np.arange(start, start + len(batch)))
            start += len(batch)
            yield batch.append_column(RECORD, records)

    def locate(self, records: Sequence[int]) -> Iterator[tuple[int, str]]:
        """Give the rows as text; the "line" is the 1-based number of the row."""
        rows = self._table.take(pa.array(records, pa.int64())).to_pylist()
        for record, row in zip(records, rows, strict=True):
            yield record + 1, ",".join("" if cell is None else str(cell) for cell in row.values())

    @cached_property
    def _table(self) -> pa.Table:
        return self.make()


@dataclass(frozen=True)
class Log:
    """The raw interactions.

    Attributes:
        parts: in the order that defines the position of a row in the source.
        user_id: column with the user's id (integers or text).
        item_id: column with the item's id.
        ts: column with the time of the event.
        ts_format: ``auto``, ``s``, ``ms``, ``us`` (since 1970, UTC) or a strptime format.
        value: column with the strength; None: every row is 1.
        value_scale: the value that means 1.0; values outside of 0..value_scale are bad rows.
        value_min: rows below it, in the column's own unit, are left out and counted.
        clip: cut values above ``value_scale`` down to it, with a warning, instead.
        duration_s: column with seconds watched.
        known_at: column with the time the row arrived, read like ``ts``.
    """

    parts: tuple[Part, ...]
    user_id: str
    item_id: str
    ts: str
    ts_format: str = "auto"
    value: str | None = None
    value_scale: float = 1.0
    value_min: float | None = None
    clip: bool = False
    duration_s: str | None = None
    known_at: str | None = None


@dataclass(frozen=True)
class Entities:
    """The raw table of users or of items.

    Attributes:
        parts: in the order in which new ids get their codes.
        id: column with the id.
        attributes: columns to keep; a multi column is text to be cut at ``separator``, or a list.
        separator: between the values of a multi column of text.
        title: column with the item's name, for reports.
        derived: columns that are not in the files, as DuckDB SQL over those that are (text):
            ``{"year": "regexp_extract(title, '([0-9]{4})', 1)"}``; ``inputs`` names those used.
        inputs: columns that ``derived`` reads.
        valid_from: column with the day (or time) on which the row became known; the parts may then
            hold many versions of an entity. None: one row an entity, which counts for every day.
    """

    parts: tuple[Part, ...]
    id: str
    attributes: Attributes = Attributes()
    separator: str = "|"
    title: str | None = None
    derived: Mapping[str, str] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    valid_from: str | None = None


class Source(ABC):
    """A data set: its log, its users and its items."""

    kind: str

    @abstractmethod
    def log(self) -> Log:
        """Give the interactions."""

    @abstractmethod
    def users(self) -> Entities | None:
        """Give the users table; None: users are known from the log only, without attributes."""

    @abstractmethod
    def items(self) -> Entities | None:
        """Give the items table; None: items are known from the log only, without attributes."""

    def notes(self) -> list[str]:
        """Give remarks for the report, such as a table that is not there."""
        return []

    def fingerprint(self) -> dict[str, Any]:
        """Identity of the input: what is read and how, and the stamp of every part."""
        return {
            "kind": self.kind,
            **{name: describe(getattr(self, name)()) for name in ("log", "users", "items")},
        }


def describe(table: Log | Entities | None) -> dict[str, Any] | None:
    """Give the mapping and the stamps of a raw table as JSON values."""
    if table is None:
        return None
    fields = {f.name: getattr(table, f.name) for f in dataclasses.fields(table)}
    parts = fields.pop("parts")
    if isinstance(table, Entities):
        fields["attributes"] = table.attributes.to_dict()
        fields["derived"] = dict(table.derived)
        fields["inputs"] = list(table.inputs)
    return {"mapping": fields, "parts": [part.stamp() for part in parts]}
