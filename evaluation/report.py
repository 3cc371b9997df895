"""The page of a day: one self-contained HTML made from one JSON-able dictionary.

The caller collects :class:`Report`, writes it to ``report.json`` and renders it here. Every part
may be missing: its section then says so. A part whose computation failed is given as
``{"error": "what happened"}``: its section shows the text. Nothing a section does can take the
page down; a section that breaks while it is drawn says why, and the headline counts it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from evaluation._blocks import Section, long_date
from evaluation._headline import headline
from evaluation._sections import CHAPTERS, SECTIONS, Entry
from evaluation.parts import Report

__all__ = ["SECTIONS", "Report", "render"]

HERE = Path(__file__).parent


def render(report: Report | dict[str, Any]) -> str:
    """Draw the page.

    Args:
        report: see :class:`Report`; ``name`` and ``as_of`` are required.

    Returns:
        One HTML document that loads nothing; same input, same bytes.

    Raises:
        KeyError: ``name`` or ``as_of`` is missing.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    page = dict(report)
    title = f"Recommendations for {long_date(page['as_of'])}"
    chapters = {
        chapter: [_section(page, entry) for entry in entries if entry.absent or page.get(entry.key)]
        for chapter, entries in CHAPTERS.items()
    }
    sections = [section for chapter in chapters.values() for section in chapter]
    sentences, wrong = headline(page, [s.key for s in sections if s.error])
    wrong += [f"The section “{s.title}” could not be made: {s.error}" for s in sections if s.error]
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2").render(
        title=title,
        eyebrow=f"Zavtra · {page['name']}",
        headline=sentences,
        problems=wrong,
        status=_status(len(wrong)),
        sections=sections,
        footer=f"Data set {page['name']}, as of {page['as_of']}, "
        f"code {page.get('version', 'not stated')}. Every figure is of days before the day "
        "recommended for.",
    )


def _status(wrong: int) -> str:
    if not wrong:
        return "Nothing is wrong"
    return f"{wrong} thing{'s' * (wrong > 1)} to look at"


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
