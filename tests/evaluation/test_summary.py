"""From per-user metrics to the parts of the report."""

import json

import numpy as np
import pytest

from evaluation.accuracy import accuracy
from evaluation.relevance import EvaluationError, Relevant
from evaluation.summary import metrics_part, segments_part

RELEVANT = Relevant.from_pairs(np.array([0, 1, 3]), np.array([5, 6, 7]), 4)
GOOD = accuracy(np.array([[5, 0], [6, 0], [1, 2], [0, 1]]), RELEVANT, [1, 2])
POOR = accuracy(np.array([[0, 5], [1, 2], [1, 2], [0, 1]]), RELEVANT, [1, 2])
NAMES = ("MAP@2", "HitRate@2")


def test_metrics_part_by_hand():
    part = metrics_part({"final": GOOD, "a": POOR}, main="MAP@2", names=NAMES)
    assert (part["main"], part["final"], part["users"], part["excluded"]) == (
        "MAP@2",
        "final",
        3,
        1,
    )
    final, other = part["rows"]
    assert final["values"] == pytest.approx({"MAP@2": 2 / 3, "HitRate@2": 2 / 3})
    assert other["values"] == pytest.approx({"MAP@2": 1 / 6, "HitRate@2": 1 / 3})
    assert final["intervals"]["MAP@2"]["low"] <= 2 / 3 <= final["intervals"]["MAP@2"]["high"]
    (versus,) = part["comparisons"]
    assert versus["name"] == "a"
    assert versus["difference"] == pytest.approx(1 / 2)
    assert 0 <= versus["low"] <= versus["high"] <= 1
    assert part == metrics_part({"final": GOOD, "a": POOR}, main="MAP@2", names=NAMES)
    assert json.dumps(part, allow_nan=False)


def test_segments_part_by_hand():
    masks = {"first": np.array([1, 0, 1, 0], bool), "nobody": np.array([0, 0, 1, 0], bool)}
    first, nobody = segments_part({"final": GOOD, "a": POOR}, masks, names=NAMES)
    assert (first["segment"], first["users"]) == ("first", 1)
    assert [row["values"]["MAP@2"] for row in first["rows"]] == [1, 1 / 2]
    assert (nobody["users"], nobody["rows"][0]["values"]["MAP@2"]) == (0, 0)
    assert json.dumps([first, nobody])
    sure, none = segments_part({"final": GOOD, "a": POOR}, masks, names=NAMES, final="final")
    assert sure["rows"][0]["intervals"] == {"MAP@2": {"low": 1.0, "high": 1.0}}  # one user
    assert none["rows"][0]["intervals"] == {"MAP@2": {"low": 0.0, "high": 0.0}}
    assert "intervals" not in sure["rows"][1]


@pytest.mark.parametrize(
    ("systems", "names", "words"),
    [
        (
            {"final": GOOD, "a": accuracy(np.zeros((2, 1), int), Relevant.from_pairs([0], [0], 2))},
            NAMES,
            "different users",
        ),
        ({"a": GOOD}, NAMES, "final 'final' must be one of"),
        ({"final": GOOD}, ("HitRate@2",), "main 'MAP@2' of"),
        ({"final": GOOD}, ("MAP@2", "MAP@7"), r"final: \['MAP@7'\] not among"),
        ({}, NAMES, "no system"),
    ],
)
def test_what_cannot_be_compared_is_refused(systems, names, words):
    with pytest.raises(EvaluationError, match=words):
        metrics_part(systems, main="MAP@2", names=names)
