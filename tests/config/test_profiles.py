"""Which services belong to a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from rpx.config import load_config
from rpx.config.checks.profiles import Selection
from rpx.errors import ConfigError, UsageError

TEXT = """\
proxies:
  - {to: api.localhost, from: 3000}
  - {to: admin.localhost, from: 3001, profiles: [full, tools]}
processes:
  worker: ./worker
  mail: {command: ./mail, profiles: tools}
  mailbox: {command: ./mailbox, profiles: [tools], depends_on: [mail]}
  profiler: {command: ./profiler, profiles: deep}
"""
ALWAYS = {"api", "worker"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "rpx.yaml").write_text(TEXT)
    return tmp_path / "rpx.yaml"


def services(file: Path, asked: Selection, **environ: str) -> set[str]:
    config = load_config(file, environ, None, asked)
    return {proxy.name for proxy in config.proxies} | {each.name for each in config.processes}


@pytest.mark.parametrize(
    ("asked", "more"),
    [
        (Selection(), set()),
        (Selection(("full",)), {"admin"}),
        (Selection(("full", "deep")), {"admin", "profiler"}),
        (Selection(("*",)), {"admin", "mail", "mailbox", "profiler"}),
        (Selection(names=("profiler", "api:3000")), {"profiler"}),
        (Selection(names=("mailbox",)), {"admin", "mail", "mailbox"}),
    ],
)
def test_a_service_with_profiles_is_there_when_one_of_them_is_active(
    file: Path, asked: Selection, more: set[str]
) -> None:
    assert services(file, asked) == ALWAYS | more


def test_profiles_can_come_from_the_environment_or_the_dotenv(file: Path) -> None:
    assert services(file, Selection(), RPX_PROFILES="full, elsewhere") == ALWAYS | {"admin"}
    (file.parent / ".env").write_text("RPX_PROFILES=deep\n")
    assert services(file, Selection()) == ALWAYS | {"profiler"}
    assert services(file, Selection(), RPX_PROFILES="") == ALWAYS


def test_a_profile_that_nothing_belongs_to_is_a_mistake(file: Path) -> None:
    with pytest.raises(UsageError) as caught:
        services(file, Selection(("ful",)))
    problem = caught.value.problems[0]
    assert (problem.what, problem.hint) == ("there is no profile `ful`", "did you mean `full`?")
    with pytest.raises(UsageError, match="no profile") as caught:
        services(file, Selection(("staging",)))
    assert caught.value.problems[0].hint == "there are full, tools, deep"


def test_nobody_is_brought_along_by_who_depends_on_it(file: Path) -> None:
    file.write_text(TEXT.replace("worker: ./worker", "worker: {command: ./w, depends_on: mail}"))
    with pytest.raises(ConfigError) as caught:
        services(file, Selection())
    [problem] = caught.value.problems
    assert problem.what == ("process `worker` depends on `mail`, whose profiles are not active")
    assert "rpx.yaml:5:" in problem.where
    assert "mail" in services(file, Selection(("tools",)))


def test_what_is_left_out_takes_nobody_s_port_and_is_read_all_the_same(file: Path) -> None:
    file.write_text(
        "proxies:\n"
        "  - {to: a.localhost, from: 3000, start: ./a, profiles: [one]}\n"
        "  - {to: b.localhost, from: 3000, start: ./b, profiles: [two]}\n"
    )
    assert services(file, Selection(("one",))) == {"a"}
    with pytest.raises(ConfigError, match="two processes would listen"):
        services(file, Selection(("*",)))
    file.write_text("processes: {a: ./a, b: {comand: ./b, profiles: [two]}}")
    with pytest.raises(ConfigError, match="unknown setting"):
        services(file, Selection())


def test_a_file_of_profiles_alone_says_how_to_choose_one(file: Path) -> None:
    file.write_text("processes: {a: {command: ./a, profiles: [full]}}")
    with pytest.raises(ConfigError) as caught:
        services(file, Selection())
    [problem] = caught.value.problems
    assert problem.what.endswith("has nothing outside its profiles: there is nothing to do")
    assert problem.hint == "choose one: `--profile full`"
