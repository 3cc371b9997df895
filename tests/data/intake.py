"""Shorthand of the intake's tests: small files in, rows of the lake out."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from data.ingest import IngestReport, ingest
from data.lake import Lake
from data.sources import make_source
from data.sources.base import Source

NOW = datetime(2021, 3, 1, tzinfo=UTC)
FAR = date(2100, 1, 1)


def write(path: Path, *lines: str, encoding: str = "utf-8") -> Path:
    """Write lines to a file and give its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding=encoding)
    return path


def table(path: Path | str, **columns: Any) -> Source:
    """Give a tabular source that has interactions only."""
    return make_source("tabular", interactions={"path": str(path), **columns})


def run(source: Source, lake: Lake, **options: Any) -> IngestReport:
    """Ingest with lax defaults."""
    defaults: dict[str, Any] = {
        "now": NOW,
        "max_bad_share": 1.0,
        "keep_duplicates": False,
        "timezone": "UTC",
        "memory_gb": 0.5,
    }
    return ingest(source, lake, **(defaults | options))


def log(lake: Lake) -> list[tuple[Any, Any, str, float]]:
    """Give the log with external ids: (user, item, time, value), in the lake's order."""
    users = lake.read_table("ids", "users.parquet")["id"].to_pylist()
    items = lake.read_table("ids", "items.parquet")["id"].to_pylist()
    return [
        (
            users[row["user"]],
            items[row["item"]],
            row["ts"].astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S"),
            round(row["value"], 4),
        )
        for row in lake.interactions(FAR).to_pylist()
    ]


def bad(lake: Lake, name: str = "interactions") -> list[tuple[int, str, str]]:
    """Give the quarantine as (line, reason, text)."""
    if not lake.exists("quarantine", f"{name}.parquet"):
        return []
    rows = lake.read_table("quarantine", f"{name}.parquet")
    assert rows.schema.names == ["file", "line", "reason", "text"]
    return [(r["line"], r["reason"], r["text"]) for r in rows.to_pylist()]


def bytes_of(lake: Lake) -> dict[str, bytes]:
    """Give every file below the root of a local lake."""
    root = Path(lake.root)
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def parquet(path: Path, **columns: Any) -> Path:
    """Write a Parquet file."""
    import pyarrow.parquet as pq

    pq.write_table(pa.table(columns), path)
    return path
