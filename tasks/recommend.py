"""Tomorrow: the list of every user, published as one partition."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from prefect import task
from prefect.cache_policies import NO_CACHE

from data.contract import ITEM_ID, USER_ID
from tasks.catalogue import external_ids
from tasks.champion import CHAMPION, champion_ranker
from tasks.day import Day
from tasks.evaluate import FINAL
from tasks.features import features_as_of
from tasks.gate import decision_of
from tasks.generators import load_sources
from tasks.lists import Order, make_lists
from tasks.progress import progress
from tasks.ranker import load_ranker
from tasks.run import Ref, Run
from tasks.skew import log_sample

LATEST = "LATEST"


@task(task_run_name="recommend for {run.as_of}", cache_policy=NO_CACHE)
def recommend_all(
    run: Run, fits: list[Ref], ranker: Ref, champion: Ref, gate: Ref, state: Ref
) -> Ref:
    """Make and publish the lists of all users of the users table and of the log, as the gate says.

    The partition ``recommendations/as_of=…`` appears whole; then ``LATEST`` points to it.

    Args:
        run: the run.
        fits: the generators fitted on all days before ``as_of``.
        ranker: the trained ranker.
        champion: the ranker of the champion.
        gate: says which of the two orders the lists, or which source does.
        state: of the features.
    """
    decision = decision_of(run, gate)
    publish = decision["publish"]

    def make(folder: Path) -> None:
        order = _order(run, publish, ranker, champion)
        day = Day(run, run.as_of, load_sources(run, run.as_of), features_as_of(run, run.as_of))
        users, k = day.all_users(run.lake), run.settings.recommend.k
        user_ids, item_ids = (external_ids(run.lake, what) for what in ("users", "items"))
        names = [source.name for source in day.sources]

        def work(chunk: np.ndarray) -> tuple[pa.Table, np.ndarray]:
            candidates = day.candidates(chunk)
            (lists,) = make_lists(day, candidates, [order], k)
            row, place = np.nonzero(lists.pair >= 0)
            pair = lists.pair[row, place]
            columns = {
                USER_ID: user_ids.take(pa.array(chunk[row])).combine_chunks(),
                ITEM_ID: item_ids.take(pa.array(candidates.item[pair])).combine_chunks(),
                "rank": pa.array((place + 1).astype(np.int16)),
                "score": pa.array(lists.score[pair]),
                "sources": _source_names(candidates.proposed[pair], names),
            }
            return pa.table(columns), (lists.pair >= 0).sum(axis=1)

        short, total, writer = 0, 0, None
        with progress(f"recommend {run.as_of}, users") as tell:
            for table, sizes in day.map_chunks(users, work, tell):
                if writer is None:
                    writer = pq.ParquetWriter(folder / "part.parquet", table.schema)
                writer.write_table(table)
                short += int((sizes < k).sum())
                total += len(table)
        if writer is not None:
            writer.close()
        summary = {
            "as_of": run.as_of.isoformat(),
            "published": publish,
            "why": decision["why"],
            "users": len(users),
            "items": len(day.fill),
            "rows": total,
            "k": k,
            "short_lists": short,
            "short_lists_reason": _reason(day, short, k),
        }
        (folder / "summary.json").write_text(json.dumps(summary, indent=1))
        log_sample(run, day, users, folder)

    inputs = {
        "fits": [fit.digest for fit in fits],
        "sources": [g.model_dump() for g in run.settings.generators],
        "order": {FINAL: ranker.digest, CHAMPION: champion.digest}.get(publish, publish),
        "state": state.digest,
        "log": run.lake.log_digest(run.as_of),
        "recommend": run.settings.recommend.model_dump(),
    }
    ref = run.step("recommendations", f"as_of={run.as_of}", inputs=inputs, make=make)
    _point_to_newest(run)
    return ref


def _order(run: Run, publish: str, ranker: Ref, champion: Ref) -> Order:
    """Load what puts the published lists in order."""
    if publish == FINAL:
        return load_ranker(run, ranker)
    if publish == CHAMPION:
        old = champion_ranker(run, champion)
        assert old is not None  # the gate lets out only a champion that was judged
        return old
    return publish


def _point_to_newest(run: Run) -> None:
    """Let ``LATEST`` name the newest day published: a backfill of an older one leaves it there."""
    newest = run.lake.complete("recommendations")[-1]
    run.lake.write_bytes(f"{newest}\n".encode(), "recommendations", LATEST)


def _source_names(proposed: np.ndarray, names: list[str]) -> pa.ListArray:
    """Spell the mask of proposals out as lists of source names."""
    bits = (proposed[:, None] >> np.arange(len(names), dtype=np.uint32)) & 1
    row, source = np.nonzero(bits)
    offsets = np.zeros(len(proposed) + 1, np.int32)
    np.cumsum(np.bincount(row, minlength=len(proposed)), out=offsets[1:])
    values = pa.array(names).take(pa.array(source))
    return pa.ListArray.from_arrays(pa.array(offsets), values)


def _reason(day: Day, short: int, k: int) -> str:
    if not short:
        return ""
    return (
        f"{short} users have fewer than {k} items: the catalogue known before {day.day} has "
        f"{len(day.fill)} items, and those a user has already met are not shown again"
    )
