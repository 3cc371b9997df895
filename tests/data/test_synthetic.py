"""The embedded service: same seed, same bytes, and what the models are to find is really there."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from data.contract import DataError
from data.sources.base import RECORD
from data.sources.synthetic import SyntheticSource, Tables, generate

START = date(2026, 1, 1)
SMALL = {"users": 300, "items": 120, "interactions": 6_000, "days": 60}


@pytest.fixture(scope="module")
def small() -> Tables:
    return generate(**SMALL, start=START, seed=3)


@pytest.fixture(scope="module")
def service() -> Tables:
    """Large enough for statistics, a second to make."""
    return generate(users=2000, items=500, interactions=60_000, days=90, start=START, seed=5)


@pytest.fixture(scope="module")
def log(service: Tables) -> pd.DataFrame:
    """Events with the attributes of both sides, in the order of time."""
    events = service.interactions.to_pandas()
    events = events.merge(service.users.to_pandas(), on="user_id", how="left")
    return events.merge(service.items.to_pandas(), on="item_id", how="left")


def _bytes(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def test_same_seed_same_bytes_and_other_seed_other_log(small: Tables) -> None:
    again = generate(**SMALL, start=START, seed=3)
    other = generate(**SMALL, start=START, seed=4)
    for name in ("interactions", "users", "items"):
        assert _bytes(getattr(again, name)) == _bytes(getattr(small, name))
        assert _bytes(getattr(other, name)) != _bytes(getattr(small, name))


@pytest.mark.parametrize("seed", range(3))
def test_sizes_are_what_was_asked_for(seed: int) -> None:
    made = generate(**SMALL, start=START, seed=seed)
    assert made.users.num_rows == SMALL["users"]
    assert made.items.num_rows == SMALL["items"]
    assert made.interactions.num_rows == pytest.approx(SMALL["interactions"], rel=0.25)


def test_every_row_keeps_the_contract(service: Tables) -> None:
    events = service.interactions.to_pandas()
    assert events["value"].between(0, 1).all()
    assert (events["duration_s"] >= 0).all()
    assert events["ts"].is_monotonic_increasing
    assert events["ts"].dt.date.min() == START
    assert events["ts"].max() < pd.Timestamp("2026-04-01", tz="UTC")  # 90 days
    assert not events.isna().any(axis=None)
    assert set(events["user_id"]) <= set(service.users["user_id"].to_pylist())
    assert set(events["item_id"]) <= set(service.items["item_id"].to_pylist())
    assert service.items["title"].null_count == 0
    for table in (service.users, service.items):
        ids = table.column(0)
        assert pc.count_distinct(ids).as_py() == table.num_rows


def test_titles_differ_and_sequels_carry_their_number(service: Tables) -> None:
    titles = service.items["title"].to_pylist()
    assert len(set(titles)) == len(titles)
    second = [title for title in titles if title.endswith(" 2")]
    assert len(second) > 20
    assert all(title.removesuffix(" 2") in titles for title in second)


def test_there_are_cold_users_and_items_and_some_without_attributes(service: Tables) -> None:
    events = service.interactions.to_pandas()
    users, items = service.users.to_pandas(), service.items.to_pandas()
    never_came = ~users["user_id"].isin(events["user_id"])
    assert 0.03 < never_came.mean() < 0.2
    assert (~items["item_id"].isin(events["item_id"])).sum() >= 3
    assert 0 < users["sex"].isna().mean() < 0.1
    assert 0 < items["genres"].isna().mean() < 0.1
    first = events.groupby("user_id")["ts"].min()
    assert (first >= pd.Timestamp("2026-03-25", tz="UTC")).sum() >= 5  # new in the last week


def test_most_events_are_positive_and_activity_and_popularity_have_heavy_tails(
    log: pd.DataFrame,
) -> None:
    assert 0.58 < (log["value"] >= 0.5).mean() < 0.72
    by_user = log["user_id"].value_counts()
    assert by_user.quantile(0.99) > 5 * by_user.median()
    by_item = log["item_id"].value_counts()
    assert by_item.head(50).sum() > 0.3 * len(log)  # a tenth of the items


def test_a_user_rarely_watches_the_same_item_again(log: pd.DataFrame) -> None:
    assert log.duplicated(["user_id", "item_id"]).mean() < 0.02


def test_weekends_are_busier_and_belong_to_the_kids(log: pd.DataFrame) -> None:
    weekend = log["ts"].dt.dayofweek >= 5
    by_day = log.groupby([log["ts"].dt.date, weekend]).size()
    assert by_day.xs(True, level=1).mean() > 1.1 * by_day.xs(False, level=1).mean()
    known = log[log["genres"].notna()]
    kids = known["genres"].map(lambda row: bool({"family", "animation"} & set(row)))
    assert kids[weekend].mean() > 1.15 * kids[~weekend].mean()


def test_age_and_sex_move_the_taste(log: pd.DataFrame) -> None:
    known = log[log["genres"].notna() & log["sex"].notna()]

    def share(rows: pd.DataFrame, genre: str) -> float:
        return float(rows["genres"].map(lambda row: genre in row).mean())

    women, men = known[known["sex"] == "F"], known[known["sex"] == "M"]
    assert share(women, "romance") > 1.3 * share(men, "romance")
    assert share(men, "sport") > 1.3 * share(women, "sport")
    young, old = known[known["age"] < 25], known[known["age"] >= 55]
    assert share(young, "horror") > 1.3 * share(old, "horror")


def test_sequels_are_watched_after_their_first_part(log: pd.DataFrame) -> None:
    first = log.drop_duplicates(["user_id", "item_id"]).set_index(["user_id", "title"])["ts"]
    pairs = [
        (first[user, title.removesuffix(" 2")], ts)
        for (user, title), ts in first.items()
        if title.endswith(" 2") and (user, title.removesuffix(" 2")) in first.index
    ]
    in_order = np.array([before < after for before, after in pairs])
    assert len(pairs) > 300
    assert in_order.mean() > 0.75


def test_new_releases_peak_and_decay(log: pd.DataFrame) -> None:
    day = (log["ts"].dt.tz_localize(None) - pd.Timestamp(START)).dt.days
    released = day.groupby(log["item_id"]).min()
    fresh = released[(released >= 10) & (released <= 50)]
    watched = log[log["item_id"].isin(fresh[fresh > 0].index)]
    age = day[watched.index] - released[watched["item_id"]].to_numpy()
    assert (age < 7).sum() > 1.5 * ((age >= 21) & (age < 28)).sum()


def test_value_grows_with_the_match(log: pd.DataFrame) -> None:
    women = log[(log["sex"] == "F") & log["genres"].notna()]
    romance = women["genres"].map(lambda row: "romance" in row)
    sport = women["genres"].map(lambda row: "sport" in row)
    assert women.loc[romance, "value"].mean() > women.loc[sport & ~romance, "value"].mean()


def test_more_events_than_there_is_to_watch_is_refused_with_the_bound() -> None:
    with pytest.raises(DataError, match=r"5000 interactions .*at most 200.*raise users or items"):
        generate(users=50, items=20, interactions=5_000, days=30, start=START, seed=1)


def test_the_source_names_its_columns_and_makes_nothing_for_a_fingerprint() -> None:
    source = SyntheticSource(**SMALL, start="2026-01-01", seed=3)
    fingerprint = source.fingerprint()
    assert "_tables" not in vars(source)
    assert fingerprint == SyntheticSource(**SMALL, start=START, seed=3).fingerprint()
    assert fingerprint != SyntheticSource(**SMALL, start=START, seed=4).fingerprint()

    for entities in (source.users(), source.items()):
        assert {entities.id, *entities.attributes.names} <= set(entities.parts[0].schema().names)
    log = source.log()
    columns = [log.user_id, log.item_id, log.ts, log.value or "", log.duration_s or ""]
    batches = list(log.parts[0].batches(columns, []))
    assert batches[0].schema.names == [*columns, RECORD]
    assert batches[0].schema.field(log.ts).type == pa.timestamp("us", tz="UTC")


def test_a_start_that_is_no_day_says_what_was_expected() -> None:
    with pytest.raises(DataError, match=r"start is 'soon', expected a day like '2026-01-01'"):
        SyntheticSource(start="soon")
