"""Processes that run as somebody else, where rpx is root; and what is said where it is not."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from rpx.backend.environment import child_environment
from rpx.backend.other_user import account_of, account_to_become, check_users
from rpx.backend.side_command import SideCommand
from rpx.errors import ConfigError, RpxError
from rpx.model.config import Start
from rpx.model.specs import ProcessSpec
from tests.support.running import running

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
NOBODY = pwd.getpwnam("nobody")


def spec(user: str, **env: str) -> ProcessSpec:
    start = Start(command="x", cwd=Path("/"), user=user, env=env, where="rpx.yaml:3:5")
    return ProcessSpec("db", "db", 1, start)


def test_a_user_is_a_name_or_a_number_and_may_have_another_group() -> None:
    by_name, by_number = account_of("nobody"), account_of(str(NOBODY.pw_uid))
    assert by_name == by_number
    assert (by_name.uid, by_name.gid, by_name.home) == (
        NOBODY.pw_uid,
        NOBODY.pw_gid,
        NOBODY.pw_dir,
    )
    assert account_of("nobody:0").gid == 0
    stranger = account_of("54321:54322")
    assert (stranger.uid, stranger.gid, stranger.groups) == (54321, 54322, (54322,))


@pytest.mark.parametrize(
    ("user", "what"),
    [
        ("nosuchuser", "there is no user `nosuchuser`"),
        ("nobody:nosuchgroup", "there is no group `nosuchgroup`"),
        ("54321", "nobody has the user id 54321, which leaves its group open"),
    ],
)
def test_whom_nobody_knows_is_an_error_with_its_place_and_a_hint(user: str, what: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_users([spec(user), spec(user)])
    [problem] = caught.value.problems
    assert problem.what == f"`db` can't run as `{user}`: {what}"
    assert problem.where == "rpx.yaml:3:5"
    assert problem.hint


def test_without_root_nobody_is_somebody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: NOBODY.pw_uid)
    assert account_to_become("nobody") is None
    assert account_to_become(str(NOBODY.pw_uid)) is None
    with pytest.raises(RpxError, match="only root can run something as `root`") as caught:
        account_to_become("root")
    assert caught.value.problems[0].hint == (
        "`sudo rpx up`; or leave `user` out, and it runs as `nobody`"
    )


@ROOT
def test_its_environment_is_that_of_the_user_and_env_is_above(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/0")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/root/.config")
    monkeypatch.setenv("XDG_SESSION_TYPE", "tty")
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    usual = {"SSL_CERT_FILE": "/root/list.pem"}
    there = child_environment(spec("nobody", USER="me"), colour=False, usual=usual)
    assert (there["HOME"], there["LOGNAME"], there["USER"]) == (NOBODY.pw_dir, "nobody", "me")
    assert not {"XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "SSL_CERT_FILE"} & there.keys()
    assert there["XDG_SESSION_TYPE"] == "tty"


@ROOT
@pytest.mark.real
@pytest.mark.parametrize("tty", [False, True])
async def test_it_has_its_output_and_is_stopped_with_all_that_it_has_started(tty: bool) -> None:
    script = (
        "id -un; echo by name > /dev/stdout; setsid sleep 1000 & echo apart $!;"
        " (trap '' TERM; exec sleep 1000) & echo deaf $!; wait"
    )
    async with running(script, user="nobody", tty=tty, grace=0.5) as it:
        await it.until_named("apart", "deaf")
        assert it.lines[:2] == ["nobody", "by name"]
        assert {each.uids().real for each in it.named.values()} == {NOBODY.pw_uid}
        await it.child.stop()
    assert it.left == []


@ROOT
@pytest.mark.real
async def test_what_runs_beside_it_is_the_same_user() -> None:
    start = Start(command="x", cwd=Path("/"), user="nobody")
    side = SideCommand(start, os.environ, f"t{os.getpid()}.user.health")
    assert await side.run('test "$(id -un)" = nobody', within=30) is None
