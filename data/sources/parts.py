"""Readers of a source's files by their content, and the columns they must have."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

from data.contract import DataError
from data.sources.base import Part
from data.sources.csvfile import CsvPart
from data.sources.files import File, find
from data.sources.parquetfile import ParquetPart


def open_part(file: File, **csv: Any) -> Part:
    """Give the reader of a file by its content; ``csv`` are options of :class:`CsvPart`."""
    return ParquetPart(file) if file.is_parquet() else CsvPart(file, **csv)


def open_parts(path: str, **csv: Any) -> tuple[Part, ...]:
    """Give the readers of all files of a path or glob."""
    return tuple(open_part(file, **csv) for file in find(path))


def require(part: Part, columns: Sequence[str], hint: str = "") -> None:
    """Check that a part has some columns.

    Raises:
        DataError: one is missing; names those found and the nearest.
    """
    found = part.schema().names
    for column in columns:
        if column in found:
            continue
        near = difflib.get_close_matches(column, found, n=1, cutoff=0.5)
        likely = f"; did you mean {near[0]!r}?" if near else ""
        if len(found) == 1 and (other := [mark for mark in ";\t|," if mark in found[0]]):
            likely = f"; is the delimiter {other[0]!r}?"
        raise DataError(
            f"{part.name} has no column {column!r}: it has {', '.join(map(repr, found))}{likely}"
            f". {hint or 'Correct the name in the source section of the configuration'}"
        )
