"""Report: one page that says how the day's lists are, and why; then the training is recorded."""

from __future__ import annotations

from prefect import flow
from prefect.futures import PrefectFuture

from flows.recommend import Published, recommend_steps
from flows.start import AsOf, Outcome, finish, open_run, open_settings, run_name
from flows.train import RUNNER, Trained, train_steps
from tasks.page.report import make_report
from tasks.registry.bundle import make_bundle
from tasks.registry.steps import register
from tasks.run import Ref, Run


def report_steps(run: Run, trained: Trained, published: Published) -> list[PrefectFuture[Ref]]:
    """Lay out the steps that end in the page and in the registry."""
    steps = [*trained.steps, *published.steps]
    page = make_report.submit(run, steps)
    bundle = make_bundle.submit(run, trained.fits, trained.ranker)
    registered = register.submit(run, bundle, trained.gate, page)
    return [*steps, page, bundle, registered]


@flow(flow_run_name=run_name, task_runner=RUNNER)
def report(config: str = "demo", as_of: AsOf = None, home: str | None = None) -> Outcome:
    """Make the page of a day; what it needs and finds up to date is not repeated.

    Args:
        config: name of a data set, or path of its YAML.
        as_of: the day recommended for; see :data:`flows.start.AsOf`.
        home: folder or URL of the lakes; default ``$ZAVTRA_HOME``, else ``./var``.
    """
    settings, home = open_settings(config, home)
    run = open_run(settings, home, as_of)
    trained = train_steps(run)
    return finish(run, report_steps(run, trained, recommend_steps(run, trained)))


if __name__ == "__main__":
    from flows.cli import main

    main("report")
