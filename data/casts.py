"""DuckDB expressions that turn raw columns, text or typed, into what the contract wants.

Every expression gives NULL for a cell it cannot read, so that a check can say so; none raises.
"""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

UNITS = {"s": 1e6, "ms": 1e3, "us": 1.0, "ns": 1e-3}
"""Microseconds of the units in which a time since 1970 may come."""

_SAMPLE = 20_000


def name(column: str) -> str:
    """Quote a column's name."""
    return '"' + column.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a text."""
    return "'" + text.replace("'", "''") + "'"


def is_text(kind: pa.DataType) -> bool:
    """Whether a column holds text."""
    if pt.is_dictionary(kind):
        kind = kind.value_type
    return bool(pt.is_string(kind) or pt.is_large_string(kind) or pt.is_string_view(kind))


def text(column: str, kind: pa.DataType) -> str:
    """VARCHAR without spaces around it; NULL where it is empty."""
    source = name(column)
    if pt.is_floating(kind):
        # pandas makes 17.0 of an integer as soon as its column has a gap.
        whole = f"TRY_CAST(CASE WHEN {source} = trunc({source}) THEN {source} END AS BIGINT)"
        return (
            f"CASE WHEN isfinite({source}) THEN coalesce({whole}::VARCHAR, {source}::VARCHAR) END"
        )
    if is_text(kind):
        return f"nullif(trim({source}::VARCHAR), '')"
    return f"{source}::VARCHAR"


def blank(column: str, kind: pa.DataType) -> str:
    """BOOLEAN: the cell is empty."""
    return f"({text(column, kind)}) IS NULL"


def number(column: str, kind: pa.DataType) -> str:
    """DOUBLE; NaN stays NaN."""
    source = f"nullif(trim({name(column)}::VARCHAR), '')" if is_text(kind) else name(column)
    return f"TRY_CAST({source} AS DOUBLE)"


def labels(column: str, kind: pa.DataType, separator: str) -> str:
    """VARCHAR[] of the distinct values of a cell in their order; NULL where there are none."""
    if pt.is_list(kind) or pt.is_large_list(kind):
        cut = f"list_transform({name(column)}, lambda x: trim(x::VARCHAR))"
    else:
        parts = f"string_split({name(column)}::VARCHAR, {literal(separator.strip() or separator)})"
        cut = f"list_transform({parts}, lambda x: trim(x))"
    distinct = f"list_filter({cut}, lambda x, i: x <> '' AND list_position({cut}, x) = i)"
    return f"CASE WHEN len({distinct}) > 0 THEN {distinct} END"


def microseconds(column: str, kind: pa.DataType, how: str) -> str:
    """BIGINT, microseconds since 1970; naive times are in the session's time zone.

    Args:
        column: name of the raw column.
        kind: its Arrow type; a typed time or date needs no ``how``.
        how: ``iso``, a key of :data:`UNITS`, or a strptime format (see :func:`detect`).
    """
    if pt.is_timestamp(kind) or pt.is_date(kind):
        if pt.is_timestamp(kind) and kind.tz is not None:
            return f"epoch_us({name(column)})"
        return f"epoch_us(TRY_CAST({name(column)} AS TIMESTAMP)::TIMESTAMPTZ)"
    if how in UNITS:
        count = number(column, kind)
        return f"TRY_CAST(round({count} * {UNITS[how]!r}) AS BIGINT)"
    cell = f"trim({name(column)}::VARCHAR)"
    if how == "iso":
        return f"epoch_us(TRY_CAST({cell} AS TIMESTAMPTZ))"
    return f"epoch_us(try_strptime({cell}, {literal(how)})::TIMESTAMPTZ)"


def detect(sample: pa.Array) -> str | None:
    """Tell how times are written from some cells: ``iso``, a unit, or ``%Y%m%d``.

    None: all cells are empty. Numbers are told by their magnitude: seconds since 1970 have at
    most 11 digits before the point, milliseconds 14, microseconds 17. Eight digits that are all
    dates are dates.
    """
    sample = sample.drop_null()
    if is_text(sample.type):
        words = pc.utf8_trim_whitespace(sample.cast(pa.string()))
        sample = words.filter(pc.not_equal(words, ""))
    if not len(sample):
        return None
    sample = sample.slice(0, _SAMPLE)
    if is_text(sample.type):
        words = sample
        numeric = words.filter(pc.match_substring_regex(words, r"^-?[0-9]+(\.[0-9]+)?$"))
        if 2 * len(numeric) < len(words):
            return "iso"
        if all(_is_date(word) for word in numeric.to_pylist()):
            return "%Y%m%d"
        sample = numeric
    if not (pt.is_integer(sample.type) or pt.is_floating(sample.type) or is_text(sample.type)):
        return "iso"
    if pt.is_integer(sample.type) and all(_is_date(str(number)) for number in sample.to_pylist()):
        return "%Y%m%d"
    middle = pc.approximate_median(pc.abs(sample.cast(pa.float64()))).as_py() or 0.0
    if middle < 1e11:
        return "s"
    return "ms" if middle < 1e14 else "us" if middle < 1e17 else "ns"


def _is_date(word: str) -> bool:
    if len(word) != 8 or not "1900" <= word[:4] <= "2100":
        return False
    try:
        datetime.strptime(word, "%Y%m%d")
    except ValueError:
        return False
    return True
