"""Settings of the diversity re-ranking of final lists."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from config.section import Section, Share

ATTRIBUTES = "attributes"
"""Items are compared by what the items table says of them, not by what a source learned."""


class RerankSettings(Section):
    """How final lists are made more varied (:mod:`models.rerank`); off by default.

    ``zavtra``'s page and ``python -m benchmarks diversity`` show what a strength costs in NDCG.
    """

    kind: Literal["none", "mmr", "dpp"] = Field(
        "none",
        description="mmr: maximal marginal relevance, dpp: determinantal point process; none: the "
        "ranker's order as it is",
    )
    strength: Share = Field(
        0.1, description="0: the ranker's list as it is, 1: variety alone, relevance only in ties"
    )
    pool: int = Field(
        50, ge=2, le=1000, description="best candidates of the ranker that a list is picked from"
    )
    by: str = Field(
        ATTRIBUTES,
        description="what makes two items alike: attributes (the first multi-valued, else "
        "categorical one), or the name of a source with item vectors, such as als",
    )
