"""The scale protocol on a tiny size, its processes and its checks."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from benchmarks import scale
from benchmarks.peers_run import PeerRun
from benchmarks.protocol import BenchmarkError, Result

USERS = 2_000


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scale")


@pytest.fixture(scope="module")
def found(home: Path) -> Result:
    return scale.run(argparse.Namespace(users=USERS, home=home, peers=None))


def test_all_users_and_half_of_them_get_full_lists(found: Result) -> None:
    full, half = found.payload, found.payload["half"]
    assert (full["users"], half["users"]) == (USERS, USERS // 2)
    assert (full["rows"], half["rows"]) == (USERS * 10, USERS * 5)
    for figures in (full, half):
        assert figures["users_per_second"] == pytest.approx(figures["users"] / figures["seconds"])
        assert figures["cpu_seconds"] > 0
        assert 0.1 < figures["peak_rss_gb"] < 6


def test_the_floor_is_below_what_was_reached(found: Result) -> None:
    floor = found.payload["floor"]
    assert set(floor["seconds_by_part"]) == {"matrix products", "trees", "writing"}
    assert floor["seconds"] == pytest.approx(sum(floor["seconds_by_part"].values()))
    assert floor["pairs_per_user"] >= 150
    assert floor["features"] >= 25
    assert found.payload["cpu_times_floor"] > 1


def test_a_folder_that_is_kept_is_not_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = []

    def part(name: str, folder: Path, users: int) -> dict[str, int]:
        folder.mkdir(exist_ok=True)
        done.append((name, folder.name, users))
        return {}

    monkeypatch.setattr(scale, "_part", part)
    (tmp_path / "users-50.part").mkdir()  # of a run that was cut off
    for _ in range(2):
        scale._measure(tmp_path, 50)
    recommended = ("recommend", "users-50", 50)
    assert done == [("prepare", "users-50.part", 50), recommended, recommended]


def test_too_few_users_are_refused() -> None:
    with pytest.raises(BenchmarkError, match=r"--users 10 is too few to time: give 2000 up"):
        scale.run(argparse.Namespace(users=10, home=None, peers=None))


def test_a_part_that_fails_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BenchmarkError, match=r"scale_day recommend .* ended with code 1"):
        scale._part("recommend", tmp_path / "nothing", USERS)
    assert "scale.json" in capfd.readouterr().err


def figures(users: int, seconds: float, gb: float) -> dict[str, float]:
    each = {"users_per_second": users / seconds, "seconds": seconds, "cpu_seconds": 2 * seconds}
    return {"users": users, "rows": 10 * users, **each, "peak_rss_gb": gb}


FLOOR = {
    "users": 100_000,
    "pairs_per_user": 170.0,
    "features": 90,
    "trees": 500,
    "seconds_by_part": {"trees": 10.0},
    "seconds": 10.0,
    "cpu_seconds": 20.0,
}


@pytest.mark.parametrize(
    ("seconds", "gb", "half_gb", "pairs", "failed"),
    [
        (50, 2.0, 1.95, 170, []),
        (70, 2.0, 1.95, 170, ["users a second: at least 1,510"]),
        (50, 6.1, 6.05, 170, ["peak memory, GB: at most 6.0"]),
        (50, 2.0, 1.8, 170, ["memory for a million users more, GB: at most 2.0"]),
        (50, 2.0, 1.95, 149, ["candidates a user: at least 150"]),
    ],
)
def test_every_check_can_fail(
    seconds: float, gb: float, half_gb: float, pairs: int, failed: list[str]
) -> None:
    result = scale._result(
        figures(100_000, seconds, gb),
        figures(50_000, seconds / 2, half_gb),
        {**FLOOR, "pairs_per_user": pairs},
        None,
    )
    assert [check.name for check in result.failed] == failed
    assert result.payload["cpu_times_floor"] == pytest.approx(2 * seconds / 20)
    assert result.rows[1].figures == {}  # the peer was not run


def test_the_peer_of_the_same_run_must_be_slower() -> None:
    def peers(users_per_second: float) -> PeerRun:
        found = {"users_per_second": users_per_second, "recommend_seconds": 50.0}
        return PeerRun({}, {scale.PEER: found}, 8.0, "RecTools 0.19.0")

    def failed(run: PeerRun) -> list[str]:
        result = scale._result(figures(100_000, 50, 2), figures(50_000, 25, 2), FLOOR, run)
        assert result.rows[1].figures["users/s"] == run.figures[scale.PEER]["users_per_second"]
        assert result.payload["peers"]["peak_rss_gb"] == 8
        return [check.name for check in result.failed]

    assert failed(peers(1_990)) == []
    assert failed(peers(2_010)) == ["times the users a second of RecTools: at least 1.0"]
