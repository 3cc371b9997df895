"""What the gate lets out."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.accuracy import UserMetrics
from evaluation.gate import Rule, decide
from evaluation.relevance import EvaluationError

N = 400
RULE = Rule()
TASTE = np.random.default_rng(3).random(N)


def judged(level: float, noise: int = 0, n: int = N) -> UserMetrics:
    """Users whose metric is about ``level`` times their own taste."""
    wiggle = np.random.default_rng(noise).normal(0, 0.02, n) if noise else 0.0
    values = np.clip(level * TASTE[:n] + wiggle, 0, 1)
    return UserMetrics({"MAP@10": values}, np.arange(n), n)


def day(new: float, champion: float | None = None, als: float = 0.2, pop: float = 0.3, n: int = N):
    systems = {
        "als": judged(als, 1, n),
        "popularity": judged(pop, 2, n),
        "final": judged(new, 3, n),
    }
    if champion is not None:
        systems["champion"] = judged(champion, 4, n)
    name = "champion" if champion is not None else None
    return systems, "final", name, ["als", "popularity"], ["popularity"]


@pytest.mark.parametrize(
    ("new", "champion", "als", "outcome", "publish"),
    [
        (0.5, None, 0.2, "new", "final"),
        (0.5, 0.4, 0.2, "new", "final"),
        (0.4, 0.5, 0.2, "champion", "champion"),
        (0.1, 0.5, 0.2, "champion", "champion"),
        (0.1, None, 0.2, "fallback", "popularity"),
        (0.1, None, 0.6, "fallback", "als"),
        (0.1, 0.2, 0.2, "fallback", "popularity"),
        (0.5, 0.55, 0.8, "fallback", "als"),
    ],
)
def test_nothing_goes_out_that_is_worse_than_what_it_replaces(new, champion, als, outcome, publish):
    decision = decide(*day(new, champion, als), RULE)
    assert (decision.verdict, decision.publish, decision.users) == (outcome, publish, N)
    assert json.dumps(decision.as_dict(), allow_nan=False)


def test_the_reason_says_what_was_compared_and_by_how_much():
    why = decide(*day(0.4, 0.5), RULE).why
    assert "the new list reaches MAP@10 0.2" in why
    assert "below champion (0.2" in why
    assert "95 % -0." in why
    assert "the champion holds" in why
    assert "holds against champion and popularity" in decide(*day(0.6, 0.5), RULE).why


def test_a_drop_within_the_noise_and_the_allowed_share_passes():
    systems, *rest = day(0.3)
    sway = np.where(np.arange(N) % 2, 0.05, -0.052)
    near = systems["popularity"].values["MAP@10"] + sway
    systems["final"] = UserMetrics({"MAP@10": near}, np.arange(N), N)
    (comparison,) = decide(systems, *rest, RULE).comparisons
    assert comparison.difference < 0 < comparison.high
    assert decide(systems, *rest, RULE).verdict == "new"
    assert decide(systems, *rest, Rule(max_drop=0.0)).verdict == "fallback"


def test_a_small_drop_that_is_sure_is_harm():
    systems, *rest = day(0.3)
    below = systems["popularity"].values["MAP@10"] - 1e-4
    systems["final"] = UserMetrics({"MAP@10": below}, np.arange(N), N)
    assert decide(systems, *rest, RULE).verdict == "fallback"


def test_what_was_rolled_back_does_not_go_out_again():
    refused = "this ranker was rolled back"
    again = decide(*day(0.5, 0.4), RULE, refused)
    assert (again.verdict, refused in again.why) == ("champion", True)
    assert decide(*day(0.5), RULE, refused).verdict == "fallback"


def test_a_person_may_let_the_new_list_out() -> None:
    decision = decide(*day(0.1, 0.5), RULE, promoted=True)
    assert (decision.verdict, decision.publish) == ("new", "final")
    assert "a person promoted" in decision.why


def test_with_too_few_users_the_champion_stays():
    assert decide(*day(0.9, 0.1, n=20), RULE).verdict == "champion"
    alone = decide(*day(0.1, n=20), RULE)
    assert (alone.verdict, alone.comparisons) == ("new", [])
    assert "only 20 users could be judged, 50 are needed" in alone.why
    assert decide(*day(0.9, n=20), RULE, "it was rolled back").verdict == "fallback"


def test_a_system_without_figures_is_an_error():
    systems, new, _, sources, popularity = day(0.5)
    with pytest.raises(EvaluationError, match=r"not so \['champion'\]"):
        decide(systems, new, "champion", sources, popularity, RULE)
    with pytest.raises(EvaluationError, match="every system judged"):
        decide(systems, new, None, [], [], RULE)


@given(st.lists(st.floats(0, 1), min_size=4, max_size=4), st.booleans())
def test_what_goes_out_is_not_surely_worse_than_any_source(levels, with_champion):
    new, champion, als, pop = levels
    systems, *rest = day(new, champion if with_champion else None, als, pop)
    decision = decide(systems, *rest, RULE)
    means = {name: own.mean()["MAP@10"] for name, own in systems.items()}
    best = max(means["als"], means["popularity"])
    assert means[decision.publish] >= best * (1 - RULE.max_drop)
    if decision.verdict == "new" and with_champion:
        assert means["final"] >= means["champion"] * (1 - RULE.max_drop)
