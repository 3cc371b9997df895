"""Who gets which item, by hand."""

from datetime import date

import numpy as np
import pytest

from evaluation.beyond import Catalogue
from evaluation.exposure import MIN_LISTS, exposure

AS_OF = date(2021, 3, 10)
FIRST = np.array(["2021-03-09", "2021-02-20", "2020-01-01", "NaT"], "datetime64[D]")
CATALOGUE = Catalogue(np.array([1, 2, 3, 0]), 10, AS_OF, FIRST)
HISTORY = np.array([1, 3, 6, 0])
LISTS = np.array([[0, 1], [0, 2], [0, -1], [-1, -1]])


def test_by_hand():
    found = exposure(LISTS, CATALOGUE, HISTORY, {})
    assert (found["users"], found["items"], found["shown"]) == (3, 4, 3)
    first = found["top"][0]
    assert (first["item"], first["lists"], first["age_days"]) == (0, 3, 1)
    assert first["of_users"] == 1.0
    assert first["of_places"] == pytest.approx(3 / 5)
    assert first["of_history"] == pytest.approx(1 / 10)
    assert [row["item"] for row in found["top"]] == [0, 1, 2]  # the item in no list is not shown


def test_ages_hold_all_places_and_all_history():
    ages = exposure(LISTS, CATALOGUE, HISTORY, {})["ages"]
    assert [row["items"] for row in ages] == [1, 1, 0, 1, 1]
    assert [row["places"] for row in ages] == pytest.approx([0.6, 0.2, 0.0, 0.2, 0.0])
    assert [row["history"] for row in ages] == pytest.approx([0.1, 0.3, 0.0, 0.6, 0.0])


def test_an_item_never_met_has_no_age():
    found = exposure(np.array([[3]]), CATALOGUE, HISTORY, {})
    assert found["top"][0]["age_days"] is None
    assert found["ages"][-1]["places"] == 1.0


def test_nobody_has_a_list():
    found = exposure(np.array([[-1]]), CATALOGUE, HISTORY * 0, {"all": np.array([True])})
    assert (found["users"], found["shown"], found["top"]) == (0, 0, [])
    assert all(row["places"] == row["history"] == 0.0 for row in found["concentration"])


def test_a_group_over_represented_among_the_receivers_is_named():
    n = 4 * MIN_LISTS
    young = np.arange(n) < MIN_LISTS
    lists = np.where(young, 0, 1)[:, None]
    top = {
        row["item"]: row
        for row in exposure(lists, CATALOGUE, HISTORY, {"young": young, "all": young | True})["top"]
    }
    assert (top[0]["group"], top[0]["lift"]) == ("young", 4.0)
    assert (top[1]["group"], top[1]["lift"]) == (None, None)


def test_a_group_of_few_receivers_is_not_named():
    young = np.arange(4 * MIN_LISTS) < MIN_LISTS - 1
    lists = np.where(young, 0, 1)[:, None]
    row = exposure(lists, CATALOGUE, HISTORY, {"young": young})["top"][1]
    assert (row["item"], row["group"]) == (0, None)
