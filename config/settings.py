"""Settings of one data set: what to read, how to cut time, which models, how much memory.

Every field states its unit and its default; an unknown key or a bad value is refused with the
name of the field, the value found and what is allowed (see :mod:`config.load`).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import Field, field_validator, model_validator

from config.gate import GateSettings
from config.leaks import LeakSettings
from config.registry import RegistrySettings
from config.rerank import ATTRIBUTES, RerankSettings
from config.section import Days, Section, Share
from config.shap import ShapSettings
from config.sources import Source


class Ingest(Section):
    """How strict the reading of the source is."""

    max_bad_share: Share = Field(0.02, description="share of bad rows past which the run fails")
    keep_duplicates: bool = Field(
        False, description="keep rows with the same user, item and time (else quarantined)"
    )
    max_gap_days: int = Field(
        7, ge=0, description="days without data right before as_of past which a run is refused"
    )
    timezone: str = Field("UTC", description="zone in which a day begins, and of naive times")

    @field_validator("timezone")
    @classmethod
    def _zone_exists(cls, name: str) -> str:
        if name not in available_timezones():
            raise ValueError("is no time zone of the IANA list, such as UTC or Europe/Moscow")
        return name


# --------------------------------------------------------------------------- time


class WindowSettings(Section):
    """How the days before ``as_of`` are cut (see :mod:`data.windows`)."""

    test_days: Days = Field(7, description="days of the untouched test window")
    ranker_days: Days = Field(7, description="days of one ranker window")
    ranker_windows: int = Field(2, ge=1, le=52, description="stacked ranker windows")
    horizon_days: Days = Field(7, description="days that judge a list")
    every_days: Days = Field(7, description="one list every so many days of a window")

    @model_validator(mode="after")
    def _horizon_fits(self) -> WindowSettings:
        for name in ("test_days", "ranker_days"):
            if getattr(self, name) < self.horizon_days:
                raise ValueError(
                    f"{name} ({getattr(self, name)}) is shorter than horizon_days "
                    f"({self.horizon_days}): no list could be judged inside the window"
                )
        return self


# --------------------------------------------------------------------------- models


class GeneratorSettings(Section):
    """One candidate source.

    ``params`` go to the model of that ``kind``; an unknown one is refused by the model.
    """

    kind: str = Field(
        description="popularity, als, ease, item_knn, sasrec, two_tower, fm, two_head, neural_cf"
    )
    name: str = Field(
        "",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$",
        description="name in tables, features and folders; default: the kind",
    )
    candidates: int = Field(
        100, ge=0, description="items proposed for a user; 0: only scores what others propose"
    )
    history: int | None = Field(
        None, ge=1, description="score from the last so many events of the user; none: from all"
    )
    share_fit: str | None = Field(
        None, description="name of a source of the same kind whose weights this one uses"
    )
    params: dict[str, Any] = Field({}, description="parameters of the model")
    fit_days: float | None = Field(
        None,
        gt=0,
        description="learn from the positives of the newest so many days before the cut alone "
        "(fractions allowed), for items that live for days; none: from all",
    )
    warm_epochs: int | None = Field(
        None,
        ge=1,
        description="a neural fit starts from the one before the cut before and learns for so many "
        "epochs; none: every fit starts anew",
    )
    budget_minutes: float | None = Field(
        None,
        gt=0,
        description="a fit that takes longer, not counting the wait for its turn, has failed; "
        "none: no limit",
    )
    required: bool = Field(
        True,
        description="false: if its fit fails, the day goes on without the source and says so; the "
        "next run tries again",
    )

    @model_validator(mode="before")
    @classmethod
    def _default_name(cls, data: Any) -> Any:
        if isinstance(data, dict) and not data.get("name"):
            return {**data, "name": data.get("kind", "")}
        return data

    @model_validator(mode="after")
    def _fit_is_its_own(self) -> GeneratorSettings:
        if self.kind == "popularity" and self.fit_days is not None:
            raise ValueError(
                f"fit_days is {self.fit_days:g}, but popularity counts anew every day: give it "
                "params: {window_days: …}"
            )
        for name in ("params", "fit_days", "warm_epochs", "budget_minutes", "required"):
            default = type(self).model_fields[name].default
            if self.share_fit is not None and getattr(self, name) != default:
                raise ValueError(
                    f"{name} says how a source is fitted, but {self.name} shares the fit of "
                    f"{self.share_fit}: set it there"
                )
        return self


class FeatureSettings(Section):
    """Which windows the feature catalog is spread over."""

    windows_days: list[Days] = Field([1, 3, 7, 14, 28], description="lengths of windows, days")
    half_life_days: float = Field(7.0, gt=0, description="of the decayed counts, days")
    max_attribute_values: int = Field(
        1000, ge=2, description="an attribute with more values is cut to its most frequent ones"
    )
    similarity: bool = Field(
        False,
        description="compare candidates with single items of the history in EASE, KNN, ALS; no "
        "gain was seen on MovieLens-1M",
    )
    score_differences: bool = Field(
        False,
        description="by how much a source's percentile of a candidate differs from the others'; "
        "on MovieLens-1M at 2000-11-30, 150 trees, four seeds: MAP@10 .0622 against .0618, no gain",
    )
    exclude: list[str] = Field(
        [], description="features left out: names, or families followed by '*' as in 'user_*'"
    )
    audit_rows: int = Field(
        200,
        ge=0,
        description="rows whose features every run computes once more from the raw log, and logs "
        "for the next run to compare; 0: no audit",
    )
    memory_gb: float = Field(2.0, gt=0, description="limit of the aggregation, GB")


class RankerSettings(Section):
    """CatBoost over the union of candidates."""

    loss: Literal["Logloss", "YetiRank", "QuerySoftMax"] = "Logloss"
    iterations: int = Field(600, ge=1, description="trees at most")
    depth: int = Field(6, ge=1, le=12)
    learning_rate: float = Field(0.05, gt=0, le=1)
    l2_leaf_reg: float = Field(3.0, ge=0)
    feature_share: Annotated[float, Field(gt=0, le=1)] = Field(
        0.3, description="fraction of the features each split may choose from"
    )
    borders: int = Field(64, ge=2, le=254, description="values a feature is cut into")
    early_stopping_rounds: int | None = Field(
        50, ge=1, description="trees without gain on the newest window; none: grow all trees"
    )
    hit_weight: Annotated[float, Field(gt=0)] | Literal["balanced"] = Field(
        1.0,
        description="how many times a hit counts as much as a non-hit; balanced: all hits together "
        "as much as all non-hits; Logloss alone",
    )
    device: Literal["auto", "cpu", "gpu"] = Field(
        "auto", description="where trees are grown; auto: on a GPU if there is one"
    )
    hard_negatives: int = Field(
        100, ge=0, description="non-hits kept for a user: those best ranked by any source"
    )
    tail_negative_share: Share = Field(0.2, description="share kept of the other non-hits")
    list_weight: Share = Field(
        0.75,
        description="a row of a list with h hits weighs h ** -list_weight: 0: every row alike, "
        "1: every list alike",
    )
    max_lists: int = Field(
        20_000,
        ge=1,
        description="lists of a window learnt from at most (one list: one user on one day); of "
        "more, as many are drawn",
    )
    seed: int = Field(7, ge=0)

    @model_validator(mode="after")
    def _hit_weight_fits(self) -> RankerSettings:
        if self.hit_weight != 1 and self.loss != "Logloss":
            raise ValueError(
                f"hit_weight is {self.hit_weight}, but {self.loss} compares the rows of a list "
                "with each other and knows no classes: leave it at 1, or choose Logloss"
            )
        return self


class RecommendSettings(Section):
    """What is published."""

    k: int = Field(10, ge=1, le=1000, description="items a user")
    seen: Literal["all", "positive", "none"] = Field(
        "all",
        description="what a user is not shown again: every item met, only those liked, or "
        "nothing is held back (shops with repeat purchases)",
    )
    rerank: RerankSettings = Field(
        RerankSettings(), description="how lists are made more varied; off by default"
    )


class Settings(Section):
    """Everything one data set needs."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", description="also the folder of its lake")
    source: Source
    ingest: Ingest = Ingest()
    positive_min: Share = Field(0.5, description="an event with at least this value is a positive")
    windows: WindowSettings = WindowSettings()
    generators: list[GeneratorSettings] = Field(
        [
            GeneratorSettings(kind="popularity", params={"window_days": 28}),
            GeneratorSettings(kind="als"),
            GeneratorSettings(kind="ease"),
            GeneratorSettings(kind="item_knn"),
        ],
        min_length=1,
        max_length=31,
        description="candidate sources",
    )
    features: FeatureSettings = FeatureSettings()
    ranker: RankerSettings = RankerSettings()
    shap: ShapSettings = Field(
        ShapSettings(), description="how many of the ranker's rows are explained, and how"
    )
    leaks: LeakSettings = Field(LeakSettings(), description="what every feature has to answer for")
    gate: GateSettings = Field(
        GateSettings(), description="what a new list has to show before it goes out"
    )
    recommend: RecommendSettings = RecommendSettings()
    registry: RegistrySettings = Field(
        RegistrySettings(), description="where trainings and the champion are kept"
    )
    keep_days: int | None = Field(
        60,
        ge=0,
        description="days after which fits of sources and rows of rankers, which can be made "
        "again, are deleted at the end of `daily`; null: never",
    )
    threads: int = Field(
        0,
        ge=0,
        description="worker threads; steps that score users at one time share them; 0: one a core",
    )
    chunk_memory_gb: float = Field(
        1.5, gt=0, description="memory of all chunks of users scored at one time, GB"
    )

    @model_validator(mode="after")
    def _generators_are_sound(self) -> Settings:
        names = [g.name for g in self.generators]
        double = sorted({n for n in names if names.count(n) > 1})
        if double:
            raise ValueError(f"generators: the name {double[0]!r} stands twice; give each its own")
        taken = sorted({"champion", "final"} & set(names))
        if taken:
            raise ValueError(f"generators: the name {taken[0]!r} is taken; give the source another")
        by_name = {g.name: g for g in self.generators}
        for g in self.generators:
            if g.share_fit is not None:
                other = by_name.get(g.share_fit)
                if other is None or other.kind != g.kind or other.share_fit is not None:
                    raise ValueError(
                        f"generators.{g.name}.share_fit: {g.share_fit!r} is no {g.kind} source "
                        f"with weights of its own; sources are {names}"
                    )
        if not any(g.candidates for g in self.generators):
            raise ValueError("generators: none of them proposes anything (candidates: 0)")
        by = self.recommend.rerank.by
        if by not in (ATTRIBUTES, *names):
            raise ValueError(
                f"recommend.rerank.by: {by!r} is neither {ATTRIBUTES!r} nor a source; sources are "
                f"{names}"
            )
        return self
