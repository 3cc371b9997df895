"""The leak suite: does a feature know what it must not, or will it be another one tomorrow?

Pure functions over what the ranker learnt from and a sample of what it will be asked. Each check
gives :class:`Finding` objects; the caller decides what a red one stops.

====================  =============================================================================
``importance``        one feature decides nearly everything
``shap``              the same by mean |SHAP|
``alone``             one feature alone tells hits from non-hits
``range``             tomorrow's values lie outside all that was learnt: a row id, a clock
``psi``               a feature's distribution moved between learning and tomorrow
``adversarial``       a model tells the rows learnt from tomorrow's
``label shuffle``     shuffled labels can be learnt: the rows that judge were learnt from
``future cut``        a value changes when the day and all after it are removed from the log
====================  =============================================================================
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluation.leaks.checks import (
    alone_aucs,
    dominance,
    future_cut,
    never_back,
    outside_shares,
    psis,
)
from evaluation.leaks.findings import (
    CHECKS,
    Finding,
    LeakError,
    Verdict,
    allow,
    judge,
    refuse,
    to_part,
    worst_verdict,
)
from evaluation.leaks.probes import adversarial, label_shuffle
from evaluation.leaks.sample import Sample

__all__ = [
    "CHECKS",
    "Finding",
    "LeakError",
    "Limits",
    "Sample",
    "Verdict",
    "allow",
    "check_rows",
    "future_cut",
    "refuse",
    "to_part",
    "worst_verdict",
]


@dataclass(frozen=True)
class Limits:
    """Bounds from which a check is yellow or red; ``config.leaks`` holds the defaults.

    They were set by what honest features do: 20 seeds each of MovieLens-1M as of 2000-10-15 and
    2000-11-30 (its traffic grows tenfold in November), none of which is red.

    Attributes:
        dominance_yellow: strongest feature over the next, importance or mean |SHAP|. Honest: at
            most 1.3. A label among the features: 55 and 19 on MovieLens-100k, since most splits
            of the ranker may not choose it.
        dominance_red: the same.
        alone_yellow: AUC of a feature alone. Honest: at most .80, a source's rank. The label and
            the row's own rating: 1.
        alone_red: the same.
        range_red: share of tomorrow's values outside all learnt from, and of every window's
            outside the window before: values that never come back. Half of it, or tomorrow alone,
            is yellow. Honest: at most .23, on small data tomorrow alone 1. Ages and counts since
            the beginning reach .97 and are not judged. A row id: 1.
        psi_yellow: PSI of a feature, where it is more than twice what lies between two windows;
            .25 is the field's own bound. Honest: up to 7, so it is never red.
        adversarial_yellow: AUC of telling learning from tomorrow. Honest: .9996 and more, so it is
            never red and yellow only beyond what two windows do among themselves.
        shuffle_yellow: standard errors of the AUC with shuffled labels past .5. Honest: within 2.5.
        shuffle_red: the same.
    """

    dominance_yellow: float
    dominance_red: float
    alone_yellow: float
    alone_red: float
    range_red: float
    psi_yellow: float
    adversarial_yellow: float
    shuffle_yellow: float
    shuffle_red: float


def check_rows(
    windows: Sequence[Sample],
    tomorrow: Sample,
    names: Sequence[str],
    strengths: Mapping[str, Mapping[str, float]],
    limits: Limits,
    moving: Collection[str] = (),
    seed: int = 7,
    threads: int = 1,
) -> tuple[list[Finding], list[dict[str, Any]]]:
    """Run all checks that need nothing but rows.

    Args:
        windows: rows of the ranker windows, oldest first.
        tomorrow: rows of the day recommended for, without labels.
        names: of the features.
        strengths: ``importance`` and ``shap`` → feature → how much the ranker goes by it.
        limits: bounds.
        moving: features that grow with time by their nature (ages, counts since the beginning).
        seed: of draws, shuffles and trees.
        threads: of training.

    Returns:
        The findings in the order of :data:`CHECKS`, and for every feature ``feature``, ``alone``
        (AUC), ``outside`` (share), ``psi``.

    Raises:
        EvaluationError: a window without rows, of one class, or of another number of features.
    """
    for sample in (*windows, tomorrow):
        sample.check(names)
    train, newest = Sample.stack(windows), windows[-1]
    # Tomorrow is two windows after the newest: the test lies between.
    before = windows[max(len(windows) - 3, 0)] if len(windows) > 1 else None
    alone = alone_aucs(train)
    outside = outside_shares(train, tomorrow)
    shift = psis(newest, tomorrow)
    usual = np.zeros(len(shift)) if before is None else psis(before, newest)
    findings = [
        dominance(kind, strength, limits.dominance_yellow, limits.dominance_red)
        for kind, strength in strengths.items()
    ]
    findings += judge("alone", names, alone, limits.alone_yellow, limits.alone_red)
    findings += judge(
        "range",
        names,
        outside,
        limits.range_red / 2,
        limits.range_red,
        expected=moving,
        grave=never_back(windows, limits.range_red),
    )
    findings += judge("psi", names, np.where(shift > 2 * usual, shift, 0), limits.psi_yellow)
    fixed = [at for at, name in enumerate(names) if name not in moving]
    findings.append(
        adversarial(
            newest.features_only(fixed),
            tomorrow.features_only(fixed),
            None if before is None else before.features_only(fixed),
            [names[at] for at in fixed],
            limits.adversarial_yellow,
            seed,
            threads,
        )
    )
    shuffle = (limits.shuffle_yellow, limits.shuffle_red)
    findings.append(label_shuffle(windows, *shuffle, seed, threads))
    figures = [
        {"feature": name, "alone": float(a), "outside": float(o), "psi": float(p)}
        for name, a, o, p in zip(names, alone, outside, shift, strict=True)
    ]
    return findings, figures
