"""The command ``zavtra``: every step by hand, with one set of options."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from flows import cli_look, cli_models, cli_tune
from flows.options import Config, Day, Home, console, read_date, read_day
from flows.terminal import plainly

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Tomorrow's recommendations, every day. Start with: zavtra daily --config demo",
)
app.add_typer(cli_look.app)
app.add_typer(cli_models.app, name="models")
app.add_typer(cli_tune.app)


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

    outcome = flow(config=config, as_of=read_day(as_of), home=home)
    show_metrics(console, config, outcome.as_of, home)
    show_steps(console, outcome)


@app.command()
def recommend(config: Config = "demo", as_of: Day = None, home: Home = None) -> None:
    """Publish the lists of all users for a day.

    Example: zavtra recommend --config ml-1m --as-of 2000-12-28
    """
    from flows.recommend import recommend as flow
    from flows.summary import show_published, show_steps

    outcome = flow(config=config, as_of=read_day(as_of), home=home)
    show_steps(console, outcome)
    show_published(console, config, outcome.as_of, home)


@app.command()
def report(
    config: Config = "demo",
    as_of: Day = None,
    home: Home = None,
    show: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Make the page of a day.

    Example: zavtra report --config ml-1m --as-of 2000-12-28 --open
    """
    from flows.report import report as flow
    from flows.show_page import local_home, open_page
    from flows.summary import show_published, show_steps

    if show:
        local_home(home)  # refused before the work, not after it
    outcome = flow(config=config, as_of=read_day(as_of), home=home)
    show_steps(console, outcome)
    show_published(console, config, outcome.as_of, home)
    if show:
        open_page(console, config, outcome.as_of, home)


@app.command()
def daily(config: Config = "demo", as_of: Day = None, home: Home = None) -> None:
    """Run the whole day: ingest, train, recommend, report.

    Example: zavtra daily --config ml-1m --as-of 2000-12-28
    """
    from flows.daily import daily as flow
    from flows.summary import show_day

    show_day(console, config, home, flow(config=config, as_of=read_day(as_of), home=home))


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

    first, last = read_date(since, "--since"), read_date(until, "--until")
    if first > last:
        raise typer.BadParameter(f"{since} is after --until {until}", param_hint="--since")
    for step in range((last - first).days + 1):
        day = first + timedelta(days=step)
        show_day(console, config, home, flow(config=config, as_of=day, home=home))


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="ml-1m, ml-100k or kion")],
    target: Annotated[
        Path,
        typer.Option(
            envvar="ZAVTRA_DATA",
            help="Folder that will hold the data set's folder; the configurations read it there.",
        ),
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


if __name__ == "__main__":
    main()
