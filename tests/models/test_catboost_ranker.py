"""The ranker: what it learns from, when it stops, and that it is the same after loading."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.base import ModelError
from models.candidates import Candidates
from models.ranker import Ranker, Rows, source_feature_names, source_features

NAMES = ["signal", "noise", "gap"]
GROUP = 10


def rows(seed: int, n: int = 600, sign: float = 1.0) -> Rows:
    """Make lists of ten; the first feature tells hits, the third is missing for half."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(3, n)).astype(np.float32)
    label = (sign * features[0] + 0.5 * rng.normal(size=n) > 0.8).astype(np.float32)
    label[::GROUP], label[1::GROUP] = 1, 0  # every list has a hit and a miss
    features[2, ::2] = np.nan
    return Rows(features, label, np.arange(n) // GROUP + 100, np.ones(n, np.float32))


def small(**params) -> Ranker:
    return Ranker(**{"iterations": 40, "learning_rate": 0.2, "depth": 3, "threads": 1, **params})


@pytest.fixture(scope="module")
def ranker() -> Ranker:
    return small().fit([rows(1), rows(2)], NAMES)


@pytest.mark.parametrize("loss", ["Logloss", "YetiRank", "QuerySoftMax"])
def test_every_loss_orders_hits_before_misses(loss: str) -> None:
    ranker = small(loss=loss).fit([rows(1), rows(2)], NAMES)
    new = rows(3)
    scores = ranker.predict(new.features)
    assert scores.dtype == np.float32
    assert scores[new.label == 1].mean() > scores[new.label == 0].mean() + 0.3
    assert next(iter(ranker.importance())) == "signal"


def test_importance_is_a_share_in_falling_order(ranker: Ranker) -> None:
    values = list(ranker.importance().values())
    assert sum(values) == pytest.approx(100)
    assert values == sorted(values, reverse=True)
    assert set(ranker.importance()) == set(NAMES)


def test_the_newest_window_says_when_to_stop() -> None:
    agreeing = small(iterations=200, early_stopping_rounds=5).fit([rows(1), rows(2)], NAMES)
    contrary = small(iterations=200, early_stopping_rounds=5).fit(
        [rows(1), rows(2, sign=-1)], NAMES
    )
    assert 1 <= contrary.trees < agreeing.trees < 200
    curve = agreeing.curve["validation:Logloss"]
    assert len(curve) < 200
    assert int(np.argmin(curve)) + 1 == agreeing.trees


def test_it_is_the_newest_window_that_judges() -> None:
    alike, contrary = [rows(1), rows(2)], rows(4, sign=-1)
    judged_by_contrary = small(early_stopping_rounds=5).fit([*alike, contrary], NAMES)
    judged_by_alike = small(early_stopping_rounds=5).fit([contrary, *alike], NAMES)
    assert judged_by_contrary.trees < judged_by_alike.trees


def test_after_stopping_it_learns_from_all_windows() -> None:
    first, second = rows(1), rows(2)
    stacked = Rows(
        np.concatenate([first.features, second.features], axis=1),
        np.concatenate([first.label, second.label]),
        np.concatenate([first.group, second.group + 1000]),
        np.concatenate([first.weight, second.weight]),
    )
    fitted = small(early_stopping_rounds=5).fit([first, second], NAMES)
    grown = small(iterations=fitted.trees, early_stopping_rounds=None).fit([stacked], NAMES)
    features = rows(3).features
    np.testing.assert_array_equal(fitted.predict(features), grown.predict(features))
    assert grown.curve == {}


def test_of_a_single_window_a_fifth_of_the_lists_judges() -> None:
    ranker = small(early_stopping_rounds=5).fit([rows(1)], NAMES)
    assert "validation:Logloss" in ranker.curve


def test_a_single_window_of_sparse_groups_is_cut_by_lists_not_by_their_numbers() -> None:
    made = rows(1)
    tens = Rows(made.features, made.label, made.group * 10, made.weight)
    assert small(early_stopping_rounds=5).fit([tens], NAMES).trees >= 1


def test_groups_of_windows_do_not_run_into_one_another() -> None:
    # Both windows have the groups 100..159: as one list of two windows they would be refused,
    # since CatBoost wants the rows of a group together.
    assert small(loss="YetiRank").fit([rows(1), rows(2), rows(3)], NAMES).trees >= 1


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        small(seed=seed, loss="YetiRank").fit([rows(1), rows(2)], NAMES).save(tmp_path / name)
    features = rows(3).features
    a, b, c = (Ranker.load(tmp_path / name).predict(features).tobytes() for name in "abc")
    assert a == b != c
    assert (tmp_path / "a/ranker.json").read_bytes() == (tmp_path / "b/ranker.json").read_bytes()


def test_a_saved_ranker_is_the_same_ranker(ranker: Ranker, tmp_path: Path) -> None:
    ranker.save(tmp_path / "deep" / "ranker")
    loaded = Ranker.load(tmp_path / "deep" / "ranker")
    features = rows(3).features
    np.testing.assert_array_equal(loaded.predict(features), ranker.predict(features))
    assert (loaded.names, loaded.loss, loaded.trees) == (NAMES, "Logloss", ranker.trees)
    assert loaded.curve == ranker.curve
    assert loaded.importance() == ranker.importance()


def test_scores_do_not_depend_on_the_chunk(ranker: Ranker) -> None:
    features = rows(3).features
    whole = ranker.predict(features)
    for size in (1, 7, 599):
        parts = [ranker.predict(features[:, at : at + size]) for at in range(0, 600, size)]
        assert np.concatenate(parts).tobytes() == whole.tobytes()


def test_no_pairs_no_scores(ranker: Ranker) -> None:
    assert ranker.predict(np.empty((3, 0), np.float32)).shape == (0,)


def one_class(label: float) -> Rows:
    made = rows(1)
    return Rows(made.features, np.full_like(made.label, label), made.group, made.weight)


NONE = np.empty(0, np.float32)
EMPTY = Rows(np.empty((3, 0), np.float32), NONE, np.empty(0, np.int64), NONE)


@pytest.mark.parametrize(
    ("windows", "message"),
    [
        ([EMPTY, rows(1)], "ranker window 1 of 2: 0 rows with 0 hits"),
        ([rows(1), one_class(0)], "window 2 of 2: 600 rows with 0 hits.*Lengthen the window"),
        ([one_class(1)], "window 1 of 1: 600 rows with 600 hits"),
        ([rows(1, n=40)], "the fifth of the ranker window that judges: 0 rows"),
        (
            [Rows(rows(1).features[:2], rows(1).label, rows(1).group, rows(1).weight)],
            "3 names for 2 features",
        ),
        (
            [Rows(np.ones((3, 600), np.float32), rows(1).label, rows(1).group, rows(1).weight)],
            "CatBoost cannot learn from the ranker's rows: .*constant",
        ),
    ],
)
def test_rows_that_teach_nothing_are_refused(windows: list[Rows], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        small().fit(windows, NAMES)


def test_other_features_than_trained_on_are_refused(ranker: Ranker) -> None:
    for width in (2, 4):
        with pytest.raises(ModelError, match=f"trained on 3 features, it was given {width}"):
            ranker.predict(np.ones((width, 5), np.float32))


def test_an_untrained_ranker_is_refused() -> None:
    with pytest.raises(ModelError, match="not trained"):
        Ranker().predict(np.ones((3, 5), np.float32))


BREAKAGES = {
    "no trees": lambda f: (f / "ranker.cbm").unlink(),
    "half the trees": lambda f: (f / "ranker.cbm").write_bytes(
        (f / "ranker.cbm").read_bytes()[:99]
    ),
    "no description": lambda f: (f / "ranker.json").unlink(),
    "half a description": lambda f: (f / "ranker.json").write_text('{"loss": '),
    "a list": lambda f: (f / "ranker.json").write_text("[]"),
    "no names": lambda f: (f / "ranker.json").write_text('{"loss": "Logloss"}'),
    "no text": lambda f: (f / "ranker.json").write_bytes(b"\xff\xfe\x00"),
}


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_a_broken_ranker_is_refused(breakage: str, ranker: Ranker, tmp_path: Path) -> None:
    ranker.save(tmp_path)
    BREAKAGES[breakage](tmp_path)
    with pytest.raises(ModelError, match=r"is no complete ranker \(.*train it again"):
        Ranker.load(tmp_path)


def test_what_the_sources_say_of_a_pair() -> None:
    names = source_feature_names(["a", "b"])
    assert names == [
        "a:score", "b:score", "a:rank", "b:rank", "a:percentile", "b:percentile", "sources",
    ]  # fmt: skip
    candidates = Candidates(
        user=np.array([4, 9], np.int32),
        indptr=np.array([0, 2, 3]),
        item=np.array([1, 5, 5], np.int32),
        scores=np.array([[0.5, 0.25, 1], [3, 4, 5]], np.float32),
        ranks=np.array([[1, 2, 1], [2, 1, 1]], np.float32),
        proposed=np.array([0b11, 0b10, 0], np.uint32),
        lists=np.empty((2, 2, 0), np.int32),
    )
    out = np.empty((7, 3), np.float32)
    source_features(candidates, out)
    expected = [
        [0.5, 0.25, 1],
        [3, 4, 5],
        [1, 2, 1],
        [2, 1, 1],
        [0.5, 1, 1],  # rank / candidates of the user
        [1, 0.5, 1],
        [2, 1, 0],
    ]
    np.testing.assert_array_equal(out, expected)
    names = source_feature_names(["a", "b"], differences=True)
    assert names[7:] == ["a:percentile_minus_others", "b:percentile_minus_others"]
    more = np.empty((9, 3), np.float32)
    source_features(candidates, more, differences=True)
    np.testing.assert_array_equal(more, [*expected, [-0.5, 0.5, 0], [0.5, -0.5, 0]])
    alone = replace(candidates, scores=candidates.scores[:1], ranks=candidates.ranks[:1])
    lonely = np.empty((5, 3), np.float32)
    source_features(alone, lonely, differences=True)
    assert np.isnan(lonely[4]).all()


def test_rows_that_weigh_nothing_teach_nothing() -> None:
    clean, noise = rows(1), rows(2)
    wrong = Rows(noise.features, 1 - noise.label, noise.group, noise.weight * 1e-9)
    stacked = small(early_stopping_rounds=None).fit([clean, wrong], NAMES)
    features = rows(3).features
    hits = rows(3).label > 0
    scores = stacked.predict(features)
    assert scores[hits].mean() > scores[~hits].mean()
