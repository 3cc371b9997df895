"""The command that searches for better parameters of the ranker."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from flows.options import Config, Day, Home, console, read_day

app = typer.Typer()


@app.command()
def tune(
    config: Config = "demo",
    as_of: Day = None,
    home: Home = None,
    minutes: Annotated[float, typer.Option(min=0.0, help="Time for trials.")] = 10.0,
    trials: Annotated[
        int | None,
        typer.Option(min=2, help="Trials at most, those of an earlier search included."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Search for better parameters of the ranker, on its windows alone; go on where it stopped.

    Example: zavtra tune --config ml-1m --as-of 2000-12-28 --minutes 10
    """
    from flows.show_tune import show_search
    from flows.tune import tune as flow

    found = flow(config=config, as_of=read_day(as_of), minutes=minutes, trials=trials, home=home)
    if as_json:
        typer.echo(json.dumps(found))
    else:
        show_search(console, found)
