"""The day's page in a real browser: drawn whole, asking for nothing, readable on a phone."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from urllib.parse import unquote

import pytest
from browser import Tab, browser, find_browser
from small_day import AS_OF, ROOT, Ran

from flows.daily import daily

PICTURES = Path(os.environ.get("ZAVTRA_SCREENSHOTS", ROOT / "build" / "screenshots"))
"""Where pictures of the pages are kept, to be looked at."""
PHONE, DESKTOP = 390, 1280
WIDTHS = pytest.mark.parametrize("width", [PHONE, DESKTOP], ids=["phone", "desktop"])
FILMS = """
name: films
source: {{kind: movielens, path: "{path}"}}
positive_min: 0.8
windows: {{test_days: 28, ranker_days: 28, ranker_windows: 2, horizon_days: 28, every_days: 28}}
generators:
  - {{kind: popularity, params: {{window_days: 28}}}}
  - {{kind: ease}}
ranker: {{iterations: 60, hard_negatives: 20}}
features: {{audit_rows: 20}}
shap: {{rows: 2000, pair_rows: 200}}
leaks:
  rows: 2000
  users: 100
  allow: [{{check: range, reason: two windows are too few to have seen all that a trend can be}}]
"""

TOO_WIDE = """
[...document.querySelectorAll('body *')]
  .filter(e => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
  .filter(e => !e.closest('.scroll, nav, .skip'))
  .map(e => `${e.tagName}.${e.className}: ${e.textContent.trim().slice(0, 50)}`)
"""
CHARTS = """
[...document.querySelectorAll('figure svg')].map(svg => {
  const box = svg.getBoundingClientRect();
  return [box.width, box.height, svg.querySelectorAll('path, text, use').length];
})
"""
CONTRAST = """
(() => {
  const light = c => {
    const [r, g, b] = c.match(/[\\d.]+/g).map(Number).slice(0, 3).map(v => v / 255)
      .map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const paper = e => {
    for (; e; e = e.parentElement) {
      const c = getComputedStyle(e).backgroundColor;
      if (c !== 'rgba(0, 0, 0, 0)') return c;
    }
    return 'rgb(255, 255, 255)';
  };
  const words = 'p, a, td, th, dt, dd, h1, h2, h3, li, small, span, em, summary';
  return [...document.querySelectorAll(words)]
    .filter(e => e.textContent.trim())
    .map(e => {
      const [a, b] = [light(getComputedStyle(e).color), light(paper(e))].sort((x, y) => y - x);
      return [(a + .05) / (b + .05), e.tagName, e.className, e.textContent.trim().slice(0, 30)];
    })
    .filter(([ratio]) => ratio < 4.5);
})()
"""


@pytest.fixture(scope="session")
def films(
    prefect_api: str,
    real_data: Callable[[str], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Ran:
    """Run a day of MovieLens-1M with few sources and trees."""
    folder = tmp_path_factory.mktemp("films")
    config = folder / "films.yaml"
    config.write_text(FILMS.format(path=real_data("ml-1m")))
    home = folder / "home"
    return Ran(config, home, daily(config=str(config), home=str(home), as_of=date(2000, 12, 28)))


@pytest.fixture(scope="session")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    """Start a browser once, or skip aloud."""
    binary = find_browser()
    if binary is None:
        pytest.skip("no Chromium or Chrome on this machine: the page was not opened in a browser")
    with browser(binary, tmp_path_factory.mktemp("chromium")) as opened:
        yield opened


@pytest.fixture(params=["small", pytest.param("films", marks=pytest.mark.real)])
def page(request: pytest.FixtureRequest) -> Path:
    """Give the page of a made day and of a real one."""
    ran = request.getfixturevalue("ran" if request.param == "small" else "films")
    return Path(ran.lake) / "runs" / f"as_of={ran.outcome.as_of}" / "report" / "report.html"


def outside(tab: Tab) -> list[str]:
    """Give what the page asked for; pictures that it holds itself (``data:``) come from nowhere."""
    return [url for url in tab.requests if not url.startswith("data:")]


@WIDTHS
def test_page_is_drawn_whole_and_asks_for_nothing(tab: Tab, page: Path, width: int) -> None:
    tab.open(page, width)
    assert outside(tab) == [page.as_uri()]
    assert tab.complaints == []
    assert tab.run("document.querySelectorAll('.failed').length") == 0
    sections = tab.run("[...document.querySelectorAll('section')].map(s => s.offsetHeight)")
    assert len(sections) >= 14
    assert min(sections) > 60
    charts = tab.run(CHARTS)
    assert len(charts) >= 15
    for drawn_width, height, marks in charts:
        assert drawn_width > 250
        assert height > 60
        assert marks > 5
    name = f"{page.parents[3].name}-{'phone' if width == PHONE else 'desktop'}.png"
    tab.shoot(PICTURES / name)
    assert (PICTURES / name).stat().st_size > 50_000


@WIDTHS
def test_nothing_is_wider_than_the_window(tab: Tab, page: Path, width: int) -> None:
    tab.open(page, width)
    assert tab.run("document.documentElement.scrollWidth") == width
    assert tab.run(TOO_WIDE) == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_text_stands_out_from_its_ground(tab: Tab, page: Path, dark: bool) -> None:
    tab.open(page, DESKTOP, dark=dark)
    assert tab.run(CONTRAST) == []
    ground = tab.run("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(19, 23, 26)") == dark
    if dark:
        tab.shoot(PICTURES / f"{page.parents[3].name}-dark.png")


def test_contents_lead_to_every_section_by_keyboard(tab: Tab, page: Path) -> None:
    tab.open(page, DESKTOP)
    links = tab.run("[...document.querySelectorAll('nav a')].map(a => a.getAttribute('href'))")
    keys = tab.run("[...document.querySelectorAll('section')].map(s => '#' + s.id)")
    assert links == keys
    for key in ("Tab", "Enter"):  # the first stop leads past the contents
        for kind in ("keyDown", "keyUp"):
            code = {"Tab": 9, "Enter": 13}[key]
            text = {"text": "\r"} if key == "Enter" and kind == "keyDown" else {}
            tab.call(
                "Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **text
            )
    assert tab.run("location.hash") == "#main"


def test_charts_and_tables_are_named_for_who_cannot_see_them(tab: Tab, page: Path) -> None:
    tab.open(page, DESKTOP)
    nameless = """
    [...document.querySelectorAll('[role=img], [role=region], nav, figure')]
      .filter(e => !e.getAttribute('aria-label')).map(e => e.outerHTML.slice(0, 80))
    """
    assert tab.run(nameless) == []
    assert tab.run("document.querySelectorAll('figure:not(:has([role=img]))').length") == 0
    assert tab.run("document.documentElement.lang") == "en"
    assert tab.run("document.querySelectorAll('h1').length") == 1
    tables = tab.run("document.querySelectorAll('table').length")
    assert tab.run("document.querySelectorAll('table thead th[scope=col]').length") >= tables


def test_numbers_behind_a_chart_open_in_place(tab: Tab, page: Path) -> None:
    tab.open(page, PHONE)
    figures = tab.run("document.querySelectorAll('figure').length")
    assert tab.run("document.querySelectorAll('figure details table').length") == figures
    tab.run("document.querySelectorAll('details').forEach(d => { d.open = true })")
    assert tab.run("document.documentElement.scrollWidth") == PHONE
    heights = tab.run(
        "[...document.querySelectorAll('figure details table')].map(t => t.offsetHeight)"
    )
    assert min(heights) > 20


def test_page_prints_without_contents_and_controls(tab: Tab, page: Path) -> None:
    tab.open(page, DESKTOP)
    sheets = tab.print(PICTURES / f"{page.parents[3].name}.pdf")
    assert 3 <= sheets <= 40
    tab.call("Emulation.setEmulatedMedia", media="print")
    shown = "e => getComputedStyle(e).display !== 'none'"
    assert tab.run(f"[...document.querySelectorAll('nav, details, .skip')].some({shown})") is False
    assert tab.run(f"[...document.querySelectorAll('figure svg')].every({shown})") is True


@WIDTHS
def test_index_leads_to_the_page_and_back(tab: Tab, ran: Ran, width: int) -> None:
    index = Path(ran.lake) / "index.html"
    tab.open(index, width)
    assert outside(tab) == [index.as_uri()]
    assert tab.complaints == []
    assert tab.run("document.documentElement.scrollWidth") == width
    assert tab.run(TOO_WIDE) == []
    assert tab.run("document.querySelector('tbody a').textContent") == AS_OF
    page = index.parent / "runs" / f"as_of={AS_OF}" / "report" / "report.html"
    assert unquote(tab.run("document.querySelector('tbody a').href")) == unquote(page.as_uri())
    tab.open(page, width)
    assert unquote(tab.run("document.querySelector('header a').href")) == unquote(index.as_uri())
