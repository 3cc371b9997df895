"""The page over all days."""

import re

import pytest

from evaluation.page.index import render_index, summarise
from evaluation.page.report import draw


def summary(as_of: str, value: float = 0.1, level: str = "green") -> dict:
    return {
        "as_of": as_of,
        "status": "Nothing is wrong",
        "level": level,
        "headline": [],
        "findings": [],
        "published": "final",
        "figures": {"MAP@10": value, "users": 6000},
        "best": ("ease", 0.05),
    }


def test_days_newest_first_with_relative_links():
    html = render_index("demo", [summary("2021-01-02"), summary("2021-01-03")])
    links = re.findall(r'href="([^"#]+)"', html)
    assert links == [
        "data:,",
        "runs/as_of=2021-01-03/report/report.html",
        "runs/as_of=2021-01-02/report/report.html",
    ]
    assert "6,000" in html
    assert "0.1000" in html
    assert html.count("<svg") == 1
    assert not re.search(r"@import|url\((?!#)|<script|https?:", html)


def test_a_single_day_has_no_trend():
    html = render_index("demo", [summary("2021-01-02")])
    assert "<svg" not in html
    assert "1 day, the newest first. Nothing was wrong" in html


def test_no_day_at_all():
    assert "0 days" in render_index("demo", [])


def test_days_that_went_wrong_are_counted():
    html = render_index("demo", [summary("2021-01-02", level="red"), summary("2021-01-03")])
    assert "Something was wrong on 1 of them." in html


def test_same_days_in_any_order_same_bytes():
    days = [summary(f"2021-01-0{day}", day / 10) for day in range(1, 6)]
    assert render_index("demo", days) == render_index("demo", days[::-1])


@pytest.mark.parametrize("broken", [{"error": "DiskFull"}, None])
def test_a_day_without_figures_is_listed_all_the_same(broken):
    page = {"name": "demo", "as_of": "2021-01-02", "metrics": broken, "beyond": broken}
    line = summarise(page, "1 thing is wrong", "red", headline=[], findings=["x"])
    assert (line["figures"], line["best"], line["published"]) == ({}, None, "")
    assert "2021-01-02" in render_index("demo", [line])


def test_the_day_sums_itself_up():
    rows = [
        {"name": name, "values": {"MAP@10": value}}
        for name, value in {"ease": 0.1, "champion": 0.4, "final": 0.2}.items()
    ]
    metrics = {"main": "MAP@10", "final": "final", "users": 9, "excluded": 0, "rows": rows}
    page = {
        "name": "demo",
        "as_of": "2021-01-02",
        "metrics": metrics | {"comparisons": []},
        "beyond": {"final": {"coverage": 0.5, "gini": 0.7}},
        "published": {"users": 12, "items": 5, "k": 3, "short_lists": 0},
        "gate": {"verdict": "fallback", "publish": "ease", "why": "Because.", "numbers": []},
    }
    line = draw(page).summary
    assert line["figures"] == {"MAP@10": 0.2, "coverage": 0.5, "users": 12}
    assert line["best"] == ("ease", 0.1)  # the champion is no source
    assert line["published"] == "ease"
    assert line["level"] == "red"
    assert "What was published is not today's new list." in line["findings"]
    assert line["headline"][0] == "Because."
