"""A day's figures as rows, so that days can be laid side by side: ``metrics.parquet``.

One row is one figure of one day. A reader concatenates the tables of the days asked for and filters
by ``system``, ``segment`` and ``metric``; nothing else is needed to draw a trend.

============  ========  ==========================================================================
column        type      meaning
============  ========  ==========================================================================
``as_of``     date32    the day recommended for
``system``    string    a source, ``final``, ``union`` (of the candidates) or ``run``
``segment``   string    ``all``, or the name of a part of the users
``metric``    string    without its k: ``MAP``, ``coverage``, ``candidate_recall``, ``decision:…``
``k``         int32     places judged; null where the metric has none
``value``     float64   finite
``low``       float64   95 % interval; null where there is none
``high``      float64   likewise
============  ========  ==========================================================================
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import pyarrow as pa

from evaluation.relevance import EvaluationError

SCHEMA = pa.schema(
    [
        pa.field("as_of", pa.date32(), nullable=False),
        pa.field("system", pa.string(), nullable=False),
        pa.field("segment", pa.string(), nullable=False),
        pa.field("metric", pa.string(), nullable=False),
        pa.field("k", pa.int32()),
        pa.field("value", pa.float64(), nullable=False),
        pa.field("low", pa.float64()),
        pa.field("high", pa.float64()),
    ]
)
ALL = "all"
"""Segment of everyone."""
RUN = "run"
"""System of what belongs to the day and to no list: decisions, counts."""
UNION = "union"
"""System of the candidates of all sources together."""
DECISION = "decision:"
"""Prefix of a decision's name in ``metric``."""

Row = tuple[str, str, str, int | None, float, float | None, float | None]


def history_table(
    as_of: date,
    figures: Mapping[str, Any],
    k: int,
    decisions: Mapping[str, bool | float] | None = None,
) -> pa.Table:
    """Flatten the figures of a day; rows stand sorted, so the same figures give the same bytes.

    Args:
        as_of: the day recommended for.
        figures: the dictionary that ``metrics.json`` holds. Read are ``systems`` (system → "MAP@10"
            → mean), ``metrics`` (rows with intervals, counts), ``segments``, ``beyond`` (system →
            metric → value), ``diversity`` (the curve's ``ild`` and ``distinct_items``) and
            ``candidates`` (recall ceilings). A part that is missing, or that is ``{"error": …}``
            because it could not be made, gives no rows.
        k: places that ``beyond`` was computed for.
        decisions: what the day decided, such as ``{"published": True}``; as 1 and 0.

    Raises:
        EvaluationError: a figure is not finite; it names the figure.

    >>> day = {"systems": {"final": {"MAP@10": 0.25}}, "beyond": {"final": {"coverage": 0.5}}}
    >>> table = history_table(date(2021, 1, 2), day, k=10, decisions={"published": True})
    >>> for row in table.select(["system", "metric", "k", "value"]).to_pylist():
    ...     print(*row.values())
    final MAP 10 0.25
    final coverage 10 0.5
    run decision:published None 1.0
    """
    found: dict[tuple[str, str, str, int | None], Row] = {}
    for row in _rows(figures, k, decisions or {}):
        _check_finite(row)
        found.setdefault(row[:4], row)  # the first has the interval
    ordered = sorted(found.values(), key=lambda r: (*r[:3], -1 if r[3] is None else r[3]))
    columns = list(zip(*ordered, strict=True)) if ordered else [()] * 7
    arrays = [pa.array([as_of] * len(ordered), pa.date32())]
    arrays += [
        pa.array(column, field.type)
        for column, field in zip(columns, list(SCHEMA)[1:], strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=SCHEMA)


def _rows(
    figures: Mapping[str, Any], k: int, decisions: Mapping[str, bool | float]
) -> Iterator[Row]:
    yield from _judged(_part(figures, "metrics"))
    for system, means in _part(figures, "systems").items():
        for name, value in means.items():
            yield _row(system, ALL, name, value)
    for part in figures.get("segments") or []:
        if isinstance(part, Mapping) and "rows" in part:
            yield (RUN, part["segment"], "users", None, float(part["users"]), None, None)
            for entry in part["rows"]:
                spans = entry.get("intervals", {})
                for name, value in entry["values"].items():
                    yield _row(entry["name"], part["segment"], name, value, spans.get(name))
    for system, values in _part(figures, "beyond").items():
        for name, value in values.items():
            yield (system, ALL, name, k, float(value), None, None)
    yield from _curves(_part(figures, "diversity"))
    yield from _ceilings(_part(figures, "candidates"))
    for name, value in decisions.items():
        yield (RUN, ALL, f"{DECISION}{name}", None, float(value), None, None)


def _judged(part: Mapping[str, Any]) -> Iterator[Row]:
    """Rows of the table with intervals, and how many users it judges."""
    for entry in part.get("rows", []):
        spans = entry.get("intervals", {})
        for name, value in entry["values"].items():
            yield _row(entry["name"], ALL, name, value, spans.get(name))
    for entry in part.get("comparisons", []):
        name, at = split_name(part["main"])
        value, low, high = (float(entry[key]) for key in ("difference", "low", "high"))
        yield (entry["name"], ALL, f"final_minus_this:{name}", at, value, low, high)
    for name in ("users", "excluded"):
        if name in part:
            yield (RUN, ALL, name, None, float(part[name]), None, None)


def _curves(part: Mapping[str, Any]) -> Iterator[Row]:
    for system, curve in part.items():
        for at, depth in enumerate(curve["k"]):
            distinct = float(curve["distinct_items"][at])
            yield (system, ALL, "distinct_items", int(depth), distinct, None, None)
            if curve["ild"]:
                value, low, high = (float(curve[x][at]) for x in ("ild", "ild_low", "ild_high"))
                yield (system, ALL, "ild", int(depth), value, low, high)


def _ceilings(part: Mapping[str, Any]) -> Iterator[Row]:
    for entry in part.get("rows", []):
        for name in ("recall", "marginal_recall", "candidates_per_user"):
            metric = name if name.startswith("candidate") else f"candidate_{name}"
            yield (entry["source"], ALL, metric, None, float(entry[name]), None, None)


def split_name(name: str) -> tuple[str, int | None]:
    """Cut the k off a metric's name.

    >>> split_name("NDCG_min@10"), split_name("coverage")
    (('NDCG_min', 10), ('coverage', None))
    """
    metric, _, depth = name.partition("@")
    return metric, int(depth) if depth else None


def _row(
    system: str, segment: str, name: str, value: float, span: Mapping[str, float] | None = None
) -> Row:
    metric, depth = split_name(name)
    low, high = (None, None) if span is None else (float(span["low"]), float(span["high"]))
    return (system, segment, metric, depth, float(value), low, high)


def _check_finite(row: Row) -> None:
    if not all(math.isfinite(x) for x in row[4:] if x is not None):
        raise EvaluationError(
            f"{row[2]} of {row[0]} ({row[1]}) is {row[4]} ({row[5]} to {row[6]}); every figure of "
            "a day must be finite: look at how it was made"
        )


def _part(figures: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Give a part of the figures; nothing where it is missing or could not be made."""
    part = figures.get(name)
    return part if isinstance(part, Mapping) and set(part) != {"error"} else {}
