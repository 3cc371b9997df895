"""One day of lists: the sources, histories and features as of ``d``, in chunks of users.

Ranker training, evaluation and tomorrow all come through here; they differ only in the day and in
what they do with a chunk.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import wait
from datetime import date, timedelta
from itertools import islice
from typing import TypeVar

import numpy as np
import pyarrow as pa

from data.contract import CODE, ITEM, TS, USER, VALUE
from data.lake import Lake
from data.versions import entities_as_of
from data.windows import midnight_us
from features.asof import AsOf
from features.join import join
from models.candidates import Candidates, Source, make_candidates
from models.interactions import Histories, Interactions
from models.memory import Memory
from models.ranker import source_feature_names, source_features
from models.similarity import MEASURES, NEWEST, Space
from tasks.progress import Tell
from tasks.rerank import make_reranker
from tasks.run import Run
from tasks.workers import workers

T = TypeVar("T")
MAX_CHUNK = 1024
"""Users scored at a time at most: past it chunks only cost memory."""
_MEMORY = Memory()


class Day:
    """Lists for one day.

    Args:
        run: the run.
        day: the day recommended for; nothing on or after it is read.
        sources: fitted generators, in the order of the settings.
        tables: features as of ``day``.
    """

    def __init__(self, run: Run, day: date, sources: Sequence[Source], tables: AsOf) -> None:
        settings = run.settings
        self.day = day
        self.sources = list(sources)
        self.tables = tables
        self.threads = settings.threads or os.cpu_count() or 1
        self.minimum = settings.recommend.k
        log = read_log(run.lake, day)
        positives = log.positive(settings.positive_min)
        until = midnight_us(day, settings.ingest.timezone)
        for source in self.sources:
            source.model.refresh(positives, until)
        self.n_users, self.n_items = log.n_users, log.n_items
        self.histories = positives.histories()
        seen = {"all": log, "positive": positives, "none": None}[settings.recommend.seen]
        self.hidden = None if seen is None else seen.histories()
        self.fill = _fill_order(run.lake, log, day)
        self.spaces = _spaces(run, self.sources)
        self.reranker = make_reranker(
            settings.recommend.rerank, run.lake, day, self.sources, self.n_items
        )
        self.differences = settings.features.score_differences
        self.names = [
            *source_feature_names([s.name for s in self.sources], self.differences),
            *(f"{name}:{measure}" for name in self.spaces for measure in MEASURES),
            *self.tables.catalog.names,
        ]
        self._chunk_bytes = settings.chunk_memory_gb * 2**30 / self.threads
        self._listed = np.unique(log.user)

    def all_users(self, lake: Lake) -> np.ndarray:
        """Give the codes of the users known before the day, ascending int32."""
        table = entities_as_of(lake, "users", self.day)[USER].to_numpy()
        return np.union1d(table, self._listed).astype(np.int32)

    def candidates(self, users: np.ndarray) -> Candidates:
        """Make the candidates of some users, ``(n,)`` int32 codes."""
        hidden = None if self.hidden is None else self.hidden.take(users)
        histories = self.histories.take(users)
        return make_candidates(self.sources, histories, hidden, self.fill, self.minimum)

    def features(self, candidates: Candidates, pairs: np.ndarray | None = None) -> np.ndarray:
        """Describe pairs, ``(n_features, n)`` float32, rows as in :attr:`names`.

        Args:
            candidates: of a chunk of users.
            pairs: ``(n,)`` positions of those to describe, ascending; None: all.
        """
        size = len(candidates.item) if pairs is None else len(pairs)
        out = np.empty((len(self.names), size), np.float32)
        self._describe(candidates, pairs, out)
        return out

    def describe(self, candidates: Candidates) -> np.ndarray:
        """Describe all pairs like :meth:`features`, in memory the thread's next chunk reuses."""
        features = _MEMORY.take("features", (len(self.names), len(candidates.item)))
        self._describe(candidates, None, features)
        return features

    def _describe(self, candidates: Candidates, pairs: np.ndarray | None, out: np.ndarray) -> None:
        """Write what the sources, their spaces and the catalog say of the pairs."""
        indptr, item = candidates.indptr, candidates.item
        if pairs is not None:
            indptr, item = np.searchsorted(pairs, indptr), item[pairs]
        at = (4 if self.differences else 3) * len(self.sources) + 1
        source_features(candidates, out[:at], pairs, self.differences)
        newest = self.histories.take(candidates.user).last(NEWEST)
        for space in self.spaces.values():
            space.compare(newest, indptr, item, out[at : at + len(MEASURES)])
            at += len(MEASURES)
        join(self.tables, candidates.user, indptr, item, out[at:])

    def map_chunks(
        self, users: np.ndarray, work: Callable[[np.ndarray], T], tell: Tell
    ) -> Iterator[T]:
        """Do ``work(chunk of users)`` on all threads; results come in the order of the users.

        At most two chunks a thread are under way, so memory does not grow with the users. Steps
        that run side by side share the threads.

        Args:
            users: ``(n,)`` int32 codes.
            work: what to do with some of them.
            tell: told how many users are done.
        """
        size, done = self.chunk_size(), 0
        chunks = iter([users[at : at + size] for at in range(0, len(users), size)])
        with workers(self.threads) as pool:
            under_way = deque(pool.submit(work, c) for c in islice(chunks, 2 * self.threads))
            try:
                while under_way:
                    result = under_way.popleft().result()
                    under_way.extend(pool.submit(work, c) for c in islice(chunks, 1))
                    yield result
                    done = min(done + size, len(users))
                    tell(done, len(users))
            finally:  # after an error nothing of this day may stay behind in the pool
                wait([chunk for chunk in under_way if not chunk.cancel()])

    def chunk_size(self) -> int:
        """Users whose score blocks, candidates and features fit the memory of one thread."""
        blocks = (len(self.sources) + 2) * self.n_items
        pairs = max(sum(s.candidates for s in self.sources), self.minimum)
        a_user = 4 * (blocks + pairs * (len(self.names) + 2 * len(self.sources) + 6))
        return int(np.clip(self._chunk_bytes / a_user, 1, MAX_CHUNK))


def _spaces(run: Run, sources: Sequence[Source]) -> dict[str, Space]:
    """Give the similarities of the sources that have some, one for each fit."""
    if not run.settings.features.similarity:
        return {}
    owners = {g.name for g in run.settings.generators if g.share_fit is None}
    found = {s.name: s.model.space() for s in sources if s.name in owners}
    return {name: space for name, space in found.items() if space is not None}


def read_log(lake: Lake, as_of: date) -> Interactions:
    """Read all events of the days before ``as_of``, oldest first."""
    table = lake.interactions(as_of, columns=[USER, ITEM, TS, VALUE])
    ts = table[TS].cast(pa.int64()).to_numpy()
    log = Interactions(
        user=table[USER].to_numpy(),
        item=table[ITEM].to_numpy(),
        ts=ts,
        value=table[VALUE].to_numpy(),
        n_users=_count(lake, "users"),
        n_items=_count(lake, "items"),
    )
    if np.any(ts[1:] < ts[:-1]):  # rows that arrived late stand in a later partition
        log = log.where(np.argsort(ts, kind="stable"))
    return log


def liked_within(run: Run, day: date, horizon_days: int) -> Histories:
    """Give every user's positives in ``[day, day + horizon_days)``, which judge its lists."""
    log = read_log(run.lake, day + timedelta(days=horizon_days))
    liked = log.positive(run.settings.positive_min)
    return liked.since(midnight_us(day, run.settings.ingest.timezone)).histories()


def _count(lake: Lake, entity: str) -> int:
    codes = lake.read_table("ids", f"{entity}.parquet", columns=[CODE])
    return len(codes)


def _fill_order(lake: Lake, log: Interactions, day: date) -> np.ndarray:
    """Order the known items (in the items table or met before) by popularity of all time."""
    count = np.bincount(log.item, minlength=log.n_items)
    known = count > 0
    known[entities_as_of(lake, "items", day)[ITEM].to_numpy()] = True
    items = np.flatnonzero(known).astype(np.int32)
    return items[np.argsort(-count[items], kind="stable")]
