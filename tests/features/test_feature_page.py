"""The page of features is what the catalog says now."""

from __future__ import annotations

from pathlib import Path

from feature_lake import ATTRIBUTES

from config import load_settings
from features.catalog import build_catalog
from features.page import markdown
from tasks.features import catalog_of, declared_attributes

PAGE = Path(__file__).parents[2] / "docs" / "features.md"


def test_the_page_in_the_docs_is_current(tmp_path: Path) -> None:
    settings = load_settings("demo")
    made = markdown(catalog_of(settings, declared_attributes(settings, str(tmp_path))))
    remedy = "run: zavtra features --config demo --markdown > docs/features.md"
    assert PAGE.read_text(encoding="utf-8") == made, remedy


def test_every_feature_stands_there_once() -> None:
    catalog = build_catalog(ATTRIBUTES, repeat=True)
    lines = markdown(catalog).splitlines()
    for feature in catalog:
        assert [line for line in lines if line.startswith(f"| `{feature.name}` |")] == [
            line for line in lines if f"`{feature.name}`" in line
        ]
        assert any(feature.description in line for line in lines)
