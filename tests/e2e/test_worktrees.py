"""Two worktrees of one repository, both run by rpx at once."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from rpx.runs.lease import Lease, parse
from rpx.runs.paths import LEASE, runtime_folder
from tests.support.project import SOON, Project, free_ports, project_in

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(shutil.which("git") is None, reason="there is no git here"),
]

API = """\
listen: {http_port: 0}
proxies:
  - to: api.localhost
    replicas: 1
    start: {command: exec PYTHON APPS/ok.py, env: {DATABASE: "shop_${RPX_REALM:-main}"}}
  - {to: "*.t.localhost", from: OTHER}
"""


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Project, Project]]:
    """The main worktree of a repository with an rpx.yaml, and a linked one; one user has both."""
    with project_in(tmp_path) as user, ExitStack() as undo:
        shop = undo.enter_context(project_in(_made(tmp_path / "shop")))
        git(shop.folder, "init", "-q")
        shop.write(API, OTHER=str(free_ports(1)[0]))
        git(shop.folder, "add", "rpx.yaml")
        git(shop.folder, "commit", "-q", "-m", "first")
        git(shop.folder, "worktree", "add", "-q", "-b", "wip", tmp_path / "shop-login")
        login = undo.enter_context(project_in(tmp_path / "shop-login"))
        for project in (shop, login):
            for name in ("XDG_RUNTIME_DIR", "XDG_STATE_HOME", "HOME"):
                project.environment[name] = user.environment[name]
        yield shop, login


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def git(where: Path, *words: str | Path) -> None:
    who = {"NAME": "Ann", "EMAIL": "ann@shop.test"}
    names = {f"GIT_{role}_{k}": v for role in ("AUTHOR", "COMMITTER") for k, v in who.items()}
    environ = {"PATH": os.environ["PATH"], "HOME": "/nowhere", "GIT_CONFIG_NOSYSTEM": "1", **names}
    subprocess.run(["git", *words], cwd=where, env=environ, check=True)


def lease_of(project: Project) -> Lease:
    home = Path(project.environment["XDG_RUNTIME_DIR"], "rpx")
    name = runtime_folder(project.folder / "rpx.yaml").name
    lease = parse((home / name / LEASE).read_bytes())
    assert lease is not None
    return lease


def urls(project: Project) -> set[str]:
    return {row["url"].rpartition(":")[0] for row in project.ps()}


def answer(project: Project, host: str) -> httpx.Response:
    """What the project that runs in a folder answers for a host."""
    url = lease_of(project).url
    assert url is not None
    return httpx.get(f"http://127.0.0.1:{url.rpartition(':')[2]}", headers={"Host": host})


def test_two_worktrees_run_at_once_each_with_its_own_hosts(two: tuple[Project, Project]) -> None:
    shop, login = two
    with shop.up("--wait", ready=False) as one, login.up("--wait", ready=False) as other:
        assert (one.wait(SOON), other.wait(SOON)) == (0, 0)
        assert (lease_of(shop).realm, lease_of(login).realm) == ("", "login")
        assert urls(shop) == {"http://api.localhost", "http://*.t.localhost"}
        assert urls(login) == {"http://api.login.localhost", "http://*.t.login.localhost"}
        assert answer(shop, "api.localhost").status_code == 200
        assert answer(login, "api.login.localhost").status_code == 200
        assert answer(login, "api.localhost").status_code == 404
        assert answer(shop, "api.login.localhost").status_code == 404

        words = ("run", "api", "echo $DATABASE ${RPX_REALM:-none} $RPX_API_URL")
        assert shop.rpx(*words).stdout == f"shop_main none {lease_of(shop).url}\n"
        assert login.rpx(*words).stdout == f"shop_login login {lease_of(login).url}\n"

        # Its hosts are known to everybody by now, and a worktree that was removed has no realm.
        text = (login.folder / "rpx.yaml").read_text()
        (login.folder / "rpx.yaml").write_text(f"realm: other\n{text}")
        done = login.rpx("reload")
        assert "nothing" in done.stdout
        said = login.rpx("logs", "rpx").stdout
        assert "the realm is `other` from the next run on, and `login` till then" in said
        assert answer(login, "api.login.localhost").status_code == 200
        (login.folder / "rpx.yaml").write_text(text)
        git(shop.folder, "worktree", "remove", "--force", login.folder)
        assert answer(login, "api.login.localhost").status_code == 200
        assert (lease_of(login).realm, lease_of(login).config.exists()) == ("login", False)
        assert shop.rpx("down", "--all").returncode == 0


def test_a_realm_that_is_asked_for_is_that_of_all_commands_while_it_runs(
    two: tuple[Project, Project],
) -> None:
    _, login = two
    with login.up("--realm", "two", ready=False):
        login.until_said("api.two.localhost")
        assert login.rpx("run", "api", "echo $RPX_REALM").stdout == "two\n"
        assert login.rpx("run", "--realm", "3", "api", "echo $RPX_REALM").stdout == "3\n"
        assert login.rpx("open", "api.two.localhost").stdout.startswith("http://api.two.localhost")
    flags = ("--from", str(free_ports(1)[0]), "--to", "web.localhost", "--http-port", "0")
    with login.up(*flags, ready=False, verb=()):
        login.until_said("http://web.login.localhost:")
    with login.up(*flags, "--realm", "", ready=False, verb=()):
        login.until_said("http://web.localhost:")
