"""The flags of `rpx --from … --to …`: what they mean, and what is said about them."""

from __future__ import annotations

from pathlib import Path

import pytest

from rpx.cli.flags import flags_given, say_in_flags, settings
from rpx.cli.main import group, main
from rpx.config import config_from_mapping
from rpx.errors import ConfigError, UsageError
from rpx.model.config import Config


def written(*words: str) -> dict[str, object]:
    return settings(flags_given(group.make_context("rpx", list(words)).params))


def meaning(folder: Path, *words: str) -> Config:
    settings = written(*words)
    return config_from_mapping(settings, root=folder, environ={}, label="the command line")


def said(folder: Path, *words: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        meaning(folder, *words)
    say_in_flags(caught.value, written(*words))
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    "words",
    [
        ["--from", "localhost:3000,localhost:3001"],
        ["--from", "localhost:3000", "--from", "localhost:3001"],
        ["--from", "3000,3001"],
        ["--from", "3000, :3001"],
        ["--from", "http://localhost:3000", "--from", "3001"],
    ],
)
def test_addresses_have_commas_between_or_a_flag_each(words: list[str], tmp_path: Path) -> None:
    [proxy] = meaning(tmp_path, *words, "--to", "api.localhost").proxies
    assert [str(s.address) for s in proxy.sources] == ["localhost:3000", "localhost:3001"]
    assert (proxy.to, proxy.name) == ("api.localhost", "api")


@pytest.mark.parametrize(
    "words",
    [
        ["--to", "shop.localhost, www.shop.localhost"],
        ["--to", "shop.localhost", "--to", "www.shop.localhost"],
    ],
)
def test_hosts_have_commas_between_or_a_flag_each(words: list[str], tmp_path: Path) -> None:
    [proxy] = meaning(tmp_path, "--from", "3000", *words).proxies
    assert (proxy.to, proxy.also) == ("shop.localhost", ("www.shop.localhost",))


def test_any_host_can_be_meant_by_a_flag(tmp_path: Path) -> None:
    [proxy] = meaning(tmp_path, "--from", "3000", "--to", "*").proxies
    assert (proxy.to, proxy.name) == ("*", "any")


def test_what_is_wrong_with_one_of_several_hosts_is_said_with_its_place(tmp_path: Path) -> None:
    assert said(tmp_path, "--from", "3000", "--to", "a,b:80,c", "--to", "c") == [
        (
            "error: `--to` has a port: `b:80`\n  --> host 2 of --to\n"
            "hint: write only the host; `--http-port` chooses the port"
        )
    ]
    assert said(tmp_path, "--from", "3000", "--to", "a,c", "--to", "c") == [
        (
            "error: `c` is twice in one `--to`: here and at host 2 of --to\n  --> host 3 of --to\n"
            "hint: keep one of them"
        )
    ]


@pytest.mark.parametrize(
    ("words", "settings"),
    [
        ("--path /api=4000", {"routes": [{"path": "/api/*", "from": ["4000"]}]}),
        (
            "--path /api/=4000,4001 --path /api/=4002 --strip",
            {
                "routes": [
                    {"path": "/api/*", "from": ["4000", "4001", "4002"], "strip_prefix": "/api"}
                ]
            },
        ),
        (
            "--path /*.png=1 --path /u/:id/pic=2 --path /=3 --path /u/me=4 --strip",
            {
                "routes": [
                    {"path": "/u/me/*", "from": ["4"], "strip_prefix": "/u/me"},
                    {"path": "/u/:id/pic", "from": ["2"], "strip_prefix": "/u"},
                    {"path": "/*.png", "from": ["1"]},
                    {"path": "/*", "from": ["3"]},
                ]
            },
        ),
        ("--static ./dist", {"static": "./dist"}),
        (
            "--static ./dist --static /img=../img --path /img/new/*=4000",
            {
                "routes": [
                    {"path": "/img/new/*", "from": ["4000"]},
                    {"path": "/img/*", "static": "../img"},
                ],
                "static": "./dist",
            },
        ),
    ],
)
def test_a_path_on_the_command_line_is_a_route_the_longest_first(
    words: str, settings: dict[str, object]
) -> None:
    assert written(*words.split()) == settings


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("--path 4000", "`--path 4000` is not a path and who answers there"),
        ("--path api=4000", "`--path api=4000` is not a path and who answers there"),
        ("--path /api=", "`--path /api=` is not a path and who answers there"),
        ("--strip --from 1", "`--strip` cuts paths off, and there is no `--path`"),
        ("--static a --static b", "`--static b`: there is `--static a` already"),
        ("--static a --from 1", "`--static a` and `--from` both answer what no path takes"),
        ("--static a --start ./b", "`--static a` and `--start` both answer what no path takes"),
    ],
)
def test_what_is_no_route_is_said_with_what_would_be(words: str, error: str) -> None:
    with pytest.raises(UsageError) as caught:
        written(*words.split())
    assert str(caught.value).partition("\n")[0] == f"error: {error}"


def test_what_is_wrong_with_a_route_is_said_of_its_flag(tmp_path: Path) -> None:
    words = ["--from", "3000", "--to", "a", "--path", "/api=4000,x", "--static", "/img=nope"]
    assert said(tmp_path, *words, "--path", "/api b=1") == [
        (
            "error: `--path /api b=1` holds a character that no path can: ` `: `/api b/*`\n"
            "hint: paths are compared as they come: write it as %20"
        ),
        (
            "error: `--path /api=4000,x` is not an address: `x`\n"
            "hint: write host:port, :port or port, for example localhost:3000"
        ),
        (
            "error: `--static /img=nope` does not exist: `nope`\n"
            f"hint: looked for {tmp_path / 'nope'}"
        ),
    ]
    assert said(tmp_path, "--static", "nope", "--to", "a") == [
        f"error: `--static` does not exist: `nope`\nhint: looked for {tmp_path / 'nope'}"
    ]
    same = said(tmp_path, "--from", "3000", "--to", "a", "--path", "/b=4000,4000")
    assert "here and at `--path /b=4000,4000`" in same[0]


def test_every_flag_means_what_it_means_in_the_file(tmp_path: Path) -> None:
    more = ["--http-port", "0", "--health-path", "/up", "--start", "./app", "--verbose"]
    more += ["--strategy", "ip-hash", "--sticky"]
    config = meaning(tmp_path, "--from", "3000", "--to", "a", *more)
    written = {
        "from": 3000,
        "to": "a",
        "listen": {"http_port": 0},
        "health_check": {"path": "/up"},
        "start": "./app",
        "strategy": "ip-hash",
        "sticky": True,
        "verbose": True,
    }
    assert config == config_from_mapping(written, root=tmp_path, environ={})


def test_all_that_is_wrong_is_said_at_once_in_terms_of_the_flags(tmp_path: Path) -> None:
    words = ["--from", "3000,x", "--to", "api:80", "--http-port", "abc", "--health-path", "up"]
    words += ["--strategy", "roundrobin"]
    assert said(tmp_path, *words) == [
        "error: `--http-port` is not a whole number: `abc`\nhint: write it in digits",
        (
            "error: `--to` has a port: `api:80`\n"
            "hint: write only the host; `--http-port` chooses the port"
        ),
        (
            "error: `--from` is not an address: `x`\n  --> address 2 of --from\n"
            "hint: write host:port, :port or port, for example localhost:3000"
        ),
        (
            "error: `--strategy` is not a strategy: `roundrobin`\nhint: write `round-robin`,"
            " `weighted-round-robin`, `least-connections`, `random` or `ip-hash`"
        ),
        "error: `--health-path` does not begin with a /: `up`\nhint: write it as /up",
    ]


def test_what_contradicts_is_said_in_terms_of_the_flags(tmp_path: Path) -> None:
    assert said(tmp_path, "--from", "3000,3000", "--to", "a", "--http-port", "3000") == [
        (
            "error: `localhost:3000` is twice in the pool of `a`: here and at address 1 of --from\n"
            "  --> address 2 of --from\n"
            "hint: keep one of them; each copy of a service has an address of its own"
        ),
        (
            "error: `--http-port` is 3000, the port of the backend at address 1 of --from\n"
            "hint: rpx and a backend cannot listen on the same port; change one of them"
        ),
    ]


def test_each_of_the_two_flags_misses_the_other(tmp_path: Path) -> None:
    assert said(tmp_path, "--from", "3000") == [
        (
            "error: the command line has no `--to`\n"
            "hint: say which host it answers to, for example `--to api.localhost`"
        )
    ]
    assert said(tmp_path, "--to", "a") == [
        (
            "error: the command line has no `--from`\n"
            "hint: write where its backends listen, as `--from localhost:3000`,"
            " or give it a `--start`"
        )
    ]


def test_a_weight_needs_a_file(tmp_path: Path) -> None:
    [problem] = said(tmp_path, "--from", "localhost:3000{3}", "--to", "a")
    assert problem.startswith("error: `--from` is not an address: `localhost:3000{3}`")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (
            ["--verbose"],
            "error: the command line has neither a command nor `--from` and `--to`\n",
        ),
        (
            ["--from", "3000", "3001", "--to", "a"],
            "error: there is no command `3001`\nhint: several addresses have commas between",
        ),
        (
            ["-f", "x.yaml", "--from", "3000", "--to", "a"],
            "error: `--file` and `--from` exclude each other",
        ),
        (["--from", "3000", "ps"], "error: `ps` does not go with `--from`"),
        (["--frm", "3000"], "error: `rpx` has no option `--frm`\nhint: did you mean `--from`?\n"),
    ],
)
def test_what_is_no_project_is_refused(
    words: list[str], error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert capsys.readouterr().err.startswith(error)
