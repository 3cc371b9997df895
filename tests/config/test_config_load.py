"""A configuration that cannot be used names the field, the value and what is allowed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from config import ConfigError, Settings, available, load_settings
from config.settings import Source

Write = Callable[[str], str]
HEAD = "name: x\nsource: {kind: synthetic}\n"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def put(text: str) -> str:
        path = tmp_path / "mine.yaml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return put


def explain(write: Write, text: str) -> list[str]:
    """Give the lines of the error, the first of which names the file."""
    with pytest.raises(ConfigError) as caught:
        load_settings(write(text))
    first, *lines = str(caught.value).splitlines()
    assert "mine.yaml: " in first
    return [line.strip() for line in lines] or [first.split("mine.yaml: ")[1]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # unknown keys, with the nearest known one
        (HEAD + "positive_mim: 0.5\n", "positive_mim: unknown key; did you mean 'positive_min'?"),
        (HEAD + "windows: {test_dys: 3}\n", "windows.test_dys: unknown key; did you mean 'test_"),
        (
            "name: x\nsource: {kind: movielens, path: a, pth: b}\n",
            "source.pth: unknown key; did you mean 'path'?; allowed: kind, path",
        ),
        (
            HEAD + "generators:\n  - {kind: als, candidate: 3}\n",
            "generators.0.candidate: unknown key; did you mean 'candidates'?",
        ),
        (
            "name: x\nsource: {kind: tabular, interactions: {path: a, item: b}}\n",
            "source.interactions.item: unknown key; did you mean 'item_id'?; allowed: delimiter,",
        ),
        (
            HEAD + "zzz: 1\n",
            "zzz: unknown key; allowed: chunk_memory_gb, features, gate, generators,",
        ),
        # bad values
        (HEAD + "positive_min: 2\n", "positive_min: must be less than or equal to 1 (found 2)"),
        (
            "name: x\nsource: {kind: synthetic, users: 3}\n",
            "source.users: must be greater than or equal to 10 (found 3)",
        ),
        (
            HEAD + "ranker: {loss: logloss}\n",
            "ranker.loss: must be 'Logloss', 'YetiRank' or 'QuerySoftMax' (found 'logloss')",
        ),
        (
            HEAD + "ingest: {timezone: Mars}\n",
            "ingest.timezone: is no time zone of the IANA list, such as UTC or Europe/Moscow "
            "(found 'Mars')",
        ),
        (
            HEAD + "windows: {ranker_days: 3, horizon_days: 7}\n",
            "windows: ranker_days (3) is shorter than horizon_days (7): no list could be judged",
        ),
        (
            "name: x\nsource: {kind: synthetic, start: soon}\n",
            "source.start: must be a day, YYYY-MM-DD (found 'soon')",
        ),
        (
            "name: x\nsource: {kind: tabular, interactions: {path: a, user_id: 7}}\n",
            "source.interactions.user_id: must be text: put it in quotes (found 7)",
        ),
        ("name: X Y\nsource: {kind: synthetic}\n", "name: String should match pattern"),
        (HEAD + "generators: []\n", "generators: List should have at least 1 item"),
        (HEAD + "generators: [5]\n", "generators.0: must be a mapping of keys to values (found 5)"),
        (HEAD + "ranker: 3\n", "ranker: must be a mapping of keys to values (found 3)"),
        (HEAD + "features: {windows_days: 3}\n", "features.windows_days: must be a list (found 3)"),
        (
            HEAD + "generators: [{kind: als, params: [1]}]\n",
            "generators.0.params: must be a mapping of keys to values (found [1])",
        ),
        (
            HEAD + "generators: [{kind: als, name: a/b}]\n",
            "generators.0.name: String should match pattern '^[A-Za-z0-9]",
        ),
        # what is missing
        ("source: {kind: synthetic}\n", "name: is required and missing"),
        ("name: x\nsource:\n", "source: must be a mapping of keys to values (found None)"),
        (
            "name: x\nsource: {kind: kion}\n",
            "source.path: is required and missing",
        ),
        (
            "name: x\nsource: {kind: tabular, interactions: {path: a}, users: {path: b}}\n",
            "source.users.id: is required and missing",
        ),
        ("name: x\nsource: {path: a}\n", "source: says no kind: synthetic, movielens, kion or"),
        (
            "name: x\nsource: {kind: movielense, path: a}\n",
            "source.kind: must be one of 'synthetic', 'movielens', 'kion', 'tabular' "
            "(found 'movielense')",
        ),
        # generators that do not fit together
        (
            HEAD + "generators: [{kind: als}, {kind: als}]\n",
            "generators: the name 'als' stands twice; give each its own",
        ),
        (
            HEAD + "generators: [{kind: als, candidates: 0}]\n",
            "generators: none of them proposes anything (candidates: 0)",
        ),
        (
            HEAD + "generators: [{kind: als}, {kind: ease, share_fit: als}]\n",
            "generators.ease.share_fit: 'als' is no ease source with weights of its own; "
            "sources are ['als', 'ease']",
        ),
        (
            HEAD + "generators: [{kind: ease, share_fit: eese}]\n",
            "generators.ease.share_fit: 'eese' is no ease source",
        ),
        (
            HEAD + "generators: [{kind: ease, share_fit: ease}]\n",
            "generators.ease.share_fit: 'ease' is no ease source with weights of its own",
        ),
        (
            HEAD + "generators:\n"
            "  - {kind: ease}\n"
            "  - {kind: ease, name: b, share_fit: ease, fit_days: 2}\n",
            "generators.1: fit_days says how a source is fitted, but b shares the fit of ease: set "
            "it there",
        ),
        (
            HEAD + "generators:\n"
            "  - {kind: ease}\n"
            "  - {kind: ease, name: b, share_fit: ease, required: false}\n",
            "generators.1: required says how a source is fitted, but b shares the fit of ease",
        ),
        (
            HEAD + "generators: [{kind: popularity, fit_days: 2}]\n",
            "generators.0: fit_days is 2, but popularity counts anew every day: give it params: "
            "{window_days: …}",
        ),
        # what is no configuration at all
        ("", "expected a mapping of sections, found NoneType"),
        ("- a\n", "expected a mapping of sections, found list"),
    ],
)
def test_one_problem_is_explained_in_one_line(write: Write, text: str, expected: str) -> None:
    (line,) = explain(write, text)
    assert line.startswith(expected)


def test_all_problems_are_told_at_once(write: Write) -> None:
    lines = explain(write, HEAD + "positive_min: 2\nranker: {depth: 99}\nzzz: 1\n")
    assert [line.split(":")[0] for line in lines] == ["positive_min", "ranker.depth", "zzz"]


def test_every_kind_of_source_is_named_where_none_is_given(write: Write) -> None:
    (line,) = explain(write, "name: x\nsource: {}\n")
    for model in get_args(get_args(Source)[0]):
        assert model.model_fields["kind"].default in line


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: [x\n", "not readable as YAML.*line 2"),
        ("name: x\nname: y\n", "not readable as YAML.*'name' stands twice.*line 2, column 1"),
        ("name: x\nwindows:\n  test_days: 7\n  test_days: 14\n", "'test_days' stands twice"),
        ("name: !!python/object:os.system x\n", "not readable as YAML"),
    ],
)
def test_bad_yaml_says_where(write: Write, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match="(?s)" + message):
        load_settings(write(text))


def test_a_file_in_another_encoding_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes("name: кино".encode("cp1251"))
    with pytest.raises(ConfigError, match=r"not readable as YAML.*codec"):
        load_settings(str(path))


def test_an_unquoted_day_is_a_day(write: Write) -> None:
    for text in ("2025-02-03", "'2025-02-03'"):
        settings = load_settings(write(f"name: x\nsource: {{kind: synthetic, start: {text}}}\n"))
        assert settings.source.start == "2025-02-03"


class TestNames:
    def test_an_unknown_data_set_has_a_hint(self) -> None:
        with pytest.raises(ConfigError, match=r"'ml-2m': there are \['demo', .*mean 'ml-1m'\?"):
            load_settings("ml-2m")

    def test_a_strange_name_has_none(self) -> None:
        with pytest.raises(ConfigError) as caught:
            load_settings("qqqqqqq")
        assert "did you mean" not in str(caught.value)
        assert "path of a YAML file of your own" in str(caught.value)

    @pytest.mark.parametrize("name", ["mine.yaml", "some/where", "./some/demo", "mine.yml"])
    def test_a_path_that_is_not_there(self, name: str) -> None:
        with pytest.raises(ConfigError, match=r"no config file .*; give its path, or one of"):
            load_settings(name)

    def test_a_folder_is_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="no config file"):
            load_settings(str(tmp_path))


class TestEnvironment:
    TEXT = "name: x\nsource: {kind: kion, path: '${KION_HOME}/raw/${KION_PART:-all}'}\n"

    def test_variables_and_defaults_are_filled_in(
        self, write: Write, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("KION_HOME", "/data")
        monkeypatch.delenv("KION_PART", raising=False)
        assert load_settings(write(self.TEXT)).source.path == "/data/raw/all"
        monkeypatch.setenv("KION_PART", "half")
        assert load_settings(write(self.TEXT)).source.path == "/data/raw/half"

    @pytest.mark.parametrize("value", [None, ""])
    def test_a_missing_one_is_named(
        self, write: Write, monkeypatch: pytest.MonkeyPatch, value: str | None
    ) -> None:
        monkeypatch.delenv("KION_HOME", raising=False)
        if value is not None:
            monkeypatch.setenv("KION_HOME", value)
        with pytest.raises(ConfigError, match="needs the environment variable KION_HOME; set it"):
            load_settings(write(self.TEXT))

    def test_one_set_to_nothing_takes_the_default(
        self, write: Write, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("KION_HOME", "/data")
        monkeypatch.setenv("KION_PART", "")
        assert load_settings(write(self.TEXT)).source.path == "/data/raw/all"

    def test_lists_are_searched_too(self, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("WHICH", "als")
        text = HEAD + "generators: [{kind: '${WHICH}'}]\n"
        assert load_settings(write(text)).generators[0].name == "als"


class TestOverrides:
    def test_sections_are_updated_and_values_replaced(self, write: Write) -> None:
        path = write(HEAD + "recommend: {k: 5, seen: none}\npositive_min: 0.3\n")
        settings = load_settings(path, recommend={"k": 7}, positive_min=0.9, threads=2)
        assert (settings.recommend.k, settings.recommend.seen) == (7, "none")
        assert (settings.positive_min, settings.threads) == (0.9, 2)

    def test_they_are_checked_like_the_file(self) -> None:
        with pytest.raises(ConfigError, match=r"recommend\.k: must be greater than or equal to 1"):
            load_settings("demo", recommend={"k": 0})


def test_settings_do_not_change_after_loading() -> None:
    settings = load_settings("demo")
    with pytest.raises(ValueError, match="frozen"):
        settings.positive_min = 0.1
    assert isinstance(settings, Settings)


def test_the_name_of_a_source_is_its_kind_unless_given(write: Write) -> None:
    text = HEAD + "generators: [{kind: ease}, {kind: ease, name: again, share_fit: ease}]\n"
    assert [g.name for g in load_settings(write(text)).generators] == ["ease", "again"]


def test_the_defaults_are_sound(write: Write) -> None:
    settings = load_settings(write(HEAD))
    assert [g.name for g in settings.generators] == ["popularity", "als", "ease", "item_knn"]
    assert available() == ["demo", "demo-neural", "globo", "kion", "ml-100k", "ml-1m"]
