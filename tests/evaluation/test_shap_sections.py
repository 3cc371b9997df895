"""The section about SHAP values: small, the same every time, and with its numbers."""

from __future__ import annotations

import re

import numpy as np
import pytest

from evaluation.page.report import render
from evaluation.page.shap_plots import HIGH, LOW, UNDEFINED, _stacked, dependence, shades
from evaluation.page.shap_sections import shap

N = 400


def part(features: int = 12, cold: int = 300) -> dict:
    """Make up a summary as :func:`tasks.shapley.summarise` gives it."""
    rng = np.random.default_rng(5)
    names = [f"feature_{n} <b>" for n in range(features)]
    value = rng.lognormal(0, 2, (features, N))
    effect = 0.1 * np.log(value) + rng.normal(0, 0.05, (features, N))
    value[0, ::7] = np.nan
    rows = [
        {
            "feature": name,
            "mean_abs": float(np.abs(own).mean()),
            "direction": (-1) ** n * 0.2 * n / features + 0.1 * (n % 5),
            "warm": 0.1 / (n + 1),
            "cold": 0.05 * (n % 3),
        }
        for n, (name, own) in enumerate(zip(names, effect, strict=True))
    ]
    dots = [
        {
            "feature": name,
            "value": [None if np.isnan(x) else float(x) for x in value[n]],
            "shap": effect[n].tolist(),
        }
        for n, name in enumerate(names)
    ]
    step = {"rows": 100, "mean": 0.1, "low": -0.1, "high": 0.2}
    return {
        "rows": 20_000,
        "hits": 900,
        "windows": {"ranker2": 20_000},
        "loss": "Logloss",
        "trees": 300,
        "bias": -3.2,
        "additivity_gap": 3e-14,
        "features": rows,
        "segments": {"warm": 20_000 - cold, "cold": cold},
        "dots": dots,
        "dependence": [
            {
                "feature": name,
                "steps": [{"value": None, **step}, {"value": 0.1, **step}, {"value": 5.0, **step}],
                **({"by": names[-1], "by_value": dots[-1]["value"]} if n % 2 else {}),
            }
            for n, name in enumerate(names[:6])
        ],
        "interactions": {
            "rows": 1000,
            "pairs": [{"a": names[0], "b": names[-1], "mean_abs": 0.01}],
        },
    }


def charts(made: dict) -> list:
    return [chart for block in shap({"shap": made}) for chart in getattr(block, "charts", [])]


@pytest.fixture(scope="module")
def html() -> str:
    return render({"name": "made-up", "as_of": "2000-12-28", "shap": part()})


def test_the_page_has_the_section_and_it_is_small(html: str) -> None:
    section = re.search(r'<section id="shap".*?>.*?</section>', html, re.S)
    assert section is not None
    assert "could not be made" not in section[0]
    assert len(section[0].encode()) < 400_000
    assert section[0].count("<figure") == section[0].count("<details>") == 10


def test_the_same_numbers_give_the_same_bytes(html: str) -> None:
    assert html == render({"name": "made-up", "as_of": "2000-12-28", "shap": part()})


def test_text_and_lines_take_the_pages_colours_and_dots_are_a_picture(html: str) -> None:
    beeswarm = charts(part())[0].svg
    assert beeswarm.count("data:image/png") == 1
    assert "<circle" not in beeswarm
    assert beeswarm.count("<use") < 60
    assert "var(--ink)" in beeswarm
    assert not re.search("#0[0-9a-f]{5}", beeswarm)
    assert "<b>" not in beeswarm


def test_every_chart_has_a_sentence_and_its_numbers() -> None:
    for chart in charts(part()):
        assert chart.reading.endswith((".", "large."))
        assert chart.numbers.rows


@pytest.mark.parametrize("cold", [0, 20_000])
def test_without_both_segments_nothing_is_compared(cold: int) -> None:
    titles = [chart.title for chart in charts(part(cold=cold))]
    assert "Warm and cold users" not in titles
    assert "Features that work together" in titles


def test_without_pairs_and_dependence_the_rest_stands() -> None:
    made = part(features=1, cold=0)
    made["interactions"]["pairs"] = []
    made["dependence"] = []
    assert len(charts(made)) == 2


def test_a_feature_that_is_undefined_or_constant_everywhere_is_drawn() -> None:
    made = part(features=2)
    made["dots"][0]["value"] = [None] * N
    made["dots"][1]["value"] = [1.0] * N
    made["dots"][1]["shap"] = [0.0] * N
    assert len(charts(made)) == 6


def test_shades_go_by_place_and_undefined_is_grey() -> None:
    found = shades(np.array([1, 1e9, np.nan, 2, 3, 4]))
    assert (found[0], found[1], found[2]) == (LOW, HIGH, UNDEFINED)
    assert set(shades(np.full(5, 3.0))) != {LOW}


def test_dots_of_a_slot_are_stacked_around_the_middle() -> None:
    shift = _stacked(np.array([3, 3, 3, 1]))
    assert sorted(np.sign(shift[:3]).tolist()) == [-1, 0, 1]
    assert shift[3] == 0
    crowded = _stacked(np.zeros(1000, int))
    assert np.abs(crowded).max() <= 0.41  # half of a row's height


def test_a_value_without_a_partner_has_one_colour() -> None:
    svg = dependence(np.array([1.0, 2.0]), np.array([0.1, 0.2]), None, [])
    assert "<svg" in svg
