"""Views of neural sources: similarity, map, curves, and their section."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.neural_views import curves, item_map, similarity
from evaluation.page.neural_sections import neural

TWO = np.array([[1, 0], [1, 0.1], [0, 1], [0.1, 1], [0, 0]], np.float32)
TRAINING = {
    "device": "cpu 32-true",
    "epochs": [
        {"epoch": 0, "loss": 2.0, "learning_rate": 0.1, "validation": 0.1},
        {"epoch": 1, "loss": 1.0, "learning_rate": 0.05},
    ],
    "best_epoch": 0,
    "notes": ["stopped"],
}


def test_liked_pairs_are_more_alike_than_random_ones() -> None:
    found = similarity(TWO, np.array([0, 2, 4, 6]), np.array([0, 1, 2, 3, 4, 0], np.int32))
    assert found is not None
    assert found["pairs"] == 2  # item 4 is unknown
    assert found["positive_mean"] == pytest.approx(1 / np.sqrt(1.01), rel=1e-5)
    assert sum(found["positive"]) == pytest.approx(1, abs=1e-4)


def test_the_auc_of_clear_and_of_no_difference() -> None:
    rng = np.random.default_rng(1)
    vectors = np.repeat(np.eye(8, dtype=np.float32), 10, axis=0)
    item = np.concatenate([10 * rng.integers(0, 8) + rng.permutation(10)[:4] for _ in range(200)])
    indptr = np.arange(201) * 4
    assert similarity(vectors, indptr, item)["auc"] > 0.9
    assert abs(similarity(vectors, indptr, rng.permutation(item))["auc"] - 0.5) < 0.05


def test_nobody_liked_two_known_items() -> None:
    assert similarity(TWO, np.array([0, 1, 2]), np.array([0, 1])) is None


def test_the_map_shows_known_items_and_the_largest_groups() -> None:
    rng = np.random.default_rng(2)
    vectors = rng.normal(size=(30, 4)).astype(np.float32)
    vectors[3] = 0
    labels = [f"g{n % 9}" for n in range(29)] + [None]
    found = item_map(vectors, np.arange(30), labels)
    assert found == item_map(vectors, np.arange(30), labels)
    assert len(found["x"]) == 28  # 0 has no event, 3 no vector
    assert len(found["groups"]) == 8
    assert found["groups"][-1] == "others"
    assert found["method"] == "t-SNE"
    assert item_map(TWO, np.ones(5), ["a"] * 5)["method"] == "PCA"
    assert item_map(TWO[:2], np.ones(2), ["a"] * 2) is None


def test_the_section_draws_all_and_says_what_is_missing() -> None:
    part = {
        "curves": curves(TRAINING),
        "similarity": similarity(TWO, np.array([0, 2, 4]), np.array([0, 1, 2, 3])),
        "map": item_map(TWO, np.ones(5), list("abcde")),
    }
    bare = {"curves": curves({}), "similarity": None, "map": None}
    sources = {"sasrec": part, "fm": bare, "two_tower": {"dropped": "out of time"}}
    blocks = neural({"neural": {"sources": sources}})
    charts = [chart for block in blocks if block.kind == "charts" for chart in block.charts]
    assert len(charts) == 5
    assert all(chart.svg.startswith("<svg") for chart in charts)
    notes = [block.text for block in blocks if block.kind == "note"]
    assert notes == ["sasrec: stopped", "two_tower is not among the sources: out of time"]
    assert neural({"neural": {"sources": {}}})[0].text == "No neural source is configured."
