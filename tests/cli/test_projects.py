"""`rpx projects`: who runs, under which names, and who has the ports."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from rpx.backend.port_holder import PortOwner
from rpx.cli.commands import projects as command
from rpx.cli.helpers import running_projects
from rpx.cli.main import main
from rpx.doctor import holders
from rpx.door.starting import DoorPlace, door_place
from rpx.model.address import Address
from rpx.runs.held import take
from rpx.runs.lease import Identity, Lease

ME = Identity.of(os.getpid())
Printed = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user with a folder of projects, at a machine where nobody listens."""
    for name, value in (("HOME", "home"), ("XDG_STATE_HOME", "s"), ("XDG_RUNTIME_DIR", "run")):
        (tmp_path / value).mkdir(mode=0o700)
        monkeypatch.setenv(name, str(tmp_path / value))
    monkeypatch.setattr("rpx.folders.SHARED", tmp_path)
    monkeypatch.setattr(holders, "port_owners", lambda *_: {})
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


@pytest.fixture
def runs() -> Iterator[ExitStack]:
    with ExitStack() as undo:
        yield undo


def start(runs: ExitStack, folder: Path, name: str, url: str | None = None, realm: str = "") -> str:
    """Run a project there; what runs it is this test."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rpx.yaml").touch()
    run = f"run-of-{name}"
    runs.enter_context(take(Lease(ME, ME, run, name, folder / "rpx.yaml", url=url, realm=realm)))
    return run


def open_door(runs: ExitStack, *members: dict[str, Any], http: int = 80, https: int = 443) -> None:
    """Let a door say that these are behind it."""
    place: DoorPlace = door_place()
    place.folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    lock = runs.enter_context(place.lock.open("w"))
    fcntl.flock(lock, fcntl.LOCK_EX)
    ports = {"http": http, "https": https}
    said = {"pid": 4711, "rpx": "0.9", "since": time.time() - 200, "ports": ports}
    lock.write(json.dumps({**said, "members": members}) + "\n")
    lock.flush()


def member(run: str, *hosts: str, services: tuple[tuple[str, str], ...] = ()) -> dict[str, Any]:
    listed = [{"name": name, "url": url, "state": "ready"} for name, url in services]
    about = {"pid": ME.pid, "project": "", "folder": "/", "file": "/", "run_id": run, "since": 1.0}
    more = {"realm": "", "branch": "", "state": "ready", "http": 80, "https": 443}
    return {**about, **more, "hosts": hosts, "services": listed}


def listed(capsys: Printed) -> list[dict[str, Any]]:
    assert main(["projects", "--json"]) == 0
    rows: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return rows


def test_a_project_behind_the_door_has_all_of_its_urls_and_its_state(
    user: Path, runs: ExitStack, capsys: Printed
) -> None:
    shop = start(runs, user / "shop", "shop", "https://api.localhost")
    start(runs, user / "tools", "tools", "http://tools.localhost:9000")
    api = ("api", "https://api.localhost/v1")
    hosts = ("api.localhost", "*.t.localhost", "x.localhost")
    open_door(runs, member(shop, *hosts, services=(api,)))
    one, other = listed(capsys)
    assert one["urls"] == [api[1], "https://*.t.localhost", "https://x.localhost"]
    assert (one["state"], one["folder_exists"]) == ("ready", True)
    assert one["door"] == {"pid": 4711, "version": "0.9", "http_port": 80, "https_port": 443}
    assert (other["state"], other["door"]) == (None, None)
    assert other["urls"] == [other["url"]]
    assert {"name", "pid", "since", "url", "socket", "file", "file_exists"} < one.keys()

    assert main(["projects"]) == 0
    printed = capsys.readouterr()
    heading, first, second = printed.out.splitlines()
    assert heading.split() == ["NAME", "PID", "SINCE", "STATE", "URL", "FILE"]
    assert "  https://api.localhost/v1 https://*.t.localhost +1  " in first
    assert second.split()[3] == "-"
    assert (
        printed.err == "ports 80 and 443: the door of your projects (pid 4711, rpx 0.9, since 3m)\n"
    )


def test_worktrees_are_told_apart_by_realm_and_branch(
    user: Path, runs: ExitStack, capsys: Printed
) -> None:
    git = user / "shop/.git"
    for folder, branch in ((git, "main"), (git / "worktrees/shop-login", "fix/login")):
        folder.mkdir(parents=True)
        (folder / "HEAD").write_text(f"ref: refs/heads/{branch}\n")
    (git / "worktrees/shop-login/commondir").write_text("../..\n")
    (user / "shop-login").mkdir()
    (user / "shop-login/.git").write_text(f"gitdir: {git}/worktrees/shop-login\n")
    start(runs, user / "shop", "shop")
    runs.enter_context(
        take(Lease(ME, ME, "r2", "shop", user / "shop-login/rpx.yaml", realm="login"))
    )
    main_one, login = listed(capsys)
    assert (main_one["realm"], main_one["branch"]) == (None, "main")
    assert (login["realm"], login["branch"]) == ("login", "fix/login")
    main(["projects"])
    heading, first, second = capsys.readouterr().out.splitlines()
    assert heading.split() == ["NAME", "PID", "SINCE", "STATE", "REALM", "URL", "BRANCH", "FILE"]
    assert (first.split()[4], second.split()[4]) == ("-", "login")


def test_a_project_whose_folder_was_removed_is_shown_as_that(
    user: Path, runs: ExitStack, capsys: Printed
) -> None:
    start(runs, user / "a", "a")
    start(runs, user / "b", "b")
    (user / "a/rpx.yaml").unlink()
    shutil.rmtree(user / "b")
    one, other = listed(capsys)
    assert (one["file_exists"], one["folder_exists"]) == (False, True)
    assert (other["file_exists"], other["folder_exists"]) == (False, False)
    main(["projects"])
    _, first, second = capsys.readouterr().out.splitlines()
    assert first.endswith(f"{user}/a/rpx.yaml  (gone)")
    assert second.endswith(f"{user}/b/rpx.yaml  (gone), and its folder")


def test_who_else_has_the_ports_is_said_with_what_projects_get(
    user: Path, runs: ExitStack, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    nginx = PortOwner(Address("0.0.0.0", 80), 12, "nginx", "nginx: master")
    another = PortOwner(Address("127.0.0.1", 443))
    monkeypatch.setattr(holders, "port_owners", lambda *_: {80: nginx, 443: another})
    strangers = (
        "port 80: `nginx: master` (pid 12); projects get 8080 instead, or the next that is free\n"
        "port 443: another user's process; projects get 8443 instead, or the next that is free\n"
    )
    assert main(["projects"]) == 0
    assert capsys.readouterr().err == f"no project runs\n{strangers}"
    open_door(runs, http=8080, https=0)
    main(["projects"])
    said = "port 8080: the door of your projects (pid 4711, rpx 0.9, since 3m)\n"
    assert capsys.readouterr().err == f"no project runs\n{said}{strangers}"


def test_three_hundred_projects_are_a_line_each_and_there_at_once(
    user: Path, runs: ExitStack, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    names = [f"project{number:03}" for number in range(300)]
    looked: list[Path] = []
    found = [start(runs, user / name, name) for name in names]
    hosts = [f"{word}.x.localhost" for word in "abcde"]
    open_door(runs, *(member(run, *hosts) for run in found))

    def home() -> Path:
        looked.append(user)
        return user / "run/rpx"

    monkeypatch.setattr("rpx.runs.lease.runtime_home", home)
    monkeypatch.setenv("COLUMNS", "100")
    main(["projects"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == names
    assert all(len(line) <= 100 for line in lines)
    assert len(looked) == 1  # what is the same for all is asked once
    assert lines[1].startswith(f"project000  {ME.pid}  ")


def test_a_project_that_is_suspended_is_shown_as_that(
    user: Path, runs: ExitStack, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    shop = start(runs, user / "shop", "shop")
    open_door(runs, member(shop, "api.localhost"))
    monkeypatch.setattr(running_projects, "is_suspended", lambda pid: pid == ME.pid)
    assert [row["state"] for row in listed(capsys)] == ["suspended"]


def test_it_loads_neither_trio_nor_pydantic() -> None:
    program = f"import sys, {command.__name__}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert not {"trio", "pydantic", "httpx", "yaml"} & set(done.stdout.split())
