"""The sections of the report, each from its part of the input to blocks of figures and charts."""

from __future__ import annotations

from datetime import date
from typing import Any

from evaluation import _charts
from evaluation._accuracy_sections import beyond, diversity, metrics, segments
from evaluation._blocks import Chart, Charts, Figures, Users, number, percent, seconds, table

KINDS = {"fit": 7, "ranker": 0, "test": 1}
"""Kind of a window → colour of its bar."""


def data(page: dict[str, Any]) -> list[Any]:
    """Counts, days and quarantine."""
    part = page["data"]
    bad = sum(entry["rows"] for entry in part["quarantine"])
    blocks: list[Any] = [
        Figures(
            [
                ("rows read", number(part["rows_read"])),
                ("interactions", number(part["interactions"])),
                ("of them positive", number(part["positives"])),
                ("users", number(part["users"])),
                ("items", number(part["items"])),
                ("first day", part["first_day"]),
                ("last day", part["last_day"]),
                ("in quarantine", number(bad)),
            ]
        )
    ]
    if part.get("per_day"):
        rows = sorted(part["per_day"].items())
        svg = _charts.days([date.fromisoformat(d) for d, _ in rows], [n for _, n in rows])
        chart = Chart(
            "Interactions a day",
            svg,
            "A gap or a sudden step is worth a look: a source may have changed or a day be late.",
            table(["day", "interactions"], rows),
        )
        blocks.append(Charts([chart]))
    if part["quarantine"]:
        rows = [
            [entry["reason"], entry.get("example", ""), entry["rows"]]
            for entry in sorted(part["quarantine"], key=lambda entry: -entry["rows"])
        ]
        blocks.append(table(["rows kept out because of", "first one", "rows"], rows, texts=2))
    return blocks


def windows(page: dict[str, Any]) -> list[Any]:
    """Timeline of the windows, oldest first."""
    part = page["windows"]
    as_of = date.fromisoformat(page["as_of"])
    bars = [
        (w["name"], date.fromisoformat(w["start"]), date.fromisoformat(w["end"]), KINDS[w["kind"]])
        for w in part
    ]
    rows = [[w["name"], w["kind"], w["start"], w["end"]] for w in part]
    chart = Chart(
        "Days of every window",
        _charts.timeline(bars, as_of),
        "Time runs to the right; the upright line is the day recommended for. What stands left "
        "of a window is all that its models have seen; the test window judges and nothing else.",
        table(["window", "kind", "from", "up to (exclusive)"], rows, texts=4),
    )
    return [Charts([chart])]


def candidates(page: dict[str, Any]) -> list[Any]:
    """Recall ceiling, marginal recall, overlap, lost positives."""
    part = page["candidates"]
    rows = part["rows"]
    names = [row["source"] for row in rows]
    size = part["candidates_per_user"]
    head = ["source", "candidates a user", "recall", "pooled recall", "marginal recall"]
    cells = [
        [
            row["source"],
            number(row["candidates_per_user"], 1),
            row["recall"],
            row["pooled_recall"],
            "–" if row["source"] == "union" else number(row["marginal_recall"]),
        ]
        for row in rows
    ]
    marginal = [0.0 if row["source"] == "union" else row["marginal_recall"] for row in rows]
    overlap = [
        Chart(
            title,
            _charts.heat(part["sources"], part[key]),
            reading,
            table(
                ["source", *part["sources"]],
                [[name, *row] for name, row in zip(part["sources"], part[key], strict=True)],
            ),
        )
        for key, title, reading in (
            (
                "jaccard",
                "Overlap of proposals (Jaccard)",
                "Share of the candidates of any two sources that both propose: the stronger a "
                "cell, the less one adds to the other.",
            ),
            (
                "rbo",
                f"Agreement of the first {part['top']} places (rank-biased overlap)",
                "1 is the same order, 0 nothing in common; the upper places weigh more.",
            ),
        )
    ]
    ceiling = Chart(
        "Recall ceiling",
        _charts.bars(names, [row["recall"] for row in rows], marginal),
        "Share of a user's positives among the candidates: the final list cannot find more. The "
        "strong end of a bar is what the union would lose without that source.",
        table(head, cells),
    )
    lost = [[x["reason"], x["positives"], percent(x["share"])] for x in part["lost"]]
    parts = [
        [s["segment"], s["users"], s["positives"], s["recall"], s["pooled_recall"]]
        for s in part["segments"]
    ]
    return [
        Figures(
            [
                ("users", number(part["users"])),
                ("of them judged", number(part["judged_users"])),
                ("positives", number(part["positives"])),
                ("candidates a user", number(size["mean"], 1)),
                ("fewest", number(int(size["min"]))),
                ("median", number(int(size["median"]))),
                ("19 of 20 have at most", number(int(size["p95"]))),
                ("most", number(int(size["max"]))),
            ]
        ),
        table(head, cells, strong=0),
        Charts([ceiling, *(overlap if len(part["sources"]) > 1 else [])]),
        table(["positives that are no candidates, because", "positives", "share"], lost),
        table(["users", "judged", "positives", "recall of the union", "pooled recall"], parts),
    ]


def importance(page: dict[str, Any]) -> list[Any]:
    """Feature importance of the ranker."""
    part = sorted(page["importance"], key=lambda row: -row["importance"])
    top = part[:25]
    rows = [[x["feature"], x.get("description", ""), x["importance"]] for x in part]
    chart = Chart(
        f"The {len(top)} most important of {len(part)} features",
        _charts.bars([x["feature"] for x in top], [x["importance"] for x in top]),
        "A longer bar moved the ranker's score more. It does not say in which direction, and "
        "features that tell the same story share their importance.",
        table(["feature", "meaning", "importance"], rows, texts=2),
    )
    return [Charts([chart])]


def samples(page: dict[str, Any]) -> list[Any]:
    """A few real users."""
    cards = []
    for sample in page["samples"]:
        history = " · ".join(reversed(sample["history"])) or "nothing yet"
        items = []
        for item in sample["items"]:
            why = ", ".join(item["sources"]) or "filled up by popularity"
            if item.get("score") is not None:
                why += f" · score {number(float(item['score']), 3)}"
            items.append({"title": item["title"], "why": why, "hit": bool(item.get("hit"))})
        segment = f" · {sample['segment']}" if sample.get("segment") else ""
        cards.append(
            {
                "name": f"User {sample['user']}{segment}",
                "history": f"Last seen, newest first: {history}",
                "items": items,
            }
        )
    return [Users(cards)]


def steps(page: dict[str, Any]) -> list[Any]:
    """Time and memory of the run."""
    part = page["steps"]
    rows = [
        [
            x["step"],
            "up to date" if x.get("skipped") else seconds(x["seconds"]),
            number(x.get("peak_rss_gb"), 2),
            number(x.get("rows")),
        ]
        for x in part
    ]
    head = ["step", "time", "peak memory, GB", "rows"]
    peak = max((x["peak_rss_gb"] for x in part if "peak_rss_gb" in x), default=None)
    chart = Chart(
        "Seconds of every step",
        _charts.bars([x["step"] for x in part], [x["seconds"] for x in part]),
        "Steps whose inputs had not changed are not run again and take no time.",
        table(head, rows),
    )
    return [
        Figures(
            [
                ("all steps", seconds(sum(x["seconds"] for x in part))),
                ("peak memory, GB", number(peak, 2)),
                ("up to date", number(sum(bool(x.get("skipped")) for x in part))),
            ]
        ),
        Charts([chart]),
    ]


def audit(page: dict[str, Any]) -> list[Any]:
    """What the proof of the features looked at; it exists only where nothing was found."""
    part = page["audit"]
    rows = [
        [day["day"], day["rows"], day["features"], day["values"], day["poisoned_days"]]
        for day in part["days"]
    ]
    blocks: list[Any] = [
        table(["as of", "rows", "features", "numbers compared", "poisoned days"], rows)
    ]
    skew = part.get("skew")
    if skew:
        head = ["lists of", "rows", "features compared with those logged", "changed since"]
        changed = ", ".join(skew["changed"]) or "nothing"
        blocks.append(table(head, [[skew["day"], skew["rows"], skew["features"], changed]]))
    return blocks


SECTIONS = (
    ("data", "Data", "What was read, and what was kept out and why.", data),
    ("windows", "Windows", "How the days were cut, so that nothing looks ahead.", windows),
    (
        "candidates",
        "Candidates",
        "What the sources propose before any ranking, on the test window.",
        candidates,
    ),
    (
        "metrics",
        "Accuracy",
        "Every source's own list and the final list on the test window. Nothing was chosen on it.",
        metrics,
    ),
    ("segments", "Segments", "The same figures for parts of the users.", segments),
    (
        "beyond",
        "Beyond accuracy",
        "Whether the lists are varied, new and fair to the catalogue.",
        beyond,
    ),
    (
        "diversity",
        "Diversity(k)",
        "How variety grows with the length of the list.",
        diversity,
    ),
    ("importance", "Features", "What the ranker looks at.", importance),
    (
        "audit",
        "Audit",
        "Features computed once more from the raw log, with all later days poisoned: no number "
        "differs, else nothing would have been published.",
        audit,
    ),
    (
        "samples",
        "Users",
        "A look at real lists: what they saw, what they get, and who proposed it.",
        samples,
    ),
    ("steps", "Run", "Where time and memory went.", steps),
)
"""Key of the part, title, lead, builder, in the order of the page."""
