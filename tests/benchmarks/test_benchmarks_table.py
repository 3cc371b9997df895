"""The table: a block a model, a line a side, the best of this run in bold."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from benchmarks.protocol import Check, Result, Row, model_figures
from benchmarks.table import build, number, show

ROWS = [
    Row("ease", "Zavtra", {"MAP@10": 0.2, "NDCG@10": 0.5}),
    Row("ease", "peer", {"MAP@10": 0.3, "NDCG@10": None}, "RecTools"),
    Row("ease", "published", {"MAP@10": 0.9}),
    Row("two-stage", "Zavtra", {"MAP@10": 0.25, "NDCG@10": 0.4}),
    Row("two-stage", "peer", {}, "RecTools"),
]


def result(checks: tuple[Check, ...] = ()) -> Result:
    return Result("a title", ("MAP@10", "NDCG@10"), ("how MAP is computed",), ROWS, list(checks))


def cells(column: int) -> list[str]:
    return list(build(result()).columns[column].cells)


def test_a_model_is_named_once_and_its_sides_follow():
    assert cells(0) == ["ease", "", "", "two-stage", ""]
    assert cells(1) == ["Zavtra", "RecTools", "published", "Zavtra", "RecTools"]


def test_best_of_this_run_is_bold_and_published_figures_do_not_compete():
    assert cells(2) == [".2000", "[bold].3000[/bold]", ".9000", ".2500", "not run"]
    assert cells(3) == ["[bold].5000[/bold]", "", "", ".4000", ""]


def test_the_least_seconds_are_the_best():
    rows = [Row("ease", side, {"seconds": s}) for side, s in (("Zavtra", 10), ("peer", 200))]
    table = build(Result("a title", ("seconds",), (), rows, []))
    assert list(table.columns[2].cells) == ["[bold]10.00[/bold]", "200"]


def test_show_prints_title_conventions_and_checks():
    out = io.StringIO()
    checks = (Check("high enough", True, "0.3"), Check("fast enough", False, "9 s"))
    show(result(checks), Console(file=out, width=100))
    text = out.getvalue()
    assert "a title" in text
    assert "how MAP is computed" in text
    assert "holds  high enough (0.3)" in text
    assert "FAILS  fast enough (9 s)" in text


def test_figures_of_a_side_leave_out_what_was_not_run():
    assert model_figures(ROWS, "peer") == {"ease": {"MAP@10": 0.3, "NDCG@10": None}}


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.04781, ".0478"), (-0.5, "-.5000"), (0.99996, "1.00"), (1.0, "1.00"), (1510.4, "1,510")],
)
def test_numbers(value, text):
    assert number(value) == text
