"""Commands for the registered models: look, promote, roll back."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.options import Config, Home, console

app = typer.Typer(
    no_args_is_help=True,
    help="The versions of a data set's models: list them, promote one, roll the champion back.",
)


@app.command("list")
def list_(config: Config = "demo", home: Home = None) -> None:
    """Print every registered training: its figures, what the gate decided, and the champion.

    Example: zavtra models list --config ml-1m
    """
    from flows.show_models import show_versions

    show_versions(console, config, home)


@app.command()
def promote(
    version: Annotated[int, typer.Argument(min=1, help="Number of the version.")],
    config: Config = "demo",
    home: Home = None,
) -> None:
    """Make a version the champion, once every byte of its bundle was checked.

    Example: zavtra models promote 3 --config ml-1m
    """
    from flows.show_models import show_promotion

    show_promotion(console, config, home, version)


@app.command()
def rollback(config: Config = "demo", home: Home = None) -> None:
    """Take the champion back: the one before it is the champion again.

    Example: zavtra models rollback --config ml-1m
    """
    from flows.show_models import show_rollback

    show_rollback(console, config, home)
