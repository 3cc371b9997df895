"""The step that explains the ranker: what it draws, writes and sums up."""

from __future__ import annotations

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from small_trained import Trained

from config.shap import ShapSettings
from evaluation.page.shap_sections import shap
from tasks.ranker import load_rows, load_warm
from tasks.shapley import _steps, draw_sample, explain_ranker


@pytest.fixture(scope="module")
def made(trained: Trained) -> tuple[dict, object]:
    ref = explain_ranker.fn(trained.run, trained.rows, trained.ranker)
    folder = trained.run.lake.local(*ref.parts)
    return json.loads((folder / "shap.json").read_text()), pq.read_table(folder / "sample.parquet")


def test_the_summary_is_that_of_the_sample(made, trained: Trained) -> None:
    summary, table = made
    assert summary["rows"] == table.num_rows == sum(summary["windows"].values())
    assert next(iter(summary["windows"])) == "ranker2"
    assert summary["additivity_gap"] < 1e-9
    weight = table["weight"].to_numpy()
    for row in summary["features"]:
        size = np.abs(table[f"shap:{row['feature']}"].to_numpy())
        assert row["mean_abs"] == pytest.approx(np.average(size, weights=weight), rel=1e-3)
    sizes = [row["mean_abs"] for row in summary["features"]]
    assert sizes == sorted(sizes, reverse=True)
    assert summary["segments"]["warm"] + summary["segments"]["cold"] == summary["rows"]
    assert summary["segments"]["warm"] == table["warm"].to_numpy().sum() > 0


def test_the_sample_adds_up_to_the_raw_scores(made) -> None:
    summary, table = made
    columns = [name for name in table.column_names if name.startswith("shap:")]
    whole = sum(table[name].to_numpy().astype(np.float64) for name in columns)
    np.testing.assert_allclose(summary["bias"] + whole, table["raw_score"].to_numpy(), atol=1e-4)


def test_the_page_is_drawn_from_the_summary(made) -> None:
    blocks = shap({"shap": made[0]})
    charts = [chart for block in blocks for chart in getattr(block, "charts", [])]
    assert {"Features that work together", "Warm and cold users"} <= {c.title for c in charts}
    assert len(made[0]["dependence"]) == 2 == len(blocks[-1].charts)


def test_the_same_inputs_are_not_explained_twice(made, trained: Trained) -> None:
    assert explain_ranker.fn(trained.run, trained.rows, trained.ranker).seconds is None


def test_rows_remember_whether_their_user_is_warm(trained: Trained) -> None:
    for ref in trained.rows:
        folder = trained.run.lake.local(*ref.parts)
        rows, names = load_rows(folder)
        warm = load_warm(folder)
        events = rows.features[names.index("user_positives_28d")]
        assert len(warm) == len(rows)
        assert warm[events > 0].all()


@pytest.mark.parametrize("size", [100, 1500, 100_000])
def test_the_newest_window_is_drawn_from_first(size: int, trained: Trained) -> None:
    folders = {ref.parts[-1]: trained.run.lake.local(*ref.parts) for ref in reversed(trained.rows)}
    sizes = {name: len(load_rows(folder)[0]) for name, folder in folders.items()}
    # A row of the newest window is left out only if no row of an older one is drawn.
    sample = draw_sample(folders, ShapSettings(rows=size))
    expected = min(size, sizes["ranker2"]), min(max(size - sizes["ranker2"], 0), sizes["ranker1"])
    assert (sample.drawn["ranker2"], sample.drawn.get("ranker1", 0)) == expected
    assert len(sample.rows) == len(sample.warm) == sum(expected)
    again = draw_sample(folders, ShapSettings(rows=size))
    assert again.rows.features.tobytes() == sample.rows.features.tobytes()
    other = draw_sample(folders, ShapSettings(rows=size, seed=8))
    same = other.rows.features.tobytes() == sample.rows.features.tobytes()
    assert same == (size == 100_000)


def test_a_feature_of_few_values_has_a_step_for_each() -> None:
    feature = np.array([1, 2, 2, 3, np.nan, np.nan], np.float32)
    effect = np.array([0.1, 0.2, 0.4, 0.5, -1, -3], np.float32)
    steps = _steps(feature, effect, np.array([1, 1, 3, 1, 1, 1], np.float32))
    assert [step["value"] for step in steps] == [None, 1, 2, 3]
    assert [step["rows"] for step in steps] == [2, 1, 2, 1]
    assert [step["mean"] for step in steps] == pytest.approx([-2, 0.1, 0.35, 0.5])


def test_a_feature_of_many_values_has_steps_of_as_many_rows() -> None:
    feature = np.arange(1200, dtype=np.float32)
    steps = _steps(feature, feature / 100, np.ones(1200, np.float32))
    assert [step["rows"] for step in steps] == pytest.approx([100] * 12, abs=2)


def test_a_feature_without_any_value_has_one_step() -> None:
    nothing = np.full(5, np.nan, np.float32)
    (step,) = _steps(nothing, np.ones(5, np.float32), np.ones(5, np.float32))
    assert (step["value"], step["rows"], step["mean"]) == (None, 5, 1.0)
