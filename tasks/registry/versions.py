"""Versions of a data set's models, and which of them is whose champion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Self

CHAMPION, CHALLENGER = "champion", "challenger"
"""Aliases: the version whose lists go out, and the newest one that the gate refused."""

AS_OF = "as_of"
BUNDLE = "bundle_digest"
RANKER = "ranker_digest"
DECISION = "decision"
SINCE = "champion_since"
PROMOTED = "promoted"
ROLLED_BACK = "rolled_back"
PRUNED = "pruned"
COMPLETE = "complete"
"""Tags of a version."""
TAGS = frozenset({AS_OF, BUNDLE, RANKER})
"""Those that every version of ours has."""


@dataclass(frozen=True)
class Version:
    """A registered bundle.

    Attributes:
        number: counted up from 1; 0: the bundle waits in the lake to be registered.
        run_id: MLflow's run of the training, which keeps the bundle; "" for one that waits.
        tags: see the constants above.
        aliases: names that point to it.
    """

    number: int
    run_id: str
    tags: Mapping[str, str]
    aliases: tuple[str, ...] = ()

    @property
    def as_of(self) -> date:
        """The day it was trained for: it has learnt from all days before."""
        return date.fromisoformat(self.tags[AS_OF])

    @property
    def bundle(self) -> str:
        """Digest of its bundle."""
        return self.tags[BUNDLE]

    @property
    def ranker(self) -> str:
        """Digest of its ranker's folder, as the step that trained it gave it."""
        return self.tags[RANKER]

    @property
    def since(self) -> date | None:
        """The day of the log from which it was champion; None: it never was."""
        day = self.tags.get(SINCE)
        return None if day is None else date.fromisoformat(day)

    @property
    def rolled_back(self) -> bool:
        """Whether a person took it back."""
        return ROLLED_BACK in self.tags

    def __str__(self) -> str:
        if self.number == 0:
            return f"the training for {self.as_of}, not registered yet,"
        return f"version {self.number}, trained for {self.as_of},"

    def as_dict(self) -> dict[str, Any]:
        """Give it JSON-able."""
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """Read what :meth:`as_dict` gave."""
        return cls(**{**fields, "aliases": tuple(fields["aliases"])})


def champion_before(versions: Sequence[Version], as_of: date) -> Version | None:
    """Give the champion that a run for ``as_of`` may know.

    That is the champion of today where it was trained for an earlier day. A backfill, or a second
    run of the champion's own day, gets the one of that time: the last that was made champion
    before ``as_of``. A champion trained later has learnt from days that are still to come.
    """
    sound = [v for v in versions if v.as_of < as_of and not v.rolled_back]
    for version in sound:
        if CHAMPION in version.aliases:
            return version
    past = [(v.since, v.number, v) for v in sound if v.since is not None and v.since < as_of]
    return max(past, key=lambda found: found[:2])[2] if past else None


def with_alias(versions: Sequence[Version], alias: str) -> Version | None:
    """Give the version that an alias points to."""
    return next((version for version in versions if alias in version.aliases), None)
