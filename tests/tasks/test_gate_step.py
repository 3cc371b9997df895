"""What the gate asks of a ranker whose sources are not all there."""

from __future__ import annotations

import numpy as np
import pytest

from models.ranker import Ranker, Rows
from tasks.gate import _why_incomplete

NAMES = ["ease:score", "als:score", "sources"]


@pytest.fixture(scope="module")
def ranker() -> Ranker:
    """Give one whose trees split on the score of ``ease`` alone."""
    label = np.tile([0, 1], 20).astype(np.float32)
    features = np.stack([label, np.zeros(40, np.float32), np.zeros(40, np.float32)])
    rows = Rows(features, label, np.arange(40) // 4, np.ones(40, np.float32))
    settings = {"iterations": 2, "depth": 1, "early_stopping_rounds": None, "threads": 1}
    return Ranker(**settings, feature_share=1.0).fit([rows], NAMES)


@pytest.mark.parametrize("missing", [[], ["als"], ["als", "sources"]])
def test_a_ranker_does_without_what_its_trees_do_not_ask_for(
    missing: list[str], ranker: Ranker
) -> None:
    assert _why_incomplete("it", ranker, missing) == ""


def test_a_ranker_is_not_given_zeros_for_what_it_goes_by(ranker: Ranker) -> None:
    why = _why_incomplete("it", ranker, ["als", "ease"])
    assert why == "it goes by ease, not fitted for this day"
