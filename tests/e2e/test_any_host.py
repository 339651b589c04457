"""`to: "*"`: whoever asks for what nobody else of the machine has, with real clients."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import httpx
import pytest

from tests.support.machine import TEXT, Machine, said_by
from tests.support.project import SOON, Project

pytestmark = pytest.mark.real

ANY = """
name: NAME
https: {redirect: false}
proxies:
  - {to: "*", from: "localhost:ONE", start: PYTHON APPS/ok.py}
  - {to: shop.localhost/api, from: "localhost:TWO", start: PYTHON APPS/ok.py}
"""
VERSIONS = (("http", "--http1.1"), ("https", "--http1.1"), ("https", "--http2"))


def curl(machine: Machine, scheme: str, host: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Ask for a page of a host, whatever this system says where that is."""
    port = machine.http if scheme == "http" else machine.https
    path = next((word for word in words if word.startswith("/")), "/")
    options = [word for word in words if word is not path]
    call = ["curl", "-sS", "-m", f"{SOON:g}", "--noproxy", "*", "--cacert", str(machine.authority)]
    call += ["--connect-to", f"::127.0.0.1:{port}", *options, f"{scheme}://{host}:{port}{path}"]
    return subprocess.run(call, capture_output=True, text=True, timeout=2 * SOON, check=False)


def everywhere(machine: Machine, host: str, *words: str) -> Iterator[str]:
    """What is answered in each version of HTTP."""
    for scheme, version in VERSIONS:
        done = curl(machine, scheme, host, version, *words)
        assert done.returncode == 0, done.stderr
        yield done.stdout


def test_who_takes_any_host_gets_what_nobody_else_of_the_machine_has(machine: Machine) -> None:
    shop, blog = machine.project("shop", ANY), machine.project("blog")
    with shop.up(), blog.up():
        hosts = ("x.test", "a.b.localhost", "localhost", "my_app.localhost", "127.0.0.1")
        for host in (*hosts, "bücher.localhost"):
            for text in everywhere(machine, host):
                about = json.loads(text)
                assert about["port"] == machine.ports["shop"]
                asked = dict(about["headers"])["Host"].rpartition(":")[0]
                assert asked == host.replace("bücher", "xn--bcher-kva")
        for text in everywhere(machine, "shop.localhost"):  # a host that has paths of its own
            assert "this path of shop.localhost" in text
        for text in everywhere(machine, "shop.localhost", "/api"):
            assert json.loads(text)["port"] not in machine.ports.values()
        for name in ("blog", "shop"):
            with machine.client() as client:
                answer = client.get(f"http://127.0.0.1:{machine.http}/", headers={"Host": "x.y"})
                assert said_by(answer) == machine.ports["shop"]
                assert said_by(machine.ask(client, "blog")) == machine.ports["blog"], name
        old = curl(machine, "http", "x.test", "--http1.0", "-H", "Host:")
        assert json.loads(old.stdout)["port"] == machine.ports["shop"]
        _the_page_of_the_machine(machine)
        _what_is_not_ours_to_certify(machine, shop)
        _another_who_takes_any(machine)
        _a_name_that_is_taken_later(machine)
        _a_web_site_reads_no_page(machine, shop)


def _the_page_of_the_machine(machine: Machine) -> None:
    for text in everywhere(machine, "rpx.localhost"):
        assert "blog.localhost" in text
        assert "any host" not in text


def _what_is_not_ours_to_certify(machine: Machine, shop: Project) -> None:
    done = curl(machine, "https", "site.example")
    assert done.returncode == 35
    assert "unrecognized name" in done.stderr
    shop.until_said("a client asked for site.example with TLS: the local authority may not certify")
    done = shop.rpx("check")
    assert done.returncode == 0
    assert "certificates for `*`" in done.stderr
    assert "localhost, test, 127.0.0.0/8, ::1/128" in done.stderr
    assert "rpx trust --allow" in done.stderr


def _another_who_takes_any(machine: Machine) -> None:
    done = machine.project("thief", ANY.replace("shop.", "thief.")).rpx("up")
    assert done.returncode == 1
    assert "any host that nobody else has (`*`) is for the project `shop`, which has" in done.stderr


def _a_name_that_is_taken_later(machine: Machine) -> None:
    """It leaves at once, also on connections that are there."""
    news = machine.project("news", TEXT)
    with machine.client() as plain, machine.client() as sealed, machine.client(http2=True) as many:
        ways = ((plain, "http"), (sealed, "https"), (many, "https"))
        for client, scheme in ways:
            assert said_by(machine.ask(client, "news", scheme)) == machine.ports["shop"]
        with news.up():
            assert said_by(machine.ask(plain, "news")) == machine.ports["news"]
            host = f"news.localhost:{machine.https}"
            for client in (sealed, many):
                assert machine.ask(client, "news", "https", host).status_code == 421
                assert said_by(machine.ask(client, "news", "https")) == machine.ports["news"]
        for client, scheme in ways:
            assert _in_the_end(machine, client, scheme) == machine.ports["shop"]


def _in_the_end(machine: Machine, client: httpx.Client, scheme: str) -> int:
    while True:
        try:
            return said_by(machine.ask(client, "news", scheme))
        except httpx.TransportError:  # a connection that the project has closed
            pass


def _a_web_site_reads_no_page(machine: Machine, shop: Project) -> None:
    """By DNS rebinding it can have its name lead here: requests go on, but what rpx itself says of
    backends is not for it."""
    assert json.loads(curl(machine, "http", "evil.example").stdout)["path"] == "/"
    assert shop.rpx("stop", "any").returncode == 0
    port = str(machine.ports["shop"])
    assert port in curl(machine, "http", "x.localhost").stdout
    text = curl(machine, "http", "evil.example").stdout
    assert "It is not up at the moment" in text
    assert port not in text
    tunnel = curl(machine, "http", "x.localhost", "-H", "X-Forwarded-Host: evil.example")
    assert port not in tunnel.stdout
