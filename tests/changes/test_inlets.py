"""Listeners for services: there as long as their proxy is, and at the same port every time."""

from __future__ import annotations

import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from tests.support.live import Live, clients, live
from tests.support.running import until

TWO = """
proxies:
  - {to: api.localhost, from: 127.0.0.1:A, start: "env >env.api; RUN"}
  - {to: web.localhost/app, name: web, from: 127.0.0.1:B, start: "env >env.web; RUN"}
  - {to: "*.tenant.localhost", name: tenants, from: 127.0.0.1:B}
processes: {API: sleep 1000}
"""


def text(ports: tuple[int, ...], more: str = "") -> str:
    found = TWO.replace("processes:", f"{more}processes:")
    for name, port in zip("ABC", ports, strict=True):
        found = found.replace(f"127.0.0.1:{name}", f"127.0.0.1:{port}")
    return found


def free() -> tuple[int, ...]:
    """Three ports that nobody has."""
    with socket.socket() as one, socket.socket() as two, socket.socket() as three:
        for sock in (one, two, three):
            sock.bind(("127.0.0.1", 0))
        return tuple(sock.getsockname()[1] for sock in (one, two, three))


@asynccontextmanager
async def external(port: int) -> AsyncIterator[None]:
    """Somebody who takes connections there."""
    with socket.create_server(("127.0.0.1", port)):
        yield


async def answered(port: int, path: str = "/") -> bytes:
    """The first line of an answer there; empty if nobody listens."""
    try:
        async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
            await stream.send_all(f"GET {path} HTTP/1.1\r\nHost: any\r\n\r\n".encode())
            return bytes(await stream.receive_some()).partition(b"\r\n")[0]
    except OSError:
        return b""


def told(it: Live, name: str) -> dict[str, str]:
    """The URLs in the environment of a service."""
    lines = (it.folder / f"env.{name}").read_text().splitlines()
    pairs = dict(line.split("=", 1) for line in lines if "=" in line)
    return {name: value for name, value in pairs.items() if name.endswith("_URL")}


async def test_a_reload_adds_and_removes_them_and_leaves_the_others_alone(tmp_path: Path) -> None:
    ports = free()
    async with live(tmp_path, text(ports)) as it:
        listening = it.registry.ports
        first = dict(listening.services)
        assert list(first) == ["RPX_API_URL", "RPX_WEB_URL"]
        api, web = first.values()
        public = f"http://api.localhost:{listening.http}"
        assert told(it, "web") == {
            "RPX_URL": f"http://web.localhost:{listening.http}/app",
            "RPX_API_URL": f"http://127.0.0.1:{api}",
            "RPX_API_PUBLIC_URL": public,
            "RPX_WEB_URL": f"http://127.0.0.1:{web}/app",
            "RPX_WEB_PUBLIC_URL": f"http://web.localhost:{listening.http}/app",
        }
        rows = {row.label: row for row in it.registry.snapshot()}
        assert rows[f"api:{ports[0]}"].internal_url == f"http://127.0.0.1:{api}"
        assert rows[f"web:{ports[1]}"].internal_url == f"http://127.0.0.1:{web}/app"
        assert rows[f"tenants:{ports[1]}"].internal_url is None
        assert rows["API"].internal_url is None  # which is like a proxy's name, but has no host
        assert await answered(web, "/app/x") == b"HTTP/1.1 200 OK"
        assert await answered(web) == b"HTTP/1.1 404 Not Found"
        async with clients(it, "any", port=api) as asking:
            more = "  - {to: shop.test, name: shop, from: 127.0.0.1:C, start: RUN}\n"
            await it.reload(text(ports, more).replace("name: web", "name: page"))
            after = dict(it.registry.ports.services)
            assert list(after) == ["RPX_API_URL", "RPX_PAGE_URL", "RPX_SHOP_URL"]
            assert after["RPX_API_URL"] == api
            await it.ready()
            assert await answered(after["RPX_SHOP_URL"]) == b"HTTP/1.1 200 OK"
            assert await answered(after["RPX_PAGE_URL"], "/app") == b"HTTP/1.1 200 OK"
            await until(lambda: not _listens(web), "the one of the name that has gone is closed")
            await asking.answered(5)
            await it.reload(text(ports).replace("to: api.localhost", "to: api.shop.localhost"))
            await asking.answered(5)  # another host, and no request without an answer
        assert it.registry.ports.services == first


async def test_they_are_opened_when_the_first_service_comes_and_keep_their_ports(
    tmp_path: Path,
) -> None:
    ports = free()
    nobody = f"{{to: api.localhost, from: '127.0.0.1:{ports[0]}'}}"
    async with external(ports[0]), live(tmp_path, f"proxies: [{nobody}]\n") as it:
        assert it.registry.ports.services == {}
        await it.reload(f"proxies: [{nobody}]\nprocesses: {{clock: sleep 1000}}\n")
        first = it.registry.ports.services["RPX_API_URL"]
    async with live(tmp_path, text(ports)) as it:
        assert it.registry.ports.services["RPX_API_URL"] == first
    with socket.create_server(("127.0.0.1", first)):
        async with live(tmp_path, text(ports)) as it:
            other = it.registry.ports.services["RPX_API_URL"]
            assert other != first
            assert await answered(other) == b"HTTP/1.1 200 OK"
    async with live(tmp_path, text(ports)) as it:
        assert it.registry.ports.services["RPX_API_URL"] == other


def _listens(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


LAST = """\
import os, signal, sys, urllib.request
def last(*_):
    with open("last", "w") as file:
        file.write(urllib.request.urlopen(os.environ["RPX_API_URL"], timeout=20).read().decode())
    sys.exit()
signal.signal(signal.SIGTERM, last)
print("ready", flush=True)
while True:
    signal.pause()
"""


async def test_a_service_that_is_told_to_go_may_still_ask_what_it_depends_on(
    tmp_path: Path,
) -> None:
    (tmp_path / "last.py").write_text(LAST)
    worker = (
        "processes: {worker: {command: PYTHON last.py, depends_on: [api], ready: {log: ready}}}"
    )
    worker = worker.replace("PYTHON", sys.executable)
    [port, *_] = free()
    whole = f"proxies: [{{to: api.localhost, from: 127.0.0.1:{port}, start: RUN}}]\n{worker}\n"
    async with live(tmp_path, whole) as it:
        pid = it.pids[f"api:{port}"]
    assert (tmp_path / "last").read_text() == str(pid)
