"""The gate: no list goes out that does harm to what it replaces.

The new list is compared, user by user on the untouched test window, with the champion (the ranker
of the last list published as new), the best single source and popularity. It *holds* against a
rival where it is ahead, or behind by no more than the share ``max_drop`` while the interval of the
difference still reaches 0. The rule:

1. The new list holds against every rival: it is published and becomes the champion.
2. Else the champion, where there is one to publish, holds against every source: it is published
   again, over today's candidates.
3. Else the best single source is published.

A person's word, a promotion or a rollback in the registry, goes before the figures. With fewer
than ``min_users`` users judged nothing can be compared: the champion is published again where there
is one, else the new list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from evaluation.accuracy import UserMetrics
from evaluation.bootstrap import paired_bootstrap
from evaluation.relevance import EvaluationError

Verdict = Literal["new", "champion", "fallback"]


@dataclass(frozen=True)
class Rule:
    """When a list holds against a rival.

    Attributes:
        metric: what is compared, such as ``MAP@10``.
        max_drop: share of the rival's value it may be below.
        min_users: judged users below which nothing is compared.
    """

    metric: str = "MAP@10"
    max_drop: float = 0.02
    min_users: int = 50


@dataclass(frozen=True)
class Comparison:
    """A list against a rival, over the same users.

    Attributes:
        candidate: system that wants to go out.
        rival: system it is compared with.
        value: of the candidate.
        rival_value: of the rival.
        difference: candidate minus rival.
        low: lower bound of its 95 % interval.
        high: upper bound.
        holds: whether the candidate does no harm.
    """

    candidate: str
    rival: str
    value: float
    rival_value: float
    difference: float
    low: float
    high: float
    holds: bool


@dataclass(frozen=True)
class Decision:
    """What goes out, and why.

    Attributes:
        verdict: the new list, the champion again, or a fallback to a source.
        publish: the system whose order is published.
        why: a sentence for people.
        metric: what was compared.
        users: judged.
        comparisons: all that were made, those of the new list first.
    """

    verdict: Verdict
    publish: str
    why: str
    metric: str
    users: int
    comparisons: list[Comparison]

    def as_dict(self) -> dict[str, Any]:
        """Give it JSON-able."""
        return asdict(self)


def decide(
    judged: Mapping[str, UserMetrics],
    new: str,
    champion: str | None,
    sources: Sequence[str],
    popularity: Sequence[str],
    rule: Rule,
    refused: str = "",
    promoted: bool = False,
) -> Decision:
    """Decide what is published.

    Args:
        judged: system → metrics over the same users; holds ``new``, every source and the champion.
        new: the list just trained.
        champion: the list that may be published again; None where there is none.
        sources: single sources.
        popularity: those among them that are popularity; the best of them is a rival.
        rule: what counts as harm.
        refused: why the new list must not go out whatever its figures; "" for no reason.
        promoted: a person wants the new list out, whatever its figures.

    Raises:
        EvaluationError: a system was not judged, or no source is given.
    """
    unknown = [s for s in (new, *sources, *popularity) if s not in judged]
    if champion is not None and champion not in judged:
        unknown.append(champion)
    if unknown or not sources:
        raise EvaluationError(f"the gate needs sources and every system judged; not so {unknown}")
    means = {name: metrics.mean()[rule.metric] for name, metrics in judged.items()}
    users = len(judged[new])
    best = max(sources, key=means.__getitem__)
    rivals = list(dict.fromkeys([best, *sorted(popularity, key=means.__getitem__)[-1:]]))

    def compare(candidate: str, rival: str) -> Comparison:
        found = paired_bootstrap(
            judged[candidate].values[rule.metric], judged[rival].values[rule.metric]
        )
        floor = -rule.max_drop * means[rival]
        holds = found.difference >= 0 or (found.high >= 0 and found.difference >= floor)
        numbers = (found.difference, found.low, found.high)
        return Comparison(candidate, rival, means[candidate], means[rival], *numbers, holds)

    def decided(verdict: Verdict, publish: str, why: str) -> Decision:
        return Decision(verdict, publish, why, rule.metric, users, comparisons)

    comparisons: list[Comparison] = []
    if promoted:
        return decided("new", new, "The new list is published: a person promoted this very ranker.")
    if users < rule.min_users:
        few = f"only {users} users could be judged, {rule.min_users} are needed to compare"
        if champion is not None:
            return decided("champion", champion, f"The champion is published again: {few}.")
        if not refused:
            return decided("new", new, f"The new list is published unjudged: {few}.")
        return decided("fallback", best, f"{best} is published: {refused}, and {few}.")

    comparisons += [compare(new, rival) for rival in ([champion] if champion else []) + rivals]
    harm = refused or _harm("the new list", comparisons, rule.metric)
    if not harm:
        against = " and ".join(c.rival for c in comparisons)
        why = f"The new list is published: it holds against {against} in {rule.metric}."
        return decided("new", new, why)
    if champion is not None:
        own = [compare(champion, rival) for rival in rivals]
        comparisons += own
        lost = _harm("the champion", own, rule.metric)
        if not lost:
            why = f"The champion is published again: {harm}, while the champion holds."
            return decided("champion", champion, why)
        harm = f"{harm}; {lost}"
    return decided("fallback", best, f"The best single source, {best}, is published: {harm}.")


def _harm(who: str, comparisons: Sequence[Comparison], metric: str) -> str:
    """Say against whom the candidate does not hold; nothing where it does."""
    lost = [c for c in comparisons if not c.holds]
    if not lost:
        return ""
    rivals = " and ".join(
        f"{c.rival} ({c.rival_value:.4f}; difference {c.difference:+.4f}, 95 % {c.low:+.4f} to "
        f"{c.high:+.4f})"
        for c in lost
    )
    return f"{who} reaches {metric} {lost[0].value:.4f}, below {rivals}"
