"""The ports of the listener: those that were chosen, and what takes the place of the usual ones."""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from rpx import listeners
from rpx.errors import RpxError
from rpx.model.config import Config
from rpx.proxy.shared_ports import SharedPort
from tests.support.project import free_ports


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> dict[int, int]:
    """Ports that can't be had, each with its errno; all others can."""
    refusals: dict[int, int] = {}

    def opening(_: str, port: int) -> list[socket.socket]:
        if port in refusals:
            raise OSError(refusals[port], os.strerror(refusals[port]))
        return []

    monkeypatch.setattr(listeners, "open_listeners", opening)
    return refusals


@pytest.fixture
def holder() -> Iterator[int]:
    """A port that this process has."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize(
    ("host", "told"),
    [("localhost", False), ("127.0.0.1", False), ("::1", False), ("0.0.0.0", True),
     ("::", True), ("192.168.1.7", True)],
)  # fmt: skip
def test_it_is_said_where_others_can_connect(host: str, told: bool) -> None:
    said = listeners.open_to_others(host)
    assert (host in said) is told
    assert bool(said) is told


API, WEB = "RPX_API_URL", "RPX_WEB_URL"


def opened(
    file: Path, *variables: str, taken: Sequence[int] = ()
) -> tuple[dict[str, int], list[str]]:
    """The ports of listeners for services, which are closed again, and what is said of them."""
    config = Config(name="shop", root=file.parent)
    found, notes = listeners.listen_for_services(variables, config, file, taken)
    ports = {name: listeners.port_of([listener]) for name, listener in found.items()}
    for listener in found.values():
        assert listener.getsockname()[0] == "127.0.0.1"
        listener.close()
    return ports, notes


def test_services_find_each_proxy_at_a_port_of_its_own_and_the_next_time_again(
    tmp_path: Path,
) -> None:
    file = tmp_path / "ports.json"
    first, notes = opened(file, API, WEB)
    assert (len(set(first.values())), notes) == (2, [])
    assert opened(file, WEB, API) == (first, [])
    other = opened(tmp_path / "no" / "such.json", API, taken=[first[API]])  # as backends may have
    assert other[0][API] != first[API]
    assert other[1] == []


def test_a_port_of_theirs_that_somebody_has_is_said_and_another_one_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    first, _ = opened(file, API, WEB)
    with socket.create_server(("127.0.0.1", first[API])):
        second, notes = opened(file, API, WEB)
    assert second[WEB] == first[WEB]
    assert second[API] not in first.values()
    (note,) = notes
    assert note.startswith(f"the port of RPX_API_URL, {first[API]}, is taken by ")
    assert note.endswith(f": it is {second[API]} now")
    assert opened(file, API, WEB) == (second, [])


def test_where_none_can_be_opened_services_are_told_what_browsers_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def opening(_: str, port: int) -> socket.socket:
        raise OSError(errno.EADDRNOTAVAIL, "no such address")

    monkeypatch.setattr(listeners, "listen_at", opening)
    ports, [note] = opened(tmp_path / "ports.json", API)
    assert ports == {}
    assert note.startswith(
        "services are told the URLs of browsers, for want of a port on 127.0.0.1"
    )
    assert note.endswith(": no such address")


@pytest.mark.usefixtures("refused")
def test_the_usual_port_is_taken_without_a_word() -> None:
    assert listeners.listen("localhost", listeners.HTTPS, None) == ([], "")


@pytest.mark.skipif(sys.platform != "linux", reason="these are ways of Linux")
def test_one_line_says_every_way_to_a_port_that_is_not_permitted(refused: dict[int, int]) -> None:
    refused[80] = errno.EACCES
    assert listeners.listen("localhost", listeners.HTTP, None)[1] == (
        "listening on port 8080: port 80 needs root, or `rpx setup`, once"
    )


def test_the_first_that_can_be_had_takes_the_place_of_the_usual_one(
    refused: dict[int, int],
) -> None:
    refused |= {443: errno.EACCES, 8443: errno.EADDRINUSE, 8444: errno.EADDRINUSE}
    assert listeners.listen("localhost", listeners.HTTPS, None)[1].startswith(
        "listening on port 8445: port 443"
    )


def test_who_holds_the_usual_port_is_said(holder: int) -> None:
    usual = listeners.Usual("`listen.http_port`", holder, range(free_ports(1)[0], 65536))
    opened, why = listeners.listen("localhost", usual, None)
    for listener in opened:
        listener.close()
    assert f"the usual one, {holder}, is taken by `" in why
    assert why.endswith(f"(pid {os.getpid()})")


def test_a_port_that_was_chosen_has_no_substitute(holder: int, refused: dict[int, int]) -> None:
    refused |= {81: errno.EACCES, holder: errno.EADDRINUSE}
    with pytest.raises(RpxError, match="port 81 is not permitted") as denied:
        listeners.listen("localhost", listeners.HTTP, 81)
    assert "set `listen.http_port` to 0 for any free one" in denied.value.problems[0].hint
    with pytest.raises(RpxError) as taken:
        listeners.listen("localhost", listeners.HTTP, holder)
    what = taken.value.problems[0].what
    assert what.startswith(f"`listen.http_port`, {holder}, is taken by `")
    assert what.endswith(f"(pid {os.getpid()})")


def test_when_none_is_free_it_is_said_what_to_set(refused: dict[int, int]) -> None:
    refused |= dict.fromkeys([443, *range(8443, 8543)], errno.EADDRINUSE)
    with pytest.raises(RpxError, match="no port from 8443 to 8542 is free"):
        listeners.listen("localhost", listeners.HTTPS, None)


def test_all_addresses_of_this_machine_are_those_of_ipv4_too() -> None:
    opened, _ = listeners.listen("::", listeners.HTTP, 0)
    port = opened[0].getsockname()[1]
    try:
        for host in ("127.0.0.1", "::1"):
            with socket.create_connection((host, port), timeout=5):
                taken = next(sock for sock in opened if (":" in host) == _is_six(sock))
                client, address = taken.accept()
                client.close()
                assert address[0] == host  # and not ::ffff:127.0.0.1
    finally:
        for listener in opened:
            listener.close()


def test_a_port_that_somebody_has_on_either_family_is_not_to_be_had(holder: int) -> None:
    with pytest.raises(RpxError, match=rf"`listen.http_port`, {holder}, is taken by `"):
        listeners.listen("::", listeners.HTTP, holder)


def _is_six(sock: socket.socket) -> bool:
    return sock.family == socket.AF_INET6


@pytest.mark.skipif(sys.platform != "linux", reason="these are ways of Linux")
def test_one_line_says_why_the_machine_has_other_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listeners, "_is_free", lambda _: False)
    usual = SharedPort(tls=False, wanted=None, port=80, usual=80)
    plain = SharedPort(tls=False, wanted=None, port=8080, usual=80, errno=errno.EACCES)
    tls = SharedPort(tls=True, wanted=None, port=8443, usual=443, errno=errno.EACCES)
    chosen = SharedPort(tls=False, wanted=9000, port=9000, usual=9000)
    assert listeners._moved([usual, chosen]) == []
    [alone] = listeners._moved([plain])
    assert alone.startswith("listening on port 8080: port 80 needs root")
    [both] = listeners._moved([plain, tls])
    assert both == f"listening on ports 8080 and 8443{alone[22:]}; port 443 likewise"
    tls.errno = errno.EADDRINUSE
    [both] = listeners._moved([plain, tls])
    assert both.startswith(f"listening on ports 8080 and 8443{alone[22:]}; the usual one, 443, is ")


def test_a_usual_port_that_could_be_had_by_now_is_said_to_be_free(holder: int) -> None:
    (free,) = free_ports(1)
    moved = SharedPort(tls=False, wanted=None, port=8080, usual=free, errno=errno.EADDRINUSE)
    [said] = listeners._moved([moved])
    assert said == (
        f"listening on port 8080: port {free} is free by now; "
        "projects get it once all of them have ended"
    )
    moved.usual = holder
    assert "is taken by" in listeners._moved([moved])[0]


def test_who_has_a_name_is_said_and_what_can_be_done() -> None:
    holder = {"project": "shop", "folder": "/shop", "file": "/my shop/rpx.yaml", "pid": 42,
              "realm": "", "since": 0.0}  # fmt: skip
    config = Config(name="blog", root=Path("/blog"))
    why = {"kind": "host", "name": "api.localhost", "holder": holder}
    [problem] = listeners._refused(config, why).problems
    assert problem.what.startswith(
        "`api.localhost` is the name of the project `shop`, which has run in /shop since "
    )
    assert problem.what.endswith("(pid 42)")
    assert problem.hint.startswith("`rpx down -f '/my shop/rpx.yaml'` stops that one; or ")
    taken = listeners._refused(config, {"kind": "port", "port": 81, "errno": errno.EACCES})
    assert "port 81 is not permitted" in str(taken)
    for other in ({"kind": "version"}, {"kind": "hello", "why": "too long"}, {}):
        assert "door of this machine" in str(listeners._refused(config, other))
