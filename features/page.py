"""The page of features, made from the catalog."""

from __future__ import annotations

from features.declaration import MEASURES, Catalog

INTRODUCTION = """# Features

This page is made by `zavtra features --config demo --markdown > docs/features.md`. It shows the
catalog of the embedded data; other data have other attributes and windows
(`zavtra features --config …` prints theirs). All features are float32 and know nothing of the day
recommended for or later; undefined ones (the mean of no events) are NaN.

## Add a feature

1. Pick the entity and one of its measures from the table below.
2. Add one line to the entity's table in `features/catalog.py`, e.g. to `OF_ITEM`:
   `T("item_value_sum_{w}d", "sum", "long", "value", "sum of the values in {d}"),`
3. Add one line, the number worked out by hand from `ROWS`, to the list of its entity (here that of
   `test_item_measures`) in `tests/features/test_feature_measures.py`:
   `(of("item", "sum", 28), 1, 0.25 + 0.75),`
4. Make this page again (above), and run `.venv/bin/pytest tests/features`: on random logs the
   feature is computed once more from the raw rows, and everything from the day on is poisoned.
5. The next `zavtra daily` has it, without a rebuild of the state (its audit too).

## Attributes over time

Where the files of users or items hold snapshots, name the column with their day:

```yaml
users: {path: "users-*.csv", id: user_id, categorical: [plan], valid_from: snapshot_day}
```

Features of a day d then read, of every entity, the newest row from before d; an entity without one
is unknown (NaN). That holds for crosses, too: `audience_plan` counts all events of an item by the
plans known before d, not by those of the day of the event. Of what follows, d knows nothing: the
audit recomputes it from the rows before d and poisons all later ones. Without `valid_from` there is
one row an entity, which counts for every day from its first one on.

A category is told to the ranker as the code that ingest gave its value when it first met it
(`ids/users_values.parquet`, `ids/items_values.parquet`). Codes are only ever added: whatever is
edited or removed later, a ranker of an earlier day reads the same numbers.

## What each family brings

```
python -m benchmarks ml1m-gts28 --ablate
```

trains the ranker without each family, with three seeds, and prints MAP@10 and NDCG@10 beside those
with all features, for the protocol's window and for the one 28 days before it. A ranker takes about
a minute of one core. On the protocol's window (MovieLens-1M, 28 days from 2000-12-28 on):

| left out | features | MAP@10 | lowest to highest | NDCG@10 |
|---|---|---|---|---|
| nothing | | .0585 | .0579 to .0591 | .0969 |
| item | 19 | .0397 | .0388 to .0405 | .0998 |
| sources' ranks | 17 | .0562 | .0550 to .0578 | .0935 |
| user | 19 | .0569 | .0558 to .0579 | .0967 |
| pair | 2 | .0574 | .0560 to .0597 | .0979 |
| user x item attribute | 3 | .0574 | .0560 to .0592 | .0968 |
| sources' scores | 8 | .0576 | .0566 to .0582 | .0959 |
| user attribute x item attribute | 2 | .0576 | .0565 to .0588 | .0966 |
| item x user attribute | 4 | .0585 | .0570 to .0596 | .0971 |

What items did lately brings most; ranks and users bring what lies outside the range of the seeds;
the crosses and the pair do not on this window, and stay because other data have more of them.
"""


def markdown(catalog: Catalog) -> str:
    """Write the page.

    Args:
        catalog: the features to list, family by family.
    """
    lines = [INTRODUCTION, "## Entities and measures", "", "| entity | measures |", "|---|---|"]
    lines += [f"| {entity} | {', '.join(measures)} |" for entity, measures in MEASURES.items()]
    for entity, names in catalog.families.items():
        lines += ["", f"## {entity[0].upper()}{entity[1:]} ({len(names)})", ""]
        lines += ["| feature | measure | window | unit | description |", "|---|---|---|---|---|"]
        for feature in catalog:
            if feature.entity == entity:
                window = "all" if feature.window_days is None else f"{feature.window_days} d"
                cells = [f"`{feature.name}`", feature.measure, window, feature.unit]
                lines.append(f"| {' | '.join([*cells, feature.description])} |")
    return "\n".join(lines) + "\n"
