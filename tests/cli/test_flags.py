"""The flags of `rpx --from … --to …`: what they mean, and what is said about them."""

from __future__ import annotations

from pathlib import Path

import pytest

from rpx.cli.flags import flags_given, say_in_flags, settings
from rpx.cli.main import group, main
from rpx.config import config_from_mapping
from rpx.errors import ConfigError
from rpx.model.config import Config


def meaning(folder: Path, *words: str) -> Config:
    flags = flags_given(group.make_context("rpx", list(words)).params)
    return config_from_mapping(settings(flags), root=folder, environ={}, label="the command line")


def said(folder: Path, *words: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        meaning(folder, *words)
    say_in_flags(caught.value)
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
            "error: `--from` is not an address: `x`\n  --> address 2 of --from\n"
            "hint: write host:port, :port or port, for example localhost:3000"
        ),
        (
            "error: `--to` has a port: `api:80`\n"
            "hint: write only the host; `--http-port` chooses the port"
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
