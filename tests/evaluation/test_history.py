"""A day's figures as rows: every part by hand, what is missing, and what is refused."""

from datetime import date

import numpy as np
import pytest

from evaluation.accuracy import accuracy
from evaluation.beyond import diversity_curve
from evaluation.history import SCHEMA, history_table, split_name
from evaluation.relevance import EvaluationError, Relevant
from evaluation.summary import metrics_part, segments_part

DAY = date(2021, 1, 2)
LISTS = {"als": np.array([[1, 2], [2, 3], [1, 3]]), "final": np.array([[2, 1], [3, 2], [3, 1]])}
RELEVANT = Relevant.from_pairs(np.array([0, 1, 2]), np.array([2, 3, 1]), 3)


def _figures():
    judged = {name: accuracy(lists, RELEVANT, [1, 10]) for name, lists in LISTS.items()}
    return {
        "systems": {name: metrics.mean() for name, metrics in judged.items()},
        "metrics": metrics_part(judged, samples=50),
        "segments": segments_part(judged, {"warm": np.array([True, True, False])}),
        "beyond": {"final": {"coverage": 0.75}},
        "diversity": {"final": diversity_curve(LISTS["final"], item_values=np.eye(4))},
        "candidates": {
            "rows": [
                {"source": "union", "recall": 0.5, "marginal_recall": 0.5, "candidates_per_user": 2}
            ]
        },
    }


def _value(table, **wanted):
    rows = [r for r in table.to_pylist() if all(r[name] == value for name, value in wanted.items())]
    assert len(rows) == 1, wanted
    return rows[0]


def test_every_part_becomes_rows():
    table = history_table(DAY, _figures(), k=10, decisions={"published": False, "gain": 0.25})
    assert table.schema == SCHEMA
    assert set(table["as_of"].to_pylist()) == {DAY}
    ours = _value(table, system="final", segment="all", metric="MAP", k=10)
    assert ours["value"] == pytest.approx(5 / 6)
    assert ours["low"] <= ours["value"] <= ours["high"]
    assert _value(table, system="als", segment="all", metric="MAP", k=1)["low"] is None
    assert _value(table, system="final", segment="warm", metric="MAP", k=10)["value"] == 1
    assert _value(table, system="run", segment="warm", metric="users")["value"] == 2
    assert _value(table, system="run", segment="all", metric="users")["value"] == 3
    assert _value(table, system="final", metric="coverage")["k"] == 10
    assert _value(table, system="final", metric="ild", k=2)["value"] == 1
    assert _value(table, system="final", metric="distinct_items", k=1)["value"] == 2
    assert _value(table, system="union", metric="candidate_recall")["value"] == 0.5
    assert _value(table, system="run", metric="decision:published")["value"] == 0
    assert _value(table, system="run", metric="decision:gain")["value"] == 0.25
    gain = _value(table, system="als", metric="final_minus_this:MAP")
    assert gain["low"] <= gain["value"] <= gain["high"]


def test_same_figures_in_another_order_give_the_same_table():
    figures = _figures()
    turned = {name: figures[name] for name in reversed(figures)}
    assert history_table(DAY, turned, k=10).equals(history_table(DAY, figures, k=10))


def test_parts_that_are_missing_or_failed_give_no_rows():
    assert history_table(DAY, {}, k=10).num_rows == 0
    failed = {"metrics": {"error": "no lists"}, "beyond": {"error": "no"}, "segments": None}
    assert history_table(DAY, failed, k=10).schema == SCHEMA
    assert history_table(DAY, failed, k=10).num_rows == 0


def test_a_figure_that_is_not_finite_is_named():
    with pytest.raises(EvaluationError, match=r"gini of final \(all\) is nan"):
        history_table(DAY, {"beyond": {"final": {"gini": float("nan")}}}, k=10)


def test_split_name():
    assert split_name("MAP_min@5") == ("MAP_min", 5)
