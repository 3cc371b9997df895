"""What a person sees of the registered models."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from flows.start import open_settings
from tasks.registry.promotion import list_versions, promote, rollback
from tasks.registry.versions import DECISION, PRUNED, Version


def show_versions(console: Console, config: str, home: str | None) -> None:
    """Print all versions, the newest last."""
    settings, place = open_settings(config, home)
    table = Table(title=f"versions of {settings.name}")
    for column in ("version", "as of"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("")
    table.add_column("MAP@10", justify="right")
    table.add_column("best source", justify="right")
    table.add_column("published")
    for version in list_versions(settings, place):
        tags = version.tags
        rival = f"{tags['best_source']} {float(tags['best_source_value']):.4f}"
        table.add_row(
            str(version.number),
            version.as_of.isoformat(),
            _state(version),
            f"{float(tags['final']):.4f}",
            rival,
            tags.get(DECISION, ""),
        )
    console.print(table)


def show_promotion(console: Console, config: str, home: str | None, number: int) -> None:
    """Promote a version and say what that means."""
    settings, place = open_settings(config, home)
    version, before = promote(settings, place, number)
    was = f", instead of version {before.number}" if before else ""
    console.print(f"{_name(version)} is the champion of {settings.name}{was}")
    _say_when(console, config)


def show_rollback(console: Console, config: str, home: str | None) -> None:
    """Roll the champion back and say what that means."""
    settings, place = open_settings(config, home)
    taken, champion = rollback(settings, place)
    console.print(
        f"{_name(taken)} is taken back and will not be published again; {_name(champion)} is the "
        f"champion of {settings.name}"
    )
    _say_when(console, config)


def _say_when(console: Console, config: str) -> None:
    console.print(
        "From the next run on a new list goes out only where it holds against this champion: "
        f"zavtra daily --config {config}"
    )


def _name(version: Version) -> str:
    return f"version {version.number} of {version.as_of}"


def _state(version: Version) -> str:
    """Say in words what an operator must know of a version."""
    notes = [*version.aliases]
    if version.rolled_back:
        notes.append("rolled back")
    if PRUNED in version.tags:
        notes.append("bundle deleted")
    return ", ".join(notes)
