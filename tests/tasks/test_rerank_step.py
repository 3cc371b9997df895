"""Re-ranking in a day: off it changes nothing, on it varies what goes out and says the cost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hand_made import hand_made
from small_trained import AS_OF, Trained, train_small

import tasks.rerank
from config import load_settings
from config.load import ConfigError
from config.rerank import RerankSettings
from evaluation.beyond import intra_list_diversity
from evaluation.relevance import UserItems
from models.base import ModelError
from models.candidates import Source
from models.dropped import Dropped
from models.ranker import Ranker
from tasks.attributes import item_values
from tasks.catalogue import catalogue_as_of, external_ids
from tasks.day import liked_within
from tasks.generators import fit_generator, fitted_names, load_sources
from tasks.judged_users import judged_users, user_attributes, vectors_of
from tasks.rerank import make_reranker
from tasks.rerank_curve import rerank_part
from tasks.run import Run

Change = Callable[..., Trained]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rerank")


@pytest.fixture(scope="module")
def trained(home: Path) -> Trained:
    return train_small(home)


@pytest.fixture(scope="module")
def change(home: Path, trained: Trained) -> Change:
    """Give the same trained run under other settings of the re-ranking."""

    def changed(**rerank: object) -> Trained:
        settings = load_settings(str(home / "trained.yaml"), recommend={"rerank": rerank})
        return Trained(Run(settings, AS_OF, trained.run.home), trained.rows, trained.ranker)

    return changed


def published(trained: Trained) -> pa.Table:
    return trained.run.lake.read_table(*trained.publish().parts, "part.parquet")


def diversity(trained: Trained, lists: pa.Table) -> float:
    lake = trained.run.lake
    ids = external_ids(lake, "items").to_pylist()
    codes = {item: code for code, item in enumerate(ids)}
    rows: dict[object, list[int]] = {}
    for user, item in zip(lists["user_id"].to_pylist(), lists["item_id"].to_pylist(), strict=True):
        rows.setdefault(user, []).append(codes[item])
    width = max(map(len, rows.values()))
    array = np.array([row + [-1] * (width - len(row)) for row in rows.values()])
    values = item_values(lake, AS_OF, len(ids))
    assert values is not None
    return float(intra_list_diversity(array, values).mean())


def test_what_is_published_is_varied_only_where_it_is_asked_for(
    trained: Trained, change: Change
) -> None:
    plain = published(trained)
    assert published(change(kind="mmr", strength=0.0)).equals(plain)
    for kind in ("mmr", "dpp"):
        varied = published(change(kind=kind, strength=0.5))
        assert varied.num_rows == plain.num_rows
        assert diversity(trained, varied) > diversity(trained, plain) + 0.02


def test_the_page_learns_what_it_costs(trained: Trained, change: Change) -> None:
    run = change(kind="dpp", strength=0.25).run
    window = run.windows.test
    for name in fitted_names(run):
        fit_generator.fn(run, window.cutoff, name)
    liked = liked_within(run, window.start, run.settings.windows.horizon_days)
    user = np.flatnonzero(liked.lengths).astype(np.int32)
    day = np.zeros(len(user), np.int32)
    truth = liked.take(user)
    rows = np.repeat(np.arange(len(user)), truth.lengths)
    relevant = UserItems.from_pairs(rows, truth.item, len(user))
    ranker = Ranker.load(run.lake.local(*trained.ranker.parts))
    given = (ranker, user, day, relevant, catalogue_as_of(run, window.start))
    part = rerank_part(run, *given)
    assert part is not None
    strengths = [point["strength"] for point in part["points"]]
    assert strengths == sorted(strengths)
    assert 0.25 in strengths
    assert (part["kind"], part["chosen"], part["users"]) == ("dpp", 0.25, len(user))
    assert part["points"][-1]["diversity"] > part["points"][0]["diversity"]
    assert rerank_part(trained.run, *given) is None

    known = judged_users(run, user, day, window.days)
    assert len(known.history) == len(user)
    assert known.segments["warm"].tolist() == (known.history.counts > 0).tolist()
    assert any(name.startswith("activity") for name in known.segments)
    for name, values in user_attributes(run.lake, window.start, user).items():
        assert any(segment.startswith(f"{name}: ") for segment in known.segments), name
        assert len(values) == len(user)


def test_a_similarity_that_there_is_not_is_refused(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trained.run
    sources = load_sources(run, run.windows.ranker[0].cutoff)
    assert make_reranker(RerankSettings(), run.lake, AS_OF, sources, 100) is None
    assert vectors_of(sources, 100) is None
    with pytest.raises(ModelError, match="source 'ease' has no item vectors"):
        make_reranker(RerankSettings(kind="mmr", by="ease"), run.lake, AS_OF, sources, 100)
    monkeypatch.setattr(tasks.rerank, "item_values", lambda lake, day, n_items: None)
    with pytest.raises(ModelError, match="no multi-valued or categorical attribute"):
        make_reranker(RerankSettings(kind="mmr"), run.lake, AS_OF, sources, 100)


def test_a_day_whose_source_was_dropped_goes_on_without(
    trained: Trained, caplog: pytest.LogCaptureFixture
) -> None:
    dropped = Source("als", Dropped("no memory"), 10)
    own = RerankSettings(kind="mmr", by="als")
    off = make_reranker(own, trained.run.lake, AS_OF, [dropped], 100)
    assert off is None
    assert "source als, which that would go by, was dropped (no memory)" in caplog.text


def test_a_source_that_is_not_there_is_refused_before_anything_is_read(home: Path) -> None:
    with pytest.raises(ConfigError, match="'als' is neither 'attributes' nor a source"):
        load_settings(str(home / "trained.yaml"), recommend={"rerank": {"by": "als"}})


def test_attributes_of_users_the_table_does_not_have(tmp_path: Path) -> None:
    run = hand_made(tmp_path, AS_OF)
    assert user_attributes(run.lake, AS_OF, np.array([0], np.int32)) == {}
