"""The first lines of the report: what was published, how good it is, what changed, in words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from evaluation.page.accuracy_sections import best_source
from evaluation.page.blocks import number, percent
from evaluation.page.findings import present, sources_gone, sources_new
from evaluation.trend import FINAL


def headline(page: dict[str, Any]) -> tuple[list[str], dict[str, str]]:
    """Give the sentences that open the page, and the parts that could not be read for them.

    Args:
        page: the report; parts that are missing are left out.
    """
    sentences: list[str] = []
    broken: dict[str, str] = {}
    for key, say in SAYINGS:
        if not present(page, key):
            continue
        try:
            sentences.append(say(page[key]))
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            message = f"“{key}” of the input cannot be read: {type(error).__name__}: {error}"
            broken.setdefault(key, message)
    told = [sentence for sentence in sentences if sentence]
    return told or ["This run published nothing and judged nothing."], broken


def key_figures(page: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Give the figures of the first look: label, value, and the change since the day before."""
    if not present(page, "metrics") or not present(page, "trend"):
        return []
    part = page["trend"]
    final = part["series"].get(FINAL, {})
    figures = []
    for name, label, digits in KEY_FIGURES:
        values = [value for value in final.get(name, [])[-2:] if value is not None]
        if not values:
            continue
        change = ""
        if len(part["days"]) > 1 and len(values) == 2:
            size = values[1] - values[0]
            sign = "+" if size >= 0 else "−"
            change = f"{sign}{number(abs(size), digits)} since {short_day(part['days'][-2])}"
        figures.append((label, number(values[-1], digits), change))
    return figures


def short_day(day: str) -> str:
    """Write an ISO day briefly.

    >>> short_day("2000-12-28")
    '28 December'
    """
    when = date.fromisoformat(day)
    return f"{when.day} {when:%B}"


def _gate(part: dict[str, Any]) -> str:
    return str(part["why"])


def _made(part: dict[str, Any]) -> str:
    return (
        f"{number(part['users'])} users get up to {number(part['k'])} items each, chosen from "
        f"{number(part['items'])}."
    )


def _good(part: dict[str, Any]) -> str:
    if not part["users"]:
        return ""
    main, users = part["main"], number(part["users"])
    rows = {row["name"]: row for row in part["rows"]}
    final = rows[part["final"]]
    value = final["values"][main]
    words = f"On the {users} users of the test window the final list reaches {main} {number(value)}"
    interval = final.get("intervals", {}).get(main)
    if interval:
        words += f" (95 %: {number(interval['low'])} to {number(interval['high'])})"
    best = best_source(part["rows"], main, part["final"])
    if best is None:
        return words + "."
    rival = best["values"][main]
    if rival > 0:
        gap = value / rival - 1
        size = f"{percent(abs(gap), 0)} {'above' if gap >= 0 else 'below'}"
    else:
        size = "against"
    words += f", {size} the best single source, {best['name']} ({number(rival)})"
    versus = {row["name"]: row for row in part["comparisons"]}.get(best["name"])
    if versus is None:
        return words + "."
    sure = versus["p_better"]
    ahead = "more than 99.9 %" if sure > 0.9994 else percent(sure)
    words += f". Over resampled users it is ahead with a probability of {ahead}"
    if versus["low"] <= 0 <= versus["high"]:
        words += "; with so few users the difference may be chance"
    return words + "."


def _changed(part: dict[str, Any]) -> str:
    """What the main figure did since the day before, and which sources came and went."""
    days = part["days"]
    values = part["series"].get(FINAL, {}).get(part["main"], [])
    if len(days) < 2 or values[-1] is None or values[-2] is None:
        return ""
    then, now = values[-2], values[-1]
    went = "rose" if now > then else "fell" if now < then else "stayed"
    words = f"Since {short_day(days[-2])} {part['main']} {went}"
    words += f" from {number(then)} to {number(now)}" if now != then else f" at {number(now)}"
    if len(days) > 2 and part["main"] not in {odd["figure"] for odd in part["unusual"]}:
        known = [value for value in values[:-1] if value is not None]
        words += f"; the days before reached {number(min(known))} to {number(max(known))}"
    came, gone = sources_new(part), sources_gone(part)
    if came:
        words += f". New: {', '.join(came)}"
    return words + (f". Gone: {', '.join(gone)}" if gone else "") + "."


def _moved(part: dict[str, Any]) -> str:
    """How much of the lists users had before they get again."""
    if part["before"] is None:
        return "Nothing was published before, so there is nothing to compare the lists with."
    if not part["users"]:
        return ""
    mean = sum(at * n for at, n in enumerate(part["kept"])) / part["users"]
    words = (
        f"Compared with the lists of {short_day(part['before'])}, a user keeps {number(mean, 1)} "
        f"of {len(part['kept']) - 1} items on average; {percent(part['unchanged'])} get just the "
        "same list"
    )
    risen = part["entered"][0] if part["entered"] else None
    if risen:
        words += (
            f". What rose most is “{risen['title']}”, from {number(risen['before'])} lists to "
            f"{number(risen['lists'])}"
        )
    return words + "."


SAYINGS: tuple[tuple[str, Callable[[Any], str]], ...] = (
    ("gate", _gate),
    ("published", _made),
    ("metrics", _good),
    ("trend", _changed),
    ("stability", _moved),
)
"""Part of the report → the sentence it gives, in the order of the page."""

KEY_FIGURES = (
    ("MAP@10", "MAP@10", 4),
    ("NDCG@10", "NDCG@10", 4),
    ("Recall@10", "Recall@10", 4),
    ("HitRate@10", "HitRate@10", 3),
    ("coverage", "coverage", 3),
    ("personalisation", "personalisation", 3),
)
"""Figure of the final list, label, decimals."""
