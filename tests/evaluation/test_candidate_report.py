"""The candidate report: a case worked out by hand, chunks, edges, invariants."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.beyond import rbo
from evaluation.candidates import LOST, CandidateReport
from evaluation.relevance import EvaluationError, Relevant

A, B = 1, 2
#                     user 0       user 1  user 2 (cold)  user 3: no candidate, nothing relevant
ITEMS = np.array([3, 1, 2, 5, 1, 4, 0], np.int32)
INDPTR = np.array([0, 4, 6, 7, 7])
PROPOSED = np.array([A, A | B, B, A, B, A | B, 0], np.uint32)
RANKS = np.array([[3, 1, 9, 2, 9, 1, 9], [9, 2, 1, 9, 1, 2, 9]], np.float32)
RELEVANT = Relevant.from_pairs(
    np.array([0, 0, 0, 0, 1, 1, 2, 2]), np.array([1, 2, 7, 8, 4, 1, 6, 8]), 4
)
COLD_USER = np.array([False, False, True, True])
COLD_ITEM = np.arange(8) == 7  # 8 is past the end: cold too


def by_hand() -> CandidateReport:
    report = CandidateReport(["a", "b"], top=2)
    report.add(INDPTR, ITEMS, PROPOSED, RANKS, RELEVANT, COLD_USER, COLD_ITEM)
    return report


def test_recall_by_hand():
    result = by_hand().result()
    assert (result["users"], result["judged_users"], result["positives"]) == (4, 3, 8)
    union, a, b = result["rows"]
    # User 0: 1 by a and b, 2 by b, of four. User 1: 4 by a and b, 1 by b, of two. User 2: none.
    assert union["recall"] == pytest.approx((2 / 4 + 2 / 2 + 0) / 3)
    assert union["pooled_recall"] == pytest.approx(4 / 8)
    assert a["recall"] == pytest.approx((1 / 4 + 1 / 2) / 3)
    assert b["recall"] == pytest.approx((2 / 4 + 2 / 2) / 3)
    assert a["marginal_recall"] == 0
    assert b["marginal_recall"] == pytest.approx((1 / 4 + 1 / 2) / 3)
    assert [row["candidates_per_user"] for row in (union, a, b)] == [7 / 4, 4 / 4, 4 / 4]


def test_lost_positives_by_hand():
    lost = {row["reason"]: row["positives"] for row in by_hand().result()["lost"]}
    assert lost == {
        "cold user and cold item": 1,  # user 2, item 8
        "cold user": 1,  # user 2, item 6
        "cold item": 2,  # user 0, items 7 and 8
        "no source proposed it": 0,
    }


def test_overlap_and_sizes_by_hand():
    result = by_hand().result()
    assert result["jaccard"] == [[1, 2 / 6], [2 / 6, 1]]  # six proposals, two by both
    # Top 2 of a and b: user 0 [1 5] [2 1], user 1 [4] [1 4]; users 2 and 3 have no proposal.
    expected = rbo(np.array([[1, 5], [4, -1]]), np.array([[2, 1], [1, 4]])).mean()
    assert result["rbo"][0][1] == result["rbo"][1][0] == pytest.approx(expected)
    assert result["rbo"][0][0] == 1
    assert result["candidates_per_user"] == {
        "mean": 7 / 4,
        "min": 0,
        "p05": 0,
        "median": 1,
        "p95": 4,
        "max": 4,
    }


def test_segments_by_hand():
    warm, cold = by_hand().result()["segments"]
    assert warm == {
        "segment": "warm users",
        "users": 2,
        "positives": 6,
        "recall": pytest.approx((2 / 4 + 1) / 2),
        "pooled_recall": pytest.approx(4 / 6),
    }
    assert cold == {
        "segment": "cold users",
        "users": 1,
        "positives": 2,
        "recall": 0,
        "pooled_recall": 0,
    }


def test_filled_up_candidates_count_for_the_union_alone():
    report = CandidateReport(["a"])
    relevant = Relevant.from_pairs(np.array([0]), np.array([5]), 1)
    report.add(np.array([0, 1]), np.array([5]), np.zeros(1, np.uint32), np.ones((1, 1)), relevant)
    union, a = report.result()["rows"]
    assert (union["recall"], a["recall"]) == (1, 0)
    assert report.result()["lost"][3]["positives"] == 0


def test_nothing_added_gives_zeros():
    result = CandidateReport(["a", "b"]).result()
    assert json.dumps(result, allow_nan=False)
    assert {row["recall"] for row in result["rows"]} == {0}
    assert result["rbo"] == result["jaccard"] == [[1, 0], [0, 1]]
    assert [row["reason"] for row in result["lost"]] == list(LOST)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"indptr": INDPTR[:-1]}, "indptr has shape"),
        ({"indptr": np.array([0, 1, 2, 3, 4])}, "not over the 7 items"),
        ({"proposed": PROPOSED[:3]}, "proposed has shape"),
        ({"ranks": RANKS[:1]}, "ranks has shape"),
        ({"cold_user": COLD_USER[:1]}, "cold_user has 1 entries for 4 users"),
    ],
)
def test_what_does_not_fit_is_refused(change, words):
    given_ = {
        "indptr": INDPTR,
        "items": ITEMS,
        "proposed": PROPOSED,
        "ranks": RANKS,
        "relevant": RELEVANT,
    }
    with pytest.raises(EvaluationError, match=words):
        CandidateReport(["a", "b"]).add(**(given_ | change))


@pytest.mark.parametrize("names", [[], [str(n) for n in range(32)]])
def test_no_or_too_many_sources_are_refused(names):
    with pytest.raises(EvaluationError, match=r"1\.\.31 sources"):
        CandidateReport(names)


@given(st.integers(0, 10_000), st.integers(1, 20))
def test_chunks_give_what_one_piece_gives_and_parts_add_up(seed, n_sources):
    rng = np.random.default_rng(seed)
    n, n_items = int(rng.integers(1, 9)), 15
    chosen = rng.random((n, n_items)) < 0.5
    rows, items = np.nonzero(chosen)
    indptr = np.searchsorted(rows, np.arange(n + 1))
    proposed = rng.integers(0, 2**n_sources, len(items)).astype(np.uint32)
    ranks = rng.random((n_sources, len(items)), np.float32)
    positive = rng.random((n, n_items + 2)) < rng.random()
    cold_user, cold_item = rng.random(n) < 0.3, rng.random(n_items) < 0.3
    names = [str(at) for at in range(n_sources)]

    def report(cuts: list[int]) -> dict:
        made = CandidateReport(names, top=3)
        for start, stop in zip([0, *cuts], [*cuts, n], strict=True):
            span = slice(indptr[start], indptr[stop])
            made.add(
                indptr[start : stop + 1] - indptr[start],
                items[span].astype(np.int32),
                proposed[span],
                ranks[:, span],
                Relevant.from_pairs(*np.nonzero(positive[start:stop]), stop - start),
                cold_user[start:stop],
                cold_item,
            )
        return made.result()

    whole, parts = report([]), report(sorted(rng.integers(0, n + 1, 2).tolist()))
    assert json.dumps(whole, allow_nan=False)
    assert parts["lost"] == whole["lost"]
    assert parts["candidates_per_user"] == whole["candidates_per_user"]
    for key in ("recall", "pooled_recall", "marginal_recall", "candidates_per_user"):
        assert [r[key] for r in parts["rows"]] == pytest.approx([r[key] for r in whole["rows"]])
    assert np.array(parts["rbo"]) == pytest.approx(np.array(whole["rbo"]))
    assert parts["jaccard"] == whole["jaccard"]
    union, *sources = whole["rows"]
    assert 0 <= union["recall"] <= 1 + 1e-12
    for row in sources:
        assert row["marginal_recall"] <= row["recall"] + 1e-12
        assert row["recall"] <= union["recall"] + 1e-12
    found = round(union["pooled_recall"] * whole["positives"])
    assert found + sum(row["positives"] for row in whole["lost"]) == whole["positives"]
    assert found == int((chosen & positive[:, :n_items]).sum())
