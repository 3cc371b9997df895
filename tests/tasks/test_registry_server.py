"""A registry on a real MLflow server: the same life, and what happens when the server dies."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from mlflow_server import MlflowServer
from small_registry import FIRST, champion, day, on, small_run

from models.bundle import BundleError
from tasks.registry.place import open_store
from tasks.registry.promotion import list_versions, promote, rollback
from tasks.registry.store import RegistryError, Store
from tasks.registry.versions import Version
from tasks.run import Run

pytestmark = [
    pytest.mark.server,
    pytest.mark.timeout(900),  # starts of the server are counted
    pytest.mark.usefixtures("outside_a_run"),
]
DAYS = [FIRST + timedelta(days=at) for at in range(4)]


def run_on(server: MlflowServer, folder: Path, name: str) -> Run:
    """Give a run of a data set of its own."""
    return small_run(folder, more=f"registry: {{tracking_uri: '{server.uri}'}}\n", name=name)


def versions(run: Run) -> dict[int, Version]:
    return {v.number: v for v in list_versions(run.settings, run.home)}


def test_train_promote_train_worse_refuse_roll_back(
    mlflow_server: MlflowServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_on(mlflow_server, tmp_path, "whole")
    with pytest.raises(RegistryError, match="nothing is registered for 'whole' yet"):
        list_versions(run.settings, run.home)
    assert day(run)["aliases"] == ["champion"]
    second, third = on(run, DAYS[1]), on(run, DAYS[2])
    assert day(second, "champion", seed=8)["aliases"] == ["challenger"]
    assert champion(second)["champion"]["version"] == 1
    assert champion(second)["registry"] == mlflow_server.uri
    assert not run.lake.exists("mlflow.db")

    # A machine that did not train the champion gets it from the server, once.
    run.lake.fs.rm(run.lake.path("models"), recursive=True)
    trained = run.lake.local(*run.folder("ranker")) / "ranker.cbm"
    with monkeypatch.context() as patched:
        for _ in range(2):
            assert champion(third)["champion"]["version"] == 1
            fetched = run.lake.local(*third.folder("champion")) / "ranker" / "ranker.cbm"
            assert fetched.read_bytes() == trained.read_bytes()
            patched.setattr(Store, "fetch", None)

    # A byte that changed on the server is refused, by a run and by a person.
    run.lake.fs.rm(run.lake.path("models"), recursive=True)
    (path,) = mlflow_server.folder.glob(f"artifacts/*/{versions(run)[1].run_id}/**/ranker.cbm")
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert "ranker/ranker.cbm was changed" in champion(third)["why"]
    with pytest.raises(BundleError, match="version 1 cannot become champion"):
        promote(run.settings, run.home, 1)
    path.unlink()
    assert "ranker/ranker.cbm is missing" in champion(third)["why"]
    path.write_bytes(whole)

    promote(run.settings, run.home, 2)
    assert champion(third)["champion"]["version"] == 2
    taken, now = rollback(run.settings, run.home)
    assert (taken.number, now.number) == (2, 1)
    assert champion(second)["rolled_back"] == [taken.ranker]
    assert champion(third)["champion"]["version"] == 1


def test_a_server_that_dies_loses_nothing(
    mlflow_server: MlflowServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_on(mlflow_server, tmp_path, "lasting")
    second, third, fourth = (on(run, as_of) for as_of in DAYS[1:])
    day(run)

    # It is killed in the middle of an upload: the bundle is there, the page is not.
    send = Store.upload

    def upload_and_die(store: Store, run_id: str, source: Path, place: str) -> None:
        send(store, run_id, source, place)
        mlflow_server.kill()

    with monkeypatch.context() as patched:
        patched.setattr(Store, "upload", upload_and_die)
        done = day(second, seed=8)
    assert (done["version"], done["pending"]) == (None, [str(DAYS[1])])
    assert f"the registry at {mlflow_server.uri} failed" in done["why"]

    # While it is away, what was published counts as champion; a person is told.
    found = champion(third)
    assert found["champion"]["as_of"] == str(DAYS[1])
    assert found["champion"]["version"] is None
    assert found["why"] == f"The training for {DAYS[1]}, not registered yet, is the champion."
    assert f"the registry at {mlflow_server.uri} is away" in found["notes"][0]
    assert day(third, "champion", seed=9)["pending"] == [str(DAYS[1]), str(DAYS[2])]
    assert champion(second)["champion"]["version"] == 1
    for act in (list_versions, rollback):
        with pytest.raises(RegistryError, match=r"is away .*start the server"):
            act(run.settings, run.home)

    # The next run sends all that waits, in order, and goes on with the run that was cut off.
    mlflow_server.start()
    found = champion(fourth)
    assert (found["champion"]["version"], found["notes"]) == (2, [])
    known = versions(run)
    assert [(n, str(v.as_of), v.aliases) for n, v in known.items()] == [
        (1, str(DAYS[0]), ()),
        (2, str(DAYS[1]), ("champion",)),
        (3, str(DAYS[2]), ("challenger",)),
    ]
    store = open_store(run.settings, run.lake)
    at = store._client.get_experiment_by_name("zavtra-lasting").experiment_id
    runs = {found.info.run_id for found in store._client.search_runs([at])}
    assert runs == {version.run_id for version in known.values()}
    for version in known.values():
        page = mlflow_server.folder.glob(f"artifacts/*/{version.run_id}/**/report.html")
        assert len(list(page)) == 1
    assert run.lake.names("models", "pending") == []
