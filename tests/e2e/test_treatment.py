"""What routes make of the heads of requests and answers: a real rpx, asked by curl through the
machine's door, over HTTP/1.1 and HTTP/2.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest

from tests.support.machine import Machine
from tests.support.project import SOON, Project, free_ports, project_in, until

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here"),
]
# It says what it was asked, in JSON; `?say=Name:%20value` (several) are lines of its answer. Who
# wants another protocol gets it.
BACKEND = """
import json, os, socketserver, sys
from urllib.parse import parse_qsl

class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        while line := self.rfile.readline():
            method, target, _ = line.decode().split()
            fields = []
            while line := self.rfile.readline().decode("latin-1").strip():
                name, _, value = line.partition(":")
                fields.append([name.lower(), value.strip()])
            asked = dict(fields)
            self.rfile.read(int(asked.get("content-length", 0)))
            path, _, query = target.partition("?")
            said = [value for name, value in parse_qsl(query) if name == "say"]
            status = dict(parse_qsl(query)).get("status", "200")
            body = json.dumps({"method": method, "target": target, "fields": fields}).encode()
            said += ["Server: me", f"Content-Length: {len(body)}"]
            if "upgrade" in asked:
                status, body = "101", b"hello"
                said = [*said[:-1], "Connection: Upgrade", "Upgrade: " + asked["upgrade"]]
            lines = [f"HTTP/1.1 {status} X", *said, "", ""]
            self.wfile.write("\\r\\n".join(lines).encode("latin-1"))
            if method != "HEAD" and status not in ("204", "304"):
                self.wfile.write(body)
            if status == "101":
                return

class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    request_queue_size = 64

Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
CONFIG = """
name: shop
https: {redirect: false}
listen: {trusted_proxies: [127.0.0.1]}
defaults:
  headers: {response: {set: {X-From: rpx}}}
proxies:
  - to: shop.localhost
    from: localhost:ONE
    start: PYTHON app.py ONE
    routes:
      - {path: /api/*, strip_prefix: /api, from: localhost:ONE, name: api}
      - {path: /v1/*, rewrite: /v2/$1, from: localhost:ONE, name: v1}
      - path: /edited/*
        from: localhost:ONE
        name: edited
        headers:
          request:
            set:
              X-Env: dev
              X-Said: "$method $scheme $host $path $client $subdomain $$5"
              X-Request-Id: $request_id
            add: {X-More: "1"}
            remove: [Cookie, X-Secret-*]
          response:
            set: {Cache-Control: no-store, X-Request-Id: $request_id}
            remove: [Server]
      - {path: /cors/down, from: localhost:DOWN, name: down, hold: 0s, cors: {credentials: true}}
      - path: /cors/private
        from: localhost:ONE
        name: private
        cors: {credentials: true, max_age: 10m}
        auth: {basic: {ann: "pä:ss"}}
      - {path: /cors/open, respond: ok, cors: {origins: "*", credentials: true}}
      - {path: /cors/any, from: localhost:ONE, name: any, cors: {origins: ["*"]}}
      - {path: /cors/fixed, respond: ok, cors: true}
      - {path: /cors/*, from: localhost:ONE, name: cors, cors: true}
  - {to: other.localhost, from: "localhost:ONE", change_origin: true}
"""


class Answer(NamedTuple):
    """What curl has got. Names of `fields` are in lower case."""

    status: int
    fields: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for each, value in self.fields if each == name]

    def one(self, name: str) -> str | None:
        found = self.all(name)
        assert len(found) < 2, found
        return found[0] if found else None

    @property
    def seen(self) -> dict[str, Any]:
        """What the backend was asked."""
        found: dict[str, Any] = json.loads(self.body)
        return found

    def told(self, name: str) -> list[str]:
        return [value for each, value in self.seen["fields"] if each == name]


class Shop:
    """The running project. Each way to ask it is a URL's beginning and words for curl."""

    def __init__(self, project: Project, machine: Machine) -> None:
        self.project = project
        self.plain, self.sealed = f":{machine.http}", f":{machine.https}"
        ca = str(machine.authority)
        self.ways = {
            "1.1": ("http", self.plain, ["--http1.1"]),
            "2": ("https", self.sealed, ["--http2", "--cacert", ca]),
        }

    def ask(
        self, way: str, path: str, *words: str, host: str = "shop.localhost", to: str = "127.0.0.1"
    ) -> Answer:
        scheme, port, options = self.ways[way]
        done = subprocess.run(
            ("curl", "-sSi", "--noproxy", "*", "--max-time", str(int(SOON)), *options,
             "--connect-to", f"::{to}:", *words, f"{scheme}://{host}{port}{path}"),
            capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        pairs = [line.partition(":") for line in lines]
        fields = [(name.lower(), value.strip()) for name, _, value in pairs]
        return Answer(int(first.split()[1]), fields, body)

    def url(self, way: str, host: str = "shop.localhost") -> str:
        """The URL's beginning."""
        scheme, port, _ = self.ways[way]
        return f"{scheme}://{host}{port}"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with project_in(tmp_path_factory.mktemp("machine")) as first:
        machine = Machine(first)
        project = machine.project("shop", CONFIG.replace("DOWN", str(free_ports(1)[0])))
        (project.folder / "app.py").write_text(BACKEND)
        with project.up(ready=False):
            until(lambda: machine.members == ["shop"], "the door knows it")
            app = f"shop:{machine.ports['shop']}"
            until(lambda: project.states().get(app) == "ready", "its backend is ready")
            yield Shop(project, machine)


every_way = pytest.mark.parametrize("way", ["1.1", "2"])  # and without TLS, and with it


def say(*lines: str, **more: str) -> str:
    """A query by which the backend's answer has these lines."""
    pairs = [("say", line) for line in lines] + list(more.items())
    return "?" + "&".join(f"{name}={quote(value)}" for name, value in pairs)


@every_way
def test_header_rules_change_requests_and_answers(shop: Shop, way: str) -> None:
    got = shop.ask(
        way, "/edited/a" + say("cache-control: max-age=9", "X-Request-Id: theirs"),
        "-H", "Cookie: a=1", "-H", "X-Secret-A: 1", "-H", "x_env: evil", "-H", "X-More: 0",
    )  # fmt: skip
    scheme = shop.url(way).partition(":")[0]
    assert got.told("x-env") == ["dev"]
    assert got.told("x_env") == []
    assert got.told("x-more") == ["0", "1"]
    assert got.told("cookie") == got.told("x-secret-a") == []
    assert got.told("x-said") == [f"GET {scheme} shop.localhost /edited/a 127.0.0.1 shop $5"]
    assert got.one("cache-control") == "no-store"
    assert got.one("server") is None
    assert got.one("x-from") == "rpx"  # by `defaults`
    (made,) = got.told("x-request-id")
    assert got.one("x-request-id") == made
    assert len(made) == 32
    again = shop.ask(way, "/edited/a", "-H", "X-Request-Id: mine-1")
    assert (again.told("x-request-id"), again.one("x-request-id")) == (["mine-1"], "mine-1")


@every_way
def test_a_prefix_is_cut_off_and_given_back(shop: Shop, way: str) -> None:
    here = shop.url(way)
    lines = [
        "Location: /login?next=/", f"Content-Location: {here}/x", "Refresh: 1; url=/y",
        "Set-Cookie: a=1; Path=/", "Set-Cookie: b=2; Path=/deep; HttpOnly", "Set-Cookie: c=3",
    ]  # fmt: skip
    got = shop.ask(way, "/api/x" + say(*lines, status="302"))
    assert got.seen["target"].startswith("/x?say=")
    assert got.told("x-forwarded-prefix") == ["/api"]
    assert got.status == 302
    assert got.one("location") == "/api/login?next=/"
    assert got.one("content-location") == f"{here}/api/x"
    assert got.one("refresh") == "1; url=/api/y"
    assert got.all("set-cookie") == ["a=1; Path=/api", "b=2; Path=/api/deep; HttpOnly", "c=3"]
    swapped = shop.ask(way, "/v1/x" + say("Location: /v2/y", status="301"))
    assert (swapped.seen["target"].partition("?")[0], swapped.one("location")) == ("/v2/x", "/v1/y")
    assert swapped.told("x-forwarded-prefix") == []


@every_way
def test_an_origin_that_was_changed_is_given_back(shop: Shop, way: str) -> None:
    asked = shop.ask(way, "/", host="other.localhost")
    (theirs,) = asked.told("host")
    got = shop.ask(
        way,
        "/" + say(f"Location: http://{theirs}/a", f"Content-Location: HTTP://{theirs}",
                  "Set-Cookie: a=1; Domain=localhost; Path=/", "Link: <http://x>", status="201"),
        host="other.localhost",
    )  # fmt: skip
    here = shop.url(way, "other.localhost")
    assert (got.one("location"), got.one("content-location")) == (f"{here}/a", here)
    assert got.status == 201
    away = shop.ask(way, "/" + say("Location: http://example.com/"), host="other.localhost")
    assert away.one("location") == "http://example.com/"


@every_way
def test_preflights_are_answered_before_anybody_is_asked_for_a_password(
    shop: Shop, way: str
) -> None:
    words = ("-X", "OPTIONS", "-H", "Access-Control-Request-Method: PUT",
             "-H", "Access-Control-Request-Headers: authorization, x-a")  # fmt: skip
    got = shop.ask(way, "/cors/private", *words, "-H", "Origin: http://localhost:5173")
    assert (got.status, got.body) == (204, b"")
    assert got.one("access-control-allow-origin") == "http://localhost:5173"
    assert got.one("access-control-allow-credentials") == "true"
    assert got.one("access-control-allow-methods") == "PUT"
    assert got.one("access-control-allow-headers") == "authorization, x-a"
    assert got.one("access-control-max-age") == "600"
    assert "Origin" in (got.one("vary") or "")
    evil = shop.ask(way, "/cors/private", *words, "-H", "Origin: http://evil.test")
    assert evil.status == 204
    assert not [name for name, _ in evil.fields if name.startswith("access-control")]
    either = shop.ask(way, "/cors/open", *words, "-H", "Origin: http://evil.test")
    assert either.one("access-control-allow-origin") == "http://evil.test"
    plain = shop.ask(way, "/cors/x", "-X", "OPTIONS", "-H", "Origin: http://localhost:5173")
    assert plain.seen["method"] == "OPTIONS"


@every_way
@pytest.mark.parametrize(
    ("path", "status", "vary"),
    [
        ("x", 200, "Accept, Origin"),
        ("any", 200, "Accept"),
        ("fixed", 200, "Origin"),
        ("down", 502, "Accept, Origin"),
        ("private", 401, "Accept, Origin"),
    ],
)
def test_every_answer_tells_a_page_of_the_project_what_it_may_read(
    shop: Shop, way: str, path: str, status: int, vary: str
) -> None:
    query = say("Access-Control-Allow-Origin: http://theirs", "Vary: Accept")
    ours = "http://shop.localhost:3000"
    got = shop.ask(way, f"/cors/{path}{query}", "-H", f"Origin: {ours}")
    assert got.status == status
    assert got.one("access-control-allow-origin") == ("*" if path == "any" else ours)
    assert got.one("vary") == vary
    assert got.one("x-from") == "rpx"
    if path != "any":
        evil = shop.ask(way, f"/cors/{path}{query}", "-H", "Origin: http://evil.test")
        assert (evil.status, evil.one("access-control-allow-origin")) == (status, None)
        assert evil.one("vary") == vary


@every_way
def test_who_has_no_password_is_asked_for_one(shop: Shop, way: str) -> None:
    got = shop.ask(way, "/cors/private", "-H", "Accept: application/json")
    assert got.status == 401
    assert got.one("www-authenticate") == 'Basic realm="private", charset="UTF-8"'
    assert json.loads(got.body)["status"] == 401
    assert shop.ask(way, "/cors/private", "-u", "ann:wrong").status == 401
    assert shop.ask(way, "/cors/private", "-u", "eve:pä:ss").status == 401
    assert shop.ask(way, "/cors/private", "-H", "Authorization: Basic ???").status == 401
    got = shop.ask(way, "/cors/private", "-u", "ann:pä:ss")
    assert got.status == 200
    assert got.told("authorization")  # who has been let in may be asked for by the backend, too


@pytest.mark.parametrize("path", ["/edited/ws", "/api/ws"])
def test_a_switch_to_another_protocol_is_an_answer_like_others(shop: Shop, path: str) -> None:
    sock = socket.create_connection(("127.0.0.1", shop.project.http_port), SOON)
    with sock, sock.makefile("rb") as stream:
        query = say("Set-Cookie: a=1; Path=/", "Cache-Control: x")
        sock.sendall(
            f"GET {path}{query} HTTP/1.1\r\nHost: shop.localhost\r\nConnection: Upgrade\r\n"
            "Upgrade: other\r\n\r\n".encode()
        )
        assert stream.readline().startswith(b"HTTP/1.1 101 ")
        lines = []
        while line := stream.readline().strip():
            lines.append(line.decode())
        assert stream.read(5) == b"hello"
    assert "X-From: rpx" in lines
    assert "Upgrade: other" in lines
    edited = path.startswith("/edited")
    assert ("Cache-Control: no-store" in lines, "Server: me" in lines) == (edited, not edited)
    assert f"Set-Cookie: a=1; Path=/{'' if edited else 'api'}" in lines


SAID = ("-H", "X-Forwarded-For: 203.0.113.9", "-H", "X-Forwarded-Proto: https",
        "-H", "X-Forwarded-Host: shop.example", "-H", "X-Forwarded-Prefix: /tunnel/",
        "-H", "Forwarded: for=203.0.113.9;proto=https")  # fmt: skip


@every_way
def test_a_trusted_proxy_is_believed_and_its_words_go_on(shop: Shop, way: str) -> None:
    got = shop.ask(way, "/api/x" + say("Location: http://shop.localhost/y"), *SAID)
    assert got.told("x-forwarded-for") == ["203.0.113.9, 127.0.0.1"]
    assert got.told("x-forwarded-proto") == ["https"]
    assert got.told("x-forwarded-host") == ["shop.example"]
    assert got.told("x-forwarded-prefix") == ["/tunnel/api"]
    assert got.told("forwarded")[0].startswith("for=203.0.113.9;proto=https, for=127.0.0.1")
    said = shop.ask(way, "/edited/x", *SAID).told("x-said")
    assert said == ["GET https shop.localhost /edited/x 203.0.113.9 shop $5"]


@every_way
def test_nobody_else_is_believed(shop: Shop, way: str) -> None:
    """By IPv6 a client is ::1, which `trusted_proxies` doesn't name."""
    scheme, port, _ = shop.ways[way]
    got = shop.ask(way, "/api/x", *SAID, to="[::1]")
    assert got.told("x-forwarded-for") == ["::1"]
    assert got.told("x-forwarded-proto") == [scheme]
    assert got.told("x-forwarded-host") == [f"shop.localhost{port}"]
    assert got.told("x-forwarded-prefix") == ["/api"]
    assert got.told("forwarded") == []
    said = shop.ask(way, "/edited/x", *SAID, to="[::1]").told("x-said")
    assert said == [f"GET {scheme} shop.localhost /edited/x ::1 shop $5"]


def test_by_a_listener_for_services_it_is_no_different(shop: Shop) -> None:
    urls = {row["internal_url"] for row in shop.project.ps() if row["label"].startswith("shop")}
    (url,) = urls - {None}
    port = url.rpartition(":")[2]
    shop.ways["service"] = ("http", f":{port}", ["--http1.1"])
    got = shop.ask("service", "/api/x" + say("Location: /y", "Set-Cookie: a=1; Path=/"), *SAID)
    assert got.told("x-forwarded-for") == ["203.0.113.9, 127.0.0.1"]
    assert got.told("x-forwarded-prefix") == ["/tunnel/api"]
    assert (got.one("location"), got.one("set-cookie")) == ("/api/y", "a=1; Path=/api")
