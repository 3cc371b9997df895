"""Train/serve skew: what lists were made from, against what is computed for their day later."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from data.versions import attributes_digest
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
    made_from = {
        "catalog": day.tables.catalog.digest,
        "log": run.lake.log_digest(day.day),
        "users": attributes_digest(run.lake, "users", day.day, day.n_users),
        "items": attributes_digest(run.lake, "items", day.day, day.n_items),
        "sizes": [day.n_users, day.n_items],
    }
    with (folder / LOGGED).open("wb") as file:
        np.savez_compressed(
            file,
            rows=np.stack([chosen[candidates.row[pairs]], candidates.item[pairs]], axis=1),
            values=values,
            made_from=np.array(json.dumps(made_from)),
        )


def compare_with_logged(run: Run) -> dict[str, Any] | None:
    """Compute the features of the last lists before the run's day again, and compare.

    Rows are compared where the same catalog, log and attributes stand behind both; what changed
    since is told instead.

    Returns:
        day, rows, features and ``differs_by`` (what changed, "" if nothing did); None where there
        are no earlier lists.

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
    n_users, n_items = made_from["sizes"]
    now = {
        "catalog": catalog.digest,
        "log": run.lake.log_digest(day),
        "users": attributes_digest(run.lake, "users", day, n_users),
        "items": attributes_digest(run.lake, "items", day, n_items),
    }
    changed = [what for what, found in now.items() if made_from[what] != found]
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


def _comparable(catalog: Catalog, changed: list[str]) -> list[int]:
    """Positions of the features that nothing changed for."""
    if "catalog" in changed or "log" in changed:
        return []
    if changed:
        return [n for n, f in enumerate(catalog) if f.attribute is None]
    return list(range(len(catalog)))


def last_logged(run: Run) -> date | None:
    """Give the newest day before the run's whose lists have logged features."""
    days = [
        date.fromisoformat(name.removeprefix("as_of="))
        for name in run.lake.names("recommendations")
        if name.startswith("as_of=") and run.lake.exists("recommendations", name, LOGGED)
    ]
    return max((day for day in days if day < run.as_of), default=None)
