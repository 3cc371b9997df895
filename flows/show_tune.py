"""What a person sees of a search for better parameters."""

from __future__ import annotations

from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

from tasks.tune import METRICS, SPACE

SHOWN = 10


def show_search(console: Console, found: dict[str, Any]) -> None:
    """Print the best trials, the comparison with the parameters in use, and what to paste."""
    trials, best = found["trials"], found["best"]
    console.print(_table(found))
    new = len(trials) - found["resumed"]
    console.print(
        f"{len(trials)} trials ({new} now, {found['resumed']} from before), judged by "
        f"{found['lists']:,} lists of the newest ranker window; the test window was not looked at"
    )
    if best == 0:
        console.print("nothing found is better than the parameters in use: leave them as they are")
        return
    gain = found["gain"]
    console.print(
        f"best against in use: {METRICS[0]} {gain['difference']:+.4f}, 95 % interval "
        f"{gain['low']:+.4f} to {gain['high']:+.4f} over {gain['users']:,} lists. The best of "
        f"{len(trials)} was chosen on these very lists, so expect less than that"
    )
    if gain["low"] <= 0:
        console.print("the interval holds 0: this is no proof that the best is better at all")
    console.print("to use it, put this into the configuration:")
    console.print(yaml.safe_dump({"ranker": trials[best]["params"]}, sort_keys=False), end="")


def _table(found: dict[str, Any]) -> Table:
    trials = found["trials"]
    table = Table(title=f"trials before {found['as_of']}")
    table.add_column("trial")
    for name in (*SPACE, "trees", *METRICS, "seconds"):
        table.add_column(name, justify="right")
    order = sorted(range(len(trials)), key=lambda at: -trials[at][METRICS[0]])
    shown = [at for at in range(len(trials)) if at == 0 or at in order[:SHOWN]]
    for at in sorted(shown, key=order.index):
        trial = trials[at]
        cells = [f"{trial['params'][name]:.3g}" for name in SPACE]
        cells += [str(trial["trees"]), *(f"{trial[name]:.4f}" for name in METRICS)]
        cells.append(f"{trial['seconds']:.1f}")
        style = "bold" if at == found["best"] else None
        table.add_row("in use" if at == 0 else str(at), *cells, style=style)
    return table
