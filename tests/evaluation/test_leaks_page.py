"""The section about leaks: verdicts, reasons, figures of every feature, and the drift."""

from __future__ import annotations

from typing import Any

from evaluation.leaks.suite import Finding, to_part
from evaluation.page.blocks import Fold, Note, Table
from evaluation.page.leak_sections import leaks

DRIFT: dict[str, Any] = {
    "windows": ["ranker1", "ranker2"],
    "sources": ["als"],
    "psi": {"score": {"als": [0.5, 0.3]}, "rank": {"als": [0.02, 0.01]}},
    "between": {"score": {"als": [0.1]}, "rank": {"als": [0.03]}},
    "mean": {"score": 0.3, "rank": 0.01},
}
FEATURES = [
    {"feature": "calm", "alone": 0.6, "outside": 0.0, "psi": 0.1},
    {"feature": "moved", "alone": 0.5, "outside": 0.2, "psi": 0.9},
]


def texts(table: Table) -> list[list[str]]:
    return [[cell.text for cell in row] for row in table.rows]


def page(*findings: Finding, **more: Any) -> dict[str, Any]:
    return {"leaks": to_part(findings, **more)}


def test_every_finding_is_a_line_with_what_to_look_at() -> None:
    red = Finding("alone", "leak", 1.0, 0.95, "red", "See the horizon.")
    kept = Finding("range", "clock", 1.0, 0.9, "red", "See it.", [], "days are numbered")
    shifted = Finding("psi", "moved", 0.9, 0.25, "yellow", "See the traffic.", ["more", "most"])
    (table,) = leaks(page(red, kept, shifted))
    assert texts(table)[0] == ["alone", "red", "leak", "See the horizon.", "1.000", "0.950"]
    assert [row[1].mark for row in table.rows] == ["bad", "", ""]
    assert table.rows[1][1].note == "allowed: days are numbered"
    assert table.rows[2][2].note == "and more, most"


def test_features_that_moved_most_stand_first() -> None:
    fine = Finding("psi", "calm", 0.1, 0.25, "green", "See the traffic.")
    _, fold = leaks(page(fine, features=FEATURES))
    assert isinstance(fold, Fold)
    assert [row[0] for row in texts(fold.tables[0])] == ["moved", "calm"]


def test_drift_is_a_table_of_forms_and_marks_what_does_not_survive() -> None:
    fine = Finding("psi", "calm", 0.1, 0.25, "green", "See the traffic.")
    _, newest, fold = leaks(page(fine, drift=DRIFT))
    assert newest.head == ["source", "score", "rank"]
    assert texts(newest) == [["als", "0.300", "0.010"], ["mean", "0.300", "0.010"]]
    assert [cell.mark for cell in newest.rows[0]] == ["", "bad", ""]
    assert fold.tables[0].head == [
        "score",
        "ranker1 to tomorrow",
        "ranker2 to tomorrow",
        "ranker1 to ranker2",
    ]
    assert texts(fold.tables[1]) == [["als", "0.020", "0.010", "0.030"]]


def test_a_suite_that_is_switched_off_says_so() -> None:
    (note,) = leaks(page())
    assert isinstance(note, Note)
    assert "leaks.enabled" in note.text
