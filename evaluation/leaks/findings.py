"""What the checks of the leak suite found, and what a red verdict stops."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import numpy as np

from evaluation.relevance import EvaluationError

Verdict = Literal["green", "yellow", "red"]
CHECKS = (
    "importance",
    "shap",
    "alone",
    "range",
    "psi",
    "adversarial",
    "label shuffle",
    "future cut",
)
"""Names of the checks, in the order of tables."""


class LeakError(EvaluationError):
    """A red verdict that nobody allowed: what was found, where to look, and how to allow it."""


LOOK_AT = {
    "importance": "One feature decides nearly alone: see whether it is made from the label, or "
    "from events of the day and after.",
    "shap": "One feature moves the scores nearly alone: see whether it is made from the label, or "
    "from events of the day and after.",
    "alone": "No honest feature says so much by itself: see whether it holds the label, the row's "
    "own value, or events of the horizon.",
    "range": "Tomorrow's values lie outside all that was learnt from, as those of a row id or a "
    "clock do: the trees can only guess there.",
    "psi": "The feature is another one tomorrow than in learning: see whether it is made in the "
    "same way, or whether the traffic changed.",
    "adversarial": "See how the features that tell learning from tomorrow are made.",
    "label shuffle": "Labels that mean nothing were learnt: see whether lists that judge are among "
    "those learnt from.",
    "future cut": "The number changes when the day and all after it are removed from the log: it "
    "knows what it must not.",
}
"""Check → what to look at."""


@dataclass(frozen=True)
class Finding:
    """What a check says of its worst feature, or of one that is red.

    Attributes:
        check: one of :data:`CHECKS`, or ``allow``.
        feature: "" where the check is about all of them.
        value: what was measured.
        threshold: what it was compared with: the bound of the verdict, or of yellow where green.
        verdict: green, yellow or red.
        look_at: one sentence: what to look at.
        others: further features past the yellow bound, worst first.
        allowed: the reason for which a red verdict stops nothing; None: it does.
    """

    check: str
    feature: str
    value: float
    threshold: float
    verdict: Verdict
    look_at: str
    others: list[str] = field(default_factory=list)
    allowed: str | None = None

    @property
    def stops(self) -> bool:
        """Whether nothing may be published."""
        return self.verdict == "red" and self.allowed is None


def judge(
    check: str,
    names: Sequence[str],
    values: np.ndarray,
    yellow: float,
    red: float = np.inf,
    expected: Collection[str] = (),
    grave: np.ndarray | None = None,
) -> list[Finding]:
    """Turn one number a feature into findings: every red one, else the worst.

    Args:
        check: one of :data:`CHECKS`.
        names: of the features.
        values: ``(n_features,)``, larger is worse.
        yellow: from here on yellow.
        red: from here on red; ``inf``: never.
        expected: features that are not judged, since it is their nature.
        grave: ``(n_features,)`` bool, those that may be red; None: all.
    """
    judged = [at for at, name in enumerate(names) if name not in expected]
    if not judged:
        return [Finding(check, "", 0.0, yellow, "green", LOOK_AT[check])]
    order = sorted(judged, key=lambda at: -values[at])
    past = [at for at in order if values[at] >= yellow]
    bad = [at for at in past if values[at] >= red and (grave is None or grave[at])]
    if bad:
        return [
            Finding(check, names[at], float(values[at]), red, "red", LOOK_AT[check]) for at in bad
        ]
    worst = order[0]
    return [
        Finding(
            check,
            names[worst],
            float(values[worst]),
            yellow,
            "yellow" if past else "green",
            LOOK_AT[check],
            [names[at] for at in past[1:]],
        )
    ]


def allow(findings: Sequence[Finding], reasons: Sequence[Mapping[str, str]]) -> list[Finding]:
    """Note the reasons for which red verdicts stop nothing.

    Args:
        findings: of all checks.
        reasons: ``check``, ``feature`` and ``reason`` each; a feature "" fits all of the check.

    Returns:
        The findings, and a yellow one for every reason that fits no red verdict.
    """
    out = list(findings)
    for entry in reasons:
        fits = [
            at
            for at, finding in enumerate(out)
            if finding.verdict == "red"
            and finding.check == entry["check"]
            and entry["feature"] in ("", finding.feature)
        ]
        for at in fits:
            out[at] = replace(out[at], allowed=entry["reason"])
        if not fits:
            out.append(
                Finding(
                    "allow",
                    entry["feature"],
                    0.0,
                    1.0,
                    "yellow",
                    f"leaks.allow names {entry['check']!r} of {entry['feature']!r}, which is not "
                    "red: take the entry out of the configuration.",
                )
            )
    return out


def worst_verdict(findings: Sequence[Finding]) -> Verdict:
    """Give the verdict of the whole suite; a red one that was allowed counts as yellow."""
    if any(finding.stops for finding in findings):
        return "red"
    return "green" if all(f.verdict == "green" for f in findings) else "yellow"


def refuse(findings: Sequence[Finding]) -> None:
    """Stop at red verdicts that nobody allowed.

    Raises:
        LeakError: names check, feature, value, threshold, what to look at, and how to allow it.
    """
    found = [finding for finding in findings if finding.stops]
    if not found:
        return
    lines = [
        f"{f.check} of {f.feature or 'all features'}: {f.value:.4g}, red from {f.threshold:.4g}. "
        f"{f.look_at}"
        for f in found
    ]
    example = f"{{check: {found[0].check}, feature: {found[0].feature!r}, reason: why it is right}}"
    raise LeakError(
        "the leak suite stops publication:\n  "
        + "\n  ".join(lines)
        + "\nMend the feature, or leave it out with features.exclude. Where it is right, say so "
        f"in the configuration: leaks: {{allow: [{example}]}}"
    )


def to_part(findings: Sequence[Finding], **more: Any) -> dict[str, Any]:
    """Give the findings as the JSON-able part of the page."""
    return {
        "verdict": worst_verdict(findings),
        "findings": [asdict(finding) for finding in findings],
        **more,
    }
