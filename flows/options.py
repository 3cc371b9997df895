"""Options that the commands of ``zavtra`` share."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import typer
from rich.console import Console

console = Console()


def _readable(config: str) -> str:
    """Refuse a bad configuration at once, before Prefect starts."""
    from config import load_settings
    from tasks.generators import check_generators

    check_generators(load_settings(config))
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


def read_day(text: str | None) -> Any:
    """Read ``--as-of``; 'latest' and nothing stay as they are."""
    return text if text is None or text == "latest" else read_date(text, "--as-of")


def read_date(text: str, option: str) -> date:
    """Read a day; anything else is refused with the name of the option."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        problem = f"{text!r} is no day; write it as YYYY-MM-DD"
        raise typer.BadParameter(problem, param_hint=option) from None
