"""The parts of the report: what a day says of itself, JSON-able, each of them optional."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict

from evaluation._diversity import DiversityCurve


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
    new: NotRequired[bool]
    """It was not in the user's earlier list."""
    why: NotRequired[list[str]]
    """What moved its score against the user's other candidates, strongest first."""


class Sample(TypedDict):
    """A real user: what they had, what they get."""

    user: str
    segment: NotRequired[str]
    history: list[str]
    """Titles, newest last."""
    items: list[SampleItem]
    note: NotRequired[str]
    """Why the reasons are missing, or are those of another state of the lake."""


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


class DroppedFit(TypedDict):
    """A source that was not required, and could not be fitted."""

    source: str
    cutoff: str
    """ISO day before which it should have been fitted."""
    reason: str


class Report(TypedDict, total=False):
    """Input of :func:`render`; every part but ``name`` and ``as_of`` may be missing."""

    name: str
    as_of: str
    version: str
    """Of the code; stands in the footer."""
    index: str
    """Where the page over all days lies, relative to this one."""
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
    shap: dict[str, Any]
    """``shap.json`` of the ranker, see :mod:`evaluation.page.shap_sections`."""
    audit: Audit
    leaks: dict[str, Any]
    gate: dict[str, Any]
    """:meth:`evaluation.gate.Decision.as_dict`, its comparisons as ``numbers``, and ``notes``."""
    trend: dict[str, Any]
    """:func:`evaluation.trend.trend`."""
    stability: dict[str, Any]
    """:func:`evaluation.stability.stability` with ``before``, the day compared with,
    ``days_apart``, ``every`` and titles; ``{"before": None}`` where there is no earlier day."""
    items: dict[str, Any]
    """:func:`evaluation.exposure.exposure` with titles and ``every``."""
    diversity: dict[str, DiversityCurve]
    """System → :func:`evaluation.beyond.diversity_curve`; the final list first."""
    overlap: dict[str, Any]
    """:func:`evaluation.beyond.overlap_part`."""
    rerank: dict[str, Any] | None
    """:func:`evaluation.tradeoff.tradeoff_part` with ``kind``, ``pool`` and ``by``; None: off."""
    samples: list[Sample]
    steps: list[Step]
    dropped: list[DroppedFit]
    problems: list[str]
    """What the run itself found wrong, one sentence each."""
