"""Items as the page shows them: who gets them tomorrow, against what they had before."""

from __future__ import annotations

from typing import Any

import numpy as np

from data.contract import USER
from data.versions import entities_as_of
from evaluation.exposure import exposure
from tasks.catalogue import catalogue_as_of, titles
from tasks.day import read_log
from tasks.page.published import published_lists
from tasks.run import Run

MAX_VALUES = 12
"""An attribute of the users with more values is no way to speak of receivers."""


def items_part(run: Run) -> dict[str, Any]:
    """Look at the lists of the day from the side of the items (:func:`exposure`), with titles."""
    published = published_lists(run.lake, run.as_of)
    log = read_log(run.lake, run.as_of).positive(run.settings.positive_min)
    groups = _groups(run, np.bincount(log.user, minlength=log.n_users))
    found = exposure(
        published.lists,
        catalogue_as_of(run, run.as_of),
        np.bincount(log.item, minlength=log.n_items),
        {name: mask[published.users] for name, mask in groups.items()},
    )
    names = titles(run.lake)
    found["top"] = [row | {"title": names[row["item"]]} for row in found["top"]]
    return found | {"every": published.every}


def _groups(run: Run, positives: np.ndarray) -> dict[str, np.ndarray]:
    """Cut the users by what they did and by each categorical attribute, ``(n_users,)`` bool."""
    met = positives[positives > 0]
    busy = np.quantile(met, 0.75) if len(met) else 0
    groups = {"new users": positives == 0, "busiest quarter": positives > max(busy, 1)}
    names = run.lake.read_json("attributes.json")["users"]["categorical"]
    table = entities_as_of(run.lake, "users", run.as_of)
    codes = table[USER].to_numpy()
    for name in names:
        encoded = table[name].combine_chunks().dictionary_encode()
        if len(encoded.dictionary) > MAX_VALUES:
            continue
        index = np.asarray(encoded.indices.fill_null(-1))
        for at, value in enumerate(encoded.dictionary.to_pylist()):
            mask = np.zeros(len(positives), bool)
            mask[codes[index == at]] = True
            groups[f"{name.replace('_', ' ')} {value}"] = mask
    return groups
