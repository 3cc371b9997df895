"""The section about what neural sources learned."""

from __future__ import annotations

from typing import Any

from evaluation.page import neural_plots, plots
from evaluation.page.blocks import Chart, Charts, Figures, Note, number, table


def neural(page: dict[str, Any]) -> list[Any]:
    """Curves, similarity of pairs, and a map of the items, source by source."""
    blocks: list[Any] = []
    for name, source in page["neural"]["sources"].items():
        if "dropped" in source:
            blocks.append(Note(f"{name} is not among the sources: {source['dropped']}"))
            continue
        curves, alike = source["curves"], source["similarity"]
        entries = [("source", name), ("trained on", curves["device"] or "–")]
        if curves["epoch"]:
            entries += [("epochs", number(len(curves["epoch"])))]
            entries += [("last loss", number(curves["loss"][-1]))]
        if alike:
            entries += [("a liked pair is the more alike one", f"{number(alike['auc'], 3)}")]
        blocks.append(Figures(entries))
        blocks += [Note(f"{name}: {note}") for note in curves["notes"]]
        charts = [*_curves(name, curves), *_alike(name, alike), *_map(name, source["map"])]
        if charts:
            blocks.append(Charts(charts))
    return blocks or [Note("No neural source is configured.")]


def _curves(name: str, curves: dict[str, Any]) -> list[Chart]:
    epochs = curves["epoch"]
    if not epochs:
        return []
    judged = dict(curves["validation"])
    rows = [
        [str(epoch), loss, number(rate, 6), judged.get(epoch)]
        for epoch, loss, rate in zip(epochs, curves["loss"], curves["learning_rate"], strict=True)
    ]
    numbers = table(["epoch", "loss", "learning rate", "validation"], rows)
    best = curves["best_epoch"]
    kept = "" if best is None else f" The weights of epoch {best} were kept."
    charts = [
        Chart(
            f"{name}: loss",
            plots.lines({"loss": (epochs, curves["loss"])}, {}, "epoch"),
            f"It should fall, fast at first; one that still falls asks for more epochs.{kept}",
            numbers,
        ),
        Chart(
            f"{name}: learning rate",
            plots.lines({"rate": (epochs, curves["learning_rate"])}, {}, "epoch"),
            "How large the steps were at the end of each epoch.",
            numbers,
        ),
    ]
    if judged:
        charts.append(
            Chart(
                f"{name}: validation",
                plots.lines({"validation": (list(judged), list(judged.values()))}, {}, "epoch"),
                "On events held out of the training; where it falls while the loss falls, the "
                "model learns by heart.",
                numbers,
            )
        )
    return charts


def _alike(name: str, alike: dict[str, Any] | None) -> list[Chart]:
    if alike is None:
        return []
    edges, legend = alike["edges"], ["liked one after the other", "random"]
    rows = [
        [number(low, 2), a, b]
        for low, a, b in zip(edges[:-1], alike["positive"], alike["random"], strict=True)
        if a or b
    ]
    return [
        Chart(
            f"{name}: how alike are two items",
            neural_plots.two_histograms(edges, alike["positive"], alike["random"]),
            f"{number(alike['pairs'])} pairs that users liked one after the other against random "
            f"pairs of the same items. The further the first lies right of the second, the more "
            f"the vectors know: in {number(100 * alike['auc'], 1)} of 100 comparisons the liked "
            "pair is the more alike one; 50 would be chance.",
            table(["cosine from", "share of liked pairs", "share of random pairs"], rows),
            legend,
        )
    ]


def _map(name: str, points: dict[str, Any] | None) -> list[Chart]:
    if points is None:
        return []
    groups = points["groups"]
    counts = [points["group"].count(at) for at in range(len(groups))]
    return [
        Chart(
            f"{name}: map of the items ({points['method']})",
            neural_plots.scatter(points["x"], points["y"], points["group"], len(groups)),
            f"The {number(len(points['x']))} most popular items; neighbours have similar vectors. "
            "Patches of one colour mean that the source found the attribute by itself, or was "
            "told; distances between far points mean little.",
            table(["value", "items"], list(zip(groups, counts, strict=True))),
            groups,
        )
    ]
