"""What a person should look at: each thing said once, at its level, leading to its section."""

import pytest

from evaluation.page.findings import RED, YELLOW, Finding, findings
from evaluation.page.headline import headline, key_figures


def found(**parts) -> list[Finding]:
    told, broken = findings(parts)
    assert not broken
    return told


def row(name: str, value: float) -> dict:
    return {"name": name, "values": {"MAP@10": value}}


def metrics(*rows: dict, users: int = 9) -> dict:
    shared = {"main": "MAP@10", "final": "final", "excluded": 0, "comparisons": []}
    return shared | {"users": users, "rows": list(rows)}


def test_a_source_that_was_given_up_is_said_first() -> None:
    fit = {"source": "sasrec", "cutoff": "2021-01-02", "reason": "ModelError: the loss is nan"}
    (finding,) = found(dropped=[fit])
    assert (finding.level, finding.section) == (RED, "candidates")
    assert "sasrec could not be fitted before 2021-01-02" in finding.text
    assert "the loss is nan" in finding.text


def trend(series: dict, unusual: tuple = ()) -> dict:
    days = ["2021-01-01", "2021-01-02"]
    return {"main": "MAP@10", "days": days, "series": series, "unusual": list(unusual)}


def gate(verdict: str, notes: tuple = ()) -> dict:
    return {"verdict": verdict, "publish": "x", "why": "Because of x.", "notes": list(notes)}


STABLE = {
    "before": "2021-01-01",
    "users": 10,
    "unchanged": 0.1,
    "jaccard": 0.5,
    "kept": [0, 5, 5],
    "entered": [{"title": "Zoo", "before": 1, "lists": 4}],
}


def test_a_day_on_which_all_is_well():
    assert (
        found(
            gate=gate("new"),
            metrics=metrics(row("final", 0.2), row("ease", 0.1)),
            published={"users": 5, "items": 9, "k": 3, "short_lists": 0},
            data={"quarantine": [], "rows_read": 5, "max_bad_share": 0.02},
            candidates={"rows": [{"source": "ease", "candidates_per_user": 3.0}]},
            trend=trend({"final": {"MAP@10": [0.1, 0.2]}}),
            stability=STABLE,
            items={"top": [{"title": "Zoo", "of_users": 0.3}]},
            leaks={"findings": [{"verdict": "green", "check": "psi", "feature": "x"}]},
        )
        == []
    )


@pytest.mark.parametrize(("verdict", "level"), [("champion", YELLOW), ("fallback", RED)])
def test_something_else_than_the_new_list_went_out(verdict, level):
    (finding,) = found(gate=gate(verdict))
    assert finding == Finding("What was published is not today's new list.", level, "gate")


def test_notes_of_the_gate_are_sentences():
    (finding,) = found(gate=gate("new", ("the champion is too old",)))
    assert finding.text == "The champion is too old."


def test_red_comes_first():
    leak = {"check": "alone", "feature": "item_row", "look_at": "It knows all.", "allowed": None}
    told = found(
        gate=gate("champion"),
        leaks={"findings": [leak | {"verdict": "yellow"}, leak | {"verdict": "red"}]},
    )
    assert [finding.level for finding in told] == [RED, YELLOW, YELLOW]
    assert told[0].text == "Leak check, alone: item_row. It knows all."


def test_a_red_leak_that_is_allowed_is_yellow_and_says_why():
    leak = {"check": "alone", "feature": "", "look_at": "It knows all.", "verdict": "red"}
    (finding,) = found(leaks={"findings": [leak | {"allowed": "It is the price."}]})
    assert (finding.level, finding.text.rpartition(". ")[2]) == (
        YELLOW,
        "Allowed: It is the price.",
    )


def test_a_source_that_proposed_nothing():
    rows = [{"source": name, "candidates_per_user": n} for name, n in (("als", 0.0), ("ease", 2.0))]
    (finding,) = found(candidates={"rows": rows})
    assert finding == Finding("The source als proposed nothing.", YELLOW, "candidates")


def test_a_source_that_is_gone_and_one_that_came():
    series = {
        "final": {"MAP@10": [0.1, 0.2]},
        "als": {"MAP@10": [0.1, None]},
        "ease": {"MAP@10": [None, 0.1]},
        "champion": {"MAP@10": [0.1, None]},
    }
    (finding,) = found(trend=trend(series))
    assert finding.text == "No longer there: als."
    sentences, _ = headline({"trend": trend(series)})
    assert sentences == ["Since 1 January MAP@10 rose from 0.1000 to 0.2000. New: ease. Gone: als."]


def test_a_figure_out_of_the_ordinary():
    odd = {"figure": "coverage", "value": 0.1, "low": 0.4, "high": 0.6, "days": 9}
    (finding,) = found(trend=trend({"final": {"MAP@10": [0.1, 0.2]}}, (odd,)))
    assert finding.section == "trend"
    assert "Coverage of the final list is 0.1000, outside the 0.4000 to 0.6000" in finding.text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"unchanged": 0.95}, "95.0\u00a0% of the users get just the list of 2021-01-01."),
        ({"jaccard": 0.05}, "have little in common with those of 2021-01-01: mean Jaccard 0.050."),
        ({"before": None, "jaccard": 0.0}, ""),
        ({"users": 0, "jaccard": 0.0}, ""),
    ],
)
def test_lists_that_froze_or_turned_over(change, words):
    told = found(stability=STABLE | change)
    assert [finding.text for finding in told if words not in finding.text] == []
    assert len(told) == bool(words)


def test_items_that_most_users_get_are_named_together():
    top = [{"title": name, "of_users": n} for name, n in (("Zoo", 0.9), ("Up", 0.6), ("It", 0.2))]
    (finding,) = found(items={"top": top})
    assert finding.text == (
        "In more than 50\u00a0% of all lists: “Zoo” (90\u00a0%), “Up” (60\u00a0%)."
    )


def test_what_cannot_be_read_is_named_and_the_rest_is_told():
    told, broken = findings({"gate": {"verdict": "fallback"}, "metrics": {"users": 3}})
    assert [finding.section for finding in told] == ["gate"]
    assert broken == {"metrics": "“metrics” of the input cannot be read: KeyError: 'rows'"}


def test_headline_says_the_gate_first_and_what_moved_last():
    page = {
        "gate": gate("new"),
        "published": {"users": 5, "items": 9, "k": 2},
        "metrics": metrics(row("final", 0.2), row("ease", 0.1), row("champion", 0.3)),
        "stability": STABLE,
    }
    sentences, broken = headline(page)
    assert not broken
    assert sentences[0] == "Because of x."
    assert "the best single source, ease" in sentences[2]  # the champion is no source
    assert sentences[-1] == (
        "Compared with the lists of 1 January, a user keeps 1.5 of 2 items on average; "
        "10.0\u00a0% get just the same list. What rose most is “Zoo”, from 1 lists to 4."
    )


def test_first_day_has_nothing_to_compare_with():
    sentences, _ = headline({"stability": {"before": None}})
    assert "Nothing was published before" in sentences[0]


def test_key_figures_say_how_they_changed():
    series = {"final": {"MAP@10": [0.2, 0.15], "coverage": [None, 0.5]}}
    page = {"metrics": metrics(row("final", 0.15)), "trend": trend(series)}
    assert key_figures(page) == [
        ("MAP@10", "0.1500", "−0.0500 since 1 January"),
        ("coverage", "0.500", ""),
    ]
    assert key_figures({}) == []
