"""Parts of the users that metrics are told for: cold and warm, by activity, by an attribute.

A segment is a name and a mask ``(n_users,)`` bool. Within one kind of segment the parts do not
overlap and together hold everyone; a part without users is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from evaluation.relevance import EvaluationError

UNKNOWN = "not known"
OTHERS = "others"


def segments_of(
    activity: np.ndarray,
    attributes: Mapping[str, Sequence[str | None]] | None = None,
    parts: int = 4,
    max_values: int = 8,
) -> dict[str, np.ndarray]:
    """Give all segments of the users: warm and cold, quantiles of activity, attributes.

    Args:
        activity: ``(n_users,)`` whole numbers: positives (or events) before the day; 0 is cold.
        attributes: name → value of every user, None where it is not known.
        parts: quantiles of activity among the warm.
        max_values: values of an attribute told one by one, the most frequent ones.

    Returns:
        Name → ``(n_users,)`` bool. ``warm`` and ``cold`` are always there.

    Raises:
        EvaluationError: values of an attribute are not one a user.

    >>> list(segments_of(np.array([0, 1, 9]), {"sex": ["F", None, "F"]}, parts=2))
    ['warm', 'cold', 'activity 1 of 2', 'activity 2 of 2', 'sex: F', 'sex: not known']
    """
    counts = np.asarray(activity, np.int64)
    found = {"warm": counts > 0, "cold": counts == 0}
    found |= activity_segments(counts, parts)
    for name, values in (attributes or {}).items():
        if len(values) != len(counts):
            raise EvaluationError(f"{name}: {len(values)} values for {len(counts)} users")
        found |= attribute_segments(name, values, max_values)
    return found


def activity_segments(activity: np.ndarray, parts: int = 4) -> dict[str, np.ndarray]:
    """Cut the warm users into quantiles of activity, the least active first.

    Users of equal activity stay together, so parts may differ in size and one may be missing. The
    names do not say where a part begins: that moves, and days are compared by name.

    Args:
        activity: ``(n_users,)`` whole numbers; 0 belongs to no part.
        parts: quantiles, >= 1.

    Raises:
        EvaluationError: fewer than one part.
    """
    if parts < 1:
        raise EvaluationError(f"parts must be at least 1, found {parts}")
    counts = np.asarray(activity, np.int64)
    warm = counts > 0
    if not warm.any():
        return {}
    shares = np.arange(1, parts) / parts
    edges = np.quantile(counts[warm], shares, method="inverted_cdf")
    part = np.searchsorted(edges, counts)  # up to an edge belongs below it
    found = {}
    for at in range(parts):
        mask = warm & (part == at)
        if mask.any():
            found[f"activity {at + 1} of {parts}"] = mask
    return found


def attribute_segments(
    name: str, values: Sequence[str | None], max_values: int = 8
) -> dict[str, np.ndarray]:
    """Group users by an attribute: its most frequent values, the others, and who has none.

    Args:
        name: of the attribute.
        values: value of every user; None or an empty text where it is not known.
        max_values: values told one by one; ties go to the first in the alphabet.
    """
    texts = np.array([UNKNOWN if v in (None, "") else str(v) for v in values], object)
    known = texts != UNKNOWN
    names, counts = np.unique(texts[known].astype(str), return_counts=True)
    order = np.argsort(-counts, kind="stable")
    told = sorted(names[order[:max_values]].tolist())
    found = {f"{name}: {value}": texts == value for value in told}
    rest = known & ~np.isin(texts.astype(str), told)
    for label, mask in ((OTHERS, rest), (UNKNOWN, ~known)):
        if mask.any():
            told_so = found.get(f"{name}: {label}", False)  # a value may bear that very name
            found[f"{name}: {label}"] = mask | told_so
    return found
