"""Everything of a day that a person should look at, each as a sentence that leads to its section.

Red: what was published is not what was meant, or cannot be trusted. Yellow: worth a look.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from evaluation.exposure import CROWDED
from evaluation.page.blocks import number, percent
from evaluation.page.trend_sections import NAMES
from evaluation.trend import CHAMPION, FINAL

RED, YELLOW, GREEN = "red", "yellow", "green"
FROZEN = 0.9
"""A day on which more than this share of the users gets just the list of the day before is worth a
look,"""
UPTURNED = 0.1
"""and so is one on which the mean Jaccard index with it is below this."""


@dataclass(frozen=True)
class Finding:
    """One thing to look at.

    Attributes:
        text: a sentence or two.
        level: ``red`` or ``yellow``.
        section: key of the section that shows it; "": none does.
    """

    text: str
    level: str = YELLOW
    section: str = ""


def present(page: dict[str, Any], key: str) -> bool:
    """Whether a part is there and was not lost to an error."""
    part = page.get(key)
    return bool(part) and not (isinstance(part, dict) and set(part) == {"error"})


def findings(page: dict[str, Any]) -> tuple[list[Finding], dict[str, str]]:
    """Give what is to be looked at, red first, and the parts that could not be read for it.

    Args:
        page: the report; parts that are missing are left out.
    """
    found = [Finding(str(problem), RED) for problem in page.get("problems") or []]
    broken: dict[str, str] = {}
    for key, look in LOOKS:
        if not present(page, key):
            continue
        try:
            found += look(page[key])
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            message = f"“{key}” of the input cannot be read: {type(error).__name__}: {error}"
            broken.setdefault(key, message)
    return sorted(found, key=lambda finding: finding.level != RED), broken


def _gate(part: dict[str, Any]) -> Iterator[Finding]:
    if part["verdict"] != "new":
        level = YELLOW if part["verdict"] == "champion" else RED
        yield Finding("What was published is not today's new list.", level, "gate")
    for note in part.get("notes") or []:
        text = str(note)
        yield Finding(text[:1].upper() + text[1:] + "." * (not text.endswith(".")), YELLOW, "gate")


def _published(part: dict[str, Any]) -> Iterator[Finding]:
    short = part.get("short_lists", 0)
    if short:
        yield Finding(
            f"{number(short)} users get fewer than {number(part['k'])} items: nothing else was "
            "left for them."
        )


def _quarantine(part: dict[str, Any]) -> Iterator[Finding]:
    bad = sum(entry["rows"] for entry in part["quarantine"])
    allowed = part.get("max_bad_share")
    if bad and allowed is not None and bad >= allowed * part["rows_read"] / 2:
        share = bad / max(part["rows_read"], 1)
        yield Finding(
            f"{number(bad)} rows ({percent(share, 2)}) are in quarantine, more than half of the "
            f"{percent(allowed, 2)} at which the run fails.",
            YELLOW,
            "data",
        )


def _dropped(part: list[dict[str, str]]) -> Iterator[Finding]:
    for fit in part:
        text = f"The source {fit['source']} could not be fitted before {fit['cutoff']} and is left "
        yield Finding(f"{text}out there: {fit['reason']}.", RED, "candidates")


def _silent(part: dict[str, Any]) -> Iterator[Finding]:
    for row in part["rows"]:
        if not row["candidates_per_user"]:
            yield Finding(f"The source {row['source']} proposed nothing.", YELLOW, "candidates")


def _accuracy(part: dict[str, Any]) -> Iterator[Finding]:
    if not part["users"]:
        text = "Nobody could be judged: no user has a positive in the test window."
        yield Finding(text, RED, "metrics")
        return
    rows = {row["name"]: row["values"][part["main"]] for row in part["rows"]}
    own = rows[part["final"]]
    ahead = [name for name, value in rows.items() if name != part["final"] and value > own]
    if ahead:
        text = f"The final list is behind {' and '.join(ahead)} in {part['main']}."
        yield Finding(text, YELLOW, "metrics")


def _trend(part: dict[str, Any]) -> Iterator[Finding]:
    for odd in part["unusual"]:
        yield Finding(
            f"{NAMES.get(odd['figure'], odd['figure'])} of the final list is "
            f"{number(odd['value'])}, outside the {number(odd['low'])} to {number(odd['high'])} "
            f"that the {odd['days']} days before make usual.",
            YELLOW,
            "trend",
        )
    lost = sources_gone(part)
    if lost:
        yield Finding(f"No longer there: {', '.join(lost)}.", YELLOW, "trend")


def _stability(part: dict[str, Any]) -> Iterator[Finding]:
    if part["before"] is None or not part["users"]:
        return
    if part["unchanged"] > FROZEN:
        text = f"{percent(part['unchanged'])} of the users get just the list of {part['before']}."
        yield Finding(text, YELLOW, "stability")
    if part["jaccard"] < UPTURNED:
        text = f"The lists have little in common with those of {part['before']}: mean Jaccard "
        yield Finding(f"{text}{number(part['jaccard'], 3)}.", YELLOW, "stability")


def _items(part: dict[str, Any]) -> Iterator[Finding]:
    crowded = [
        f"“{row['title']}” ({percent(row['of_users'], 0)})"
        for row in part["top"]
        if row["of_users"] > CROWDED
    ]
    if crowded:
        text = f"In more than {percent(CROWDED, 0)} of all lists: {', '.join(crowded)}."
        yield Finding(text, YELLOW, "items")


def _leaks(part: dict[str, Any]) -> Iterator[Finding]:
    for found in part["findings"]:
        if found["verdict"] == "green":
            continue
        what = f"{found['check']}: {found['feature']}" if found["feature"] else found["check"]
        allowed = found.get("allowed")
        level = RED if found["verdict"] == "red" and not allowed else YELLOW
        end = f" Allowed: {allowed}" if allowed else ""
        yield Finding(f"Leak check, {what}. {found['look_at']}{end}", level, "leaks")


def sources_gone(part: dict[str, Any]) -> list[str]:
    """Name the sources that the day before had and this one has not."""
    return sorted(_sources(part, -2) - _sources(part, -1))


def sources_new(part: dict[str, Any]) -> list[str]:
    """Name the sources that this day has and the one before had not."""
    return sorted(_sources(part, -1) - _sources(part, -2))


def _sources(part: dict[str, Any], at: int) -> set[str]:
    if len(part["days"]) < 2:
        return set()
    return {
        system
        for system, own in part["series"].items()
        if system not in (FINAL, CHAMPION)
        and any(values[at] is not None for values in own.values())
    }


LOOKS: tuple[tuple[str, Callable[[Any], Iterator[Finding]]], ...] = (
    ("gate", _gate),
    ("leaks", _leaks),
    ("metrics", _accuracy),
    ("published", _published),
    ("data", _quarantine),
    ("dropped", _dropped),
    ("candidates", _silent),
    ("trend", _trend),
    ("stability", _stability),
    ("items", _items),
)
"""Part of the report → what looks at it."""
