"""What may stand in `from` beside host and port."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from rpx.config import config_from_mapping
from rpx.config.settings.addresses import LONGEST_PATH
from rpx.model.address import Address, SocketFile, Tls
from rpx.policy.plan import with_ports
from tests.config.support import load, refused
from tests.support.tls import Authority


@pytest.mark.parametrize(
    ("written", "path", "shown"),
    [
        ("unix:run/api.sock", "ROOT/run/api.sock", "unix:run/api.sock"),
        ("unix:./run/../api.sock", "ROOT/api.sock", "unix:./run/../api.sock"),
        ("unix:/run/api.sock", "/run/api.sock", "unix:/run/api.sock"),
        ("{url: 'unix:///run/api.sock'}", "/run/api.sock", "unix:/run/api.sock"),
        ("{address: 'unix:///run/a,b'}", "/run/a,b", "unix:/run/a,b"),
    ],
)
def test_a_unix_socket_is_relative_to_the_file(
    tmp_path: Path, written: str, path: str, shown: str
) -> None:
    config = load(tmp_path, f"{{from: [{written}], to: a}}").config
    address = config.proxies[0].sources[0].address
    assert isinstance(address, SocketFile)
    assert address.path == path.replace("ROOT", str(tmp_path))
    assert str(address) == shown


def test_from_python_it_is_relative_to_the_working_directory(tmp_path: Path) -> None:
    given = {"from_": "unix:a.sock, unix:b.sock", "to": "a"}
    config = config_from_mapping(given, root=tmp_path, environ={})
    paths = [str(getattr(s.address, "path", "")) for s in config.proxies[0].sources]
    assert paths == [str(tmp_path / "a.sock"), str(tmp_path / "b.sock")]


def test_a_path_may_be_as_long_as_the_system_has_it(tmp_path: Path) -> None:
    path = "/" + "x" * (LONGEST_PATH - 1)
    load(tmp_path, f"{{from: 'unix:{path}', to: a}}")
    (problem,) = refused(tmp_path, f"{{from: 'unix:{path}x', to: a}}")
    bytes_ = f"{LONGEST_PATH + 1} bytes of at most {LONGEST_PATH}"
    assert f"is too long for a unix socket: {bytes_}: `/xxx" in problem.what
    assert {"linux": 107, "darwin": 103}[sys.platform] == LONGEST_PATH


@pytest.mark.parametrize("written", ["unix:", "unix://", "unix://run/a"])
def test_a_path_that_is_none_is_refused(tmp_path: Path, written: str) -> None:
    (problem,) = refused(tmp_path, f"{{from: '{written}', to: a}}")
    assert problem.what == f"`from` has no usable path: `{written}`"
    assert "relative to rpx.yaml" in problem.hint


def test_one_socket_cannot_be_there_twice(tmp_path: Path) -> None:
    (problem,) = refused(tmp_path, "{from: ['unix:a', 'unix:./b/../a'], to: a}")
    assert "`unix:./b/../a` is twice in the pool of `a`" in problem.what


def test_a_port_for_a_process_behind_a_socket_is_an_error(tmp_path: Path) -> None:
    text = "{from: 'unix:a', to: a, start: {command: ./a, env: {PORT: 3000}}}"
    (problem,) = refused(tmp_path, text)
    assert problem.hint == "remove it: RPX_SOCKET tells a process the path of its socket"


# ---------------------------------------------------------------- URLs


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("https://shop.test", Address("shop.test", 443, Tls())),
        ("'HTTPS://[::1]:8443/'", Address("::1", 8443, Tls())),
        ("http://shop.test", Address("shop.test", 80)),
        ("{address: 'https://shop.test:444'}", Address("shop.test", 444, Tls())),
        ("{url: 'https://shop.test', verify: false}", Address("shop.test", 443, Tls(verify=False))),
        ("{url: 'https://shop.test', verify: true}", Address("shop.test", 443, Tls())),
    ],
)
def test_a_url_says_whether_tls_is_spoken(tmp_path: Path, written: str, expected: Address) -> None:
    config = load(tmp_path, f"{{from: [{written}], to: a}}").config
    assert config.proxies[0].sources[0].address == expected


def test_http_2_without_tls_is_said_by_the_url_or_for_all_addresses(tmp_path: Path) -> None:
    by_url = load(tmp_path, "{from: ['h2c://localhost:50051', 'H2C://a'], to: a}")
    assert [each.address for each in by_url.config.proxies[0].sources] == [
        Address("localhost", 50051, h2c=True),
        Address("a", 80, h2c=True),
    ]
    by_word = load(tmp_path, "{from: [50051, 'unix:a.sock'], protocol: h2c, to: a}").config
    assert [each.address.h2c for each in by_word.proxies[0].sources] == [True, True]
    chosen = load(tmp_path, "{start: serve, protocol: h2c, to: a}").config
    (copy,) = with_ports(chosen, {"a": [1234]}).proxies[0].sources
    assert copy.address == Address("localhost", 1234, h2c=True)


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("{from: 'grpc://localhost:50051', to: a}", "write h2c://host:port for gRPC"),
        ("{from: 'h2://localhost:50051', to: a}", "h2c:// is it without TLS"),
        ("{from: 'wss://localhost:3000', to: a}", "WebSockets pass by themselves"),
        ("{from: 'https://a', protocol: h2c, to: a}", "leave `protocol` out"),
    ],
)
def test_who_writes_another_scheme_is_told_what_to_write(
    tmp_path: Path, written: str, hint: str
) -> None:
    (problem,) = refused(tmp_path, written)
    assert hint in problem.hint


def test_an_authority_is_a_file_relative_to_the_project(
    tmp_path: Path, authority: Authority
) -> None:
    (tmp_path / "ca.pem").write_bytes(authority.file.read_bytes())
    config = load(tmp_path, "{from: {url: 'https://shop.test', ca: ./ca.pem}, to: a}").config
    tls = Tls(ca=str(tmp_path / "ca.pem"))
    assert config.proxies[0].sources[0].address == Address("shop.test", 443, tls)


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ("{url: 'https://a', ca: no.pem}", "`from.ca` does not exist: `no.pem`"),
        ("{url: 'https://a', ca: rpx.yaml}", "`from.ca` holds no certificates in PEM: `rpx.yaml`"),
        ("{url: 'https://a', ca: .}", "`from.ca` cannot be read: `.`"),
        ("{url: 'http://a', verify: false}", "`from` has `verify`, but no https:// address"),
        ("{address: 'unix:a', verify: true}", "`from` has `verify`, but no https:// address"),
        ("{url: 'https://a/b'}", "`from.url` is more than a host and a port"),
        ("ftp://a", "`from` is not an http://, https:// or h2c:// URL: `ftp://a`"),
        (f"https://{'a' * 64}.test", "`from` has no usable host"),
        ("https://a..test", "`from` has no usable host"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, written: str, fault: str) -> None:
    (problem,) = refused(tmp_path, f"{{from: [{written}], to: a}}")
    assert problem.what.startswith(fault)
    assert problem.hint


def test_nobody_to_believe_and_nothing_to_verify_contradict(
    tmp_path: Path, authority: Authority
) -> None:
    written = f"{{url: 'https://a', verify: false, ca: {authority.file}}}"
    (problem,) = refused(tmp_path, f"{{from: {written}, to: a}}")
    assert problem.what == "`from` has a `ca` that `verify: false` never asks"
