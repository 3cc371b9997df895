"""Why a user got their list: who proposed each item, its place before ranking, what moved it."""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data.contract import ITEM_ID, USER_ID, DataError
from data.lake import Lake
from models.candidates import Candidates
from models.ranker import Ranker
from models.shapley import Shapley, shap_values
from tasks.catalogue import external_ids, titles
from tasks.champion import CHAMPION, champion_ranker
from tasks.day import Day
from tasks.evaluate import FINAL
from tasks.features import features_as_of
from tasks.generators import load_sources
from tasks.lists import Order, make_lists
from tasks.page.published import published_days
from tasks.page.reasons import make_reasons, strongest
from tasks.ranker import load_ranker
from tasks.run import Ref, Run

SAME_SCORE = 1e-5
"""Gap up to which two scores are the same: chunks of other sizes sum in another order."""


class Pairs(NamedTuple):
    """The candidates of one user as the day sees them now."""

    day: Day
    candidates: Candidates
    score: np.ndarray
    """``(n_pairs,)`` by which they were ordered."""
    chosen: list[int]
    """Item codes of the list that would be published now, best first."""
    shapley: Shapley | None
    """Of all candidates; None where a single source orders the list."""
    features: np.ndarray


def newest_published(lake: Lake) -> date:
    """Give the newest day that lists were published for.

    Raises:
        DataError: there is none.
    """
    days = published_days(lake)
    if not days:
        raise DataError(f"{lake.url} holds no published lists: run `zavtra daily` first")
    return days[-1]


def explain_user(run: Run, user: str, day: Day | None = None) -> dict[str, Any]:
    """Explain the published list of a user.

    Args:
        run: of the day published.
        user: id as the source knows it.
        day: :func:`day_of` the run, where several users are explained; None: made here.

    Returns:
        The day, the user (``segment`` warm or cold, number of positives and candidates), what the
        list was ordered by, whether the published scores could be reproduced, and for each item
        its place, title, sources, places before ranking (by source; None where a source knows
        nothing about the pair) and the reasons up and down.

    Raises:
        DataError: nothing was published for the day, or the user is unknown or has no list.
    """
    published = read_list(run, user)
    code = user_code(run.lake, user)
    assert code is not None  # else there would be no list
    summary = run.lake.read_json("recommendations", f"as_of={run.as_of}", "summary.json")
    ordered_by = summary.get("published", FINAL)
    pairs = _pairs(run, code, _order(run, ordered_by), day or day_of(run))
    names, ids = titles(run.lake), external_ids(run.lake, "items")
    codes = pc.index_in(published[ITEM_ID], ids.combine_chunks()).to_pylist()
    items = [
        _item(pairs, place, item, names[item], row)
        for place, (item, row) in enumerate(zip(codes, published.to_pylist(), strict=True), 1)
    ]
    history = int(pairs.day.histories.lengths[code])
    return {
        "as_of": run.as_of.isoformat(),
        "user": user,
        "segment": "warm" if history else "cold",
        "positives": history,
        "candidates": len(pairs.candidates.item),
        "ordered_by": ordered_by,
        "reranked": pairs.day.reranker is not None and ordered_by in (FINAL, CHAMPION),
        "base_score": None if pairs.shapley is None else pairs.shapley.bias,
        "mean_score": float(pairs.score.mean()),
        **_reproduced(pairs, codes, published),
        "items": items,
    }


def read_list(run: Run, user: str) -> pa.Table:
    """Read the published list of a user, best first.

    Raises:
        DataError: nothing was published for the day, or the user is unknown or has no list; the
            message says which, and what to do.
    """
    lake, place = run.lake, ("recommendations", f"as_of={run.as_of}", "part.parquet")
    if not lake.exists(*place):
        days = published_days(lake)
        known = f"; days with lists: {days[0]} to {days[-1]}" if days else ""
        raise DataError(
            f"no lists were published for {run.as_of} in {lake.url}{known}: run "
            f"`zavtra daily --as-of {run.as_of}` first"
        )
    code = user_code(lake, user)
    if code is None:
        raise DataError(
            f"user {user!r} is unknown to {run.settings.name!r}: no row of the users table and no "
            f"event of the log has this id, so no list was published for it on {run.as_of}. Check "
            "the spelling; a new user gets a list the day after the first event, or as soon as "
            "the users table names it and `zavtra daily` has run. Until then show the list of a "
            "user without history, which is made of what is popular"
        )
    found = external_ids(lake, "users")[code]
    published = pq.read_table(
        lake.path(*place), filesystem=lake.fs, filters=[(USER_ID, "=", found.as_py())]
    )
    if not len(published):
        raise DataError(
            f"user {user!r} has no list on {run.as_of}: the log knows it only from a later day, or "
            f"nothing was left to show. Choose a later --as-of, or run "
            f"`zavtra recommend --as-of {run.as_of}` if it was added to the users table since"
        )
    return published.sort_by("rank")


def user_code(lake: Lake, user: str) -> int | None:
    """Give the code of a user's id as it is written; None where there is no such user."""
    at = pc.index(pc.cast(external_ids(lake, "users"), pa.string()), user).as_py()
    return None if at < 0 else int(at)


def _order(run: Run, ordered_by: str) -> Order:
    """Load what ordered the published lists."""
    if ordered_by == FINAL:
        return load_ranker(run, Ref(run.folder("ranker"), ""))
    if ordered_by == CHAMPION:
        champion = champion_ranker(run, Ref(run.folder("champion"), ""))
        if champion is None:
            raise DataError(
                f"the lists of {run.as_of} were ordered by a champion that is not in the lake any "
                f"more: run `zavtra recommend --as-of {run.as_of}` again"
            )
        return champion
    return ordered_by


def day_of(run: Run) -> Day:
    """Open the day that lists were published for."""
    return Day(run, run.as_of, load_sources(run, run.as_of), features_as_of(run, run.as_of))


def _pairs(run: Run, code: int, order: Order, day: Day) -> Pairs:
    """Make the user's candidates, list and SHAP values again."""
    candidates = day.candidates(np.array([code], np.int32))
    (lists,) = make_lists(day, candidates, [order], run.settings.recommend.k)
    features = day.features(candidates)
    shapley = shap_values(order, features) if isinstance(order, Ranker) else None
    chosen = [int(item) for item in lists.items(candidates)[0] if item >= 0]
    return Pairs(day, candidates, lists.score, chosen, shapley, features)


def _item(
    pairs: Pairs, place: int, item: int, title: str, published: dict[str, Any]
) -> dict[str, Any]:
    """Explain one item of the list."""
    found = {
        "place": place,
        "item": published[ITEM_ID],
        "title": title,
        "score": published["score"],
        "proposed_by": published["sources"],
    }
    candidates = pairs.candidates
    at = int(np.searchsorted(candidates.item, item))
    if at == len(candidates.item) or candidates.item[at] != item:
        return {**found, "candidate": False}
    places = {
        source.name: int(rank) if score > source.model.no_signal else None
        for source, rank, score in zip(
            pairs.day.sources, candidates.ranks[:, at], candidates.scores[:, at], strict=True
        )
    }
    known = {name: place for name, place in places.items() if place is not None}
    best = min(known, key=lambda name: known[name], default=None)
    found |= {
        "candidate": True,
        "score_now": float(pairs.score[at]),
        "place_by_score": int((pairs.score > pairs.score[at]).sum()) + 1,
        "places_before": places,
        "best_place_before": None if best is None else known[best],
        "best_source": best,
    }
    if pairs.shapley is None:
        return {**found, "up": [], "down": []}
    values = pairs.shapley.values
    reasons = make_reasons(
        pairs.day.names,
        pairs.features[:, at],
        values[:, at],
        values.mean(axis=1),
        pairs.day.tables.catalog,
    )
    up, down = ([reason.as_dict() for reason in part] for part in strongest(reasons))
    return {**found, "up": up, "down": down}


def _reproduced(pairs: Pairs, codes: list[int], published: pa.Table) -> dict[str, Any]:
    """Compare the published list with the one that the lake gives now."""
    now = dict(zip(pairs.candidates.item.tolist(), pairs.score.tolist(), strict=True))
    scores = published["score"].to_pylist()
    gaps = [abs(now.get(code, np.inf) - score) for code, score in zip(codes, scores, strict=True)]
    gap = max(gaps, default=0.0)
    same = codes == pairs.chosen and gap <= SAME_SCORE * (1 + max(map(abs, scores), default=0.0))
    note = (
        ""
        if same
        else "the published scores are not those the lake gives now: its log, tables, settings or "
        "models have changed since. The reasons are those of now; publish again with "
        "`zavtra recommend` to make both agree"
    )
    return {"reproduced": same, "largest_gap": gap if np.isfinite(gap) else None, "note": note}
