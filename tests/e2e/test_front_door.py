"""Several projects behind the machine's door: real ones, real clients, and what becomes of it all
when any of them is killed."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import IO

import httpx
import pytest
from websockets.sync.client import connect

from tests.support.machine import TEXT, Machine, said_by
from tests.support.project import SOON, Project, free_ports, supervisor, until

pytestmark = pytest.mark.real


@contextmanager
def asking(machine: Machine, *names: str) -> Iterator[Counter[str]]:
    """Ask for each all the time, by a new connection for each request; count what comes of it."""
    count: Counter[str] = Counter()
    over = threading.Event()

    def ask(name: str) -> None:
        while not over.is_set():
            try:
                count["ok" if machine.answers(name) else "wrong"] += 1
            except httpx.HTTPError as error:
                count[type(error).__name__] += 1

    threads = [threading.Thread(target=ask, args=(name,)) for name in names for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield count
    finally:
        over.set()
        for thread in threads:
            thread.join()


def more(count: Counter[str], requests: int) -> None:
    """Wait for so many more answers."""
    target = count.total() + requests
    until(lambda: count.total() >= target, "requests are answered")


def test_two_projects_share_one_pair_of_ports(machine: Machine) -> None:
    shop, blog = machine.project("shop"), machine.project("blog")
    with shop.up() as first, blog.up():
        assert machine.members == ["blog", "shop"]
        urls = {row["url"] for project in (shop, blog) for row in project.ps()}
        assert urls == {
            f"https://{host}.localhost:{machine.https}"
            for host in ("shop", "ws.shop", "blog", "ws.blog")
        }
        _every_protocol(machine)
        _one_connection_for_both(machine)
        _who_asks_for_nobody(machine)
        _a_name_that_somebody_has(machine, blog)

        # Whoever goes, and comes back: the other goes on, with the same URLs.
        os.kill(supervisor(first).pid, signal.SIGKILL)  # its names are free at once
        first.wait(SOON)
        assert machine.answers("blog")
        assert machine.members == ["blog"]
        with shop.up():
            assert machine.answers("shop")
            blog_too = machine.roster
            assert blog_too is not None
            assert {m.https for m in blog_too.members} == {machine.https}
    assert machine.members == []


def _every_protocol(machine: Machine) -> None:
    for http2, version in ((False, "HTTP/1.1"), (True, "HTTP/2")):
        for name in ("shop", "blog", "shop"):
            with machine.client(http2=http2) as client:
                answer = machine.ask(client, name, "https")
                assert (answer.http_version, said_by(answer)) == (version, machine.ports[name])
                assert dict(answer.json()["headers"])["X-Forwarded-For"] == "127.0.0.1"
                assert said_by(machine.ask(client, name)) == machine.ports[name]
    context = ssl.create_default_context(cafile=str(machine.authority))
    # With TLS 1.3 tickets come behind the handshake. This client may read them in one thread while
    # it sends its request in another, which OpenSSL doesn't stand: the request is then never sent.
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    for name in ("shop", "blog"):
        sock = socket.create_connection(("127.0.0.1", machine.https))
        with connect(f"wss://ws.{name}.localhost/", sock=sock, ssl=context) as tunnel:
            tunnel.send("hello")
            assert tunnel.recv(SOON) == "hello"


def _one_connection_for_both(machine: Machine) -> None:
    """A kept connection goes to and fro, also with requests sent ahead, and nothing is left."""
    pids = [member.pid for member in machine.roster.members] if machine.roster else []
    asked = "".join(
        f"GET / HTTP/1.1\r\nHost: {name}.localhost\r\n\r\n" for name in ("shop", "blog")
    ).encode()
    before: list[int] = []
    with socket.create_connection(("127.0.0.1", machine.http)) as sock:
        file = sock.makefile("rb")
        for number in range(100):
            sock.sendall(asked)
            for name in ("shop", "blog"):
                assert _port(file) == machine.ports[name]
            if number == 5:
                before = [len(os.listdir(f"/proc/{pid}/fd")) for pid in pids]
        after = [len(os.listdir(f"/proc/{pid}/fd")) for pid in pids]
        # A connection to a backend may have come or gone; it has changed hands 190 times since.
        assert all(now < then + 10 for now, then in zip(after, before, strict=True))
        file.close()


def _port(file: IO[bytes]) -> int:
    assert file.readline().startswith(b"HTTP/1.1 200")
    length = 0
    while field := file.readline().strip():
        if field.lower().startswith(b"content-length:"):
            length = int(field[15:])
    port: int = json.loads(file.read(length))["port"]
    return port


def _who_asks_for_nobody(machine: Machine) -> None:
    hosts = (b"shop.localhost", b"blog.localhost")
    for scheme in ("http", "https"):  # the latter with a certificate for that name
        with machine.client() as client:
            page = machine.ask(client, "nobody", scheme)
            assert page.status_code == 404
            assert all(host in page.content for host in hosts)
            page = machine.ask(client, "nobody", scheme, "evil.example")
            assert page.status_code in {404, 421}
            assert not any(host in page.content for host in hosts)
    for http2 in (False, True):
        with machine.client(http2=http2) as client:
            assert machine.ask(client, "shop", "https", "blog.localhost").status_code == 421
    _one_page(machine)


def _one_page(machine: Machine) -> None:
    """What the door shows, and what a project shows with TLS."""
    for host, status in (("localhost", 200), ("127.0.0.1", 200), ("nobody.localhost", 404)):
        for accept, kind in (("application/json", "application/json"), ("text/html", "text/html")):
            answers = []
            for scheme, port in (("http", machine.http), ("https", machine.https)):
                with machine.client() as client:
                    url = f"{scheme}://127.0.0.1:{port}/"
                    asked = {"Host": f"{host}:{port}", "Accept": accept}
                    sni = {"sni_hostname": host if host[0] != "1" else "localhost"}
                    answers.append(client.get(url, headers=asked, extensions=sni))
            by_door, by_project = answers
            assert (by_door.status_code, by_project.status_code) == (status, status)
            assert by_door.headers["Content-Type"].startswith(kind)
            assert by_door.text == by_project.text
            for each in (by_door, by_project):
                del each.headers["Date"]
            assert by_door.headers == by_project.headers


def _a_name_that_somebody_has(machine: Machine, blog: Project) -> None:
    third = machine.project("third", TEXT.replace("NAME.localhost", "shop.localhost"))
    done = third.rpx("up")
    assert done.returncode == 1
    assert "`shop.localhost` is the name of the project `shop`, which has run in" in done.stderr
    assert "rpx down -f" in done.stderr
    assert third.ps() == []
    before = (blog.folder / "rpx.yaml").read_text()
    (blog.folder / "rpx.yaml").write_text(before.replace("ws.blog.", "ws.shop."))
    done = blog.rpx("reload")
    assert done.returncode == 1
    assert "`ws.shop.localhost` is the name of the project `shop`" in done.stderr
    (blog.folder / "rpx.yaml").write_text(before.replace("ws.blog.", "news."))
    assert blog.rpx("reload").returncode == 0
    with machine.client() as client:
        assert machine.ask(client, "ws.blog").status_code == 404
        assert machine.ask(client, "news").status_code == 308  # to come again with TLS
    assert machine.answers("blog")


def test_nobody_ends_with_the_door_and_no_project_waits_for_another(machine: Machine) -> None:
    shop, blog = machine.project("shop"), machine.project("blog")
    with shop.up(), blog.up() as second, ExitStack() as kept:
        clients = {name: kept.enter_context(machine.client()) for name in ("shop", "blog")}
        doors = {machine.door}
        with asking(machine, "shop", "blog") as count:
            for _ in range(5):
                more(count, 20)
                os.kill(machine.door, signal.SIGKILL)
                until(lambda: machine.door not in doors | {0}, "another door")
                until(lambda: machine.members == ["blog", "shop"], "both are back")
                doors.add(machine.door)
                for name, client in clients.items():
                    assert said_by(machine.ask(client, name)) == machine.ports[name]
            more(count, 20)
        assert len(doors) == 6
        # What a door has in its hands when it is killed is lost, and nothing else.
        assert count["wrong"] == 0
        assert count.total() - count["ok"] <= 5, count

        hung = supervisor(second)
        hung.suspend()
        try:
            with socket.create_connection(("127.0.0.1", machine.http)) as waiting:
                waiting.sendall(b"GET / HTTP/1.1\r\nHost: blog.localhost\r\n\r\n")
                for _ in range(20):
                    assert machine.answers("shop")
                hung.resume()
                assert waiting.recv(12) == b"HTTP/1.1 200"
        finally:
            hung.resume()
        # The door of now was started below one of the two: whoever goes, the other goes on.
        assert blog.rpx("down").returncode == 0
        assert machine.answers("shop")
    assert machine.members == []


def test_who_wants_listeners_of_its_own_has_them(machine: Machine) -> None:
    alone = "\n".join(line for line in TEXT.splitlines() if "https: true" not in line)
    listens = {
        "aside": "{http_port: PORT, door: false}",
        "somewhere": "{http_port: 0}",
        "open": '{http_port: PORT, host: "0.0.0.0"}',
    }
    with machine.project("shop").up():
        for name, listen in listens.items():
            (port,) = free_ports(1)
            text = f"listen: {listen.replace('PORT', str(port))}\n{alone}".replace(
                ", https: {redirect: false}", ""
            )
            with machine.project(name, text).up():
                assert machine.members == ["shop"]
        # A number of one's own is the door's to open, and only as long as somebody names it.
        (port,) = free_ports(1)
        shared = f"listen: {{http_port: {port}}}\n{alone}".replace(", https: {redirect: false}", "")
        two = [machine.project(name, shared) for name in ("one", "two")]
        with two[0].up(), two[1].up():
            assert machine.members == ["one", "shop", "two"]
            for name in ("one", "two"):
                answer = httpx.get(
                    f"http://127.0.0.1:{port}/", headers={"Host": f"{name}.localhost"}
                )
                assert said_by(answer) == machine.ports[name]
        with socket.socket() as again:
            again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            again.bind(("127.0.0.1", port))


def test_without_a_door_a_project_listens_by_itself_and_says_so(machine: Machine) -> None:
    machine.runtime.mkdir(mode=0o700)
    machine.place.folder.write_text("not a folder")
    (port,) = free_ports(1)
    shop = machine.project(
        "shop", f"listen: {{http_port: {port}}}\n" + TEXT.replace("https: true", "")
    )
    with shop.up():
        assert (
            "this project listens by itself: the door of this machine can't be had" in shop.said()
        )
        shop.http_port = port
        assert shop.get("shop.localhost").status_code == 200
    blog = machine.project("blog", TEXT.replace("https: true", ""))
    up = blog.rpx("up", "-d")
    try:
        assert "listens by itself: the door of this machine can't be had" in up.stderr
        assert f", https://blog.localhost:{machine.https}\n" in up.stderr
    finally:
        blog.rpx("down")


def test_a_port_that_the_environment_chose_is_named_so_where_somebody_has_it(
    machine: Machine,
) -> None:
    with socket.create_server(("127.0.0.1", machine.http)):
        up = machine.project("shop").rpx("up")
    assert up.returncode == 1
    assert f"error: `RPX_HTTP_PORT`, {machine.http}, is taken by" in up.stderr
