"""The page of a day: one self-contained HTML made from one JSON-able dictionary.

The caller collects :class:`Report`, writes it to ``report.json`` and renders it here. Every part
may be missing: its section then says so. A part whose computation failed is given as
``{"error": "what happened"}``: its section shows the text. Nothing a section does can take the
page down; a section that breaks while it is drawn says why, and the headline counts it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NotRequired, TypedDict

from evaluation._blocks import Section, long_date
from evaluation._diversity import DiversityCurve
from evaluation._headline import headline
from evaluation._sections import SECTIONS

HERE = Path(__file__).parent


class Published(TypedDict):
    """What was published."""

    users: int
    items: int
    k: int
    short_lists: NotRequired[int]
    """Users with fewer than k items; the page warns when there are any."""


class Quarantine(TypedDict):
    """Bad rows of one reason."""

    reason: str
    rows: int
    example: NotRequired[str]
    """Where the first stands and what was found, e.g. ``ratings.dat:17: value 'abc'``."""


class Data(TypedDict):
    """What was read and what the pipeline sees of it (before ``as_of``)."""

    rows_read: int
    interactions: int
    positives: int
    users: int
    items: int
    first_day: str
    last_day: str
    quarantine: list[Quarantine]
    max_bad_share: NotRequired[float]
    per_day: NotRequired[dict[str, int]]
    """ISO day → interactions; days without any may be left out."""


class WindowBar(TypedDict):
    """One window of the run; ``end`` is exclusive, days are ISO."""

    name: str
    kind: str
    """``fit``, ``ranker`` or ``test``."""
    start: str
    end: str


class Bounds(TypedDict):
    """Bounds of a 95 % interval."""

    low: float
    high: float


class MetricRow(TypedDict):
    """One source or the final list."""

    name: str
    values: dict[str, float]
    intervals: NotRequired[dict[str, Bounds]]


class ComparisonRow(TypedDict):
    """The final list against one source on the main metric, over the same users."""

    name: str
    difference: float
    low: float
    high: float
    p_better: float


class Metrics(TypedDict):
    """Accuracy on the test window; see :func:`evaluation.summary.metrics_part`."""

    main: str
    """The metric that the headline speaks of, e.g. ``MAP@10``."""
    final: str
    """Name of the final list among ``rows``."""
    users: int
    excluded: int
    rows: list[MetricRow]
    comparisons: list[ComparisonRow]


class Segment(TypedDict):
    """The same metrics for a part of the users."""

    segment: str
    users: int
    rows: list[MetricRow]


class Importance(TypedDict):
    """A feature's share of the ranker's decisions (0..1 or per cent, as given)."""

    feature: str
    importance: float
    description: NotRequired[str]


class SampleItem(TypedDict):
    """One recommended item of a sample user."""

    title: str
    sources: list[str]
    score: NotRequired[float]
    hit: NotRequired[bool]


class Sample(TypedDict):
    """A real user: what they had, what they get."""

    user: str
    segment: NotRequired[str]
    history: list[str]
    """Titles, newest last."""
    items: list[SampleItem]


class Step(TypedDict):
    """Time and memory of one step of the run."""

    step: str
    seconds: float
    peak_rss_gb: NotRequired[float]
    rows: NotRequired[int]
    skipped: NotRequired[bool]
    """Its inputs had not changed, so it was not run again."""


class AuditDay(TypedDict):
    """Rows of a day whose features were proven; see :class:`features.audit.AuditReport`."""

    day: str
    rows: int
    features: int
    values: int
    poisoned_days: int


class Skew(TypedDict):
    """Features logged with earlier lists against those computed now."""

    day: str
    rows: int
    features: int
    changed: list[str]
    """What changed since, so that it could not be compared."""


class Audit(TypedDict):
    """The proof of the features."""

    days: list[AuditDay]
    skew: NotRequired[Skew | None]


class Report(TypedDict, total=False):
    """Input of :func:`render`; every part but ``name`` and ``as_of`` may be missing."""

    name: str
    as_of: str
    version: str
    """Of the code; stands in the footer."""
    published: Published
    data: Data
    windows: list[WindowBar]
    candidates: dict[str, Any]
    """:meth:`evaluation.candidates.CandidateReport.result`."""
    metrics: Metrics
    segments: list[Segment]
    beyond: dict[str, dict[str, float]]
    """System → row of :func:`evaluation.beyond.beyond`."""
    importance: list[Importance]
    audit: Audit
    diversity: dict[str, DiversityCurve]
    """System → :func:`evaluation.beyond.diversity_curve`; the final list first."""
    samples: list[Sample]
    steps: list[Step]
    problems: list[str]
    """What the run itself found wrong, one sentence each."""


def render(report: Report | dict[str, Any]) -> str:
    """Draw the page.

    Args:
        report: see :class:`Report`; ``name`` and ``as_of`` are required.

    Returns:
        One HTML document that loads nothing; same input, same bytes.

    Raises:
        KeyError: ``name`` or ``as_of`` is missing.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    page = dict(report)
    title = f"Recommendations for {long_date(page['as_of'])}"
    sections = [_section(page, *entry) for entry in SECTIONS]
    sentences, wrong = headline(page, [s.key for s in sections if s.error])
    wrong += [f"The section “{s.title}” could not be made: {s.error}" for s in sections if s.error]
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2").render(
        title=title,
        eyebrow=f"Zavtra · {page['name']}",
        headline=sentences,
        problems=wrong,
        status=_status(len(wrong)),
        sections=sections,
        footer=f"Data set {page['name']}, as of {page['as_of']}, "
        f"code {page.get('version', 'not stated')}. Every figure is of days before the day "
        "recommended for.",
    )


def _status(wrong: int) -> str:
    if not wrong:
        return "Nothing is wrong"
    return f"{wrong} thing{'s' * (wrong > 1)} to look at"


def _section(page: dict[str, Any], key: str, title: str, lead: str, build: Any) -> Section:
    """Build one section; whatever goes wrong in it is shown in its place."""
    part = page.get(key)
    if part is None or part in ([], {}):
        return Section(key, title, absent="This run gave no input for this section.")
    if isinstance(part, dict) and set(part) == {"error"}:
        return Section(key, title, error=str(part["error"]))
    try:
        return Section(key, title, lead, build(page))
    except Exception as error:
        return Section(key, title, error=f"{type(error).__name__}: {error}")
