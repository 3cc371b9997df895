"""A global split in time: everything before a day, judged by the days that follow it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from benchmarks.protocol import BenchmarkError
from benchmarks.real import Ratings
from data.windows import midnight_us
from evaluation.accuracy import UserMetrics, accuracy
from evaluation.relevance import Relevant
from models.interactions import Interactions


@dataclass(frozen=True)
class Split:
    """A cut, and what the lists made at it are judged by.

    Attributes:
        as_of: the day recommended for; train lies before it (UTC).
        train: everything before the cut; codes are dense, so that weightings that count users and
            items (BM25) do not see those of after the cut.
        user_ids: ``(n_users,)`` id of each user code, ascending.
        item_ids: ``(n_items,)`` id of each item code, ascending.
        n_test: rows of the test days.
        n_test_users: users of the test days.
        n_known_users: rows of the test days whose user is in train.
        targets: ``(n,)`` int32 codes of users with at least one relevant item, ascending.
        relevant: for each target, the items of the test days that are in train.
    """

    as_of: date
    train: Interactions
    user_ids: np.ndarray
    item_ids: np.ndarray
    n_test: int
    n_test_users: int
    n_known_users: int
    targets: np.ndarray
    relevant: Relevant

    def judge(self, lists: np.ndarray, ks: Sequence[int]) -> UserMetrics:
        """Judge ``(len(targets), k)`` lists of item codes, best first, padded with -1."""
        return accuracy(lists, self.relevant, ks)

    def align(self, user: np.ndarray, item: np.ndarray) -> np.ndarray:
        """Turn lists with the ids of the files into lists of codes for the targets.

        Args:
            user: ``(n,)`` user ids in any order; at least all targets.
            item: ``(n, k)`` item ids, best first, padded with -1.

        Returns:
            ``(len(targets), k)`` int32; an item unknown to train keeps its place as the code
            ``n_items``, which is relevant to nobody.

        Raises:
            BenchmarkError: a target has no list.
        """
        order = np.argsort(user, kind="stable")
        wanted = self.user_ids[self.targets]
        at = np.searchsorted(user[order], wanted)
        found = np.isin(wanted, user)
        if not found.all():
            raise BenchmarkError(
                f"{np.count_nonzero(~found)} of the {len(wanted)} users of the test have no list, "
                f"among them user {wanted[~found][0]}"
            )
        ids = item[order[at]]
        codes = np.where(np.isin(ids, self.item_ids), np.searchsorted(self.item_ids, ids), -1)
        codes[(codes < 0) & (ids >= 0)] = len(self.item_ids)
        return codes.astype(np.int32)


def split_global_time(log: Ratings, as_of: date, test_days: int) -> Split:
    """Cut at midnight (UTC) of ``as_of``; test are the ``test_days`` from there on.

    Args:
        log: oldest first; every row counts as a positive.
        as_of: first day of the test.
        test_days: its length, days.

    Raises:
        BenchmarkError: nothing before the cut, or no known user after it.
    """
    cut = midnight_us(as_of, "UTC")
    end = midnight_us(as_of + timedelta(days=test_days), "UTC")
    before = log.where(log.ts < cut)
    test = log.where((log.ts >= cut) & (log.ts < end))
    known_user = np.isin(test.user, before.user)
    judged = test.where(known_user & np.isin(test.item, before.item))
    if not len(judged):
        days = log.ts.astype("datetime64[us]").astype("datetime64[D]")
        raise BenchmarkError(
            f"as_of {as_of}: no user and item known before it meet in the {test_days} days from "
            f"it on; the log covers {days.min()}..{days.max()}"
        )
    user_ids, user = np.unique(before.user, return_inverse=True)
    item_ids, item = np.unique(before.item, return_inverse=True)
    train = Interactions(
        user=user.astype(np.int32),
        item=item.astype(np.int32),
        ts=before.ts,
        value=before.rating / np.float32(5),
        n_users=len(user_ids),
        n_items=len(item_ids),
    )
    targets, rows = np.unique(judged.user, return_inverse=True)
    relevant = np.searchsorted(item_ids, judged.item)
    return Split(
        as_of=as_of,
        train=train,
        user_ids=user_ids,
        item_ids=item_ids,
        n_test=len(test),
        n_test_users=len(np.unique(test.user)),
        n_known_users=int(known_user.sum()),
        targets=np.searchsorted(user_ids, targets).astype(np.int32),
        relevant=Relevant.from_pairs(rows, relevant, len(targets)),
    )
