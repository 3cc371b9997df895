"""The history of the figures and the page, as the commands show them."""

from __future__ import annotations

import webbrowser
from datetime import date
from pathlib import Path

import pytest
from rich.console import Console

from data.contract import DataError
from data.lake import Lake
from evaluation.history import history_table
from flows.show_history import read_history, show_history
from flows.show_page import local_home, open_page


def figures(value: float) -> dict:
    rows = [{"name": name, "values": {"MAP@10": value}} for name in ("final", "ease")]
    return {
        "metrics": {"main": "MAP@10", "rows": rows, "users": 9, "excluded": 1, "comparisons": []},
        "beyond": {"final": {"coverage": 0.75}},
    }


@pytest.fixture
def home(tmp_path: Path) -> str:
    """Give a home in which three days of the demo have figures."""
    lake = Lake(tmp_path / "demo")
    for day in (1, 2, 4):
        as_of = date(2026, 4, day)
        table = history_table(as_of, figures(day / 100), 10)
        lake.write_table(table, "runs", f"as_of={as_of}", "metrics.parquet")
    lake.write_bytes(b"{}", "runs", "as_of=2026-04-03", "test", "metrics.json")  # not kept
    return str(tmp_path)


def days(rows: list[dict]) -> list[str]:
    return sorted({row["as_of"] for row in rows})


def test_history_from_a_day_on(home: str) -> None:
    rows = read_history("demo", date(2026, 4, 2), None, home)
    assert days(rows) == ["2026-04-02", "2026-04-04"]
    assert {row["value"] for row in rows if row["metric"] == "MAP"} == {0.02, 0.04}


def test_history_up_to_a_day_sees_nothing_later(home: str) -> None:
    rows = read_history("demo", date(2026, 4, 1), date(2026, 4, 3), home)
    assert days(rows) == ["2026-04-01", "2026-04-02"]


def test_no_day_in_the_span_says_which_there_are(home: str) -> None:
    with pytest.raises(DataError, match="since 2026-05-01: it has 2026-04-01 to 2026-04-04"):
        read_history("demo", date(2026, 5, 1), None, home)


def test_no_day_at_all(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="it has none at all; every `zavtra report`"):
        read_history("demo", date(2026, 5, 1), None, str(tmp_path))


def test_table_has_a_line_a_day(home: str, capsys: pytest.CaptureFixture[str]) -> None:
    show_history(Console(width=80), "demo", read_history("demo", date(2026, 4, 1), None, home))
    lines = capsys.readouterr().out.splitlines()
    assert "final list, 3 days" in lines[0]
    (line,) = [line for line in lines if "2026-04-04" in line]
    assert "0.0400" in line
    assert "0.7500" in line


def test_page_is_opened_where_it_lies(
    home: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda url: not opened.append(url))
    open_page(Console(), "demo", date(2026, 4, 2), home)
    page = Path(home).resolve() / "demo" / "runs" / "as_of=2026-04-02" / "report" / "report.html"
    assert opened == [page.as_uri()]
    monkeypatch.setattr(webbrowser, "open", lambda url: False)
    open_page(Console(width=300), "demo", date(2026, 4, 2), home)
    assert f"no browser found: open {page.as_uri()}" in capsys.readouterr().out


def test_a_remote_page_is_not_opened() -> None:
    with pytest.raises(DataError, match=r"this one is s3://bucket/zavtra: leave --open out"):
        local_home("s3://bucket/zavtra")
