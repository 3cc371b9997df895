"""The 28-day protocol: on a small log without the pipeline, and on the real one."""

from __future__ import annotations

import argparse
import json
import os
from datetime import date

import numpy as np
import pytest

from benchmarks import ml1m_gts28 as protocol
from benchmarks.__main__ import main
from benchmarks.gts28_lists import TEST_DAYS, K, Lists
from benchmarks.ml1m_gts28 import AS_OF, EASE_500, FINAL, POPULARITY
from benchmarks.peers_run import PeerRun
from benchmarks.protocol import BenchmarkError
from benchmarks.real import Ratings, read_ml1m
from benchmarks.time_split import split_global_time
from data.windows import midnight_us

real = pytest.mark.real
needs_data = pytest.mark.skipif(
    not os.environ.get("ZAVTRA_DATA"), reason="ZAVTRA_DATA is not set: no MovieLens-1M at hand"
)


@pytest.fixture
def log(monkeypatch) -> Ratings:
    """120 days of 40 users and 30 films around the cut; half of the ratings are below 4."""
    rng = np.random.default_rng(7)
    n = 3000
    ts = midnight_us(AS_OF, "UTC") + np.linspace(-80, 40, n).astype(np.int64) * 86_400_000_000
    made = Ratings(
        user=rng.integers(1, 41, n).astype(np.int32),
        item=(rng.integers(0, 30, n) * 3 + 1).astype(np.int32),
        rating=rng.integers(2, 6, n).astype(np.float32),
        ts=ts,
    )
    monkeypatch.setattr(protocol, "read_ml1m", lambda: made)
    return made


def pipeline_that_knows(log: Ratings, monkeypatch) -> None:
    """Put a pipeline in place that recommends just what will be liked (and a source that fails)."""

    def lists(as_of, options):
        liked = log.where(log.rating >= 4)
        split = split_global_time(liked, as_of, TEST_DAYS)
        final = np.full((len(split.targets), K), -1, np.int64)
        for row in range(len(split.targets)):
            start, end = split.relevant.indptr[row : row + 2]
            items = split.relevant.items[start:end][:K]
            final[row, : len(items)] = split.item_ids[items]
        return Lists(split.user_ids[split.targets], final, {"nothing": np.full_like(final, -1)})

    monkeypatch.setattr(protocol, "zavtra_lists", lists)


def options(**values) -> argparse.Namespace:
    defaults = {"as_of": date(2000, 12, 20), "peers": None, "no_earlier": False}
    return argparse.Namespace(**{**defaults, **values})


def test_other_dates_have_no_published_figures_and_no_stated_counts(log, monkeypatch):
    pipeline_that_knows(log, monkeypatch)
    result = protocol.run(options())
    assert {row.side for row in result.rows} == {"Zavtra", "peer"}
    assert all(not row.figures for row in result.rows if row.side == "peer")
    assert [check.passed for check in result.checks] == [True]
    assert result.payload["peers"] is None
    assert result.payload["zavtra"]["HitRate@10"] == 1.0
    assert result.payload["sources"]["pipeline's source: nothing"]["MAP@10"] == 0.0
    assert "earlier" not in result.payload
    json.dumps(result.payload)


def test_final_list_below_a_source_fails_its_check(log, monkeypatch):
    pipeline_that_knows(log, monkeypatch)
    know = protocol.zavtra_lists

    def swapped(as_of, options):
        lists = know(as_of, options)
        return Lists(lists.user, lists.sources["nothing"], {"good": lists.final})

    monkeypatch.setattr(protocol, "zavtra_lists", swapped)
    failed = protocol.run(options()).failed
    assert [check.name for check in failed] == ["the final list's MAP@10 is above every source's"]
    assert "pipeline's source: good" in failed[0].found


def test_other_data_at_the_protocols_date_fails_before_anything_is_run(log, monkeypatch, capsys):
    def never(*_):
        raise AssertionError("the pipeline was run on other data")

    monkeypatch.setattr(protocol, "zavtra_lists", never)
    assert main(["ml1m-gts28"]) == 1
    error = capsys.readouterr().err
    assert "the split is the protocol's" in error
    assert "!= 518,164" in error


def test_peers_are_judged_by_the_same_code_and_see_nothing_after_the_cut(log, monkeypatch):
    pipeline_that_knows(log, monkeypatch)
    asked = {}

    def run_peer(python, script, arrays, settings):
        asked.update(arrays, script=script, **settings)
        lists = np.zeros((len(arrays["targets"]), K), np.int32) - 1
        models = [name for name in protocol.PUBLISHED if name != FINAL]
        return PeerRun(
            dict.fromkeys(models, lists), {m: {"seconds": 1.0} for m in models}, 1.0, "R"
        )

    monkeypatch.setattr(protocol, "run_peer", run_peer)
    result = protocol.run(options(peers="python"))
    assert asked["ts"].max() < midnight_us(date(2000, 12, 20), "UTC")
    assert asked["as_of"] == "2000-12-20"
    assert set(result.payload["peers"]) == set(protocol.PUBLISHED) - {FINAL}
    assert result.payload["peers"][EASE_500]["MAP@10"] == 0.0


def test_pipeline_without_a_list_for_a_user_is_an_error(log, monkeypatch):
    nobody = Lists(np.array([9999]), np.full((1, K), -1), {})
    monkeypatch.setattr(protocol, "zavtra_lists", lambda *_: nobody)
    with pytest.raises(BenchmarkError, match="have no list"):
        protocol.run(options())


@real
@needs_data
def test_real_split_has_the_stated_counts_and_sources_the_published_figures():
    log = read_ml1m()
    assert len(log) == 1_000_209
    split = split_global_time(log.where(log.rating >= 4), AS_OF, TEST_DAYS)
    [check] = protocol._check_counts(split)
    assert check.passed, check.found
    models = protocol.source_models()
    for name in (POPULARITY, protocol.POPULARITY_28, protocol.BM25):
        means = split.judge(protocol.lists_of(models[name], split, K), [K]).mean()
        published = dict(zip(protocol.METRICS, protocol.PUBLISHED[name], strict=True))
        for metric, value in published.items():
            assert means[metric] == pytest.approx(value, abs=5e-4), (name, metric)


@real
@needs_data
def test_real_run_shows_the_earlier_window_and_holds_its_checks(monkeypatch, capsys):
    log = read_ml1m()
    pipeline_that_knows(log, monkeypatch)
    assert main(["ml1m-gts28", "--json"]) == 0
    lines = capsys.readouterr().out.splitlines()
    found = json.loads(lines[-1])
    assert found["earlier"]["as_of"] == "2000-11-30"
    assert found["sources"][EASE_500]["MAP@10"] == pytest.approx(0.0209, abs=5e-4)
    assert sum("not run" in line for line in lines) == len(protocol.PUBLISHED) - 1
    assert any("bootstrap interval" in line for line in lines)
