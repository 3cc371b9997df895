"""The table of contents: every section of the page, in the order of the page.

A new section takes three things: a builder ``(page) -> blocks`` in a file of its own
(``_gate_sections.py`` is a short example), one :class:`Entry` here, and one line in
``tasks.page.report.PARTS`` that fetches its part.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from evaluation.page.accuracy_sections import metrics, segments
from evaluation.page.candidate_sections import candidates
from evaluation.page.data_sections import data, windows
from evaluation.page.feature_sections import audit, importance
from evaluation.page.gate_sections import gate
from evaluation.page.leak_sections import leaks
from evaluation.page.neural_sections import neural
from evaluation.page.overlap_sections import overlap
from evaluation.page.people_sections import items, samples
from evaluation.page.rerank_sections import rerank
from evaluation.page.run_sections import steps
from evaluation.page.shap_sections import shap
from evaluation.page.stability_sections import stability
from evaluation.page.trend_sections import trend
from evaluation.page.variety_sections import beyond, diversity

Builder = Callable[[dict[str, Any]], list[Any]]
"""From the whole report to the blocks of one section (:mod:`evaluation.page.blocks`)."""


class Entry(NamedTuple):
    """One section.

    Attributes:
        key: name of its part of the report, and its anchor on the page.
        title: in the table of contents; short.
        lead: one sentence below the title.
        build: makes its blocks; called only where the part is there and did not fail.
        absent: what is said where there is no such part; "": then the section is left out.
    """

    key: str
    title: str
    lead: str
    build: Builder
    absent: str = "This run gave no input for this section."


CHAPTERS: dict[str, tuple[Entry, ...]] = {
    "Input": (
        Entry("data", "Data", "What was read, and what was kept out and why.", data),
        Entry("windows", "Windows", "How the days were cut, so that nothing looks ahead.", windows),
    ),
    "Quality": (
        Entry(
            "candidates",
            "Candidates",
            "What the sources propose before any ranking, on the test window.",
            candidates,
        ),
        Entry(
            "metrics",
            "Accuracy",
            "Every source's own list and the final list on the test window. Nothing was chosen "
            "on it.",
            metrics,
        ),
        Entry("trend", "Trend", "The same figures over the past days.", trend),
        Entry("segments", "Segments", "The same figures for parts of the users.", segments),
    ),
    "Model": (
        Entry("importance", "Features", "What the ranker looks at.", importance),
        Entry(
            "shap",
            "SHAP",
            "How much each feature moved the raw scores of a sample of rows, and which way: exact "
            "values, checked to add up to the score of every row.",
            shap,
            "",
        ),
        Entry(
            "audit",
            "Audit",
            "Features computed once more from the raw log, with all later days poisoned: no "
            "number differs, else nothing would have been published.",
            audit,
        ),
        Entry(
            "leaks",
            "Leaks",
            "Whether a feature knows what it must not, or will be another one tomorrow. A red "
            "verdict stops publication unless the configuration allows it with a reason.",
            leaks,
            "",
        ),
        Entry(
            "neural",
            "Neural sources",
            "How they were trained, and what their item vectors know.",
            neural,
            "",
        ),
        Entry("gate", "Gate", "Whether the new lists were good enough to go out.", gate, ""),
    ),
    "Lists": (
        Entry(
            "beyond",
            "Beyond accuracy",
            "Whether the lists are varied, new and fair to the catalogue.",
            beyond,
        ),
        Entry(
            "diversity",
            "Diversity(k)",
            "How variety grows with the length of the list.",
            diversity,
        ),
        Entry(
            "overlap",
            "Overlap",
            "How much the lists of every two sources share, and which of them the final list "
            "follows.",
            overlap,
            "",
        ),
        Entry(
            "rerank",
            "Re-ranking",
            "What asking for more variety buys on the test window, and what it costs.",
            rerank,
            "",
        ),
        Entry(
            "stability",
            "Stability",
            "How much of what users got before they get again.",
            stability,
        ),
        Entry(
            "samples",
            "Users",
            "A look at real lists: what they saw, what they get, who proposed it, and what moved "
            "it up or down against the other candidates of this user.",
            samples,
        ),
        Entry("items", "Items", "Who gets which item, and who holds the places.", items),
    ),
    "Run": (Entry("steps", "Time", "Where time and memory went.", steps),),
}
"""Chapter → its sections."""

SECTIONS: tuple[Entry, ...] = tuple(entry for part in CHAPTERS.values() for entry in part)
