"""Audit: prove the features of one day on as many rows as you like."""

from __future__ import annotations

from typing import Any

from prefect import flow

from flows.start import AsOf, open_run, open_settings, run_name
from tasks.audit import audit_rows
from tasks.features import update_features


@flow(flow_run_name=run_name)
def audit(
    config: str = "demo", as_of: AsOf = None, rows: int = 10_000, home: str | None = None
) -> dict[str, Any]:
    """Recompute rows from the raw log, and poison the day and all later ones.

    Args:
        config: name of a data set, or path of its YAML.
        as_of: the cut; see :data:`flows.start.AsOf`. On a day with later days in the log the
            audit is sharper: half of the rows are events that are still to come.
        rows: (user, item) rows to recompute.
        home: folder or URL of the lakes; default ``$ZAVTRA_HOME``, else ``./var``.

    Returns:
        The fields of :class:`features.audit.AuditReport`.
    """
    settings, home = open_settings(config, home)
    run = open_run(settings, home, as_of)
    update_features(run)
    return audit_rows(run, rows)
