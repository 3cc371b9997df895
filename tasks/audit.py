"""Prove the features of every run before anything is published.

A sample of rows is computed once more from the raw log, the test day and all after it are poisoned
(see :mod:`features.audit`), and what the last published lists were made from is compared with what
is computed for that day now.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from prefect import task
from prefect.cache_policies import NO_CACHE

from data.contract import ITEM, USER
from data.versions import attributes_digest
from features.audit import audit
from tasks.features import count_codes, run_catalog
from tasks.run import Ref, Run
from tasks.skew import compare_with_logged, last_logged

ROOMS = ("data", "features", "tasks")


@task(task_run_name="audit the features before {run.as_of}", cache_policy=NO_CACHE)
def audit_features(run: Run, state: Ref) -> Ref:
    """Audit the first test day, where the log knows what came after, and the run's own day.

    Args:
        run: the run.
        state: of the features.

    Raises:
        FeatureError: a difference; nothing is published then.
    """
    size = run.settings.features.audit_rows

    def make(folder: Path) -> None:
        days = (run.windows.test.start, run.as_of) if size else ()
        figures = {
            "days": [
                audit_day(run, day, size // 2, poisoned=day < run.as_of, until=run.as_of)
                for day in days
            ],
            "skew": compare_with_logged(run) if size else None,
        }
        (folder / "audit.json").write_text(json.dumps(figures, indent=1, default=str))

    inputs = {
        "state": state.digest,
        "attributes": [
            attributes_digest(run.lake, side, run.as_of, n)
            for side, n in zip(("users", "items"), count_codes(run), strict=True)
        ],
        "test": run.windows.test.start,
        "rows": size,
        "logged": last_logged(run),
    }
    return run.step(*run.folder("audit"), inputs=inputs, make=make, rooms=ROOMS)


@task(task_run_name="audit {rows} rows of {run.as_of}", cache_policy=NO_CACHE)
def audit_rows(run: Run, rows: int) -> dict[str, Any]:
    """Audit the run's own day, where the log may know what came after; see :func:`audit_day`."""
    days = run.lake.days()
    return audit_day(run, run.as_of, rows, True, max(run.as_of, days[-1] + timedelta(days=1)))


def audit_day(run: Run, day: date, rows: int, poisoned: bool, until: date) -> dict[str, Any]:
    """Audit about ``rows`` rows of a day.

    Args:
        run: the run; its state reaches ``day``.
        day: the cut.
        rows: how many, half of them events from ``day`` on, where there are any.
        poisoned: also poison the day and all later ones.
        until: events before it are drawn from.

    Returns:
        :class:`features.audit.AuditReport` as a dictionary.
    """
    settings = run.settings
    n_users, n_items = count_codes(run)
    report = audit(
        run.lake,
        run_catalog(run),
        sample_rows(run, day, rows, until),
        day=day,
        n_users=n_users,
        n_items=n_items,
        positive_min=settings.positive_min,
        timezone=settings.ingest.timezone,
        poisoned=poisoned,
        memory_gb=settings.features.memory_gb,
        threads=settings.threads or os.cpu_count() or 1,
        seed=settings.ranker.seed,
    )
    return asdict(report)


def sample_rows(run: Run, day: date, rows: int, until: date) -> np.ndarray:
    """Draw (user, item) rows: events of the days from ``day`` on, and pairs at random.

    The first are what a leak would tell of; the second meet entities without any event. Where
    nothing is known from ``day`` on, events of the day before stand for the first.

    Returns:
        ``(rows, 2)`` int32, the same for the same log.
    """
    random = np.random.default_rng(run.settings.ranker.seed)
    since = day if any(day <= known < until for known in run.lake.days()) else day - timedelta(28)
    events = run.lake.interactions(max(until, day), since, columns=[USER, ITEM])
    drawn = random.integers(0, count_codes(run), (rows, 2))
    if len(events):
        picked = random.integers(0, len(events), rows // 2)
        drawn[: rows // 2, 0] = events[USER].to_numpy()[picked]
        drawn[: rows // 2, 1] = events[ITEM].to_numpy()[picked]
    drawn = drawn[np.lexsort((drawn[:, 1], drawn[:, 0]))]  # a user's rows together are cheaper
    return drawn.astype(np.int32)
