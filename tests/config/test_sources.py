"""What may stand in `from` beside host and port."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from rpx.config import config_from_mapping
from rpx.config.addresses import LONGEST_PATH
from rpx.model.address import SocketFile
from tests.config.support import load, refused


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
