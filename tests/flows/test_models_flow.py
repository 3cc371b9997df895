"""The registry in whole days: a real tracking server, a day that is refused, and the commands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlflow_server import MlflowServer
from small_day import AS_OF, SMALL, Ran, Zavtra

import tasks.ranker
from flows.cli_models import app
from flows.recommend import recommend
from flows.report import report
from models.base import ModelError
from models.ranker import Ranker

DAY = "2026-03-04"
"""Two days after :data:`AS_OF`, which has a champion."""


def models(*words: object, config: Path, home: Path) -> None:
    """Run ``zavtra models …`` in this process."""
    app([*map(str, words), "--config", str(config), "--home", str(home)], standalone_mode=False)


def left(home: Path, day: str, step: str) -> dict[str, Any]:
    """Read what a step of a day decided."""
    path = home / "small" / "runs" / f"as_of={day}" / step
    return dict(json.loads(next(path.glob(f"{step}.json")).read_text()))


def lists(home: Path, day: str) -> pd.DataFrame:
    return pd.read_parquet(home / "small" / "recommendations" / f"as_of={day}" / "part.parquet")


@pytest.fixture
def no_skill(monkeypatch: pytest.MonkeyPatch) -> None:
    """Train rankers on labels that say nothing."""
    fit = Ranker.fit

    def on_noise(ranker: Ranker, windows: list[Any], names: list[str]) -> Ranker:
        draw = np.random.default_rng(1)
        noisy = [
            type(rows)(**{**vars(rows), "label": draw.permutation(rows.label)}) for rows in windows
        ]
        return fit(ranker, noisy, names)

    monkeypatch.setattr(tasks.ranker.Ranker, "fit", on_noise)


@pytest.mark.server
@pytest.mark.timeout(900)  # two servers and a whole day are counted to the first test
@pytest.mark.usefixtures("no_skill")
def test_train_promote_train_worse_refuse_roll_back(
    mlflow_server: MlflowServer, ran: Ran, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ran.copy(tmp_path / "home").home
    config = tmp_path / "small.yaml"
    own = f"registry: {{tracking_uri: '{mlflow_server.uri}'}}\nleaks: {{enabled: false}}\n"
    config.write_text(f"{SMALL}\nshap: {{rows: 1000, pair_rows: 100}}\n{own}")

    # Train, promote: the first list there is goes out. Its ranker is that of the day already run.
    report(config=str(config), as_of=AS_OF, home=str(home))
    assert left(home, AS_OF, "gate")["publish"] == "final"
    first = left(home, AS_OF, "registered")
    assert (first["version"], first["aliases"]) == (1, ["champion"])
    assert first["registry"] == mlflow_server.uri

    # Train worse, refuse: the champion's list goes out again.
    report(config=str(config), as_of=DAY, home=str(home))
    gate = left(home, DAY, "gate")
    assert gate["publish"] == "champion", gate["why"]
    assert gate["champion"]["version"] == 1
    assert left(home, DAY, "registered")["aliases"] == ["challenger"]
    by_champion = lists(home, DAY)

    # A person overrules it, thinks better of it, and rolls back.
    models("promote", 2, config=config, home=home)
    models("rollback", config=config, home=home)
    said = capsys.readouterr().out.replace("\n", " ")
    assert f"version 2 of {DAY} is the champion of small, instead of version 1" in said
    assert f"version 2 of {DAY} is taken back and will not be published again" in said
    recommend(config=str(config), as_of=DAY, home=str(home))
    gate = left(home, DAY, "gate")
    assert gate["publish"] == "champion"
    assert "rolled back" in gate["why"]
    pd.testing.assert_frame_equal(lists(home, DAY), by_champion)

    models("list", config=config, home=home)
    told = capsys.readouterr().out
    assert "champion" in told
    assert "rolled back" in told


def test_the_embedded_registry_is_there_without_asking(
    ran: Ran, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = ran.copy(tmp_path / "home")
    assert left(ran.home, AS_OF, "registered")["aliases"] == ["champion"]
    models("list", config=ran.config, home=ran.home)
    row = next(line for line in capsys.readouterr().out.splitlines() if AS_OF in line)
    assert row.split()[1::2][:3] == ["1", AS_OF, "champion"]
    with pytest.raises(ModelError, match="there is no version 3 of 'small'; there are 1"):
        models("promote", 3, config=ran.config, home=ran.home)
    with pytest.raises(ModelError, match="version 1 is the only champion"):
        models("rollback", config=ran.config, home=ran.home)
    models("promote", 1, config=ran.config, home=ran.home)
    assert "is the champion of small" in capsys.readouterr().out

    (artifact,) = (ran.lake / "mlartifacts").glob("*/artifacts/bundle/ranker/ranker.cbm")
    artifact.write_bytes(artifact.read_bytes()[:-1])
    with pytest.raises(ModelError, match=r"version 1 cannot become champion: .*ranker\.cbm"):
        models("promote", 1, config=ran.config, home=ran.home)


def test_a_registry_that_is_away_is_said_in_one_line(
    ran: Ran, tmp_path: Path, zavtra: Zavtra
) -> None:
    config = tmp_path / "small.yaml"
    config.write_text(f"{SMALL}\nregistry: {{tracking_uri: 'http://127.0.0.1:9'}}\n")
    run = zavtra("models", "list", "--config", config, "--home", ran.home)
    assert run.returncode == 1
    assert run.stderr.startswith("Stopped: the registry at http://127.0.0.1:9 is away")
    assert len(run.stderr.strip().splitlines()) == 1
    run = zavtra("models", "list", "--config", ran.config, "--home", "memory://far")
    assert run.stderr.startswith("Stopped: the registry cannot be embedded in memory://far/small")
