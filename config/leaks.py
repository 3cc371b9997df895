"""Settings of the leak suite (see :mod:`evaluation.leaks.suite` for the checks)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from config.section import Section, Share

Auc = Annotated[float, Field(ge=0.5, le=1)]
Ratio = Annotated[float, Field(ge=1)]


class AllowedLeak(Section):
    """A red verdict that stops nothing, and why."""

    check: Literal["importance", "shap", "alone", "range", "label shuffle", "future cut"] = Field(
        description="the check that is red"
    )
    feature: str = Field("", description="the feature it is red for; default: all of the check")
    reason: str = Field(min_length=10, description="a sentence that appears in the report")


class LeakSettings(Section):
    """What every feature has to answer for before anything is published."""

    enabled: bool = Field(True, description="whether the suite runs")
    rows: int = Field(30_000, ge=1000, description="rows of a window that are looked at, at most")
    users: int = Field(400, ge=10, description="users whose rows of tomorrow are looked at")
    future_cut: bool = Field(
        True, description="make some lists of the newest window anew from a log cut at their day"
    )
    dominance_yellow: Ratio = Field(
        5.0, description="times the next feature's importance or |SHAP| from which it is yellow"
    )
    dominance_red: Ratio = Field(25.0, description="the same, red; 100 is past any doubt")
    alone_yellow: Auc = Field(0.9, description="AUC of one feature alone from which it is yellow")
    alone_red: Auc = Field(0.95, description="the same, red")
    range_red: Share = Field(
        0.9, description="share of tomorrow's values outside what was learnt from; half is yellow"
    )
    psi_yellow: float = Field(0.25, gt=0, description="population stability index, never red")
    adversarial_yellow: Auc = Field(
        0.95, description="AUC of telling what was learnt from and tomorrow apart, never red"
    )
    shuffle_yellow: float = Field(
        4.0, gt=0, description="standard errors past .5 with shuffled labels"
    )
    shuffle_red: float = Field(6.0, gt=0, description="the same, red")
    allow: list[AllowedLeak] = Field([], description="red verdicts that stop nothing, and why")

    @model_validator(mode="after")
    def _red_is_past_yellow(self) -> LeakSettings:
        for name in ("dominance", "alone", "shuffle"):
            yellow, red = getattr(self, f"{name}_yellow"), getattr(self, f"{name}_red")
            if yellow > red:
                raise ValueError(f"{name}_yellow ({yellow}) is past {name}_red ({red})")
        return self
