"""The page of a day: complete, with everything missing, with parts that fail."""

import copy
import json
import re
from datetime import date, timedelta
from html.parser import HTMLParser

import numpy as np
import pyarrow as pa
import pytest
import scipy.sparse as sp

from evaluation.accuracy import accuracy
from evaluation.beyond import Catalogue, beyond, diversity_curve
from evaluation.candidates import CandidateReport
from evaluation.exposure import exposure
from evaluation.history import history_table
from evaluation.page.report import SECTIONS, render
from evaluation.relevance import Relevant
from evaluation.stability import stability
from evaluation.summary import metrics_part, segments_part
from evaluation.trend import trend

USERS, ITEMS, K = 400, 150, 10
AS_OF = date(2000, 12, 28)
ALWAYS = [entry for entry in SECTIONS if entry.absent]
"""Sections that the page has even where there is nothing to show."""


def complete() -> dict:
    """Make up a day: three sources and a final list that knows more than each of them."""
    rng = np.random.default_rng(3)
    taste = rng.gumbel(size=(USERS, ITEMS)) + 2 * rng.random(ITEMS)
    relevant = Relevant.from_pairs(
        np.repeat(np.arange(USERS - 20), 5),
        np.argsort(-taste, axis=1)[: USERS - 20, :5].ravel(),
        USERS,
    )
    systems = {"final": 0.7, "popularity_28": 3.0, "ease": 1.4, "item_knn <b>": 2.2}
    scores = {name: taste + rng.normal(0, s, taste.shape) for name, s in systems.items()}
    lists = {name: np.argsort(-x, axis=1)[:, :K].astype(np.int32) for name, x in scores.items()}
    judged = {name: accuracy(x, relevant) for name, x in lists.items()}
    genres = sp.random(ITEMS, 12, density=0.2, format="csr", random_state=1)
    catalogue = Catalogue(
        rng.integers(0, USERS, ITEMS),
        USERS,
        AS_OF,
        np.datetime64(AS_OF) - rng.integers(0, 900, ITEMS),
        genres,
    )
    cold = np.arange(USERS) >= USERS - 60
    report = CandidateReport(list(systems)[1:])
    tops = [np.argsort(-scores[name], axis=1)[:, :30] for name in list(systems)[1:]]
    proposed = np.zeros((USERS, ITEMS), np.uint32)
    for source, top in enumerate(tops):
        np.bitwise_or.at(proposed, (np.arange(USERS)[:, None], top), np.uint32(1 << source))
    rows, items = np.nonzero(proposed)
    indptr = np.searchsorted(rows, np.arange(USERS + 1))
    ranks = np.stack([-scores[name][rows, items] for name in list(systems)[1:]])
    cold_item = np.arange(ITEMS) > ITEMS - 6
    report.add(indptr, items, proposed[rows, items], ranks, relevant, cold, cold_item)
    start = AS_OF - timedelta(180)
    figures = {
        "metrics": metrics_part(judged),
        "beyond": {name: beyond(x, catalogue) for name, x in lists.items()},
    }
    past = [history_table(AS_OF - timedelta(days), figures, K) for days in range(8)]
    then = np.where(rng.random(lists["final"].shape) < 0.7, lists["final"], lists["ease"])
    moved = stability(lists["final"], then, ITEMS)
    moved |= {
        side: [row | {"title": f"Film {row['item']}"} for row in moved[side]]
        for side in ("entered", "left")
    }
    seen = rng.integers(0, 40, ITEMS)
    shown = exposure(lists["final"], catalogue, seen, {"cold": cold, "warm": ~cold})
    shown["top"] = [row | {"title": f"Film {row['item']}"} for row in shown["top"]]
    return {
        "name": "made-up",
        "as_of": str(AS_OF),
        "version": "0.1.0",
        "published": {"users": USERS, "items": ITEMS, "k": K, "short_lists": 0},
        "data": {
            "rows_read": 26_010,
            "interactions": 26_000,
            "positives": 15_400,
            "users": USERS,
            "items": ITEMS,
            "first_day": str(start),
            "last_day": str(AS_OF - timedelta(1)),
            "max_bad_share": 0.02,
            "quarantine": [
                {"reason": "unparsable time", "rows": 7, "example": "ratings.dat:17: 'abc'"},
                {"reason": "item id is empty", "rows": 3},
            ],
            "per_day": {
                str(start + timedelta(day)): int(140 + 40 * np.sin(day / 3.5) + day / 4)
                for day in range(180)
            },
        },
        "windows": [
            {"name": "generators 1", "kind": "fit", "start": str(start), "end": "2000-10-05"},
            {"name": "ranker 1", "kind": "ranker", "start": "2000-10-05", "end": "2000-11-02"},
            {"name": "generators 2", "kind": "fit", "start": str(start), "end": "2000-11-02"},
            {"name": "ranker 2", "kind": "ranker", "start": "2000-11-02", "end": "2000-11-30"},
            {"name": "generators 3", "kind": "fit", "start": str(start), "end": "2000-11-30"},
            {"name": "test", "kind": "test", "start": "2000-11-30", "end": "2000-12-28"},
        ],
        "candidates": report.result(),
        "metrics": figures["metrics"],
        "trend": trend(pa.concat_tables(past), AS_OF),
        "segments": segments_part(judged, {"warm users": ~cold, "cold users": cold}),
        "beyond": figures["beyond"],
        "stability": moved | {"before": "2000-12-27", "days_apart": 1, "every": 1},
        "items": shown | {"every": 1},
        "importance": [
            {
                "feature": f"user_genre_share_of_watched_{n}d" if n % 3 else f"item_count_{n}d",
                "importance": 30 / (n + 1.5),
                "description": "share of the user's events of the last days with these genres",
            }
            for n in range(31)
        ],
        "audit": {
            "days": [
                {
                    "day": "2000-11-30",
                    "rows": 100,
                    "features": 54,
                    "values": 5400,
                    "poisoned_days": 12,
                }
            ],
            "skew": {"day": "2000-12-27", "rows": 200, "features": 54, "changed": []},
        },
        "gate": {
            "publish": "final",
            "verdict": "new",
            "why": "The final list is ahead of every source.",
            "metric": "MAP@10",
            "users": USERS - 20,
            "numbers": [
                {
                    "candidate": "final",
                    "rival": "ease",
                    "value": 0.02,
                    "rival_value": 0.01,
                    "difference": 0.01,
                    "low": 0.005,
                    "high": 0.015,
                    "holds": True,
                }
            ],
            "notes": [],
        },
        "diversity": {name: diversity_curve(x, item_values=genres) for name, x in lists.items()},
        "samples": [
            {
                "user": "u-17",
                "segment": "warm",
                "history": ["Toy Story (1995)", "Aliens <1986>", "Дерсу Узала", "$9.99 & more"],
                "items": [
                    {
                        "title": f"Recommended film number {place}",
                        "sources": ["ease", "popularity_28"][: 1 + place % 2],
                        "score": 0.9 - place / 20,
                        "hit": place == 2,
                    }
                    for place in range(10)
                ],
            },
            {
                "user": "u-400",
                "segment": "cold",
                "history": [],
                "items": [{"title": "The most watched film", "sources": []}],
            },
        ],
        "steps": [
            {"step": "ingest", "seconds": 4.2, "peak_rss_gb": 0.4, "rows": 26_010},
            {"step": "fit generators", "seconds": 11.0, "peak_rss_gb": 0.9},
            {"step": "features", "seconds": 3.1, "peak_rss_gb": 1.1, "skipped": True},
            {"step": "train ranker", "seconds": 75.4, "peak_rss_gb": 1.4, "rows": 812_345},
        ],
        "problems": [],
    }


@pytest.fixture(scope="module")
def day() -> dict:
    # Through JSON: what is rendered is what report.json holds.
    return json.loads(json.dumps(complete(), allow_nan=False))


class Page(HTMLParser):
    """Tags and text of a page; complains about tags that do not close."""

    VOID = frozenset(("meta", "link", "br"))

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.count: dict[str, int] = {}
        self.links: list[str] = []
        self.text = ""
        self.feed(html)
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.count[tag] = self.count.get(tag, 0) + 1
        self.links += [v for k, v in attrs if k in ("href", "src", "srcset", "data", "action")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.count[tag] = self.count.get(tag, 0) + 1
        self.links += [v for k, v in attrs if k in ("href", "src")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.text += data


def test_complete_day_has_every_section_with_charts_and_their_numbers(day):
    html = render(day)
    page = Page(html)
    assert page.count["section"] == len({*ALWAYS} | {e for e in SECTIONS if e.key in day})
    assert "could not be made" not in page.text
    assert "no input for this section" not in page.text
    # Every chart carries its numbers and a sentence.
    assert page.count["svg"] == page.count["figure"] == page.count["figcaption"] >= 26
    assert html.count("<summary>Numbers</summary>") == page.count["figure"]
    assert len(html) < 1_000_000
    assert "Recommendations for Thursday, 28 December 2000" in page.text
    assert "Nothing is wrong" in page.text
    assert "the final list reaches MAP@10" in page.text


def test_page_loads_nothing(day):
    html = render(day)
    page = Page(html)
    assert all(link.startswith(("#", "data:")) for link in page.links), page.links
    assert not re.search(r"@import|url\((?!#)|<script|https?:", html)


def test_same_input_gives_the_same_bytes(day):
    assert render(day) == render(copy.deepcopy(day))


def test_text_of_the_data_is_escaped(day):
    html = render(day)
    assert "<b>" not in html
    assert "Aliens &lt;1986&gt;" in html
    assert "$9.99 &amp; more" in html


def test_everything_missing_says_so_and_renders():
    page = Page(render({"name": "empty", "as_of": "2021-01-01"}))
    assert page.text.count("This run gave no input for this section.") == len(ALWAYS) > 10
    assert "This run published nothing and judged nothing." in page.text


@pytest.mark.parametrize("key", [entry.key for entry in SECTIONS])
@pytest.mark.parametrize(
    ("part", "words"),
    [({"error": "DiskFull: no space left"}, "DiskFull: no space left"), ([{"x": 1}], "Error: ")],
)
def test_a_section_that_fails_says_so_and_the_rest_stands(day, key, part, words):
    kept = {name: day[name] for name in ("name", "as_of", "audit", "samples")}
    page = Page(render(kept | {key: part}))
    assert page.text.count("This section could not be made") == 1
    assert words in page.text
    assert "1 thing is wrong" in page.text
    assert page.count["section"] == len(
        {*ALWAYS} | {entry for entry in SECTIONS if entry.key == key}
    )
    assert ("poisoned days" in page.text) == (key != "audit")
    assert ("Recommended film number 7" in page.text) == (key != "samples")


def test_headline_names_what_is_wrong(day):
    worse = copy.deepcopy(day)
    worse["metrics"]["rows"][1]["values"]["MAP@10"] = 0.99
    worse["data"]["rows_read"] = 600
    worse["published"]["short_lists"] = 3
    worse["problems"] = ["The leak audit found 2 rows."]
    text = Page(render(worse)).text
    assert "1 thing is wrong, 3 more to look at" in text
    for sentence in (
        "The final list is behind popularity_28 in MAP@10.",
        "10 rows (1.67\u00a0%) are in quarantine",
        "3 users get fewer than 10 items",
        "The leak audit found 2 rows.",
    ):
        assert sentence in text


def test_one_source_without_intervals_or_attributes(day):
    small = copy.deepcopy(day)
    small["metrics"]["rows"] = [
        {"name": "final", "values": {"MAP@10": 0.0}},
        {"name": "popularity", "values": {"MAP@10": 0.0}},
    ]
    small["metrics"]["comparisons"] = []
    small["diversity"] = {"final": diversity_curve(np.array([[0], [0]]))}
    text = Page(render(small)).text
    assert "could not be made" not in text
    assert "against the best single source, popularity (0.0000)" in text


def test_broken_headline_is_counted_and_a_lone_list_has_no_rival(day):
    odd = copy.deepcopy(day) | {"published": {"users": "many"}}
    odd["metrics"]["rows"] = odd["metrics"]["rows"][:1]
    odd["metrics"]["comparisons"] = []
    text = Page(render(odd)).text
    assert text.count("“published” of the input cannot be read: KeyError: 'k'") == 1
    assert "the best single source, " not in text


def test_nobody_to_judge_is_a_problem(day):
    nobody = copy.deepcopy(day)
    nobody["metrics"]["users"] = 0
    text = Page(render(nobody)).text
    assert "Nobody could be judged" in text
    assert "the final list reaches" not in text


def test_a_gain_that_may_be_chance_is_called_so(day):
    unsure = copy.deepcopy(day)
    for row in unsure["metrics"]["comparisons"]:
        row["low"] = -0.001
    assert "the difference may be chance" in Page(render(unsure)).text
    assert "the difference may be chance" not in Page(render(day)).text


def test_text_in_any_script_is_kept_without_a_warning(day, recwarn):
    other = {name: day[name] for name in ("name", "as_of")}
    other["importance"] = [{"feature": "人気度 ⟨🙂⟩", "importance": 1.0}]
    assert "人気度 ⟨🙂⟩" in Page(render(other)).text
    assert not recwarn.list
