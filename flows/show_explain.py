"""What a person sees of why a user got their list."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any

from rich.console import Console
from rich.text import Text

from config import load_settings
from flows.start import AsOf
from tasks.explain import explain_user, newest_published
from tasks.run import Run, default_home, open_lake

Say = Callable[..., None]
CLOSE = 0.0005
"""Effects that would be written as 0.000 are left out."""


def read_explanation(config: str, as_of: AsOf, home: str | None, user: str) -> dict[str, Any]:
    """Explain a user's list; without a day, of the newest that lists were published for.

    Raises:
        DataError: nothing was published, or the user is unknown or has no list.
    """
    settings, home = load_settings(config), home or default_home()
    if not isinstance(as_of, date):
        as_of = newest_published(open_lake(settings, home))
    return {"config": config, **explain_user(Run(settings, as_of, home), user)}


def show_explanation(console: Console, found: dict[str, Any]) -> None:
    """Print the list with the reasons of each item."""
    say = partial(console.print, soft_wrap=True)  # a line stays in one piece
    say(
        Text(f"User {found['user']}, lists of {found['as_of']}", style="bold"),
        _history(found),
        Text(_order(found)),
        sep="\n",
    )
    check = "reproduces the published scores" if found["reproduced"] else found["note"]
    say(Text(check, style="dim" if found["reproduced"] else "bold red"))
    for item in found["items"]:
        say()
        _show_item(say, found, item)


def _history(found: dict[str, Any]) -> Text:
    if found["segment"] == "cold":
        known = "cold: nothing liked before this day, so the list is made of what is popular"
    else:
        known = f"warm: {found['positives']} positives before this day"
    return Text(f"{known}; {found['candidates']} candidates")


def _order(found: dict[str, Any]) -> str:
    if found["base_score"] is None:
        return (
            f"ordered by the source {found['ordered_by']} alone, as the gate decided: there is "
            "nothing more to explain than its places"
        )
    varied = ", then varied (recommend.rerank)" if found["reranked"] else ""
    return (
        f"ordered by the ranker ({found['ordered_by']}){varied}; numbers are raw scores against "
        f"the mean of the user's candidates, {found['mean_score']:.3f}"
    )


def _show_item(say: Say, found: dict[str, Any], item: dict[str, Any]) -> None:
    title = Text(f"{item['place']:>2}. {item['title']}", style="bold")
    say(title.append(f"  score {item['score']:.4f}", style="not bold"))
    if not item["candidate"]:
        say("    is no candidate any more: its reasons are lost", style="red")
        return
    by = ", ".join(item["proposed_by"]) or "no source; filled up by popularity"
    say(Text(f"    proposed by {by}"))
    say(Text(f"    {_before(found, item)}"))
    if found["reranked"]:
        say(Text(f"    place by score {item['place_by_score']}, before lists are varied"))
    for direction, style in (("up", "green"), ("down", "red")):
        for reason in item[direction]:
            if abs(reason["effect"]) >= CLOSE:
                line = Text(f"    {reason['effect']:+.3f}  ", style=style)
                line.append(f"{reason['about']} ", style="default")
                say(line.append(f"({reason['words']})", style="dim"))


def _before(found: dict[str, Any], item: dict[str, Any]) -> str:
    """Say where the sources had the item."""
    if item["best_source"] is None:
        return "before ranking: no source knows anything about it for this user"
    places = ", ".join(
        f"{name} {'–' if place is None else place}" for name, place in item["places_before"].items()
    )
    return (
        f"before ranking at best in place {item['best_place_before']} of {found['candidates']} "
        f"({item['best_source']}); by source: {places}"
    )
