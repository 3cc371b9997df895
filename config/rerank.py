"""Settings of the diversity re-ranking of final lists."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from config.section import Section, Share

ATTRIBUTES = "attributes"
"""Items are compared by what the items table says of them, not by what a source learned."""


class RerankSettings(Section):
    """How final lists are made more varied (:mod:`models.rerank`); off by default.

    What a strength costs in NDCG depends on the data: the page of a day draws it where re-ranking
    is on, ``python -m benchmarks diversity`` for MovieLens-1M. There mmr 0.15 and dpp 0.03 cost
    0.5 % of NDCG@10 and make lists 3.5 % more diverse; mmr 0.4 and dpp 0.2 cost 4 % and give 11 %
    and 13 %.
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
