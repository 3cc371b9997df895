"""Families of features: every column belongs to one, and what leaving it out costs is told."""

from __future__ import annotations

from datetime import date

from benchmarks.ablation import DIFFERENCES, RANKS, SCORES, SINGLE, families
from benchmarks.cuts import ALL, HIGHEST, LOWEST, describe_cuts
from features.catalog import build_catalog
from models.ranker import source_feature_names
from models.similarity import MEASURES

CATALOG = build_catalog({"users": {"categorical": ["sex"]}, "items": {"multi": ["genres"]}}, [7])


def test_every_feature_belongs_to_one_family():
    names = [
        *source_feature_names(["als", "ease"], differences=True),
        *(f"ease:{measure}" for measure in MEASURES),
        *CATALOG.names,
    ]
    found = families(names, CATALOG)
    assert sorted(at for positions in found.values() for at in positions) == [*range(len(names))]
    assert found[SCORES] == [0, 1]
    assert found[RANKS] == [2, 3, 4, 5, 6]
    assert found[DIFFERENCES] == [7, 8]
    assert [names[at] for at in found[SINGLE]] == [f"ease:{measure}" for measure in MEASURES]
    for entity, members in CATALOG.families.items():
        assert tuple(names[at] for at in found[entity]) == members


def test_the_loss_is_told_against_all_features():
    found = {
        ALL: {"MAP@10": 0.05, "NDCG@10": 0.1, LOWEST: 0.048, HIGHEST: 0.052},
        "without user (20)": {"MAP@10": 0.04, "NDCG@10": 0.09, LOWEST: 0.039, HIGHEST: 0.041},
    }
    assert describe_cuts(date(2000, 12, 28), found) == [
        "as_of 2000-12-28, all features: MAP@10 0.0500 (+0.0000; seeds 0.0480..0.0520), "
        "NDCG@10 0.1000",
        "as_of 2000-12-28, without user (20): MAP@10 0.0400 (-0.0100; seeds 0.0390..0.0410), "
        "NDCG@10 0.0900",
    ]
    assert describe_cuts(date(2000, 12, 28), {}) == []
