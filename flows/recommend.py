"""Recommend: list for every user with all that was trained, and publish."""

from __future__ import annotations

from dataclasses import dataclass

from prefect import flow
from prefect.futures import PrefectFuture

from flows.start import AsOf, Outcome, finish, open_run, open_settings, run_name
from flows.train import RUNNER, Trained, train_steps
from tasks.leaks import check_leaks
from tasks.neural_views import neural_views
from tasks.recommend import recommend_all
from tasks.run import Ref, Run


@dataclass(frozen=True)
class Published:
    """What publishing leaves to the next steps, still under way."""

    lists: PrefectFuture[Ref]
    steps: list[PrefectFuture[Ref]]


def recommend_steps(run: Run, trained: Trained) -> Published:
    """Lay out the steps that end in the published partition."""
    fits = trained.fits
    leaks = check_leaks.submit(run, trained.rows, trained.ranker, fits, trained.state)
    # Nothing goes out on features that failed their audit, or that tell what is yet to happen.
    proven = [trained.audit, leaks]
    lists = recommend_all.submit(
        run, fits, trained.ranker, trained.champion, trained.gate, trained.state, wait_for=proven
    )
    views = neural_views.submit(run, fits)
    return Published(lists, [views, leaks, lists])


@flow(flow_run_name=run_name, task_runner=RUNNER)
def recommend(config: str = "demo", as_of: AsOf = None, home: str | None = None) -> Outcome:
    """Publish the lists of the day; training that is up to date is not repeated.

    Args:
        config: name of a data set, or path of its YAML.
        as_of: the day recommended for; see :data:`flows.start.AsOf`.
        home: folder or URL of the lakes; default ``$ZAVTRA_HOME``, else ``./var``.
    """
    settings, home = open_settings(config, home)
    run = open_run(settings, home, as_of)
    trained = train_steps(run)
    return finish(run, [*trained.steps, *recommend_steps(run, trained).steps])


if __name__ == "__main__":
    from flows.cli import main

    main("recommend")
