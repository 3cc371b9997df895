"""The contract of the lake: names, Arrow types and meaning of every column.

Nothing outside this module writes a column name as a string literal of its own.
"""

from __future__ import annotations

import pyarrow as pa

# Outside the lake: ids as the source and the consumer know them (int64 or string).
USER_ID = "user_id"
ITEM_ID = "item_id"

# Inside: dense int32 codes from the append-only id tables.
USER = "user"
ITEM = "item"

TS = "ts"
DAY = "day"
VALUE = "value"
DURATION = "duration_s"
KNOWN_AT = "known_at"
ROW = "row"
CODE = "code"
ID = "id"
TITLE = "title"
ATTRIBUTE = "attribute"
# The day on which a version of a user or item became known, in tables that keep all versions.
VALID_FROM = "valid_from"

TIMESTAMP = pa.timestamp("us", tz="UTC")

INTERACTIONS = pa.schema(
    [
        pa.field(USER, pa.int32(), nullable=False),
        pa.field(ITEM, pa.int32(), nullable=False),
        # Time of the event; ties are ordered by ROW, the position in the source.
        pa.field(TS, TIMESTAMP, nullable=False),
        # Strength in 0..1: watched share, scaled rating, 1 for a click.
        pa.field(VALUE, pa.float32(), nullable=False),
        pa.field(DURATION, pa.float32()),
        pa.field(ROW, pa.int64(), nullable=False),
    ]
)
"""One partition ``interactions/day=YYYY-MM-DD`` holds the rows that became known on that day:
``day`` is the day of ``known_at`` where the source has it, else the day of ``ts``. Rows are sorted
by (ts, row)."""


class DataError(ValueError):
    """Data that cannot be used; the message says file, row, column, value and the remedy."""


class NotEnoughHistoryError(DataError):
    """The log does not reach back, or forward, as far as the run needs."""
