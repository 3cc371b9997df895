"""The benchmark of the ranker: its rows, its two sides, its checks."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pytest

from benchmarks import ranker, ranker_parts
from benchmarks.protocol import PROTOCOLS, BenchmarkError, load_protocol
from benchmarks.table import show


def test_rows_are_lists_with_hits_and_undefined_values() -> None:
    rows = ranker_parts.made_rows(2000, seed=1)
    assert rows.features.shape == (60, 2000)
    assert rows.features.dtype == np.float32
    rows.check("made rows")
    hits = np.bincount(rows.group, rows.label)
    assert hits.min() >= 1
    assert rows.label.mean() < 0.05
    undefined = np.isnan(rows.features).mean(axis=1)
    assert (undefined > 0).sum() == 10
    again = ranker_parts.made_rows(2000, seed=1)
    assert rows.features.tobytes() == again.features.tobytes()


def test_both_sides_do_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ranker_parts, "SHAP_ROWS", 500)
    folder = tmp_path / "rows"
    found = {
        name: {**part(folder, 8000, 6), "peak_rss_gb": 1.0}
        for name, part in ranker_parts.PARTS.items()
    }
    assert found["rows"]["rows"] == 8000
    assert found["bare-train"]["same_scores"]
    assert found["shap"]["rows"] == found["bare-shap"]["rows"] == 500
    for part in ("train", "shap"):  # too short to time: only that the checks are made
        found[part]["cpu_seconds"] = found[f"bare-{part}"]["cpu_seconds"] = 1.0
    result = ranker._result(found)
    assert not result.failed
    assert result.payload["train_ratio"] == 1.0
    assert {"train_seconds", "bare_train_seconds", "shap_seconds", "peak_rss_gb"} <= set(
        result.payload
    )
    show(result)
    assert "CatBoost" in capsys.readouterr().out

    found["train"]["cpu_seconds"] = 1.3
    found["bare-train"]["same_scores"] = False
    found["shap"]["additivity_gap"] = 1.0
    failed = [check.name for check in ranker._result(found).failed]
    assert len(failed) == 3


def test_too_few_rows_are_refused() -> None:
    assert load_protocol("ranker") is ranker
    assert "ranker" in PROTOCOLS
    for rows, trees in ((1000, 60), (3_000_000, 0)):
        with pytest.raises(BenchmarkError, match="give at least 60,000 rows"):
            ranker.run(argparse.Namespace(rows=rows, trees=trees))
