"""Side by side: this project, the peers' run and the published figures, as a table."""

from __future__ import annotations

import sys
from itertools import groupby

from rich.console import Console
from rich.table import Table

from benchmarks.protocol import Result, Row

NOT_RUN = "not run"
LESS_IS_BETTER = frozenset(
    {"seconds", "CPU seconds", "epoch_seconds", "epoch_cpu_seconds", "peak GB", "RMSE", "lost"}
)
OURS = "Zavtra"


def show(result: Result, console: Console | None = None) -> None:
    """Print the table, the metrics' conventions, the facts and the checks."""
    console = console or Console(file=sys.stdout, highlight=False, soft_wrap=True)
    console.print(build(result))
    for sentence in result.conventions:
        console.print(f"  {sentence}", style="dim")
    for fact in result.facts:
        console.print(f"  {fact}")
    for check in result.checks:
        mark = "[green]holds[/green]" if check.passed else "[bold red]FAILS[/bold red]"
        console.print(f"  {mark}  {check.name} ({check.found})")


def build(result: Result) -> Table:
    """Lay the rows out: a block for each model, in it a line for each side, columns the metrics.

    A side without figures says "not run"; the best figure of this run in a column is bold.
    """
    table = Table(title=result.title, title_justify="left")
    table.add_column("model")
    table.add_column("by", no_wrap=True)
    for metric in result.metrics:
        table.add_column(metric, justify="right", no_wrap=True)
    best = _best(result)
    for model, block in groupby(result.rows, key=lambda row: row.model):
        lines = list(block)
        for at, row in enumerate(lines):
            table.add_row(
                model if at == 0 else "",
                row.who or row.side,
                *_cells(row, result.metrics, best),
                end_section=at == len(lines) - 1,
                style=None if row.side == OURS else "dim",
            )
    return table


def _cells(row: Row, metrics: tuple[str, ...], best: dict[str, float]) -> list[str]:
    if not row.figures:
        return [NOT_RUN, *[""] * (len(metrics) - 1)]
    cells = []
    for metric in metrics:
        value = row.figures.get(metric)
        text = "" if value is None else number(value)
        first = row.side != "published" and value is not None and value == best.get(metric)
        cells.append(f"[bold]{text}[/bold]" if first else text)
    return cells


def _best(result: Result) -> dict[str, float]:
    """Best figure of each metric among what was run now."""
    best: dict[str, float] = {}
    for row in result.rows:
        if row.side != "published":
            for metric, value in row.figures.items():
                if value is not None:
                    better = min if metric in LESS_IS_BETTER else max
                    best[metric] = better(value, best.get(metric, value))
    return best


def number(value: float) -> str:
    """Write a share with four places and no leading zero, anything past 1 with thousands.

    >>> number(0.0478), number(1510.4), number(0.0), number(2.5)
    ('.0478', '1,510', '.0000', '2.50')
    """
    if abs(round(value, 4)) < 1:
        return f"{value:.4f}".replace("0.", ".", 1)
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"
