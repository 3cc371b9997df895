"""Train/serve skew: what lists were made from, against what is computed for their day later."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from data.lake import code_version
from data.versions import KEYS, attributes_digest
from features.audit import compare_logged, features_of
from features.catalog import Catalog
from tasks.day import Day
from tasks.features import features_as_of, run_catalog
from tasks.run import Run

LOGGED = "logged.npz"
ROWS_A_USER = 5


def log_sample(run: Run, day: Day, users: np.ndarray, folder: Path) -> None:
    """Write features of some candidates as the ranker was given them.

    Args:
        run: the run.
        day: the day whose lists were made.
        users: ``(n,)`` codes listed for; the sample is spread evenly over them.
        folder: of the published partition.
    """
    size = min(run.settings.features.audit_rows // ROWS_A_USER, len(users))
    if not size:
        return
    chosen = users[np.linspace(0, len(users) - 1, size).astype(int)]
    candidates = day.candidates(chosen)
    place = np.arange(len(candidates.item)) - candidates.indptr[:-1][candidates.row]
    pairs = np.flatnonzero(place < ROWS_A_USER)
    values = day.features(candidates, pairs)[-len(day.tables.catalog) :]
    sizes = [day.n_users, day.n_items]
    made_from = {**_made_from(run, day.day, day.tables.catalog, sizes), "sizes": sizes}
    with (folder / LOGGED).open("wb") as file:
        np.savez_compressed(
            file,
            rows=np.stack([chosen[candidates.row[pairs]], candidates.item[pairs]], axis=1),
            values=values,
            made_from=np.array(json.dumps(made_from)),
        )


def compare_with_logged(run: Run) -> dict[str, Any] | None:
    """Compute the features of the last lists before the run's day again, and compare.

    Rows are compared where the same code, settings, catalog, log and attributes stand behind both;
    what changed since is told instead.

    Returns:
        day, rows and features compared, and ``changed`` (names of what did); None where there are
        no earlier lists.

    Raises:
        FeatureError: a difference that no change of the data explains.
    """
    day = last_logged(run)
    if day is None:
        return None
    place = run.lake.local("recommendations", f"as_of={day}") / LOGGED
    with np.load(place, allow_pickle=False) as found:
        rows, logged = found["rows"], found["values"]
        made_from = json.loads(str(found["made_from"]))
    catalog = run_catalog(run)
    now = _made_from(run, day, catalog, made_from["sizes"])
    # What an older version did not note is not known to be the same.
    changed = [what for what, found in now.items() if made_from.get(what) != found]
    compared = _comparable(catalog, changed)
    if compared:
        tables = features_as_of(run, day)
        values = features_of(tables, rows)[compared]
        part = Catalog(tuple(catalog.features[n] for n in compared), catalog.attributes)
        compare_logged(part, rows, values, logged[compared], day)
    return {
        "day": day.isoformat(),
        "rows": len(rows) if compared else 0,
        "features": len(compared),
        "changed": changed,
    }


def _made_from(run: Run, day: date, catalog: Catalog, sizes: Sequence[int]) -> dict[str, Any]:
    """Name all that the features of a day depend on.

    Args:
        run: the run.
        day: the day of the lists.
        catalog: the features.
        sizes: number of user and of item codes when the lists were made.
    """
    return {
        "code": code_version("data", "features"),
        "positive_min": run.settings.positive_min,
        "timezone": run.settings.ingest.timezone,
        "catalog": catalog.digest,
        "log": run.lake.log_digest(day),
        **{
            side: attributes_digest(run.lake, side, day, n)
            for side, n in zip(KEYS, sizes, strict=True)
        },
    }


def _comparable(catalog: Catalog, changed: list[str]) -> list[int]:
    """Positions of the features that nothing changed for."""
    if not KEYS.keys() >= {*changed}:  # more than attributes
        return []
    if changed:
        return [n for n, f in enumerate(catalog) if f.attribute is None]
    return list(range(len(catalog)))


def last_logged(run: Run) -> date | None:
    """Give the newest day before the run's whose lists have logged features."""
    days = [
        date.fromisoformat(name.removeprefix("as_of="))
        for name in run.lake.complete("recommendations")
        if run.lake.exists("recommendations", name, LOGGED)
    ]
    return max((day for day in days if day < run.as_of), default=None)
