"""What a person sees of the leak suite."""

from __future__ import annotations

from datetime import date
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from config import load_settings
from flows.start import AsOf
from tasks.leaks import read_leaks
from tasks.run import Run, default_home, open_lake

COLOURS = {"green": "green", "yellow": "yellow", "red": "bold red"}


def stored_leaks(config: str, as_of: AsOf, home: str | None) -> dict[str, Any] | None:
    """Read what the suite found for a day; without one, for the newest day it ran for.

    Returns:
        ``leaks.json`` with ``config`` and ``as_of``; None where the suite did not run.
    """
    settings, home = load_settings(config), home or default_home()
    lake = open_lake(settings, home)
    days = [
        name.removeprefix("as_of=")
        for name in lake.names("runs")
        if lake.exists("runs", name, "leaks", "leaks.json")
    ]
    wanted = as_of.isoformat() if isinstance(as_of, date) else max(days, default="")
    if wanted not in days:
        return None
    run = Run(settings, date.fromisoformat(wanted), home)
    return {"config": config, "as_of": wanted, **read_leaks(run)}


def show_leaks(console: Console, found: dict[str, Any]) -> None:
    """Print the verdict of every check, what to look at, and the drift of the scores."""
    if not found["findings"]:
        console.print("The leak suite is switched off (leaks.enabled): nothing was checked.")
        return
    table = Table(title=f"leak suite, {found['config']} as of {found['as_of']}")
    for name in ("check", "verdict", "feature"):
        table.add_column(name, no_wrap=name != "feature", overflow="fold")
    table.add_column("value", justify="right")
    table.add_column("bound", justify="right")
    table.add_column("what to look at", overflow="fold")
    for line in found["findings"]:
        more = f" and {len(line['others'])} more" if line["others"] else ""
        allowed = f" Allowed: {line['allowed']}" if line["allowed"] else ""
        table.add_row(
            line["check"],
            Text(line["verdict"], style=COLOURS[line["verdict"]]),
            Text(f"{line['feature'] or 'all'}{more}"),
            f"{line['value']:.4g}",
            f"{line['threshold']:.4g}",
            Text(f"{line['look_at']}{allowed}"),
        )
    console.print(table)
    means = ", ".join(f"{form} {value:.3f}" for form, value in found["drift"]["mean"].items())
    if means:
        console.print(f"score drift to tomorrow, mean PSI of the sources: {means}")
    verdict = Text(found["verdict"], style=COLOURS[found["verdict"]])
    console.print(Text("verdict: ").append(verdict))
