"""The page of a day: one self-contained HTML made from one JSON-able dictionary.

The caller collects :class:`Report`, writes it to ``report.json`` and renders it here. Every part
may be missing: its section then says so. A part whose computation failed is given as
``{"error": "what happened"}``: its section shows the text. Nothing a section does can take the
page down; a section that breaks while it is drawn says why, and the headline counts it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from evaluation.page.blocks import Section, long_date
from evaluation.page.findings import GREEN, RED, Finding, findings
from evaluation.page.headline import headline, key_figures
from evaluation.page.index import DaySummary, summarise
from evaluation.page.parts import Report
from evaluation.page.sections import CHAPTERS, SECTIONS, Entry
from evaluation.page.templates import environment

__all__ = ["SECTIONS", "Drawn", "Report", "draw", "render"]


class Drawn(NamedTuple):
    """A page, and what the index over all days says of it.

    Attributes:
        html: one document that loads nothing; same input, same bytes.
        summary: JSON-able.
    """

    html: str
    summary: DaySummary


def render(report: Report | dict[str, Any]) -> str:
    """Draw the page alone; see :func:`draw`."""
    return draw(report).html


def draw(report: Report | dict[str, Any]) -> Drawn:
    """Draw the page and sum it up.

    Args:
        report: see :class:`Report`; ``name`` and ``as_of`` are required.

    Raises:
        KeyError: ``name`` or ``as_of`` is missing.
    """
    page = dict(report)
    chapters = {
        chapter: [_section(page, entry) for entry in entries if entry.absent or page.get(entry.key)]
        for chapter, entries in CHAPTERS.items()
    }
    sections = [section for chapter in chapters.values() for section in chapter]
    sentences, unsaid = headline(page)
    found, unread = findings(page)
    failed = unsaid | unread
    failed |= {
        s.key: f"The section “{s.title}” could not be made: {s.error}" for s in sections if s.error
    }
    found = [Finding(text, RED, key) for key, text in failed.items()] + found
    level = found[0].level if found else GREEN
    html = (
        environment()
        .get_template("report.html.j2")
        .render(
            title=f"Recommendations for {long_date(page['as_of'])}",
            name=page["name"],
            index=page.get("index", ""),
            headline=sentences,
            figures=key_figures(page),
            findings=found,
            status=_status(found),
            level=level,
            keys={section.key: section.title for section in sections},
            chapters=chapters,
            footer=f"Data set {page['name']}, as of {page['as_of']}, "
            f"code {page.get('version', 'not stated')}. Every figure is of days before the day "
            "recommended for.",
        )
    )
    said = {"headline": sentences, "findings": [finding.text for finding in found]}
    return Drawn(html, summarise(page, _status(found), level, **said))


def _status(found: list[Finding]) -> str:
    """Say in a few words whether anything is wrong."""
    if not found:
        return "Nothing is wrong"
    red = sum(finding.level == RED for finding in found)
    if not red:
        return f"{len(found)} thing{'s' * (len(found) > 1)} to look at"
    more = f", {len(found) - red} more to look at" if len(found) > red else ""
    return f"{red} thing{'s are' if red > 1 else ' is'} wrong{more}"


def _section(page: dict[str, Any], entry: Entry) -> Section:
    """Build one section; whatever goes wrong in it is shown in its place."""
    key, title = entry.key, entry.title
    part = page.get(key)
    if part is None or part in ([], {}):
        return Section(key, title, absent=entry.absent)
    if isinstance(part, dict) and set(part) == {"error"}:
        return Section(key, title, error=str(part["error"]))
    try:
        return Section(key, title, entry.lead, entry.build(page))
    except Exception as error:
        return Section(key, title, error=f"{type(error).__name__}: {error}")
