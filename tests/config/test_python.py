"""A configuration from Python: the same rules, places are key paths."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpx.config import config_from_mapping, overlaid
from rpx.config.settings.places import all_settings, settings_of
from rpx.config.settings.top_level import TopWritten
from rpx.errors import ConfigError
from rpx.model.address import Address
from tests.config.support import describe, undescribable


def test_from_may_be_spelled_from_(tmp_path: Path) -> None:
    config = describe(tmp_path, from_=["localhost:3000", 3001], to="api.localhost", verbose=True)
    (proxy,) = config.proxies
    assert [source.address for source in proxy.sources] == [
        Address("localhost", 3000),
        Address("localhost", 3001),
    ]
    assert (config.file, config.root, config.verbose) == (None, tmp_path, True)


def test_keywords_win_over_a_mapping_in_whatever_spelling() -> None:
    shared = {"from": 3000, "changeOrigin": True, "to": "api.localhost", "x-mine": 1}
    won = overlaid(shared, {"from_": 3001, "change_origin": False})
    assert won == {"to": "api.localhost", "x-mine": 1, "from_": 3001, "change_origin": False}


def test_a_list_of_proxies_is_what_it_is_in_yaml(tmp_path: Path) -> None:
    start = {"command": ("python", "app.py"), "cwd": tmp_path, "stopSignal": signal.SIGINT}
    config = describe(tmp_path, proxies=({"from_": 3000, "to": "a", "start": start},))
    found = config.proxies[0].sources[0].start
    assert found is not None
    assert (found.command, found.cwd, found.stop_signal) == (("python", "app.py"), tmp_path, 2)
    assert found.where == "proxies[0].start.command"


def test_strings_are_taken_as_they_are(tmp_path: Path) -> None:
    config = describe(tmp_path, processes={"w": {"command": "./w", "env": {"A": "$B ${", "C": 1}}})
    assert config.processes[0].start.env == {"A": "$B ${", "C": "1"}


def test_dotenv_of_the_root_reaches_the_processes(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1\nB=2\n")
    settings = {"processes": {"w": "./w"}}
    config = config_from_mapping(settings, root=tmp_path, environ={"B": "shell"})
    assert config.processes[0].start.env == {"A": "1"}


def test_places_are_key_paths(tmp_path: Path) -> None:
    problems = undescribable(
        tmp_path,
        proxies=[{"from_": [3000, "x"], "to": "a", "helthCheck": 1}, {"to": "b"}, 3],
        processes={"w": {"command": "./w", "stop_grace_period": -1}},
    )
    assert {(problem.where, problem.what) for problem in problems} == {
        ("proxies[0].from[1]", "`from` of proxy `a` is not an address: `x`"),
        ("proxies[0].helthCheck", "proxy `a` has an unknown setting `helthCheck`"),
        ("proxies[1]", "proxy `b` has no `from`"),
        ("proxies[2]", "entry 3 of `proxies` is not a mapping of settings: `3`"),
        (
            "processes.w.stop_grace_period",
            "`stop_grace_period` of process `w` cannot be negative: `-1`",
        ),
    }
    assert all(problem.excerpt == "" for problem in problems)


def test_two_places_are_both_key_paths(tmp_path: Path) -> None:
    proxies = [{"from": 3000, "to": "a"}, {"from": "127.0.0.1:3000", "to": "a"}]
    (problem,) = undescribable(tmp_path, proxies=proxies)
    assert problem.where == "proxies[1].from"  # as far as it is written
    assert problem.what.endswith("here and at proxies[0].from")


def test_both_spellings_of_a_key_are_refused(tmp_path: Path) -> None:
    (problem,) = undescribable(tmp_path, **{"from": 3000, "from_": 3001}, to="a")
    assert problem.what == "`from` and `from_` are the same setting, given twice"


def test_a_key_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (problem,) = undescribable(tmp_path, from_=3000, to="a", health_check={1: 2})
    assert (problem.where, problem.what) == ("health_check", "the key 1 is not text")


def test_a_structure_that_contains_itself_is_refused(tmp_path: Path) -> None:
    loop: list[object] = []
    loop.append(loop)
    (problem,) = undescribable(tmp_path, from_=loop, to="a")
    assert "nested too deeply" in problem.what


def test_an_empty_description_is_refused(tmp_path: Path) -> None:
    (problem,) = undescribable(tmp_path)
    assert problem.what == (
        "the configuration has no `proxies` and no `processes`: there is nothing to do"
    )


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
keys = st.sampled_from(sorted(settings_of(TopWritten)))
parts = st.sampled_from(sorted(all_settings()))


@given(settings=st.dictionaries(keys, junk | st.dictionaries(parts, junk, max_size=4)))
def test_any_junk_is_a_configuration_or_a_list_of_problems(settings: dict[str, object]) -> None:
    try:
        config_from_mapping(settings, root=Path("/"), environ={})
    except ConfigError as error:
        assert all(problem.what for problem in error.problems)  # noqa: PT017 - either is right


@given(entry=st.dictionaries(parts, junk, max_size=6))
def test_any_junk_in_a_process_is_told(entry: dict[str, object]) -> None:
    try:
        config_from_mapping({"processes": {"w": entry}}, root=Path("/"), environ={})
    except ConfigError as error:
        assert all("process `w`" in str(error) for _ in error.problems)  # noqa: PT017


def test_problems_keep_the_order_of_the_keys(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        describe(tmp_path, proxies=[{"to": "a b", "from": 3000}, {"to": "c d", "from": 3001}])
    assert [problem.where for problem in caught.value.problems] == [
        "proxies[0].to",
        "proxies[1].to",
    ]
