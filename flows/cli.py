"""The command ``zavtra``: every step by hand, with one set of options."""

from __future__ import annotations

import json
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from flows.terminal import plainly

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Tomorrow's recommendations, every day. Start with: zavtra daily --config demo",
)
console = Console()


def _readable(config: str) -> str:
    """Refuse a bad configuration at once, before Prefect starts."""
    from flows.start import open_settings

    open_settings(config, None)
    return config


Config = Annotated[
    str,
    typer.Option(
        help="A data set (demo, ml-1m, ml-100k, kion, globo) or the path of a YAML.",
        callback=_readable,
    ),
]
Day = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        metavar="YYYY-MM-DD",
        help="The day recommended for; default: the one after the last day of the log.",
    ),
]
Home = Annotated[
    str | None,
    typer.Option(help="Folder or URL of the lakes; default: $ZAVTRA_HOME, else ./var."),
]


def main(*command: str) -> None:
    """Run a command with the options of the command line: a known error is one message, exit 1."""
    with plainly():
        app(args=[*command, *sys.argv[1:]], prog_name="zavtra")


@app.command()
def ingest(config: Config = "demo", home: Home = None) -> None:
    """Validate the source's rows and write them as day partitions.

    Example: zavtra ingest --config ml-1m
    """
    from flows.ingest import ingest as flow
    from flows.summary import show_ingest

    show_ingest(console, flow(config=config, home=home))


@app.command()
def train(config: Config = "demo", as_of: Day = None, home: Home = None) -> None:
    """Fit the generators, train the ranker, judge both on the test window.

    Example: zavtra train --config ml-1m --as-of 2000-12-28
    """
    from flows.summary import show_metrics, show_steps
    from flows.train import train as flow

    outcome = flow(config=config, as_of=_day(as_of), home=home)
    show_metrics(console, config, outcome.as_of, home)
    show_steps(console, outcome)


@app.command()
def recommend(config: Config = "demo", as_of: Day = None, home: Home = None) -> None:
    """Publish the lists of all users for a day.

    Example: zavtra recommend --config ml-1m --as-of 2000-12-28
    """
    from flows.recommend import recommend as flow
    from flows.summary import show_published, show_steps

    outcome = flow(config=config, as_of=_day(as_of), home=home)
    show_steps(console, outcome)
    show_published(console, config, outcome.as_of, home)


@app.command()
def report(config: Config = "demo", as_of: Day = None, home: Home = None) -> None:
    """Make the page of a day.

    Example: zavtra report --config ml-1m --as-of 2000-12-28
    """
    from flows.report import report as flow
    from flows.summary import show_published, show_steps

    outcome = flow(config=config, as_of=_day(as_of), home=home)
    show_steps(console, outcome)
    show_published(console, config, outcome.as_of, home)


@app.command()
def daily(config: Config = "demo", as_of: Day = None, home: Home = None) -> None:
    """Run the whole day: ingest, train, recommend, report.

    Example: zavtra daily --config ml-1m --as-of 2000-12-28
    """
    from flows.daily import daily as flow
    from flows.summary import show_day

    show_day(console, config, home, flow(config=config, as_of=_day(as_of), home=home))


@app.command()
def backfill(
    since: Annotated[str, typer.Option(metavar="YYYY-MM-DD", help="First day recommended for.")],
    until: Annotated[str, typer.Option(metavar="YYYY-MM-DD", help="Last day recommended for.")],
    config: Config = "demo",
    home: Home = None,
) -> None:
    """Run every day from one to another, oldest first; days that are up to date cost little.

    Example: zavtra backfill --config demo --since 2026-04-25 --until 2026-04-30
    """
    from flows.daily import daily as flow
    from flows.summary import show_day

    first, last = _date(since, "--since"), _date(until, "--until")
    if first > last:
        raise typer.BadParameter(f"{since} is after --until {until}", param_hint="--since")
    for step in range((last - first).days + 1):
        day = first + timedelta(days=step)
        show_day(console, config, home, flow(config=config, as_of=day, home=home))


@app.command()
def metrics(
    config: Config = "demo",
    as_of: Day = None,
    home: Home = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print the figures of a day; default: of the last day run.

    Example: zavtra metrics --config ml-1m --json
    """
    from flows.summary import read_metrics, show_metrics

    if as_json:
        typer.echo(json.dumps(read_metrics(config, _day(as_of), home), ensure_ascii=False))
    else:
        show_metrics(console, config, _day(as_of), home)


@app.command()
def features(
    config: Config = "demo",
    home: Home = None,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the page docs/features.md.")
    ] = False,
) -> None:
    """Print the features of a data set as a table; without an ingest, those its source declares.

    Example: zavtra features --config ml-1m
    """
    from flows.summary import show_features

    show_features(console, config, home, as_markdown)


@app.command()
def audit(
    config: Config = "demo",
    as_of: Day = None,
    home: Home = None,
    rows: Annotated[
        int, typer.Option(min=1, help="Rows (user, item) to compute once more, about.")
    ] = 10_000,
) -> None:
    """Prove the features of a day: from the raw log, and with the day and all later ones poisoned.

    Example: zavtra audit --config ml-1m --as-of 2000-12-28 --rows 10000
    """
    from flows.audit import audit as flow
    from flows.summary import show_audit

    show_audit(console, flow(config=config, as_of=_day(as_of), rows=rows, home=home))


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="ml-1m, ml-100k or kion")],
    target: Annotated[
        Path, typer.Option(help="Folder that will hold the data set's folder.")
    ] = Path("var/data"),
) -> None:
    """Download a public data set from its official place.

    Example: zavtra fetch ml-1m
    """
    from rich.progress import DownloadColumn, Progress, TransferSpeedColumn

    from data.fetch import fetch as download

    with Progress(*Progress.get_default_columns(), DownloadColumn(), TransferSpeedColumn()) as bars:
        bar = bars.add_task(name, total=None)
        folder = download(
            name, target, progress=lambda done, total: bars.update(bar, completed=done, total=total)
        )
    console.print(f"{name} is in {folder}")


def _day(text: str | None) -> Any:
    """Read ``--as-of``; 'latest' and nothing stay as they are."""
    return text if text is None or text == "latest" else _date(text, "--as-of")


def _date(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        problem = f"{text!r} is no day; write it as YYYY-MM-DD"
        raise typer.BadParameter(problem, param_hint=option) from None


if __name__ == "__main__":
    main()
