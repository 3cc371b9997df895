"""What variety costs: points and bargains by hand, edges, and the section of the page."""

from datetime import date

import numpy as np
import pytest

from evaluation.accuracy import accuracy
from evaluation.beyond import Catalogue
from evaluation.page.rerank_sections import rerank
from evaluation.relevance import EvaluationError, Relevant
from evaluation.tradeoff import bargain, tradeoff_part

GENRES = np.array([[1, 0], [1, 0], [0, 1], [0, 1], [1, 1]])
LISTS = np.array(
    [
        [[0, 1], [2, 3], [0, 4]],  # strength 0
        [[0, 2], [2, 1], [0, 2]],  # strength 0.5: as many hits for user 0, fewer for user 1
    ]
)
RELEVANT = Relevant.from_pairs(np.array([0, 1, 1]), np.array([0, 2, 3]), 3)
CATALOGUE = Catalogue(np.ones(5, int), 3, date(2021, 1, 1), None, GENRES)


def test_by_hand():
    part = tradeoff_part(LISTS, [0, 0.5], RELEVANT, CATALOGUE, chosen=0.5, k=2)
    first, second = part["points"]
    judged = [accuracy(lists, RELEVANT, [2]).mean()["NDCG@2"] for lists in LISTS]
    assert [first["ndcg"], second["ndcg"]] == pytest.approx(judged)
    assert part["users"] == 2
    assert (first["ndcg_loss"], first["difference"], first["low"]) == (0, 0, 0)
    assert second["ndcg_loss"] == pytest.approx(1 - judged[1] / judged[0])
    assert second["low"] <= second["difference"] == pytest.approx(judged[1] - judged[0])
    assert (first["diversity"], second["diversity"]) == (0, 1)  # of the two users judged
    assert (first["coverage"], second["coverage"]) == (4 / 5, 3 / 5)
    assert [deal["strength"] for deal in part["bargains"]] == [0, 0]
    assert bargain(part["points"], 0.5)["gain"] == 1
    assert bargain(part["points"], 0.5)["gain_share"] == 0  # of nothing


def test_by_embedding_where_there_are_no_attributes():
    bare = Catalogue(np.ones(5, int), 3, date(2021, 1, 1))
    angles = Catalogue(bare.item_users, 3, bare.as_of, vectors=np.eye(5))
    assert tradeoff_part(LISTS, [0, 1], RELEVANT, bare, 1)["points"][1]["diversity"] == 0
    assert tradeoff_part(LISTS, [0, 1], RELEVANT, angles, 1)["points"][1]["diversity"] == 1


def test_nobody_to_judge_gives_zeros():
    nobody = Relevant(np.zeros(4, np.int64), np.empty(0, np.int32))
    part = tradeoff_part(LISTS, [0, 0.5], nobody, CATALOGUE, 0.5, k=2)
    assert part["users"] == 0
    assert {v for p in part["points"] for name, v in p.items() if name != "strength"} == {0.0}


@pytest.mark.parametrize("strengths", [[0], [0.1, 0.5], []])
def test_the_first_point_is_the_ranker_itself(strengths):
    with pytest.raises(EvaluationError, match="the first for strength 0"):
        tradeoff_part(LISTS, strengths, RELEVANT, CATALOGUE, 0.5)


def test_the_section_shows_the_point_in_use():
    part = tradeoff_part(LISTS, [0, 0.5], RELEVANT, CATALOGUE, chosen=0.5, k=2)
    page = {"rerank": {**part, "kind": "mmr", "pool": 50, "by": "attributes"}}
    note, figures, charts, deals = rerank(page)
    assert "MMR at strength 0.50" in note.text
    assert len(figures.entries) == len(deals.rows) == 2
    (chart,) = charts.charts
    assert chart.svg.startswith("<svg")
    assert len(chart.numbers.rows) == 2
    assert chart.numbers.strong == 1
