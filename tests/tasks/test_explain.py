"""Why a user got their list: warm, cold and unknown users; what was published and what is now."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from small_trained import Trained, train_small

from data.contract import ITEM_ID, USER_ID, DataError
from features.catalog import build_catalog
from tasks.catalogue import external_ids
from tasks.day import read_log
from tasks.explain import explain_user, newest_published, read_list
from tasks.page.reasons import make_reasons, strongest
from tasks.run import Run


def users(trained: Trained) -> tuple[str, str]:
    """Give a user with positives before the day, and one of the table without any event."""
    run = trained.run
    ids = external_ids(run.lake, "users").to_pylist()
    log = read_log(run.lake, run.as_of)
    met = np.zeros(len(ids), bool)
    met[log.user] = True
    liked = np.bincount(log.positive(run.settings.positive_min).user, minlength=len(ids))
    return str(ids[int(liked.argmax())]), str(ids[int(np.flatnonzero(~met)[0])])


def published(trained: Trained) -> object:
    run = trained.run
    return pq.read_table(run.lake.path("recommendations", f"as_of={run.as_of}", "part.parquet"))


@pytest.mark.parametrize("segment", ["warm", "cold"])
def test_a_list_is_explained_as_it_was_published(segment: str, trained: Trained) -> None:
    user = users(trained)[segment == "cold"]
    found = explain_user(trained.run, user)
    assert found["segment"] == segment
    assert (found["positives"] > 0) == (segment == "warm")
    assert found["reproduced"], found["note"]
    table = published(trained)
    rows = table.filter(pc.equal(pc.cast(table[USER_ID], "string"), user))
    assert [item["item"] for item in found["items"]] == rows[ITEM_ID].to_pylist()
    for item, place in zip(found["items"], range(1, 11), strict=True):
        assert item["place"] == item["place_by_score"] == place
        assert item["score"] == pytest.approx(item["score_now"], abs=1e-6)
        places = [place for place in item["places_before"].values() if place is not None]
        assert item["best_place_before"] == min(places)
        # EASE knows nothing of a user without a history.
        assert segment == "warm" or item["places_before"]["ease"] is None
        assert set(item["proposed_by"]) <= {"popularity", "ease"}
        assert item["up"] or item["down"]
    json.dumps(found, allow_nan=False)


def test_effects_of_an_item_sum_up_to_its_lead(trained: Trained) -> None:
    found = explain_user(trained.run, users(trained)[0])
    item = found["items"][0]
    told = sum(reason["effect"] for reason in item["up"] + item["down"])
    lead = item["score"] - found["mean_score"]
    assert lead > 0
    # Four reasons each way are told; the rest is small.
    assert told == pytest.approx(lead, abs=0.25 * lead + 1e-3)


def test_proposed_items_have_the_place_of_their_source(trained: Trained) -> None:
    found = explain_user(trained.run, users(trained)[0])
    for item in found["items"]:
        for source in item["proposed_by"]:
            assert item["places_before"][source] <= 20  # each source proposes 20


def test_an_unknown_user_is_told_so(trained: Trained) -> None:
    with pytest.raises(DataError, match=r"user 'nobody' is unknown to 'trained'.*first event"):
        explain_user(trained.run, "nobody")


def test_a_day_without_lists_names_those_with(trained: Trained) -> None:
    run = Run(trained.run.settings, trained.run.as_of.replace(day=1), trained.run.home)
    with pytest.raises(DataError, match=r"no lists were published for 2026-03-01.*2026-03-02"):
        read_list(run, "1")


def test_the_newest_day_is_found_and_none_is_an_error(trained: Trained, tmp_path: Path) -> None:
    assert newest_published(trained.run.lake) == trained.run.as_of
    with pytest.raises(DataError, match="no published lists"):
        newest_published(Run(trained.run.settings, trained.run.as_of, str(tmp_path)).lake)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train_small(tmp_path_factory.mktemp("own"))


def test_a_list_of_a_single_source_has_places_but_no_reasons(own: Trained) -> None:
    own.publish(by="popularity")
    user = users(own)[0]
    found = explain_user(own.run, user)
    assert found["ordered_by"] == "popularity"
    assert found["reproduced"], found["note"]
    assert found["base_score"] is None
    assert next(item["places_before"]["popularity"] for item in found["items"]) == 1
    assert not any(item["up"] or item["down"] for item in found["items"])


def test_what_changed_since_is_said(own: Trained) -> None:
    own.publish()
    user = users(own)[0]
    lake = own.run.lake
    place = ("recommendations", f"as_of={own.run.as_of}", "part.parquet")
    table = pq.read_table(lake.path(*place))
    mine = pc.equal(pc.cast(table[USER_ID], "string"), user)
    hidden = read_log(lake, own.run.as_of)  # an item met is no candidate any more
    code = external_ids(lake, "users").to_pylist().index(int(user))
    met = external_ids(lake, "items").to_pylist()[hidden.item[hidden.user == code][0]]
    items = table[ITEM_ID].to_pylist()
    at = int(np.flatnonzero(mine.to_numpy())[0])
    items[at] = met
    column = table.schema.get_field_index(ITEM_ID)
    forged = table.set_column(column, ITEM_ID, pa.array(items, table[ITEM_ID].type))
    lake.write_table(forged, *place)
    found = explain_user(own.run, user)
    assert not found["reproduced"]
    assert "have changed since" in found["note"]
    assert not found["items"][0]["candidate"]
    assert found["items"][1]["candidate"]


def test_reasons_gather_features_that_say_the_same() -> None:
    catalog = build_catalog({"items": {"multi": ["genres"]}}, [7])
    names = ["ease:score", "ease:rank", "sources", "item_events", "item_events_7d",
             "affinity_genres"]  # fmt: skip
    reasons = make_reasons(
        names,
        np.array([0.5, 1, 2, 10, np.nan, 0.25]),
        np.array([0.3, 0.1, 0.0, -0.5, 0.1, 0.2]),
        np.array([0.1, 0.1, 0.0, 0.0, 0.0, 0.2]),
        catalog,
    )
    by_name = {reason.about: reason for reason in reasons}
    assert next(r.about for r in reasons) == "how popular and how old the item is"
    assert by_name["what ease says"].effect == pytest.approx(0.2)
    assert by_name["what ease says"].shap == pytest.approx(0.4)
    assert by_name["what ease says"].words == "score that ease gives it: 0.5"
    popular = by_name["how popular and how old the item is"]
    assert popular.effect == pytest.approx(-0.4)
    assert popular.words == "events of the item: 10"
    assert [entry["value"] for entry in popular.features] == [10, None]
    up, down = strongest(reasons)
    # What is equal for all candidates moves nothing: the taste is in neither.
    assert [r.about for r in up] == ["what ease says"]
    assert [r.about for r in down] == ["how popular and how old the item is"]
