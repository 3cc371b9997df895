"""Why a pair has its score: SHAP values gathered into reasons a person can read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.catalog import Catalog, Feature

TOP = 4
"""Reasons told for each direction."""


@dataclass(frozen=True)
class Reason:
    """Features that say the same thing, taken together.

    Attributes:
        about: what they are about, in words.
        effect: what they add to the raw score against the user's other candidates; negative:
            what they take away.
        shap: the sum of their SHAP values.
        words: the strongest of them with its value.
        features: name, value and both effects of each, strongest first.
    """

    about: str
    effect: float
    shap: float
    words: str
    features: list[dict[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        """Give it as JSON-able values."""
        return {
            "about": self.about,
            "effect": self.effect,
            "shap": self.shap,
            "words": self.words,
            "features": self.features,
        }


def make_reasons(
    names: Sequence[str],
    values: np.ndarray,
    shap: np.ndarray,
    usual: np.ndarray,
    catalog: Catalog,
) -> list[Reason]:
    """Gather the features of one pair into reasons, strongest effect first.

    The effect of a feature is its SHAP value less the mean of the same over all candidates of the
    user: what is equal for all of them (the user's age) moves no item up or down the list.

    Args:
        names: of the features.
        values: ``(n_features,)`` of the pair; NaN where undefined.
        shap: ``(n_features,)`` SHAP values of the pair.
        usual: ``(n_features,)`` their mean over the user's candidates.
        catalog: describes the features that are not of a source.
    """
    described = {feature.name: feature for feature in catalog}
    groups: dict[str, list[dict[str, Any]]] = {}
    for name, value, own, mean in zip(names, values, shap, usual, strict=True):
        entry = {
            "feature": name,
            "value": None if np.isnan(value) else float(value),
            "effect": float(own - mean),
            "shap": float(own),
            "description": _description(name, described.get(name)),
        }
        groups.setdefault(_about(name, described.get(name)), []).append(entry)
    reasons = []
    for about, entries in groups.items():
        entries.sort(key=lambda entry: (-abs(entry["effect"]), entry["feature"]))
        effect, whole = (sum(entry[key] for entry in entries) for key in ("effect", "shap"))
        reasons.append(Reason(about, effect, whole, _words(entries, effect), entries))
    return sorted(reasons, key=lambda reason: (-abs(reason.effect), reason.about))


def strongest(reasons: Sequence[Reason], count: int = TOP) -> tuple[list[Reason], list[Reason]]:
    """Give the reasons that moved the item up most, and those that moved it down most."""
    up = [reason for reason in reasons if reason.effect > 0]
    down = [reason for reason in reasons if reason.effect < 0]
    return up[:count], down[:count]


def _about(name: str, feature: Feature | None) -> str:
    """Say in words what a feature is about; features with the same words make one reason."""
    if feature is None:
        source, colon, _ = name.partition(":")
        return f"what {source} says" if colon else "how many sources propose it"
    a, by = feature.attribute, feature.by
    return {
        "user": f"the user's {a}" if a else "how active the user is",
        "item": f"the item's {a}" if a else "how popular and how old the item is",
        "user x item attribute": f"the user's taste for its {a}",
        "item x user attribute": f"who meets it, by {a}",
        "user attribute x item attribute": f"the taste of users of the same {by} for its {a}",
        "pair": f"its {a} beside the user's" if a else "earlier events of the user with it",
    }[feature.entity]


def _description(name: str, feature: Feature | None) -> str:
    if feature is not None:
        return feature.description
    source, colon, what = name.partition(":")
    return {
        "score": f"score that {source} gives it",
        "rank": f"place among the user's candidates by {source}",
        "percentile": f"place by {source}, as a fraction of all candidates",
    }.get(what, f"{what} of {source}" if colon else "sources that propose it")


def _words(entries: Sequence[dict[str, Any]], effect: float) -> str:
    """Name the feature that did most in the direction of the whole."""
    same = [entry for entry in entries if entry["effect"] * effect > 0] or entries
    entry = same[0]
    value = "undefined" if entry["value"] is None else f"{entry['value']:.4g}"
    return f"{entry['description']}: {value}"
