"""The one join: features of (user, item) pairs, for training, evaluation and tomorrow.

The kernels hold no lock and start no thread, so a caller may join several chunks of users at
once, each in a thread of its own.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from features.asof import AsOf
from features.columns import Affinity, ByItem, BySegment, ByUser, Column, Gap, OfPair
from features.declaration import FeatureError

_KINDS = {"count": 0, "share": 1, "mean": 2}


def join(
    tables: AsOf, users: np.ndarray, indptr: np.ndarray, items: np.ndarray, out: np.ndarray
) -> None:
    """Fill the features of every user's items.

    Args:
        tables: the features of the day the rows are made for.
        users: ``(n,)`` int32 user codes.
        indptr: ``(n + 1,)`` int64; user row ``r`` owns ``items[indptr[r]:indptr[r + 1]]``.
        items: ``(m,)`` int32 item codes.
        out: ``(n_features, m)`` float32, C order; row ``f`` gets feature ``f`` of the catalog.

    Raises:
        FeatureError: shapes that do not fit, or codes outside the tables.
    """
    _check(tables, users, indptr, items, out)
    users, items = users.astype(np.int32, copy=False), items.astype(np.int32, copy=False)
    indptr = indptr.astype(np.int64, copy=False)
    for column, row in zip(tables.columns, out, strict=True):
        _fill(column, users, indptr, items, row)


def _fill(
    column: Column, users: np.ndarray, indptr: np.ndarray, items: np.ndarray, out: np.ndarray
) -> None:
    match column:
        case ByUser():
            _by_user(column.values, users, indptr, out)
        case ByItem():
            np.take(column.values, items, out=out, mode="clip")
        case BySegment():
            _by_segment(column.segment, column.table, users, indptr, items, out)
        case Gap():
            _gap(column.item, column.user, column.sign, users, indptr, items, out)
        case Affinity():
            _affinity(
                column.indptr,
                column.index,
                column.top,
                column.bottom,
                column.items.indptr,
                column.items.index,
                column.items.count,
                _KINDS[column.kind],
                column.scale,
                users,
                indptr,
                items,
                out,
            )
        case OfPair():
            _of_pair(
                column.indptr,
                column.item,
                column.values,
                column.add,
                np.float32(column.default),
                column.n_items,
                users,
                indptr,
                items,
                out,
            )


def _check(
    tables: AsOf, users: np.ndarray, indptr: np.ndarray, items: np.ndarray, out: np.ndarray
) -> None:
    if len(indptr) != len(users) + 1 or indptr[0] != 0 or indptr[-1] != len(items):
        raise FeatureError(
            f"indptr of {len(indptr)} entries does not cut {len(items)} items over {len(users)} "
            "users; expected n + 1 rising entries from 0 to the number of items"
        )
    shape = (len(tables.columns), len(items))
    if out.shape != shape or out.dtype != np.float32 or not out.flags.c_contiguous:
        raise FeatureError(f"out is {out.dtype} {out.shape}; expected float32 {shape} in C order")
    for name, codes, size in (("user", users, tables.n_users), ("item", items, tables.n_items)):
        if len(codes) and (codes.min() < 0 or codes.max() >= size):
            raise FeatureError(
                f"{name} codes {codes.min()}..{codes.max()} lie outside the tables of "
                f"{tables.day} (0..{size - 1}); open them with the id table's number of codes"
            )


@njit(nogil=True, cache=True)
def _by_user(values, users, indptr, out):  # type: ignore[no-untyped-def]
    for row in range(len(users)):
        out[indptr[row] : indptr[row + 1]] = values[users[row]]


@njit(nogil=True, cache=True)
def _by_segment(segment, table, users, indptr, items, out):  # type: ignore[no-untyped-def]
    for row in range(len(users)):
        which = segment[users[row]]
        for at in range(indptr[row], indptr[row + 1]):
            out[at] = table[which, items[at]] if which >= 0 else np.nan


@njit(nogil=True, cache=True)
def _gap(item, user, sign, users, indptr, items, out):  # type: ignore[no-untyped-def]
    for row in range(len(users)):
        own = user[users[row]]
        for at in range(indptr[row], indptr[row + 1]):
            out[at] = sign * (item[items[at]] - own)


@njit(nogil=True, cache=True)
def _affinity(  # type: ignore[no-untyped-def]
    indptr_u, index, top, bottom, indptr_i, values, n_values, kind, scale, users, indptr, items, out
):
    tops = np.zeros(n_values, np.int64)
    bottoms = np.zeros(n_values, np.int64)
    for row in range(len(users)):
        user = users[row]
        for at in range(indptr_u[user], indptr_u[user + 1]):
            tops[index[at]] = top[at]
            if kind == 2:
                bottoms[index[at]] = bottom[at]
        for at in range(indptr[row], indptr[row + 1]):
            begin, end = indptr_i[items[at]], indptr_i[items[at] + 1]
            above, below = np.int64(0), np.int64(0)
            for place in range(begin, end):
                above += tops[values[place]]
                below += bottoms[values[place]]
            if kind == 0:
                out[at] = above
                continue
            if kind == 1:
                below = bottom[user] * (end - begin)
            out[at] = above / (below * scale) if below > 0 else np.nan
        for at in range(indptr_u[user], indptr_u[user + 1]):
            tops[index[at]] = 0
            bottoms[index[at]] = 0


@njit(nogil=True, cache=True)
def _of_pair(  # type: ignore[no-untyped-def]
    indptr_u, met, values, add, default, n_items, users, indptr, items, out
):
    known = np.full(n_items, default, np.float32)
    for row in range(len(users)):
        user = users[row]
        for at in range(indptr_u[user], indptr_u[user + 1]):
            item = met[at]
            if add:
                known[item] += values[at]
            elif not known[item] <= values[at]:  # also where it is NaN
                known[item] = values[at]
        for at in range(indptr[row], indptr[row + 1]):
            out[at] = known[items[at]]
        for at in range(indptr_u[user], indptr_u[user + 1]):
            known[met[at]] = default
