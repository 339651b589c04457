"""Hosts in a realm: whose it is, what has it, and what is said about one that is none."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from textwrap import dedent

import pytest

from rpx.backend.environment import child_environment
from rpx.backend.free_ports import choose_ports
from rpx.cli.main import main
from rpx.config import load_config
from rpx.config.worktree import branch_at, realm_at
from rpx.errors import UsageError
from rpx.model.config import Config
from rpx.model.ports import Ports
from rpx.model.specs import processes_of
from rpx.policy.plan import plan_backends
from tests.config.support import describe, load, refused, undescribable
from tests.support.worktrees import make_linked

SHOP = """\
https: true
listen: {https_port: 8443}
proxies:
  - {to: localhost, from: 3000}
  - {to: localhost/api, from: 3001, start: ./api}
  - {to: "*.t.localhost", from: 3002}
  - {to: 127.0.0.1, from: 3003}
processes:
  worker: {command: ./w, depends_on: [localhost-api], env: {DB: "shop_${RPX_REALM:-main}"}}
"""


@pytest.fixture
def login(tmp_path: Path) -> Path:
    """The worktree `shop-login` of `shop`."""
    return make_linked(tmp_path / "shop-login", tmp_path / "shop")


def environment(config: Config, label: str) -> dict[str, str]:
    """What a service finds in its environment."""
    there = processes_of(plan_backends(config, Ports(80, 8443)))
    process = next(process for process in there if process.label == label)
    return child_environment(process, colour=False)


def hosts(config: Config) -> list[str]:
    return [proxy.to for proxy in config.proxies]


@pytest.mark.skipif(shutil.which("git") is None, reason="there is no git here")
def test_the_fake_is_a_worktree_to_git_too(login: Path) -> None:
    for name in ("objects", "refs"):
        (login.parent / "shop/.git" / name).mkdir()
    words = ["git", "rev-parse", "--git-common-dir"]
    environ = {"GIT_CONFIG_NOSYSTEM": "1", "PATH": os.environ["PATH"]}
    said = subprocess.run(words, cwd=login, env=environ, stdout=subprocess.PIPE, check=True)
    assert Path(os.fsdecode(said.stdout.strip())).samefile(login.parent / "shop/.git")
    assert (realm_at(login), branch_at(login)) == ("login", "shop-login")


def test_in_a_worktree_all_that_comes_of_hosts_has_the_realm(login: Path) -> None:
    config, warnings = load(login, SHOP, environ={"RPX_REALM": "of another project"})
    assert warnings == []
    assert config.realm == "login"
    names = ["login.localhost", "login.localhost/api", "*.t.login.localhost", "127.0.0.1"]
    assert hosts(config) == names
    assert config.issued == ("login.localhost", "t.login.localhost", "127.0.0.1")
    assert [proxy.name for proxy in config.proxies] == ["localhost", "localhost-api", "t", "127"]
    seen = environment(config, "worker")
    assert (seen["RPX_REALM"], seen["DB"]) == ("login", "shop_login")
    assert seen["RPX_LOCALHOST_API_URL"] == "https://login.localhost:8443/api"
    assert environment(config, "localhost-api:3001")["RPX_REALM"] == "login"


def test_without_a_realm_nothing_is_different(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RPX_REALM", "of another project")  # we may be a service of that
    config, warnings = load(tmp_path, SHOP, environ={"RPX_REALM": "of another project"})
    assert warnings == []
    assert config.realm == ""
    assert hosts(config) == ["localhost", "localhost/api", "*.t.localhost", "127.0.0.1"]
    seen = environment(config, "worker")
    assert "RPX_REALM" not in seen
    assert seen["DB"] == "shop_main"


@pytest.mark.parametrize(
    ("text", "dotenv", "asked", "realm"),
    [
        ("", "", None, "login"),
        ("realm: other", "", None, "other"),
        ("realm: Other", "", None, "other"),
        ('realm: ""', "", None, ""),
        ("realm: ${STAGE}", "STAGE=two", None, "two"),
        ('realm: "${STAGE:-}"', "", None, ""),
        ("realm: xn--mnchen-3ya", "", None, "xn--mnchen-3ya"),
        ("realm: other", "", "third", "third"),
        ("realm: other", "", "", ""),
        ("", "", "Third", "third"),
        ("", "", "", ""),
    ],
)
def test_what_is_asked_for_goes_before_the_file_and_that_before_git(
    login: Path, text: str, dotenv: str, asked: str | None, realm: str
) -> None:
    file = login / "rpx.yaml"
    file.write_text(f"{text}\nfrom: 3000\nto: $RPX_REALM.localhost\n".replace("$RPX", "x$RPX"))
    (login / ".env").write_text(dotenv)
    config = load_config(file, {}, realm=asked)
    assert config.realm == realm
    assert hosts(config) == [f"x{realm}.{realm}.localhost" if realm else "x.localhost"]


def test_the_env_files_may_name_the_realm(login: Path) -> None:
    (login / "own.env").write_text("DB=shop-$RPX_REALM\n")
    text = "from: 3000\nto: api.localhost\nstart: ./api\nenv_file: own.env\n"
    config, warnings = load(login, text, "ALL=all-${RPX_REALM}\n")
    seen = environment(config, "api:3000")
    assert (seen["DB"], seen["ALL"], warnings) == ("shop-login", "all-login", [])


def test_ports_of_the_realm_are_filled_in_when_a_process_starts(
    login: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RPX_PORT_5433", "1")  # of another project, whose service we may be
    (login / "own.env").write_text("OF_FILE=$RPX_PORT_3001\n")
    text = """\
      proxies:
        - to: api.localhost
          from: [3001, "localhost:${RPX_PORT_3002:-3002}"]
          start:
            command: ./api
            env_file: own.env
            env: {DB: "${RPX_PORT_5433:-5433}", OTHER: "${RPX_PORT_9000:-9000}"}
        - {to: far.localhost, from: 9000}
      processes:
        db: {command: ./db, ready: {tcp: "${RPX_PORT_5433:-5433}"}}
    """
    config, warnings = load(login, text, "ALL=$RPX_PORT_3001\n", {"RPX_PORT_5433": "1"})
    assert warnings == []
    config = choose_ports(config, None)
    ports = {port: environment(config, "db")[f"RPX_PORT_{port}"] for port in (3001, 3002, 5433)}
    seen = environment(config, "api:3002")
    assert (seen["PORT"], seen["DB"], seen["OTHER"]) == (ports[3002], ports[5433], "9000")
    assert seen["OF_FILE"] == seen["ALL"] == ports[3001]
    assert "RPX_PORT_9000" not in seen
    config, warnings = load(login, f'realm: ""\n{dedent(text)}', "ALL=all\n")
    assert any(each.startswith("`RPX_PORT_3001` is not set") for each in warnings)
    seen = environment(choose_ports(config, None), "api:3002")
    assert (seen["PORT"], seen["DB"], seen["OTHER"]) == ("3002", "5433", "9000")
    assert not [name for name in seen if name.startswith("RPX_PORT_")]


def test_a_host_that_somebody_else_may_have_in_the_realm_is_told(login: Path) -> None:
    ours = ("a.localhost", "b.test", "c.lan", "d.home.arpa", "127.0.0.1", "[::1]")
    theirs = ("shop.example.com", "store")
    hosts = "".join(
        f"  - {{to: '{host}', from: {port}}}\n" for port, host in enumerate((*ours, *theirs), 3000)
    )
    _, warnings = load(login, f"proxies:\n{hosts}")
    assert [each.partition(",")[0] for each in warnings] == [
        "shop.example.login.com",
        "login.store",
    ]
    assert load(login, f'realm: ""\nproxies:\n{hosts}').warnings == []


def test_who_is_told_a_port_in_so_many_words_would_ask_another_checkout(login: Path) -> None:
    text = """\
      proxies:
        - to: api.localhost
          from: [3001, 3002]
          start:
            command: ./api --peer http://localhost:3002/ --db localhost:30011
            env: {SELF: "127.0.0.1:3001,[::1]:3001", FAR: "db.localhost:3001", FINE: "$RPX_API_URL"}
      processes: {w: [./w, "localhost:3001", "localhost:9000", "localhost:3001"]}
    """
    _, warnings = load(login, text)
    tail = "which in the realm `login` is another port: write"
    assert warnings == [
        f"the command of api says localhost:3002, {tail} localhost:${{RPX_PORT_3002:-3002}}",
        f"`SELF` of api says 127.0.0.1:3001, {tail} 127.0.0.1:${{RPX_PORT_3001:-3001}}",
        f"`SELF` of api says [::1]:3001, {tail} [::1]:${{RPX_PORT_3001:-3001}}",
        f"the command of w says localhost:3001, {tail} localhost:${{RPX_PORT_3001:-3001}}",
    ]
    assert load(login, f'realm: ""\n{dedent(text)}').warnings == []


def test_where_it_can_not_be_filled_in_it_is_said_where_it_can(login: Path) -> None:
    text = "from: 3001\nto: api.localhost\nstart: ./api\nhealth_check: {path: /$RPX_PORT_3001}"
    _, (warning,) = load(login, text)
    assert warning.endswith("it is known when a process starts: use it in `env`, in env files, or"
                            " in a command")  # fmt: skip


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("fix_ui", "write fix-ui"),
        ("a.b", "write a-b"),
        ("-x", "write x"),
        ("x" * 41, f"write {'x' * 40}"),
        ("münchen", "browsers ask for it as `xn--mnchen-3ya`: write that"),
        ("日本", "browsers ask for it as `xn--wgv71a`: write that"),
        ("*", '"" is none'),
        (" ", '"" is none'),
    ],
)
def test_what_can_be_no_realm_is_said_wherever_it_is_named(
    tmp_path: Path, name: str, hint: str
) -> None:
    (problem,) = refused(tmp_path, f'realm: "{name}"\nfrom: 3000\nto: api.localhost')
    assert problem.what.startswith("`realm` is not a realm: ")
    assert problem.where.endswith("rpx.yaml:1:8")
    assert problem.hint.endswith(hint)
    with pytest.raises(UsageError) as caught:
        load_config(tmp_path / "rpx.yaml", {}, realm=name)
    (problem,) = caught.value.problems
    assert problem.what.startswith("`--realm` is not a realm: ")
    assert problem.hint.endswith(hint)
    (problem,) = undescribable(tmp_path, realm=name, from_=3000, to="api.localhost")
    assert problem.hint.endswith(hint)


@pytest.mark.parametrize("value", ["5", "[a]", "null", "true"])
def test_a_realm_is_a_text(login: Path, value: str) -> None:
    (problem,) = refused(login, f"realm: {value}\nfrom: 3000\nto: api.localhost")
    assert "`realm`" in problem.what


def test_a_host_that_is_too_long_with_its_realm_is_told(login: Path) -> None:
    long = ".".join(["x" * 60] * 4)
    (problem,) = refused(login, f"from: 3000\nto: {long}.localhost")
    assert problem.what == (
        "`to` is too long for a host in the realm `login`: 259 characters, and a name of DNS has"
        " 253"
    )
    assert problem.where.endswith("rpx.yaml:2:5")


@pytest.mark.parametrize(
    ("written", "there"),
    [
        (["a.localhost", "www.a.localhost/x"], [["a.login.localhost", "www.a.login.localhost/x"]]),
        ("*", [["login.localhost", "*.login.localhost"]]),
        ("*/api", [["login.localhost/api", "*.login.localhost/api"]]),
        (["*.dev.test", "*"], [["*.dev.login.test", "login.localhost", "*.login.localhost"]]),
    ],
)
def test_a_list_moves_into_the_realm_and_any_host_is_any_of_the_realm(
    login: Path, written: str | list[str], there: list[list[str]]
) -> None:
    config = load(login, f"to: {json.dumps(written)}\nfrom: 3000\n").config
    assert [[proxy.to, *proxy.also] for proxy in config.proxies] == there


def test_any_host_of_a_realm_is_none_that_another_proxy_has(login: Path) -> None:
    proxies = [
        {"to": to, "from": 3000 + place, "name": f"p{place}"}
        for place, to in enumerate(["*", "*/api", "localhost/x", "*.localhost"])
    ]
    first = load(login, json.dumps({"proxies": proxies[:3]})).config
    assert hosts(first) == ["*.login.localhost", "*.login.localhost/api", "login.localhost/x"]
    both = load(login, json.dumps({"proxies": proxies})).config
    assert [proxy.to for proxy in both.proxies if proxy.reached] == hosts(both)[2:]
    assert both.hosts == ("login.localhost", "*.login.localhost")


def test_from_python_there_is_a_realm_only_where_it_is_given(login: Path) -> None:
    assert hosts(describe(login, from_=3000, to="api.localhost")) == ["api.localhost"]
    config = describe(login, realm="login", from_=3000, to="api.localhost", start="./api")
    assert hosts(config) == ["api.login.localhost"]
    assert environment(config, "api:3000")["RPX_REALM"] == "login"


def test_check_shows_the_hosts_of_the_realm_or_of_the_one_that_is_asked_for(
    login: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (login / "rpx.yaml").write_text("from: 3000\nto: api.localhost")
    monkeypatch.setenv("HOME", str(login))
    monkeypatch.chdir(login)
    for options, host in {
        (): "api.login.localhost",
        ("--realm", "two"): "api.two.localhost",
        ("--realm", ""): "api.localhost",
    }.items():
        assert main(["check", "--json", *options]) == 0
        assert json.loads(capsys.readouterr().out)[0]["to"] == host
    assert main(["check", "--realm", "a_b"]) == 2
    assert "`--realm` is not a realm: `a_b`" in capsys.readouterr().err
