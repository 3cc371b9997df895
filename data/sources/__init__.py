"""Readers of the supported inputs, each giving the same raw tables (see :mod:`.base`)."""

from __future__ import annotations

import difflib
from typing import Any

from data.contract import DataError
from data.sources.base import Source
from data.sources.kion import KionSource
from data.sources.movielens import MovieLensSource
from data.sources.tabular import TabularSource

KINDS = ("synthetic", "movielens", "kion", "tabular")


def make_source(kind: str, **params: Any) -> Source:
    """Make the source of a kind.

    Args:
        kind: one of :data:`KINDS`.
        params: the fields of that kind's section of the configuration, as plain values.

    Raises:
        DataError: there is no such kind, or its files are not there.
    """
    if kind == "synthetic":
        from data.sources.synthetic import SyntheticSource

        return SyntheticSource(**params)
    if kind == "movielens":
        return MovieLensSource(**params)
    if kind == "kion":
        return KionSource(**params)
    if kind == "tabular":
        return TabularSource(**params)
    near = difflib.get_close_matches(kind, KINDS, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise DataError(f"no source of kind {kind!r}: there are {', '.join(KINDS)}{hint}")
