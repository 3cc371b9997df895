"""Settings of the explanation of the ranker."""

from __future__ import annotations

from pydantic import Field

from config.section import Section


class ShapSettings(Section):
    """SHAP values of a sample of the ranker's rows, for the page (see :mod:`models.shapley`)."""

    rows: int = Field(
        20_000,
        ge=100,
        le=200_000,
        description="rows explained: those of the newest ranker window first; fewer if there are "
        "not as many",
    )
    features: int = Field(12, ge=1, le=40, description="features with dots of their own")
    dependence: int = Field(
        6, ge=0, le=20, description="features whose value is drawn against its effect"
    )
    pairs: int = Field(4, ge=0, le=45, description="pairs of features whose interaction is told")
    pair_rows: int = Field(
        500,
        ge=10,
        le=20_000,
        description="rows that interactions are computed on; they cost far more than values",
    )
    dots: int = Field(400, ge=10, le=2000, description="rows drawn as dots, of each feature")
    seed: int = Field(7, ge=0)
