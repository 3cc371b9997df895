"""Open the page of a day in the reader's browser."""

from __future__ import annotations

import webbrowser
from datetime import date
from pathlib import Path

from rich.console import Console

from config import load_settings
from data.contract import DataError
from tasks.run import default_home, open_lake


def local_home(home: str | None) -> Path:
    """Give the folder of the lakes.

    Raises:
        DataError: it is a URL; a browser opens only what lies on this machine.
    """
    place = home or default_home()
    if "://" in place and not place.startswith("file://"):
        raise DataError(
            f"--open needs a home on this machine, this one is {place}: leave --open out, and copy "
            "the page from where the command says it is"
        )
    return Path(place.removeprefix("file://")).resolve()


def open_page(console: Console, config: str, as_of: date, home: str | None) -> None:
    """Open the page in the default browser; where there is none, say where the page is.

    Raises:
        DataError: the home is not on this machine.
    """
    local_home(home)
    lake = open_lake(load_settings(config), home or default_home())
    page = Path(lake.path("runs", f"as_of={as_of}", "report", "report.html")).resolve()
    if not webbrowser.open(page.as_uri()):
        console.print(f"no browser found: open {page.as_uri()}", soft_wrap=True, markup=False)
