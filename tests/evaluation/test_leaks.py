"""Every check of the leak suite on rows made by hand, and what a verdict stops."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.leaks.bins import bin_of, cuts, outside, psi_of
from evaluation.leaks.checks import alone_aucs, dominance, future_cut
from evaluation.leaks.findings import judge
from evaluation.leaks.probes import adversarial, label_shuffle
from evaluation.leaks.suite import (
    CHECKS,
    Finding,
    LeakError,
    Limits,
    Sample,
    allow,
    check_rows,
    refuse,
    to_part,
)
from evaluation.relevance import EvaluationError

LIMITS = Limits(5, 25, 0.9, 0.95, 0.9, 0.25, 0.95, 4, 6)
NAMES = ["score", "age", "noise"]


def window(seed: int, day: float = 0.0, lists: int = 60, size: int = 20) -> Sample:
    """Rows with an honest score (AUC about .8), an age that grows by ``day``, and noise."""
    random = np.random.default_rng(seed)
    n = lists * size
    label = (random.random(n) < 0.1).astype(np.float32)
    features = np.stack(
        [random.normal(label, 1), random.integers(1, 50, n) + day, random.normal(size=n)]
    )
    group = np.repeat(np.arange(lists), size)
    return Sample(features.astype(np.float32), group, np.ones(n, np.float32), label)


def unlabelled(sample: Sample) -> Sample:
    return replace(sample, label=None)


def with_feature(sample: Sample, values: np.ndarray) -> Sample:
    return replace(sample, features=np.vstack([sample.features, values[None]]).astype(np.float32))


def verdicts(found: list[Finding]) -> dict[str, str]:
    return {finding.check: finding.verdict for finding in found}


# --------------------------------------------------------------------------- histograms


def test_equal_values_are_never_cut_apart() -> None:
    values = np.array([0, 0, 0, 0, 0, 0, 1, 1, 2, 2], np.float32)
    edges = cuts(values, 4)
    assert edges.tolist() == [0, 1]
    assert bin_of(np.array([0, 1, 2, np.nan], np.float32), edges).tolist() == [0, 1, 2, 3]


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1), st.integers(2, 20))
def test_a_sample_against_itself_has_no_shift(values: list[float], bins: int) -> None:
    x = np.array(values, np.float32)
    assert psi_of(x, x, np.ones(len(x)), bins) == pytest.approx(0)
    assert outside(x, x, trim=0) == 0


def test_missing_values_are_a_bin_of_their_own() -> None:
    known = np.arange(100, dtype=np.float32)
    half = np.where(known % 2 == 0, np.nan, known).astype(np.float32)
    assert psi_of(known, half, np.ones(100)) > 1
    assert psi_of(np.full(5, np.nan, np.float32), known, np.ones(5)) > 1
    assert outside(np.full(5, np.nan), known) == 0


def test_the_weights_of_rows_count_in_a_shift() -> None:
    one, other = np.array([0, 0, 1, 1], np.float32), np.array([0, 1, 1, 1], np.float32)
    assert psi_of(one, other, np.array([1.0, 1, 3, 3])) == pytest.approx(0)


# --------------------------------------------------------------------------- single checks


def test_one_feature_that_decides_all() -> None:
    assert dominance("shap", {"a": 3.0, "b": 2.0}, 5, 25).verdict == "green"
    assert dominance("shap", {"a": 1.0, "b": 7.0}, 5, 25).verdict == "yellow"
    found = dominance("importance", {"a": 0.1, "leak": 99.0, "b": 0.9}, 5, 25)
    assert (found.feature, found.verdict, found.value) == ("leak", "red", pytest.approx(110))
    alone = dominance("importance", {"leak": 100.0, "b": 0.0}, 5, 25)
    assert alone.verdict == "red"
    assert json.loads(json.dumps(alone.value)) == 1e6
    assert dominance("importance", {"a": 0.0, "b": 0.0}, 5, 25).verdict == "green"


def test_a_feature_alone_counts_for_what_a_tree_makes_of_it() -> None:
    rows = window(1)
    assert rows.label is not None
    n = len(rows)
    only_missing = np.where(rows.label > 0, np.nan, 1.0)
    in_the_middle = np.where(rows.label > 0, 0.0, np.where(np.arange(n) % 2, 5.0, -5.0))
    features = np.vstack([rows.features, rows.label, only_missing, in_the_middle])
    values = alone_aucs(replace(rows, features=features.astype(np.float32)))
    assert 0.65 < values[0] < 0.85
    assert values[1:3] == pytest.approx(0.5, abs=0.1)
    assert values[3:] == pytest.approx(1.0)


def test_values_that_are_new_tomorrow_alone_are_no_clock() -> None:
    tomorrow = unlabelled(window(3, day=300))
    for windows in ([window(1)], [window(1), window(2)]):
        found, _ = check_rows(windows, tomorrow, NAMES, {}, LIMITS)
        assert verdicts(found)["range"] == "yellow"


def test_an_age_may_leave_its_range_and_a_row_id_may_not() -> None:
    windows = [window(1), window(2, day=100)]
    tomorrow = unlabelled(window(3, day=300))
    found, _ = check_rows(windows, tomorrow, NAMES, {}, LIMITS, moving={"age"})
    assert "red" not in verdicts(found).values()
    found, figures = check_rows(windows, tomorrow, NAMES, {}, LIMITS)
    red = [finding for finding in found if finding.verdict == "red"]
    assert [(f.check, f.feature, f.value) for f in red] == [("range", "age", 1.0)]
    assert {row["feature"]: row["outside"] for row in figures}["age"] == 1.0


def test_a_shift_that_windows_have_among_themselves_is_no_news() -> None:
    at_rest, moved = [window(1), window(2)], unlabelled(window(3, day=30))
    found, _ = check_rows(at_rest, moved, NAMES, {}, LIMITS)
    assert verdicts(found)["psi"] == "yellow"
    assert next(f for f in found if f.check == "psi").feature == "age"
    steady = [window(1), window(2, day=30)]
    found, _ = check_rows(steady, unlabelled(window(3, day=60)), NAMES, {}, LIMITS)
    assert verdicts(found)["psi"] == "green"


def test_two_days_that_a_model_tells_apart() -> None:
    one, other = window(1, lists=200), window(2, lists=200)
    same = adversarial(one, unlabelled(other), None, NAMES, 0.9, 7, 1)
    assert same.verdict == "green"
    assert same.value == pytest.approx(0.5, abs=0.1)
    far = adversarial(one, unlabelled(window(2, day=500)), None, NAMES, 0.9, 7, 1)
    assert (far.verdict, far.feature) == ("yellow", "age")
    usual = adversarial(one, window(2, day=500), window(3, day=-500), NAMES, 0.9, 7, 1)
    assert usual.verdict == "green"


def test_constants_and_single_lists_say_nothing() -> None:
    flat = replace(window(1), features=np.zeros((3, 1200), np.float32))
    assert adversarial(flat, unlabelled(flat), None, NAMES, 0.9, 7, 1).value == 0.5
    assert label_shuffle([flat], 4, 6, 7, 1).value == 0.5
    unknown = replace(flat, features=np.full((3, 1200), np.nan, np.float32))
    assert alone_aucs(unknown).tolist() == [0.5] * 3
    found, _ = check_rows([flat, unknown], unlabelled(unknown), NAMES, {}, LIMITS)
    assert "red" not in verdicts(found).values()
    single = window(1, lists=1)
    assert adversarial(single, unlabelled(single), None, NAMES, 0.9, 7, 1).value == 0.5
    assert label_shuffle([single], 4, 6, 7, 1).verdict == "green"


def test_shuffled_labels_are_not_learnt_unless_a_window_stands_twice() -> None:
    one, other = window(1, lists=300), window(2, lists=300)
    for seed in range(5):
        assert label_shuffle([one, other], 4, 6, seed, 1).verdict == "green"
        found = label_shuffle([one, one], 4, 6, seed, 1)
        assert found.verdict == "red"
        assert found.value > found.threshold > 0.5


def test_rows_and_lists_in_common_within_a_window_are_no_mistake() -> None:
    random = np.random.default_rng(0)
    kinds = random.normal(size=(3, 40)).astype(np.float32)  # users without a history are alike
    drawn = random.integers(0, 40, 4000)
    label = (random.random(4000) < 0.2).astype(np.float32)
    group, ones = np.repeat(np.arange(200), 20), np.ones(4000, np.float32)
    rows = Sample(kinds[:, drawn], group, ones, label)
    assert label_shuffle([rows], 4, 6, 1, 1).verdict == "green"
    alike = Sample(np.tile(kinds[:, :20], 200), group, ones, np.tile(label[:20], 200))
    assert label_shuffle([alike], 4, 6, 1, 1).verdict == "green"


def test_a_number_that_changes_without_the_future() -> None:
    stored = np.array([[1, 2, np.nan], [4, 5, 6]], np.float32)
    assert future_cut(["a", "b"], stored, stored.copy(), "3 rows")[0].verdict == "green"
    again = stored.copy()
    again[1, 2] = np.nextafter(np.float32(6), np.float32(7))
    (found,) = future_cut(["a", "b"], stored, again, "3 rows of 2000-10-05")
    assert (found.feature, found.verdict, found.value) == ("b", "red", 1)
    assert "2000-10-05" in found.look_at
    again[0, 2] = 0.0
    both = future_cut(["a", "b"], stored, again, "3 rows")
    assert {f.feature for f in both} == {"a", "b"}
    (other,) = future_cut(["a", "b"], stored, stored[:, :2], "3 rows")
    assert (other.feature, other.verdict) == ("candidates", "red")


# --------------------------------------------------------------------------- the suite


def test_every_planted_kind_is_named_and_honest_rows_pass() -> None:
    windows, tomorrow = [window(1), window(2)], unlabelled(window(3))
    strengths = {"importance": {"score": 60.0, "age": 20.0, "noise": 20.0}}
    found, figures = check_rows(windows, tomorrow, NAMES, strengths, LIMITS)
    assert list(verdicts(found)) == [c for c in CHECKS if c not in ("shap", "future cut")]
    assert set(verdicts(found).values()) == {"green"}
    assert [row["feature"] for row in figures] == NAMES
    labelled = [with_feature(w, w.label) for w in windows if w.label is not None]
    found, _ = check_rows(
        labelled, with_feature(tomorrow, np.zeros(len(tomorrow))), [*NAMES, "leak"], {}, LIMITS
    )
    assert {(f.check, f.feature) for f in found if f.verdict == "red"} == {("alone", "leak")}


def test_the_same_seed_finds_the_same() -> None:
    windows, tomorrow = [window(1), window(2)], unlabelled(window(3, day=5))
    one, two = (check_rows(windows, tomorrow, NAMES, {}, LIMITS, seed=3) for _ in range(2))
    assert one == two


def test_rows_that_cannot_be_judged_are_refused() -> None:
    good = window(1)
    for bad, words in (
        (replace(good, label=np.zeros(len(good), np.float32)), "0 hits"),
        (replace(good, features=good.features[:2]), "2 features for 3 names"),
        (good.take(np.empty(0, np.int64)), "0 rows"),
    ):
        with pytest.raises(EvaluationError, match=words):
            check_rows([bad], unlabelled(good), NAMES, {}, LIMITS)


def test_only_the_worst_is_told_unless_red() -> None:
    values = np.array([0.1, 0.5, 0.7, 0.95])
    (found,) = judge("alone", list("abcd"), values, 0.4, 2.0)
    assert (found.feature, found.verdict, found.others) == ("d", "yellow", ["c", "b"])
    both = judge("alone", list("abcd"), values, 0.4, 0.7)
    assert [f.feature for f in both] == ["d", "c"]
    (fine,) = judge("alone", list("abcd"), values, 0.4, 0.7, expected="bcd")
    assert (fine.feature, fine.verdict) == ("a", "green")
    assert judge("alone", ["a"], values[:1], 0.0, 0.0, expected="a")[0].verdict == "green"


def red(check: str, feature: str) -> Finding:
    return Finding(check, feature, 0.99, 0.95, "red", "See the horizon.")


def test_a_red_verdict_stops_and_says_how_to_allow_it() -> None:
    refuse([])
    with pytest.raises(LeakError) as error:
        refuse([red("alone", "leak"), replace(red("alone", "fine"), allowed="it is right")])
    message = str(error.value)
    for words in ("alone of leak: 0.99, red from 0.95", "See the horizon.", "allow", "reason"):
        assert words in message
    assert "fine" not in message


def test_what_is_allowed_stops_nothing_and_keeps_its_reason() -> None:
    entry = {"check": "alone", "feature": "leak", "reason": "sold by the piece"}
    found = allow([red("alone", "leak"), red("range", "leak")], [entry])
    assert [f.allowed for f in found] == ["sold by the piece", None]
    assert [f.stops for f in found] == [False, True]
    refuse(found[:1])
    assert to_part(found[:1])["verdict"] == "yellow"
    assert to_part(found)["verdict"] == "red"
    everything = allow([red("alone", "a"), red("alone", "b")], [{**entry, "feature": ""}])
    assert not any(f.stops for f in everything)


def test_a_reason_that_fits_nothing_is_told() -> None:
    entry = {"check": "range", "feature": "gone", "reason": "was right once"}
    *_, note = allow([red("alone", "leak")], [entry])
    assert (note.check, note.verdict) == ("allow", "yellow")
    assert "take the entry out" in note.look_at


def test_the_part_is_json() -> None:
    part: dict[str, Any] = to_part([red("alone", "leak")], drift={"mean": {}})
    assert Finding(**json.loads(json.dumps(part))["findings"][0]) == red("alone", "leak")
