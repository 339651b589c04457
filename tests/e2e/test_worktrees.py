"""Two worktrees of one repository, both run by rpx at once."""

from __future__ import annotations

import json
import os
import re
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from rpx.certificates.authority import open_authority
from rpx.runs.lease import Lease, parse
from rpx.runs.paths import LEASE, runtime_folder
from tests.support.project import SOON, Project, free_ports, project_in, until

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(shutil.which("git") is None, reason="there is no git here"),
]

# `stubborn` doesn't look at its PORT.
SHOP = """\
https: {redirect: false}
proxies:
  - to: api.localhost
    from: API
    start:
      command: exec PYTHON APPS/ok.py
      env: {DATABASE: "shop_${RPX_REALM:-main}", STORE: "localhost:${RPX_PORT_CACHE:-CACHE}"}
  - {to: "*.t.localhost", from: OTHER}
  - to: stubborn.localhost
    from: STUBBORN
    start: {command: PORT=STUBBORN exec PYTHON APPS/ok.py, restart: "no"}
    profiles: [stubborn]
processes:
  cache:
    command: PORT=${RPX_PORT_CACHE:-CACHE} exec PYTHON APPS/ok.py
    ready: {tcp: CACHE}
"""


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Project, Project]]:
    """The main worktree of a repository with an rpx.yaml, and a linked one; one user has both."""
    with project_in(tmp_path) as user, ExitStack() as undo:
        shop = undo.enter_context(project_in(_made(tmp_path / "shop")))
        git(shop.folder, "init", "-q")
        names = ("API", "OTHER", "STUBBORN", "CACHE")
        ports = map(str, free_ports(len(names)))
        shop.write(SHOP, **dict(zip(names, ports, strict=True)))
        git(shop.folder, "add", "rpx.yaml")
        git(shop.folder, "commit", "-q", "-m", "first")
        git(shop.folder, "worktree", "add", "-q", "-b", "wip", tmp_path / "shop-login")
        login = undo.enter_context(project_in(tmp_path / "shop-login"))
        user.http_port, user.https_port = free_ports(2)
        for project in (shop, login):
            project.http_port, project.https_port = user.http_port, user.https_port
            project.environment = user.environment
        user.environment |= {
            "RPX_HTTP_PORT": str(user.http_port),
            "RPX_HTTPS_PORT": str(user.https_port),
            "XDG_DATA_HOME": str(tmp_path / "data"),
        }
        open_authority(authority_of(user))
        yield shop, login


def authority_of(project: Project) -> Path:
    return Path(project.environment["XDG_DATA_HOME"], "rpx/authority")


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


def written(project: Project) -> dict[str, int]:
    """The ports of rpx.yaml, by service."""
    text = (project.folder / "rpx.yaml").read_text()
    api, other, stubborn = (int(each) for each in re.findall(r"from: (\d+)", text))
    [cache] = re.findall(r"tcp: (\d+)", text)
    return {"api": api, "other": other, "stubborn": stubborn, "cache": int(cache)}


def urls(project: Project) -> set[str]:
    return {row["url"].rpartition(":")[0] for row in project.ps() if row["url"]}


def answers(project: Project, host: str, *, tls: bool = False) -> int | None:
    """Which port of a backend answers for a host at the one port that all projects have, if any."""
    if not tls:
        answer = project.get(host)
    else:
        context = ssl.create_default_context(cafile=str(authority_of(project) / "rpx-ca.pem"))
        with httpx.Client(verify=context, trust_env=False, timeout=SOON) as client:
            url, details = f"https://127.0.0.1:{project.https_port}/", {"sni_hostname": host}
            answer = client.get(url, headers={"Host": host}, extensions=details)
    return answer.json()["port"] if answer.status_code == 200 else None


def test_two_worktrees_run_at_once_each_with_hosts_and_ports_of_its_own(
    two: tuple[Project, Project],
) -> None:
    shop, login = two
    port = written(shop)
    with shop.up("--wait", ready=False) as one, login.up("--wait", ready=False) as other:
        assert (one.wait(SOON), other.wait(SOON)) == (0, 0), (shop.said(), login.said())
        assert (lease_of(shop).realm, lease_of(login).realm) == ("", "login")
        assert urls(shop) == {"https://api.localhost", "https://*.t.localhost"}
        assert urls(login) == {"https://api.login.localhost", "https://*.t.login.localhost"}
        [row] = [row for row in login.ps() if row["name"] == "api"]
        ours = row["port"]
        assert ours != port["api"]
        for tls in (False, True):
            assert answers(shop, "api.localhost", tls=tls) == port["api"]
            assert answers(shop, "api.login.localhost", tls=tls) == ours

        rows = {row["label"]: row for row in login.ps()}
        api, shared = rows[f"api:{port['api']}"], rows[f"t:{port['other']}"]
        assert (api["backend"], api["port"]) == (f"localhost:{port['api']}", ours)
        assert (shared["backend"], shared["port"]) == (f"localhost:{port['other']}", port["other"])
        assert f":{port['api']} ({ours}) " in login.rpx("ps").stdout
        assert f"{port['api']} (" not in shop.rpx("ps").stdout
        for name in (str(port["api"]), str(ours)):
            done = login.rpx("kill-backend", name, "--json")
            assert json.loads(done.stdout)["label"] == f"api:{port['api']}"
            until(lambda: login.states()[f"api:{port['api']}"] == "ready", "it comes back")
        assert answers(shop, "api.localhost") == port["api"]

        words = ("run", "api", "echo $DATABASE ${RPX_REALM:-none} $RPX_API_PUBLIC_URL $PORT $STORE")
        assert shop.rpx(*words).stdout == (
            f"shop_main none {lease_of(shop).url} {port['api']} localhost:{port['cache']}\n"
        )
        head, _, store = login.rpx(*words).stdout.strip().rpartition(":")
        assert head == f"shop_login login {lease_of(login).url} {ours} localhost"
        assert httpx.get(f"http://localhost:{store}").json()["port"] == int(store)
        assert int(store) != port["cache"]

        # Its hosts are known to everybody by now, and a worktree that was removed has no realm.
        text = (login.folder / "rpx.yaml").read_text()
        (login.folder / "rpx.yaml").write_text(f"realm: other\n{text}")
        assert "nothing" in login.rpx("reload").stdout
        said = login.rpx("logs", "rpx").stdout
        assert "the realm is `other` from the next run on, and `login` till then" in said
        assert answers(shop, "api.login.localhost") == ours
        (login.folder / "rpx.yaml").write_text(text)
        assert login.rpx("down").returncode == 0
        with login.up("--wait", ready=False) as again:
            assert again.wait(SOON) == 0
            assert answers(shop, "api.login.localhost") == ours  # it stays the same
            git(shop.folder, "worktree", "remove", "--force", login.folder)
            assert answers(shop, "api.login.localhost") == ours
            assert (lease_of(login).realm, lease_of(login).config.exists()) == ("login", False)
            assert shop.rpx("down", "--all").returncode == 0


def test_who_does_not_look_at_its_port_runs_in_one_worktree_at_a_time(
    two: tuple[Project, Project],
) -> None:
    shop, login = two
    port = written(shop)["stubborn"]
    with login.up("stubborn", ready=False):
        login.until_said(f"stubborn:{port} listens on {port}, as it is written")
        until(lambda: login.states().get(f"stubborn:{port}") == "ready", "it is ready")
        assert answers(login, "stubborn.login.localhost") == port
        [row] = [row for row in login.ps() if row["name"] == "stubborn"]
        assert row["port"] == port
        done = shop.rpx("up", "stubborn")
        assert (done.returncode, f"{port}, is taken by " in done.stderr) == (1, True)
        assert f"the rpx project `{lease_of(login).name}`" in done.stderr
        assert "give this one ports and hosts of its own: `rpx up --realm NAME`" in done.stderr
    with shop.up("stubborn", ready=False):
        until(lambda: shop.states().get(f"stubborn:{port}") == "ready", "it is ready")
        with login.up("stubborn", ready=False):
            line = login.until_said("exited with status 1")
            assert f"127.0.0.1:{port} belongs to " in line
        assert answers(shop, "stubborn.localhost") == port


def test_a_realm_that_is_asked_for_is_that_of_all_commands_while_it_runs(
    two: tuple[Project, Project],
) -> None:
    _, login = two
    with login.up("--realm", "two", ready=False):
        login.until_said("api.two.localhost")
        assert login.rpx("run", "api", "echo $RPX_REALM").stdout == "two\n"
        assert login.rpx("run", "--realm", "3", "api", "echo $RPX_REALM").stdout == "3\n"
        assert login.rpx("open", "api.two.localhost").stdout.startswith("https://api.two.localhost")
    flags = ("--from", str(free_ports(1)[0]), "--to", "web.localhost")
    with login.up(*flags, ready=False, verb=()):
        login.until_said("http://web.login.localhost:")
    with login.up(*flags, "--realm", "", ready=False, verb=()):
        login.until_said("http://web.localhost:")
