"""Parquet files: typed columns, every row with its position, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data.contract import DataError
from data.sources.base import RECORD, Part, Rejected
from data.sources.files import File

_ROWS = 1 << 19


@dataclass(frozen=True)
class ParquetPart(Part):
    """A Parquet file; its "lines" are its rows, counted from 1."""

    file: File

    @property
    def name(self) -> str:  # type: ignore[override]
        """Path of the file."""
        return self.file.path

    def stamp(self) -> dict[str, Any]:
        """Name, size and hash of the file."""
        return self.file.stamp()

    def schema(self) -> pa.Schema:
        """Columns and types of the file."""
        with self._reader() as reader:
            return reader.schema_arrow.remove_metadata()

    def batches(self, columns: Sequence[str], rejected: list[Rejected]) -> Iterator[pa.RecordBatch]:
        """Read some columns with their types; no row is ever rejected."""
        del rejected
        start = 0
        with self._reader() as reader:
            wanted = list(dict.fromkeys(columns))
            for batch in reader.iter_batches(batch_size=_ROWS, columns=wanted):
                records = pa.array(np.arange(start, start + len(batch)))
                start += len(batch)
                yield batch.append_column(RECORD, records)

    def locate(self, records: Sequence[int]) -> Iterator[tuple[int, str]]:
        """Give number, from 1, and cells (comma between them) of some rows."""
        wanted, start = np.asarray(records, np.int64), 0
        with self._reader() as reader:
            for batch in reader.iter_batches(batch_size=_ROWS):
                inside = wanted[(wanted >= start) & (wanted < start + len(batch))]
                rows = batch.take(pa.array(inside - start)).to_pylist()
                for record, row in zip(inside.tolist(), rows, strict=True):
                    yield record + 1, ",".join("" if v is None else str(v) for v in row.values())
                start += len(batch)

    @contextmanager
    def _reader(self) -> Iterator[pq.ParquetFile]:
        try:
            with self.file.open() as raw, pq.ParquetFile(raw) as reader:
                yield reader
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
            raise DataError(
                f"{self.name} cannot be read as Parquet: {error}. Perhaps it was cut short on "
                "the way: fetch or write it again"
            ) from error
