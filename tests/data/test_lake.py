"""Every write of the lake is whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.contract import INTERACTIONS, DataError, NotEnoughHistoryError
from data.lake import Lake, Partition, code_version, digest


@pytest.fixture(params=["folder", "memory"])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lake]:
    found = Lake(tmp_path / "lake" if request.param == "folder" else "memory://test-lake")
    yield found
    if found.exists():
        found.fs.rm(found.root, recursive=True)


def files(lake: Lake) -> list[str]:
    return sorted(path.removeprefix(lake.root) for path in lake.fs.find(lake.root))


def put(lake: Lake, day: str, users: list[int]) -> None:
    rows = {
        "user": users,
        "item": users,
        "ts": [0] * len(users),
        "value": [1.0] * len(users),
        "duration_s": [None] * len(users),
        "row": list(range(len(users))),
    }
    with lake.writing("interactions", f"day={day}", inputs=users) as folder:
        pq.write_table(pa.table(rows, schema=INTERACTIONS), folder / "part.parquet")


def test_small_files(lake: Lake) -> None:
    lake.write_json({"b": 1, "a": "я"}, "x", "y.json")
    assert lake.read_json("x", "y.json") == {"a": "я", "b": 1}
    table = pa.table({"n": [1, 2]})
    lake.write_table(table, "t.parquet")
    assert lake.read_table("t.parquet", columns=["n"]) == table
    lake.write_table(pa.table({"n": [3]}), "t.parquet")
    assert lake.read_table("t.parquet")["n"].to_pylist() == [3]
    assert files(lake) == ["/t.parquet", "/x/y.json"]


@pytest.mark.parametrize(
    ("parts", "command"),
    [(("users.parquet",), "zavtra ingest"), (("runs", "x.json"), "zavtra daily")],
)
def test_missing_file_says_what_to_run(lake: Lake, parts: tuple[str, ...], command: str) -> None:
    for read in (lake.read_bytes, lake.read_table, lake.local):
        with pytest.raises(DataError, match=f"is missing: run `{command}`"):
            read(*parts)


def test_step_folder_and_its_manifest(lake: Lake) -> None:
    assert not lake.is_current("runs", "a", inputs={"as_of": date(2021, 1, 1)})
    with lake.writing("runs", "a", inputs={"as_of": date(2021, 1, 1)}) as folder:
        (folder / "deep").mkdir()
        (folder / "deep" / "x.txt").write_text("one")
    assert lake.is_current("runs", "a", inputs={"as_of": date(2021, 1, 1)})
    assert not lake.is_current("runs", "a", inputs={"as_of": date(2021, 1, 2)})
    before = lake.digest_of("runs", "a")
    with lake.writing("runs", "a", inputs={"as_of": date(2021, 1, 1)}) as folder:
        (folder / "y.txt").write_text("two")
    assert files(lake) == ["/runs/a/manifest.json", "/runs/a/y.txt"], "the old content is gone"
    assert lake.digest_of("runs", "a") != before
    assert (lake.local("runs", "a") / "y.txt").read_text() == "two"


def test_failing_step_leaves_the_old_folder(lake: Lake) -> None:
    put(lake, "2021-01-01", [1, 2])
    before = {name: lake.fs.cat_file(lake.root + name) for name in files(lake)}

    def half() -> None:
        with lake.writing("interactions", "day=2021-01-01", inputs=0) as folder:
            (folder / "part.parquet").write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half()
    assert {name: lake.fs.cat_file(lake.root + name) for name in files(lake)} == before


def test_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = Lake(tmp_path)
    lake.write_json(1, "a.json")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("data.lake.os.replace", full)
        with pytest.raises(DataError, match=r"No space left on device.*ZAVTRA_HOME"):
            lake.write_json(2, "a.json")
    assert lake.read_json("a.json") == 1
    assert files(lake) == ["/a.json"], "nothing temporary is left behind"


def test_failing_rename_of_a_folder_brings_the_old_one_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = Lake(tmp_path)
    put(lake, "2021-01-01", [1, 2])
    healthy = Path.rename

    def broken(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return healthy(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", broken)
        with pytest.raises(DataError, match="what was there is unchanged"):
            put(lake, "2021-01-01", [3])
    assert lake.interactions(date(2021, 1, 2))["user"].to_pylist() == [1, 2]
    assert lake.days() == [date(2021, 1, 1)]


def test_history_ends_before_as_of(lake: Lake) -> None:
    for day, users in (("2021-01-02", [2]), ("2021-01-01", [1, 1]), ("2021-01-04", [4])):
        put(lake, day, users)
    assert lake.interactions(date(2021, 1, 4))["user"].to_pylist() == [1, 1, 2]
    assert lake.interactions(date(2021, 1, 5), since=date(2021, 1, 2), columns=["user"]) == (
        pa.table({"user": pa.array([2, 4], pa.int32())}, schema=pa.schema([INTERACTIONS.field(0)]))
    )
    assert len(lake.interactions(date(2021, 1, 4), since=date(2021, 1, 3))) == 0
    earlier = lake.log_digest(date(2021, 1, 4))
    put(lake, "2021-01-04", [5])
    assert lake.log_digest(date(2021, 1, 4)) == earlier
    put(lake, "2021-01-02", [7])
    assert lake.log_digest(date(2021, 1, 4)) != earlier


def manifests_read(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the partitions whose manifests are opened from here on."""
    opened: list[str] = []
    original = lake.partition

    def reads(*parts: str) -> Partition:
        opened.append(parts[-1])
        return original(*parts)

    monkeypatch.setattr(lake, "partition", reads)
    return opened


def test_an_index_says_what_the_manifests_say(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    assert lake.partitions("interactions") == {}
    for day in ("2021-01-01", "2021-01-02"):
        put(lake, day, [1])
    plain, log = lake.partitions("interactions"), lake.log_digest(date(2021, 1, 3))
    assert list(plain) == ["day=2021-01-01", "day=2021-01-02"]
    lake.write_index("interactions", partitions=plain)
    opened = manifests_read(lake, monkeypatch)
    assert lake.partitions("interactions") == plain
    assert lake.log_digest(date(2021, 1, 3)) == log
    assert opened == []
    lake.fs.rm(lake.path("interactions", "day=2021-01-01"), recursive=True)
    assert list(lake.partitions("interactions")) == ["day=2021-01-02"]


def test_a_changed_partition_outdates_the_index(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in ("2021-01-01", "2021-01-02"):
        put(lake, day, [1])
    before = lake.partitions("interactions")
    lake.write_index("interactions", partitions=before)
    put(lake, "2021-01-01", [2])
    after = lake.partitions("interactions")
    assert after["day=2021-01-01"] != before["day=2021-01-01"]
    assert after["day=2021-01-02"] == before["day=2021-01-02"]
    lake.fs.rm(lake.path("interactions", "day=2021-01-02", "manifest.json"))
    assert list(lake.partitions("interactions")) == ["day=2021-01-01"]
    with pytest.raises(DataError, match="zavtra ingest"):
        lake.log_digest(date(2021, 1, 3))


def test_no_history_says_which_days_there_are(lake: Lake) -> None:
    assert lake.days() == []
    with pytest.raises(NotEnoughHistoryError, match="zavtra ingest"):
        lake.interactions(date(2021, 1, 1))
    put(lake, "2021-01-01", [1])
    put(lake, "2021-01-03", [1])
    with pytest.raises(NotEnoughHistoryError, match=r"choose an as_of in 2021-01-02\.\.2021-01-04"):
        lake.interactions(date(2021, 1, 1))


def test_same_table_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        put(Lake(tmp_path / name), "2021-01-01", [1, 2, 3])
    contents = [
        {p.name: p.read_bytes() for p in (tmp_path / name).rglob("*") if p.is_file()}
        for name in ("a", "b")
    ]
    assert contents[0] == contents[1]


def test_digest_is_of_the_value() -> None:
    assert digest({"a": 1, "b": date(2021, 1, 1)}) == digest({"b": "2021-01-01", "a": 1})
    assert digest([1, 2]) != digest([2, 1])
    assert len(code_version("data")) == 64


def test_json_that_is_missing_is_not_called_broken(lake: Lake) -> None:
    with pytest.raises(DataError, match=r"x\.json is missing: run `zavtra daily`") as told:
        lake.read_json("runs", "x.json")
    assert "no JSON" not in str(told.value)


def test_broken_json_is_named(lake: Lake) -> None:
    lake.write_bytes(b"{half", "runs", "x.json")
    with pytest.raises(DataError, match=r"x\.json is no JSON .*delete it"):
        lake.read_json("runs", "x.json")
