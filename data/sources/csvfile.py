"""Text files cut into columns of text, every row with its position, in bounded memory."""

from __future__ import annotations

import csv
import io
import itertools
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc

from data.contract import DataError
from data.sources.base import RECORD, Part, Rejected
from data.sources.files import File

_BLOCK = 16 << 20
_UNIT = "\x1f"
"""Stands in for a delimiter of several characters (Arrow knows single ones only)."""


@dataclass(frozen=True)
class CsvPart(Part):
    """A text file with one row a line.

    Args:
        file: where it is.
        delimiter: between cells; with several characters (``::``) there is no quoting.
        names: of the columns where the file has no header; None: the first line is the header.
        quoted: whether cells may stand in double quotes (and then span lines).
        encoding: of the text.
    """

    file: File
    delimiter: str = ","
    names: tuple[str, ...] | None = None
    quoted: bool = True
    encoding: str = "utf-8"

    @property
    def name(self) -> str:  # type: ignore[override]
        """Path of the file."""
        return self.file.path

    def stamp(self) -> dict[str, Any]:
        """Name, size and hash of the file, and how it is cut."""
        return {**self.file.stamp(), "delimiter": self.delimiter, "encoding": self.encoding}

    def schema(self) -> pa.Schema:
        """Columns of the header, all text."""
        return pa.schema([(name, pa.string()) for name in self._names()])

    def batches(self, columns: Sequence[str], rejected: list[Rejected]) -> Iterator[pa.RecordBatch]:
        """Read some columns as text; empty cells are empty strings."""
        bad: list[int] = []
        header = 0 if self.names is not None else 1
        names = self._names()

        def note(row: pc.InvalidRow) -> str:
            bad.append(row.number - 1 - header)
            rejected.append(
                Rejected(
                    bad[-1],
                    f"wrong number of columns: {row.actual_columns}, not {row.expected_columns}",
                )
            )
            return "skip"

        with self.file.open() as raw:
            try:
                reader = pc.open_csv(
                    self._single_delimiter(raw),
                    read_options=pc.ReadOptions(
                        use_threads=False,
                        block_size=_BLOCK,
                        column_names=list(names),
                        skip_rows=header,
                        encoding=self.encoding,
                    ),
                    parse_options=pc.ParseOptions(
                        delimiter=_UNIT if len(self.delimiter) > 1 else self.delimiter,
                        quote_char='"' if self._quotes else False,
                        newlines_in_values=self._quotes,
                        invalid_row_handler=note,
                    ),
                    convert_options=pc.ConvertOptions(
                        column_types=dict.fromkeys(columns, pa.binary()),
                        include_columns=list(dict.fromkeys(columns)),
                        strings_can_be_null=False,
                    ),
                )
                start = 0
                for batch in reader:
                    good = np.arange(start, start + len(batch))
                    start += len(batch)
                    # Bad row number k stands behind bad[k] - k good ones.
                    before = np.asarray(bad, np.int64) - np.arange(len(bad))
                    records = good + np.searchsorted(before, good, side="right")
                    yield _as_text(batch, records, rejected, self.encoding)
            except (pa.ArrowInvalid, UnicodeDecodeError) as error:
                if "Empty CSV file" in str(error):
                    return  # a header and nothing below it
                raise DataError(
                    f"{self.name} cannot be read as a CSV with delimiter {self.delimiter!r} in "
                    f"{self.encoding}: {error}. A quote that is never closed is a usual cause"
                ) from error

    def locate(self, records: Sequence[int]) -> Iterator[tuple[int, str]]:
        """Give line and raw text of some records; lines are those of an editor."""
        with self.file.open() as raw:
            text = io.TextIOWrapper(raw, self.encoding, errors="replace", newline="")
            found = self._records(text)
            if self.names is None:
                next(found)
            start = 0
            for wanted in records:
                yield next(itertools.islice(found, wanted - start, None))
                start = wanted + 1

    def _records(self, text: IO[str]) -> Iterator[tuple[int, str]]:
        """Give every record with the line it begins on; empty lines are none, as in Arrow."""
        numbered = enumerate(text, start=1)
        for number, line in numbered:
            content = line
            if self._quotes and '"' in line:
                taken: list[str] = []

                def tape(first: str, taken: list[str] = taken) -> Iterator[str]:
                    for entry in itertools.chain([first], (later for _, later in numbered)):
                        taken.append(entry)
                        yield entry

                limit = csv.field_size_limit(sys.maxsize)
                next(csv.reader(tape(line), delimiter=self.delimiter))
                csv.field_size_limit(limit)
                content = "".join(taken)
            content = content.rstrip("\r\n")
            if content:
                yield number, content

    @property
    def _quotes(self) -> bool:
        return self.quoted and len(self.delimiter) == 1

    def _names(self) -> tuple[str, ...]:
        if self.names is not None:
            return self.names
        with self.file.open() as raw:
            text = io.TextIOWrapper(raw, self.encoding, errors="replace", newline="")
            _, line = next(self._records(text), (0, ""))
        line = line.removeprefix("\ufeff")
        if len(self.delimiter) > 1:
            return tuple(cell.strip() for cell in line.split(self.delimiter))
        return tuple(cell.strip() for cell in next(csv.reader([line], delimiter=self.delimiter)))

    def _single_delimiter(self, raw: IO[bytes]) -> Any:
        if len(self.delimiter) == 1:
            return raw
        return pa.PythonFile(_Replacing(raw, self.delimiter.encode(), _UNIT.encode()), mode="r")


class _Replacing(io.RawIOBase):
    """A stream with one sequence of bytes replaced by another on the way."""

    def __init__(self, raw: IO[bytes], old: bytes, new: bytes) -> None:
        self._raw, self._old, self._new = raw, old, new
        self._left = b""  # replaced, not yet asked for
        self._tail = b""  # may be the beginning of `old`

    def readable(self) -> bool:
        """Say that this can be read."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Give up to ``size`` bytes; none at the end."""
        while not self._left:
            block = self._raw.read(max(size, 1 << 16))
            if not block:
                self._left, self._tail = self._tail, b""
                break
            block = self._tail + block
            # Hold back what could be the start of a delimiter cut by the end of the block.
            keep = next(
                (n for n in range(len(self._old) - 1, 0, -1) if block.endswith(self._old[:n])), 0
            )
            self._tail = block[len(block) - keep :]
            self._left = block[: len(block) - keep].replace(self._old, self._new)
        given, self._left = self._left[:size], self._left[size:]
        return given


def _as_text(
    batch: pa.RecordBatch, records: np.ndarray, rejected: list[Rejected], encoding: str
) -> pa.RecordBatch:
    """Turn bytes into text; rows with bytes that are none in the encoding are rejected."""
    bad: set[int] = set()
    columns = []
    for column in batch.columns:
        try:
            columns.append(column.cast(pa.string()))
        except pa.ArrowInvalid:
            cells = [cell.decode("utf-8", errors="replace") for cell in column.to_pylist()]
            bad |= {n for n, cell in enumerate(cells) if "\ufffd" in cell}
            columns.append(pa.array(cells, pa.string()))
    if bad:
        rejected += [Rejected(int(records[n]), f"not {encoding} text") for n in sorted(bad)]
    table = pa.RecordBatch.from_arrays(
        [*columns, pa.array(records)], names=[*batch.schema.names, RECORD]
    )
    return table.filter(pa.array([n not in bad for n in range(len(batch))])) if bad else table
