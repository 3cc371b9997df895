"""What a person sees at the end of a command."""

from __future__ import annotations

import resource
import sys
from datetime import date
from time import perf_counter
from typing import Any

from rich.console import Console
from rich.table import Table

from config import load_settings
from data.contract import DataError
from data.lake import Lake
from features.page import markdown
from flows import STARTED
from flows.start import AsOf, Outcome
from tasks.evaluate import FINAL
from tasks.features import catalog_of, declared_attributes
from tasks.run import default_home, open_lake

FIGURES = ("test", "metrics.json")
HEADLINE = ("MAP@10", "NDCG@10", "Recall@10", "HitRate@10")


def show_ingest(console: Console, report: dict[str, Any]) -> None:
    """Say what was read, kept and quarantined."""
    state = "up to date" if report["up_to_date"] else "read"
    console.print(
        f"{state}: {report['interactions']['kept']:,} events of {report['users']:,} users and "
        f"{report['items']:,} items, {report['first_day']} to {report['last_day']}; "
        f"{sum(report['interactions']['quarantined'].values()):,} rows in quarantine"
    )


def show_metrics(console: Console, config: str, as_of: AsOf, home: str | None) -> None:
    """Print the table of sources and final list on the test window."""
    figures = read_metrics(config, as_of, home)
    table = Table(
        title=f"test window before {figures['as_of']}: {figures['metrics']['users']:,} users"
    )
    table.add_column("")
    best = {name: max(row[name] for row in figures["systems"].values()) for name in HEADLINE}
    for name in HEADLINE:
        table.add_column(name, justify="right")
    for system, row in figures["systems"].items():
        cells = [
            f"[bold]{row[name]:.4f}[/]" if row[name] == best[name] else f"{row[name]:.4f}"
            for name in HEADLINE
        ]
        table.add_row(f"[bold]{system}[/]" if system == FINAL else system, *cells)
    console.print(table)


def show_steps(console: Console, outcome: Outcome) -> None:
    """Say which steps ran and how long, and which were up to date."""
    made = [step for step in outcome.steps if step.seconds is not None]
    for step in made:
        console.print(f"  {step.seconds:7.1f} s  {'/'.join(step.parts)}", highlight=False)
    current = len(outcome.steps) - len(made)
    if current:
        console.print(f"  {current} of {len(outcome.steps)} steps were up to date")
    console.print(f"  {perf_counter() - STARTED:.1f} s in all, peak memory {_peak_gb():.2f} GB")


def show_published(console: Console, config: str, as_of: date, home: str | None) -> None:
    """Say where the recommendations and the page are."""
    lake = _lake(config, home)
    summary = lake.read_json("recommendations", f"as_of={as_of}", "summary.json")
    console.print(f"{summary['rows']:,} recommendations for {summary['users']:,} users on {as_of}")
    if summary["short_lists"]:
        console.print(f"  {summary['short_lists_reason']}")
    _print_place(console, "recommendations", lake.path("recommendations", f"as_of={as_of}"))
    if lake.exists("runs", f"as_of={as_of}", "report", "report.html"):
        page = lake.path("runs", f"as_of={as_of}", "report", "report.html")
        _print_place(console, "report", page)


def show_features(console: Console, config: str, home: str | None, as_markdown: bool) -> None:
    """Print the catalog of features, as a table or as the page of the docs."""
    settings = load_settings(config)
    catalog = catalog_of(settings, declared_attributes(settings, home or default_home()))
    if as_markdown:
        print(markdown(catalog), end="")
        return
    table = Table(title=f"{len(catalog)} features of {settings.name}")
    for column in ("feature", "entity", "measure", "window", "unit", "description"):
        table.add_column(column, overflow="fold", no_wrap=column == "feature")
    for feature in catalog:
        window = "all" if feature.window_days is None else f"{feature.window_days} d"
        cells = (feature.entity, feature.measure, window, feature.unit, feature.description)
        table.add_row(feature.name, *cells)
    console.print(table)


def show_audit(console: Console, report: dict[str, Any]) -> None:
    """Say what an audit looked at; one that found a difference has raised."""
    console.print(
        f"{report['rows']:,} rows x {report['features']} features as of {report['day']}: "
        f"{report['values']:,} numbers equal to those of the raw log cut at the day, "
        f"{report['undefined']:,} of them undefined on both sides, {report['last_place']:,} apart "
        "by one unit in the last place of float32"
    )
    console.print(
        f"{report['poisoned_days']} days from {report['day']} on poisoned: the tables are the "
        f"same to the byte (sha256 {report['digest'][:16]}…)"
    )


def show_day(console: Console, config: str, home: str | None, outcome: Outcome) -> None:
    """Say all of the above for a whole day, and what stands in quarantine."""
    show_steps(console, outcome)
    _show_quarantine(console, _lake(config, home))
    show_metrics(console, config, outcome.as_of, home)
    show_published(console, config, outcome.as_of, home)


def read_metrics(config: str, as_of: AsOf, home: str | None) -> dict[str, Any]:
    """Read the figures of a day; without one, of the newest day that has any.

    Raises:
        DataError: no day was judged yet.
    """
    lake = _lake(config, home)
    if not isinstance(as_of, date):
        as_of = _newest_judged(lake, config)
    figures = lake.read_json("runs", f"as_of={as_of}", *FIGURES)
    return {"config": config, "as_of": as_of.isoformat(), **figures}


def _show_quarantine(console: Console, lake: Lake) -> None:
    """Say how many rows were turned away and why; nothing where there are none."""
    ingested = lake.read_json("ingest.json")
    parts = {"interactions": "interactions", "users": "user_rows", "items": "item_rows"}
    for table, part in parts.items():
        quarantined = (ingested[part] or {"quarantined": {}})["quarantined"]
        for reason, rows in quarantined.items():
            console.print(f"  {table}: {rows:,} in quarantine, {reason}", markup=False)
        if quarantined:
            _print_place(console, "  see", lake.path("quarantine", f"{table}.parquet"))


def _print_place(console: Console, what: str, path: str) -> None:
    """Print a path in one piece, whatever the width of the terminal."""
    console.print(f"{what}: {path}", soft_wrap=True, markup=False, highlight=False)


def _newest_judged(lake: Lake, config: str) -> date:
    """Give the newest day with figures: one that is under way or was cut off may have none."""
    for name in reversed(lake.names("runs")):
        if name.startswith("as_of=") and lake.exists("runs", name, *FIGURES):
            return date.fromisoformat(name.removeprefix("as_of="))
    raise DataError(f"no run of {config!r} in {lake.url} was judged: run `zavtra daily` first")


def _lake(config: str, home: str | None) -> Lake:
    return open_lake(load_settings(config), home or default_home())


def _peak_gb() -> float:
    """Peak resident memory of this process so far, GB."""
    unit = 1 if sys.platform == "darwin" else 1024  # bytes on macOS, KiB on Linux
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30
