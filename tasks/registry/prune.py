"""Keep the lake small: of the bundles in it, the newest and the champion's stay."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from tasks.registry.store import Store
from tasks.registry.upload import pending_days
from tasks.registry.versions import AS_OF, PRUNED, Version
from tasks.run import Run


def prune(run: Run, store: Store, versions: Sequence[Version]) -> list[str]:
    """Delete old bundles from the lake; a tracking server keeps all of its own.

    What stays: the ``registry.keep`` newest days, whatever has an alias, the champion before, and
    what waits to be sent. A version whose bundle is gone keeps its figures and a tag that says so.

    Returns:
        What was deleted, for people.
    """
    lake, keep = run.lake, run.settings.registry.keep
    champions = set(store.champions()[-2:])
    named = [v for v in versions if v.aliases or v.number in champions]
    days = [name for name in lake.names("models") if name.startswith("as_of=")]
    stay = {f"as_of={day}" for day in [*(v.tags[AS_OF] for v in named), *pending_days(lake)]}
    deleted = []
    for name in sorted(set(days[:-keep]) - stay):
        lake.fs.rm(lake.path("models", name), recursive=True)
        deleted.append(f"models/{name}")
    if store.artifacts is not None:
        newest = sorted(versions, key=lambda v: (v.as_of, v.number))[-keep:]
        for version in versions:
            if version in newest or version in named or PRUNED in version.tags:
                continue
            shutil.rmtree(store.artifacts / version.run_id, ignore_errors=True)
            store.tag(version.number, PRUNED, "true")
            deleted.append(f"the bundle of version {version.number}")
    return deleted
