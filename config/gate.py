"""Settings of the gate that decides what is published."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from config.section import Days, Section, Share


class GateSettings(Section):
    """What a new list has to show before it goes out (see :mod:`evaluation.gate`)."""

    metric: Literal["MAP@10", "NDCG@10", "Recall@10", "HitRate@10", "MRR@10"] = Field(
        "MAP@10", description="what lists are compared by, user by user, on the test window"
    )
    max_drop: Share = Field(
        0.02,
        description="share of a rival's value that the new list may be below it, as long as the "
        "interval of the difference reaches 0",
    )
    min_users: int = Field(
        50, ge=1, description="with fewer users judged, nothing is said about a difference"
    )
    champion_days: Days = Field(
        30, description="a champion trained for a day longer ago is not published again"
    )
