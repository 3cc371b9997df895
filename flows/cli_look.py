"""Commands that look at what a day left behind."""

from __future__ import annotations

import json
from datetime import date
from typing import Annotated

import typer

from flows.options import Config, Day, Home, console, read_date, read_day

app = typer.Typer()


@app.command()
def metrics(
    config: Config = "demo",
    as_of: Day = None,
    home: Home = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="YYYY-MM-DD", help="Print the history from this day on, up to --as-of."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print the figures of a day (default: of the last day run), or those of past days.

    Example: zavtra metrics --config ml-1m --json
    """
    from flows.show_history import read_history, show_history
    from flows.summary import read_metrics, show_metrics

    if since is not None:
        until = read_day(as_of)
        until = until if isinstance(until, date) else None
        rows = read_history(config, read_date(since, "--since"), until, home)
        if as_json:
            typer.echo(json.dumps(rows, ensure_ascii=False))
        else:
            show_history(console, config, rows)
    elif as_json:
        typer.echo(json.dumps(read_metrics(config, read_day(as_of), home), ensure_ascii=False))
    else:
        show_metrics(console, config, read_day(as_of), home)


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

    show_audit(console, flow(config=config, as_of=read_day(as_of), rows=rows, home=home))


@app.command()
def explain(
    user: Annotated[str, typer.Option(metavar="ID", help="The user's id, as the source has it.")],
    config: Config = "demo",
    as_of: Day = None,
    home: Home = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say why a user got their list; default: the newest one published.

    For each item: who proposed it, its place before ranking, and what moved it up or down.

    Example: zavtra explain --config ml-1m --as-of 2000-12-28 --user 42
    """
    from flows.show_explain import read_explanation, show_explanation

    found = read_explanation(config, read_day(as_of), home, user)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
    else:
        show_explanation(console, found)


@app.command()
def leaks(
    config: Config = "demo",
    as_of: Day = None,
    home: Home = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    again: Annotated[
        bool, typer.Option(help="Check again, and train first what is not up to date.")
    ] = False,
) -> None:
    """Print what the leak suite found for a day; where it did not run yet, it runs.

    The exit code is 1 where a red verdict stops publication.

    Example: zavtra leaks --config ml-1m --as-of 2000-12-28
    """
    from flows.leaks import leaks as flow
    from flows.show_leaks import show_leaks, stored_leaks

    found = None if again else stored_leaks(config, read_day(as_of), home)
    if found is None:
        found = flow(config=config, as_of=read_day(as_of), home=home)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
    else:
        show_leaks(console, found)
    if found["verdict"] == "red":
        raise typer.Exit(1)
