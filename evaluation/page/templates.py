"""How the pages are put together: one Jinja environment for all templates."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment

HERE = Path(__file__).parent
TEMPLATES = tuple(sorted([*HERE.glob("*.j2"), *HERE.glob("*.css")]))
"""Files that decide how a page looks, beside the code."""


def environment() -> Environment:
    """Give the environment: everything is escaped, a name the caller forgot is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
