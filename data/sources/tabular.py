"""Bring your own data: any CSV or Parquet files with a mapping of columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from data.sources.base import Attributes, Entities, Log, Source
from data.sources.parts import open_parts


class TabularSource(Source):
    """Files described by the sections of the configuration.

    Args:
        interactions: ``path`` and the columns of the events.
        users: ``path``, ``id`` and the attributes of users; None: there is no such table.
        items: the same for items, and ``title``.

    Raises:
        DataError: a file is missing, empty or neither CSV nor Parquet, or a glob is empty.
    """

    kind = "tabular"

    def __init__(
        self,
        interactions: Mapping[str, Any],
        users: Mapping[str, Any] | None = None,
        items: Mapping[str, Any] | None = None,
    ) -> None:
        self._log = _log(**interactions)
        self._users = _entities(**users) if users is not None else None
        self._items = _entities(**items) if items is not None else None

    def log(self) -> Log:
        """Give the interactions."""
        return self._log

    def users(self) -> Entities | None:
        """Give the users table, if there is one."""
        return self._users

    def items(self) -> Entities | None:
        """Give the items table, if there is one."""
        return self._items


def _log(
    path: str,
    user_id: str = "user_id",
    item_id: str = "item_id",
    ts: str = "ts",
    ts_format: str = "auto",
    value: str | None = None,
    value_scale: float = 1.0,
    value_min: float | None = None,
    duration_s: str | None = None,
    known_at: str | None = None,
    delimiter: str = ",",
) -> Log:
    return Log(
        open_parts(path, delimiter=delimiter),
        user_id,
        item_id,
        ts,
        ts_format,
        value,
        value_scale,
        value_min,
        duration_s=duration_s,
        known_at=known_at,
    )


def _entities(
    path: str,
    id: str,  # noqa: A002 (the name of the field in the configuration)
    categorical: list[str] | tuple[str, ...] = (),
    numeric: list[str] | tuple[str, ...] = (),
    multi: list[str] | tuple[str, ...] = (),
    separator: str = "|",
    title: str | None = None,
    delimiter: str = ",",
    valid_from: str | None = None,
) -> Entities:
    return Entities(
        open_parts(path, delimiter=delimiter),
        id,
        Attributes(tuple(categorical), tuple(numeric), tuple(multi)),
        separator,
        title,
        valid_from=valid_from,
    )
