"""The second stage: CatBoost over what all sources and features say about a pair."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from models.base import ModelError
from models.candidates import Candidates
from models.device import gpu_present

DIFFERENCE = "percentile_minus_others"


def source_feature_names(sources: list[str], differences: bool = False) -> list[str]:
    """Names of the features that :func:`source_features` writes, in order."""
    kinds = ("score", "rank", "percentile")
    names = [*(f"{name}:{kind}" for kind in kinds for name in sources), "sources"]
    if differences:
        names += [f"{name}:{DIFFERENCE}" for name in sources]
    return names


def source_features(
    candidates: Candidates,
    out: np.ndarray,
    pairs: np.ndarray | None = None,
    differences: bool = False,
) -> None:
    """Write score, rank and percentile in every source, and how many sources proposed the pair.

    Args:
        candidates: of a chunk of users.
        out: ``(3 * n_sources + 1, n)`` float32, one feature a row; with differences
            ``(4 * n_sources + 1, n)``.
        pairs: ``(n,)`` positions of the candidates to describe; None: all, ``n`` is ``n_pairs``.
        differences: also write by how much a source's percentile differs from the mean of the
            others', -1..1, below 0: it likes the item more than they do. Percentiles, since
            scores of different sources have different units; NaN where there is one source only.
    """
    lengths = np.diff(candidates.indptr)
    size = np.repeat(lengths, lengths).astype(np.float32)
    scores, ranks, proposed = candidates.scores, candidates.ranks, candidates.proposed
    if pairs is not None:
        size, proposed = size[pairs], proposed[pairs]
        scores, ranks = scores[:, pairs], ranks[:, pairs]
    n = len(scores)
    out[:n] = scores
    out[n : 2 * n] = ranks
    percentiles = np.divide(ranks, size, out=out[2 * n : 3 * n])
    out[3 * n] = np.bitwise_count(proposed)
    if differences:
        others = (percentiles.sum(0) - percentiles) / np.float32(n - 1) if n > 1 else np.nan
        np.subtract(percentiles, others, out=out[3 * n + 1 :])


@dataclass(frozen=True)
class Rows:
    """Ranker rows of one window.

    Attributes:
        features: ``(n_features, n)`` float32, one feature a row; NaN where undefined.
        label: ``(n,)`` float32, 1 for a hit.
        group: ``(n,)`` int64, ascending: one list, that is one (user, day).
        weight: ``(n,)`` float32, how much the row counts; losses that compare the rows of a list
            with each other weigh every list alike and ignore it.
    """

    features: np.ndarray
    label: np.ndarray
    group: np.ndarray
    weight: np.ndarray

    def __len__(self) -> int:
        return len(self.label)

    def check(self, what: str) -> None:
        """Refuse rows nothing, or nothing right, can be learnt from.

        Raises:
            ModelError: no rows, one class only, weights that are no numbers, or lists in pieces.
        """
        if len(self) == 0 or not 0 < self.label.sum() < len(self):
            raise ModelError(
                f"{what}: {len(self)} rows with {int(self.label.sum())} hits; the ranker needs "
                "hits and non-hits. Lengthen the window or the horizon, raise the candidates of "
                "the sources, or lower positive_min"
            )
        if not (np.isfinite(self.weight).all() and self.weight.min() >= 0):
            raise ModelError(f"{what}: weights must be finite and not negative; make it again")
        if (np.diff(self.group) < 0).any():
            raise ModelError(f"{what}: rows of a list do not stand together; make it again")


class Ranker:
    """Gradient-boosted trees that order a user's candidates.

    Args:
        loss: 'Logloss', 'YetiRank' or 'QuerySoftMax'.
        iterations: trees at most.
        depth: of a tree.
        learning_rate: shrinkage.
        l2_leaf_reg: L2 penalty of leaf values.
        feature_share: fraction 0..1 of the features each split may choose from.
        borders: values a feature is cut into.
        early_stopping_rounds: trees without gain on the newest window before growing stops;
            None: grow all. After stopping, the ranker is grown anew on all windows with the
            number of trees found.
        hit_weight: how many times a hit counts as much as a non-hit of the same weight;
            'balanced': as many times as makes all hits together weigh what all non-hits do.
            Only for Logloss: the other losses compare the rows of a list with each other.
        device: 'cpu', 'gpu', or 'auto': a GPU where there is one. On a GPU every split chooses
            from all features, whatever ``feature_share`` says, and equal seeds give trees that
            are nearly but not exactly equal.
        seed: same seed and threads, same trees.
        threads: of training; 0: all cores.

    Raises:
        ModelError: a ``hit_weight`` with a loss that has none.
    """

    def __init__(
        self,
        loss: str = "Logloss",
        iterations: int = 600,
        depth: int = 6,
        learning_rate: float = 0.05,
        l2_leaf_reg: float = 3.0,
        feature_share: float = 0.3,
        borders: int = 64,
        early_stopping_rounds: int | None = 50,
        hit_weight: float | Literal["balanced"] = 1.0,
        device: Literal["auto", "cpu", "gpu"] = "auto",
        seed: int = 7,
        threads: int = 0,
    ) -> None:
        if hit_weight != 1 and loss != "Logloss":
            raise ModelError(
                f"hit_weight is {hit_weight}, but {loss} compares the rows of a list with each "
                "other and knows no classes: leave it at 1, or choose Logloss"
            )
        self.loss = loss
        self.iterations = iterations
        self.depth = depth
        self.learning_rate = learning_rate
        self.l2_leaf_reg = l2_leaf_reg
        self.feature_share = feature_share
        self.borders = borders
        self.early_stopping_rounds = early_stopping_rounds
        self.hit_weight = hit_weight
        self.device = device
        self.seed = seed
        self.threads = threads
        self.names: list[str] = []
        self.curve: dict[str, list[float]] = {}
        self._model: Any = None

    def fit(self, windows: list[Rows], names: list[str]) -> Self:
        """Grow the trees on stacked windows, oldest first; the newest says how many.

        Raises:
            ModelError: a window without hits or non-hits, or features that all are constant.
        """
        for number, rows in enumerate(windows, start=1):
            rows.check(f"ranker window {number} of {len(windows)}")
            if len(rows.features) != len(names):
                raise ModelError(f"{len(names)} names for {len(rows.features)} features")
        self.names = names
        trees = self.iterations
        if self.early_stopping_rounds is not None:
            learn, judge = _split_newest(windows)
            probe = self._library_model(trees)
            self._grow(
                probe,
                learn,
                eval_set=self._pool([judge]),
                early_stopping_rounds=self.early_stopping_rounds,
            )
            trees = int(probe.tree_count_)
            self.curve = {
                f"{part}:{name}": [float(v) for v in values]
                for part, curves in probe.get_evals_result().items()
                for name, values in curves.items()
            }
        self._model = self._library_model(trees)
        self._grow(self._model, windows)
        return self

    def predict(self, features: np.ndarray, threads: int = 1) -> np.ndarray:
        """Score pairs: raw values, larger is better.

        Args:
            features: ``(n_features, n)`` float32, rows as in :attr:`names`; read where they lie.
            threads: one by default, since callers run a chunk of users a thread.

        Returns:
            ``(n,)`` float32.

        Raises:
            ModelError: it was trained on another number of features, or not at all.
        """
        self.check_width(features)
        if features.shape[1] == 0:
            return np.empty(0, np.float32)
        raw = self._model.predict(features.T, prediction_type="RawFormulaVal", thread_count=threads)
        return np.asarray(raw, np.float32)

    def check_width(self, features: np.ndarray) -> None:
        """Refuse features that it was not trained on.

        Raises:
            ModelError: their number is another, or the ranker is not trained at all.
        """
        if self._model is None:
            raise ModelError("the ranker is not trained: call fit or load first")
        if len(features) != len(self.names):
            raise ModelError(
                f"the ranker was trained on {len(self.names)} features, it was given "
                f"{len(features)}; train it again"
            )

    @property
    def model(self) -> Any:
        """The library's own model, for what reads its trees; None before training."""
        return self._model

    @property
    def trees(self) -> int:
        """Number of trees grown."""
        return int(self._model.tree_count_)

    def importance(self) -> dict[str, float]:
        """Share of every feature in the change of predictions, percent, largest first."""
        values = self._model.get_feature_importance(type="PredictionValuesChange")
        pairs = zip(self.names, map(float, values), strict=True)
        return dict(sorted(pairs, key=lambda pair: -pair[1]))

    def save(self, folder: Path) -> None:
        """Write ``ranker.cbm`` and ``ranker.json``."""
        folder.mkdir(parents=True, exist_ok=True)
        facts = self._model.get_metadata()
        for name in ("train_finish_time", "model_guid"):  # else no two trainings give equal bytes
            facts[name] = ""
        self._model.save_model(str(folder / "ranker.cbm"))
        description = {"loss": self.loss, "names": self.names, "curve": self.curve}
        (folder / "ranker.json").write_text(json.dumps(description, indent=1, sort_keys=True))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what :meth:`save` wrote.

        Raises:
            ModelError: it is missing or broken.
        """
        from catboost import CatBoost, CatBoostError

        try:
            description = json.loads((folder / "ranker.json").read_text(encoding="utf-8"))
            ranker = cls(loss=description["loss"])
            ranker.names, ranker.curve = description["names"], description["curve"]
            ranker._model = CatBoost().load_model(str(folder / "ranker.cbm"))
        except (OSError, KeyError, TypeError, ValueError, CatBoostError) as error:
            raise ModelError(f"{folder} is no complete ranker ({error}); train it again") from error
        return ranker

    def _library_model(self, trees: int) -> Any:
        from catboost import CatBoost

        return CatBoost(
            {
                "loss_function": self.loss,
                "iterations": trees,
                "depth": self.depth,
                "learning_rate": self.learning_rate,
                "l2_leaf_reg": self.l2_leaf_reg,
                "border_count": self.borders,
                **self._on_device(),
                **self._class_weights(),
                # CatBoost's ten Newton steps a leaf cost twice the time and gain nothing here.
                "leaf_estimation_iterations": 1,
                "random_seed": self.seed,
                "thread_count": self.threads or -1,
                "allow_writing_files": False,
                "logging_level": "Silent",
            }
        )

    def _on_device(self) -> dict[str, Any]:
        """Give what differs between the devices: a GPU cannot choose among features."""
        on_gpu = self.device == "gpu" or (self.device == "auto" and gpu_present())
        return {"task_type": "GPU"} if on_gpu else {"rsm": self.feature_share}

    def _class_weights(self) -> dict[str, Any]:
        if self.hit_weight == "balanced":
            return {"auto_class_weights": "Balanced"}
        return {} if self.hit_weight == 1 else {"scale_pos_weight": self.hit_weight}

    def _grow(self, model: Any, windows: list[Rows], **options: Any) -> None:
        from catboost import CatBoostError

        try:
            model.fit(self._pool(windows), **options)
        except CatBoostError as error:
            hint = "; ranker.device is gpu: is there one?" if self.device == "gpu" else ""
            raise ModelError(
                f"CatBoost cannot learn from the ranker's rows: {error}{hint}"
            ) from error

    def _pool(self, windows: list[Rows]) -> Any:
        from catboost import Pool

        parts = [rows.features for rows in windows]
        features = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
        # Groups of different windows must not run into one another.
        offsets = np.cumsum([0] + [int(rows.group[-1]) + 1 for rows in windows[:-1]])
        groups = [rows.group + at for rows, at in zip(windows, offsets, strict=True)]
        grouped = self.loss != "Logloss"
        return Pool(
            features.T,
            np.concatenate([rows.label for rows in windows]),
            group_id=np.concatenate(groups) if grouped else None,
            weight=None if grouped else np.concatenate([rows.weight for rows in windows]),
            feature_names=self.names,
        )


def _split_newest(windows: list[Rows]) -> tuple[list[Rows], Rows]:
    """Give the windows to learn from and the one that judges; of a single one, a fifth judges."""
    if len(windows) > 1:
        return windows[:-1], windows[-1]
    rows = windows[0]
    judges = np.cumsum(np.diff(rows.group, prepend=rows.group[:1]) != 0) % 5 == 4
    learn, judge = (
        Rows(rows.features[:, part], rows.label[part], rows.group[part], rows.weight[part])
        for part in (~judges, judges)
    )
    learn.check("the four fifths of the ranker window that are learnt from")
    judge.check("the fifth of the ranker window that judges")
    return [learn], judge
