"""The first lines of the report: what was made, how good it is, what is wrong, in words."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from evaluation._blocks import number, percent


def headline(page: dict[str, Any], told: Collection[str] = ()) -> tuple[list[str], list[str]]:
    """Give the sentences that open the page, and one for everything a person should look at.

    Args:
        page: the report; parts that are missing are left out.
        told: parts that broke while their section was drawn; the page says so already.
    """
    sentences: list[str] = []
    problems = [str(problem) for problem in page.get("problems") or []]
    broken = dict.fromkeys(told, "")
    for key, say, where in (
        ("published", _made, sentences),
        ("metrics", _good, sentences),
        ("published", _short_lists, problems),
        ("data", _quarantine, problems),
        ("metrics", _behind, problems),
    ):
        try:
            where.append(_said(say, page, key))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            message = f"“{key}” of the input cannot be read: {type(error).__name__}: {error}"
            broken.setdefault(key, message)
    problems += broken.values()
    return (
        [sentence for sentence in sentences if sentence]
        or ["This run published nothing and judged nothing."],
        [problem for problem in problems if problem],
    )


def _said(say: Callable[[Any], str], page: dict[str, Any], key: str) -> str:
    part = page.get(key)
    absent = not part or (isinstance(part, dict) and set(part) == {"error"})
    return "" if absent else say(part)


def _made(part: dict[str, Any]) -> str:
    return (
        f"{number(part['users'])} users get up to {number(part['k'])} items each, chosen from "
        f"{number(part['items'])}."
    )


def _short_lists(part: dict[str, Any]) -> str:
    short = part.get("short_lists", 0)
    if not short:
        return ""
    return (
        f"{number(short)} users get fewer than {number(part['k'])} items: nothing else was left "
        "for them."
    )


def _quarantine(part: dict[str, Any]) -> str:
    bad = sum(entry["rows"] for entry in part["quarantine"])
    allowed = part.get("max_bad_share")
    if not bad or allowed is None or bad < allowed * part["rows_read"] / 2:
        return ""
    share = bad / max(part["rows_read"], 1)
    return (
        f"{number(bad)} rows ({percent(share, 2)}) are in quarantine, more than half of the "
        f"{percent(allowed, 2)} at which the run fails."
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
        words += f" (95 %: {number(interval['low'])} to {number(interval['high'])})"
    best = _best_source(part)
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
    ahead = "more than 99.9 %" if sure > 0.9994 else percent(sure)
    words += f". Over resampled users it is ahead with a probability of {ahead}"
    if versus["low"] <= 0 <= versus["high"]:
        words += "; with so few users the difference may be chance"
    return words + "."


def _behind(part: dict[str, Any]) -> str:
    if not part["users"]:
        return "Nobody could be judged: no user has a positive in the test window."
    rows = {row["name"]: row["values"][part["main"]] for row in part["rows"]}
    own = rows[part["final"]]
    ahead = [name for name, value in rows.items() if name != part["final"] and value > own]
    if not ahead:
        return ""
    return f"The final list is behind {' and '.join(ahead)} in {part['main']}."


def _best_source(part: dict[str, Any]) -> dict[str, Any] | None:
    sources = [row for row in part["rows"] if row["name"] != part["final"]]
    return max(sources, key=lambda row: row["values"][part["main"]], default=None)
