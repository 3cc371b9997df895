"""The embedded registry: champions by day, trainings recorded once, promotions and rollbacks."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest
from small_registry import FIRST, champion, day, on, small_run

from models.base import ModelError
from models.bundle import BundleError, check_bundle
from models.ranker import Ranker
from tasks.registry.lookup import why_foreign
from tasks.registry.place import URI_VARIABLE, check_registry, locate, open_store
from tasks.registry.promotion import list_versions, promote, rollback
from tasks.registry.store import RegistryError
from tasks.registry.versions import Version, champion_before, with_alias
from tasks.run import Run

pytestmark = pytest.mark.usefixtures("outside_a_run")
DAYS = [FIRST + timedelta(days=at) for at in range(4)]


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Give a run whose lake has no registry yet."""
    monkeypatch.delenv(URI_VARIABLE, raising=False)
    return small_run(tmp_path)


@pytest.fixture
def run(fresh: Run, empty_database: Path) -> Run:
    """Give a run whose lake has an empty registry: making the tables takes MLflow seconds."""
    shutil.copyfile(empty_database, fresh.lake.path("mlflow.db"))
    return fresh


def versions(run: Run) -> list[Version]:
    return list_versions(run.settings, run.home)


def named(run: Run) -> dict[str, int]:
    """Give the aliases as they are now."""
    return {alias: v.number for v in versions(run) for alias in v.aliases}


def with_registry(run: Run, **changes: object) -> Run:
    """Give the run with other settings of the registry."""
    registry = run.settings.registry.model_copy(update=changes)
    return Run(run.settings.model_copy(update={"registry": registry}), run.as_of, run.home)


def bundle_file(run: Run, number: int, name: str) -> Path:
    """Give a file of a registered bundle."""
    (found,) = (v for v in versions(run) if v.number == number)
    return Path(run.lake.path("mlartifacts", found.run_id, "artifacts", "bundle", name))


def test_train_promote_train_worse_refuse_roll_back(fresh: Run) -> None:
    run = fresh
    assert champion(run) == {
        "champion": None,
        "why": f"No version was champion before {FIRST}.",
        "rolled_back": [],
        "promoted": [],
        "registry": "embedded",
        "notes": [],
    }
    first = day(run)
    assert (first["version"], first["aliases"], first["pending"]) == (1, ["champion"], [])

    # The next day's ranker is worse: the gate publishes the champion again.
    second = on(run, DAYS[1])
    assert day(second, "champion", seed=8)["aliases"] == ["challenger"]
    found = champion(second)["champion"]
    assert (found["version"], found["as_of"]) == (1, str(FIRST))
    folder = run.lake.local(*second.folder("champion"), "ranker")
    trained = run.lake.local(*run.folder("ranker"))
    assert (folder / "ranker.cbm").read_bytes() == (trained / "ranker.cbm").read_bytes()
    assert Ranker.load(folder).names == ["one", "two"]

    # The day after it is better.
    third = on(run, DAYS[2])
    assert day(third, seed=9)["aliases"] == ["champion"]
    assert named(run) == {"champion": 3}  # an older challenger is none any more

    # A person finds fault with it: the first is champion again, and the third not published anew.
    taken, now = rollback(run.settings, run.home)
    assert (taken.number, now.number) == (3, 1)
    assert named(run) == {"champion": 1}
    assert champion(third)["rolled_back"] == [taken.ranker]
    assert champion(third)["champion"]["version"] == 1
    assert champion(on(run, DAYS[3]))["champion"]["version"] == 1
    assert champion(on(run, DAYS[3]))["rolled_back"] == []
    with pytest.raises(RegistryError, match="version 1 is the only champion"):
        rollback(run.settings, run.home)

    # A person may overrule: the gate's, and the own decision.
    chosen, before = promote(run.settings, run.home, 3)
    assert chosen.number == 3
    assert before is not None
    assert before.number == 1
    assert champion(third)["rolled_back"] == []
    assert champion(third)["promoted"] == [chosen.ranker]
    assert champion(on(run, DAYS[3]))["champion"]["version"] == 3
    assert [v.number for v in rollback(run.settings, run.home)] == [3, 1]


def test_a_run_carries_parameters_figures_page_and_bundle(run: Run) -> None:
    day(run)
    (version,) = versions(run)
    known = run.lake.read_json("models", "versions.json")
    assert [Version.from_dict(fields) for fields in known] == [version]
    assert version.tags["final"] == "0.050000"
    assert (version.tags["best_source"], version.tags["decision"]) == ("popularity", "final")
    kept = open_store(run.settings, run.lake)._client.get_run(version.run_id)
    assert kept.info.status == "FINISHED"
    assert kept.data.params["ranker.loss"] == "Logloss"
    assert kept.data.params["generators.popularity.candidates"] == "100"
    assert kept.data.metrics["popularity/MAP_at_10"] == 0.04
    assert kept.data.metrics["gain/MAP_at_10"] == pytest.approx(0.01)
    assert bundle_file(run, 1, "generators/popularity/arrays.npz").is_file()
    assert (bundle_file(run, 1, "").parent / "report" / "report.html").is_file()
    # Weights lie on the disk once, whatever the number of their names.
    own = Path(run.lake.path("generators", f"cutoff={FIRST}", "popularity", "arrays.npz"))
    assert own.samefile(bundle_file(run, 1, "generators/popularity/arrays.npz"))


def test_what_others_register_under_the_name_is_left_alone(run: Run) -> None:
    day(run)
    store = open_store(run.settings, run.lake)
    (own,) = versions(run)
    client = store._client
    made = client.create_model_version(store.name, source="elsewhere", run_id=own.run_id)
    client.set_registered_model_alias(store.name, "champion", made.version)
    assert [v.number for v in versions(run)] == [1]
    assert champion(on(run, DAYS[1]))["champion"]["version"] == 1
    figures = {f"figure {number}": 0.5 for number in range(1100)}
    store.log(own.run_id, {}, figures)
    assert len(client.get_run(own.run_id).data.metrics) > len(figures)


def test_the_same_training_is_registered_once(run: Run) -> None:
    day(run)
    before = run.lake.read_json("models", "versions.json")
    assert day(run)["version"] == 1
    assert run.lake.read_json("models", "versions.json") == before
    # What a person did meanwhile is not undone by a second run of the day.
    day(on(run, DAYS[1]), seed=8)
    promote(run.settings, run.home, 1)
    assert day(on(run, DAYS[1]), seed=8)["aliases"] == []
    assert named(run) == {"champion": 1}


def test_a_backfill_never_sees_the_future(run: Run) -> None:
    for at in (0, 2):
        day(on(run, DAYS[at]), seed=at)
    assert champion(on(run, DAYS[1]))["champion"]["version"] == 1
    assert champion(on(run, DAYS[0]))["champion"] is None
    # The lists of a past day may go out, but the champion of today stays.
    assert day(on(run, DAYS[1]), seed=1)["aliases"] == []
    assert named(run) == {"champion": 2}
    assert champion(on(run, DAYS[2]))["champion"]["version"] == 3
    assert champion(on(run, DAYS[3]))["champion"]["version"] == 2
    # Nor is a refused one of a past day the challenger of today.
    day(on(run, DAYS[3]), "popularity", seed=3)
    day(on(run, DAYS[2]), "popularity", seed=5)
    assert named(run) == {"champion": 2, "challenger": 4}


def test_a_changed_byte_is_refused(run: Run) -> None:
    day(run)
    for name in ("ranker/ranker.cbm", "ids/items.parquet", "manifest.json"):
        path = bundle_file(run, 1, name)
        whole = path.read_bytes()
        middle = len(whole) // 2
        # In place: the copy in the lake is the same file.
        path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
        found = champion(on(run, DAYS[1]))
        assert found["champion"] is None
        assert f"{name} was changed" in found["why"]
        assert any(name in note for note in found["notes"])
        assert not run.lake.exists(*on(run, DAYS[1]).folder("champion"), "ranker")
        with pytest.raises(BundleError, match=f"version 1 cannot become champion: .*{name}"):
            promote(run.settings, run.home, 1)
        path.write_bytes(whole)
    assert champion(on(run, DAYS[1]))["champion"]["version"] == 1


def test_a_missing_artifact_is_named(run: Run) -> None:
    day(run)
    bundle_file(run, 1, "ranker/ranker.cbm").unlink()
    # The lake still has a sound copy.
    assert champion(on(run, DAYS[1]))["champion"]["version"] == 1
    run.lake.fs.rm(run.lake.path("models", f"as_of={FIRST}"), recursive=True)
    found = champion(on(run, DAYS[1]))
    assert found["champion"] is None
    assert "ranker/ranker.cbm is missing" in found["why"]


def test_a_rollback_to_a_broken_bundle_leaves_the_champion(run: Run) -> None:
    for at in (0, 1):
        day(on(run, DAYS[at]), seed=at)
    bundle_file(run, 1, "config.json").unlink()
    with pytest.raises(ModelError, match=r"version 1 cannot become champion: .*config\.json"):
        rollback(run.settings, run.home)
    assert named(run) == {"champion": 2}
    assert not versions(run)[1].rolled_back


def test_a_champion_of_another_catalog_or_id_space_does_not_rank(run: Run) -> None:
    day(run)
    later = on(run, DAYS[1])
    windows = later.settings.features.model_copy(update={"windows_days": [2]})
    other = Run(later.settings.model_copy(update={"features": windows}), DAYS[1], run.home)
    found = champion(other)
    assert found["champion"] is None
    assert "its feature catalog is not today's (it has 'affinity_" in found["why"]

    sources = [later.settings.generators[0].model_copy(update={"name": "other"})]
    other = Run(later.settings.model_copy(update={"generators": sources}), DAYS[1], run.home)
    assert "its candidate sources are not today's (it has 'popularity')" in champion(other)["why"]

    values = run.lake.read_table("ids", "items_values.parquet")
    run.lake.write_table(values.take(list(range(len(values)))[::-1]), "ids", "items_values.parquet")
    found = champion(later)
    assert found["champion"] is None
    assert "codes of items' 'colour' belong to other values than today's" in found["why"]

    ids = run.lake.read_table("ids", "items.parquet")
    run.lake.write_table(ids.take(list(range(len(ids)))[::-1]), "ids", "items.parquet")
    found = champion(later)
    assert found["champion"] is None
    assert "codes of items belong to other ids" in found["why"]


def test_a_champion_from_before_codes_of_values_were_kept_does_not_rank(run: Run) -> None:
    day(run)
    later = on(run, DAYS[1])
    folder = bundle_file(run, 1, "config.json").parent
    bundle = check_bundle(folder)
    assert why_foreign(later, bundle) == ""
    (folder / "ids" / "users_values.parquet").unlink()
    assert "what its codes of the values of users mean" in why_foreign(later, bundle)


def test_what_waits_goes_to_the_registry_that_is_there_next(run: Run) -> None:
    away = with_registry(run, tracking_uri="http://me:secret@127.0.0.1:9")
    done = day(away)
    assert (done["version"], done["pending"]) == (None, [str(FIRST)])
    assert "the registry at http://127.0.0.1:9 is away" in done["why"]
    day(on(away, DAYS[1]), "champion", seed=8)
    found = champion(on(away, DAYS[2]))
    assert (found["champion"]["version"], found["champion"]["as_of"]) == (None, str(FIRST))
    assert "secret" not in str(found)
    # What was deleted meanwhile is told, and holds up nothing else.
    run.lake.fs.rm(run.lake.path("models", f"as_of={DAYS[1]}"), recursive=True)
    found = champion(on(run, DAYS[2]))
    assert found["champion"]["version"] == 1
    (note,) = found["notes"]
    assert f"The training for {DAYS[1]} is not registered" in note
    assert [v.as_of for v in versions(run)] == [FIRST]
    assert champion(on(run, DAYS[2]))["notes"] == []


def test_old_bundles_are_deleted_and_said_so(run: Run) -> None:
    run = with_registry(run, keep=1)
    day(run)
    day(on(run, DAYS[1]), "popularity", seed=1)
    done = day(on(run, DAYS[2]), "popularity", seed=2)
    assert done["deleted"] == [f"models/as_of={DAYS[1]}", "the bundle of version 2"]
    assert run.lake.names("models") == [
        f"as_of={FIRST}",  # the champion's
        f"as_of={DAYS[2]}",
        "pending",
        "versions.json",
    ]
    assert not bundle_file(run, 2, "").exists()
    with pytest.raises(RegistryError, match="the bundle of version 2 was deleted"):
        promote(run.settings, run.home, 2)
    assert day(on(run, DAYS[2]), "popularity", seed=2)["deleted"] == []


def test_a_lake_that_is_moved_takes_its_registry_along(run: Run, tmp_path: Path) -> None:
    day(run)
    shutil.move(run.home, tmp_path / "elsewhere")
    moved = Run(run.settings, DAYS[1], str(tmp_path / "elsewhere"))
    shutil.rmtree(moved.lake.path("models"))
    assert champion(moved)["champion"]["version"] == 1
    assert day(moved, seed=8)["aliases"] == ["champion"]
    assert not Path(run.home).exists()


def test_what_cannot_be_done_says_why(fresh: Run, empty_database: Path) -> None:
    run = fresh
    for act in (
        lambda: list_versions(run.settings, run.home),
        lambda: promote(run.settings, run.home, 1),
        lambda: rollback(run.settings, run.home),
    ):
        with pytest.raises(RegistryError, match=r"nothing is registered for 'hand' yet: run"):
            act()
    assert not run.lake.exists("mlflow.db")
    shutil.copyfile(empty_database, run.lake.path("mlflow.db"))
    day(run, "popularity")
    with pytest.raises(RegistryError, match="no version of 'hand' is champion"):
        rollback(run.settings, run.home)
    with pytest.raises(RegistryError, match="there is no version 7 of 'hand'; there are 1"):
        promote(run.settings, run.home, 7)


def test_without_a_registry_nothing_is_asked_or_kept(tmp_path: Path) -> None:
    run = small_run(tmp_path, more="registry: {enabled: false}\n")
    done = day(run)
    assert (done["version"], done["registry"]) == (None, "off")
    assert "switched off" in champion(on(run, DAYS[1]))["why"]
    assert not run.lake.exists("mlflow.db")
    with pytest.raises(RegistryError, match=r"registry\.enabled is false"):
        list_versions(run.settings, run.home)


def test_where_a_registry_is(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert locate(run.settings, run.lake).uri == f"sqlite:///{run.lake.root}/mlflow.db"
    with pytest.raises(RegistryError, match=r"memory://far/hand: its database needs a local disk"):
        check_registry(run.settings, "memory://far")
    monkeypatch.setenv(URI_VARIABLE, "https://me:secret@mlflow.example/api")
    place = locate(run.settings, run.lake)
    assert place.shown == "https://mlflow.example/api"
    check_registry(run.settings, "memory://far")
    own = with_registry(run, tracking_uri="http://own:1")
    assert locate(own.settings, run.lake).uri == "http://own:1"


def version(number: int, as_of: str, since: str | None = None, alias: str = "") -> Version:
    tags = {"as_of": as_of} | ({"champion_since": since} if since else {})
    return Version(number, "", tags, (alias,) if alias else ())


def test_the_champion_of_a_day_is_the_last_one_crowned_before_it() -> None:
    history = [
        version(1, "2026-03-01", "2026-03-01"),
        version(2, "2026-03-02"),
        version(3, "2026-03-03", "2026-03-03"),
        version(4, "2026-03-05", "2026-03-05", "champion"),
    ]

    def before(day: int) -> int | None:
        found = champion_before(history, date(2026, 3, day))
        return None if found is None else found.number

    assert [before(day) for day in range(1, 8)] == [None, 1, 1, 3, 3, 4, 4]
    # One that a person promoted later, on the 5th, was no champion on the 4th.
    history[1] = version(2, "2026-03-02", "2026-03-05")
    assert before(4) == 3
    assert with_alias(history, "challenger") is None
