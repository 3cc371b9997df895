"""A day beside the days before it: series, bands, and that nothing later is seen."""

from datetime import date, timedelta

import pyarrow as pa
import pytest

from evaluation.history import SCHEMA, history_table
from evaluation.trend import band, trend

DAY = date(2021, 3, 10)


def figures(value: float, coverage: float = 0.5, **systems: float) -> dict:
    rows = [
        {
            "name": name,
            "values": {"MAP@10": x},
            "intervals": {"MAP@10": {"low": x - 0.01, "high": x + 0.01}},
        }
        for name, x in {"final": value, **systems}.items()
    ]
    return {
        "metrics": {"rows": rows, "main": "MAP@10", "comparisons": []},
        "beyond": {"final": {"coverage": coverage}, "ease": {"coverage": 0.1}},
    }


def history(values: list[float | None], **systems: float) -> pa.Table:
    """Days up to :data:`DAY`, the last value on it; None: no figures that day."""
    first = DAY - timedelta(len(values) - 1)
    tables = [
        history_table(first + timedelta(at), figures(value, **systems), 10)
        for at, value in enumerate(values)
        if value is not None
    ]
    return pa.concat_tables([SCHEMA.empty_table(), *tables])


def test_series_of_every_system_with_the_interval_of_the_final_list():
    found = trend(history([0.1, 0.2], ease=0.05), DAY)
    assert found["days"] == ["2021-03-09", "2021-03-10"]
    assert found["series"]["final"] == {"MAP@10": [0.1, 0.2], "coverage": [0.5, 0.5]}
    assert found["series"]["ease"] == {"MAP@10": [0.05, 0.05]}
    assert found["intervals"] == {
        "MAP@10": {"low": [0.1 - 0.01, 0.2 - 0.01], "high": [0.1 + 0.01, 0.2 + 0.01]}
    }


def test_later_days_are_not_seen():
    table = history([0.1, 0.2, 0.3])
    earlier = DAY - timedelta(1)
    assert trend(table, earlier)["days"] == ["2021-03-08", "2021-03-09"]
    assert trend(table, earlier)["series"]["final"]["MAP@10"] == [0.1, 0.2]


def test_a_source_that_came_later_has_gaps():
    old, new = history([0.1, None], ease=0.05), history([0.2], als=0.07)
    found = trend(pa.concat_tables([old, new]), DAY)
    assert found["series"]["ease"]["MAP@10"] == [0.05, None]
    assert found["series"]["als"]["MAP@10"] == [None, 0.07]


def test_no_history_at_all():
    found = trend(SCHEMA.empty_table(), DAY)
    assert (found["days"], found["series"], found["unusual"]) == ([], {}, [])


@pytest.mark.parametrize(("value", "unusual"), [(0.1, []), (0.11, []), (0.3, ["MAP@10"])])
def test_a_figure_outside_the_band_of_the_days_before(value, unusual):
    found = trend(history([0.09, 0.1, 0.11, 0.1, 0.09, 0.1, value]), DAY)
    assert [odd["figure"] for odd in found["unusual"]] == unusual
    for odd in found["unusual"]:
        assert odd["days"] == 6
        assert odd["low"] < 0.1 < odd["high"] < odd["value"]


def test_a_day_without_figures_of_its_own_is_not_unusual():
    found = trend(history([0.1] * 6 + [None]), DAY)
    assert found["unusual"] == []


def test_equal_days_are_a_band_that_the_same_value_lies_in():
    third = 1 / 3
    low, high, days = band([third] * 9)
    assert low < third < high
    assert days == 9


def test_few_days_have_no_band():
    assert band([0.1, 0.2, None, 0.1, 0.3]) is None
