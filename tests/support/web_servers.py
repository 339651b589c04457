"""nginx and Caddy with the files of a page, beside rpx: the same requests to both."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
import trio

import rpx
from tests.support.echo import backend
from tests.support.page import Section
from tests.support.project import free_ports, until

BACKENDS = ("5000", "5001", "5173", "8000", "8001", "9000")
OURS = {401, 403, 404, 410, 413}  # whose pages each proxy writes itself
SECRET = "secret"
Settings = dict[str, Any]
PORTS = re.compile(rf"localhost:({'|'.join(BACKENDS)})\b")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request of the page."""

    method: str
    host: str
    path: str
    tls: bool = False
    auth: tuple[str, str] | None = None
    length: int = 0

    @classmethod
    def of(cls, line: str, host: str) -> Asked:
        """`GET /path`, `GET https://host/path`; behind it `name:password`, or a body's length."""
        method, target, *more = line.split()
        url = urlsplit(target)
        path = url.path + (f"?{url.query}" if url.query else "")
        name, colon, password = (more or [""])[0].partition(":")
        return cls(
            method,
            url.hostname or host,
            path,
            url.scheme == "https",
            (name, password) if colon else None,
            int(name) if name and not colon else 0,
        )


def block(section: Section, kind: str) -> str:
    """The block of one language."""
    return next((text for each, text in section.blocks if each == kind), "")


def answer_of(port: int, asked: Asked) -> tuple[int, str, str]:
    """Status, Location and what is comparable of the body."""
    scheme = "https" if asked.tls else "http"
    with httpx.Client(verify=False, trust_env=False, timeout=30) as client:
        request = client.build_request(
            asked.method,
            f"{scheme}://127.0.0.1:{port}{asked.path}",
            headers={"Host": asked.host},
            extensions={"sni_hostname": asked.host},
        )
        if asked.length:  # of which nothing is sent: it is refused before
            return _refused(port, asked), "", ""
        if asked.auth:
            auth = httpx.BasicAuth(*asked.auth)
            request = next(auth.auth_flow(request))
        response = client.send(request)
    location = urljoin(f"{scheme}://{asked.host}{asked.path}", response.headers.get("location", ""))
    location = re.sub(r":\d+", "", location) if "location" in response.headers else ""
    body = "" if response.status_code in OURS or response.is_redirect else response.text
    return response.status_code, location, body.replace("8001", "8000")


def _refused(port: int, asked: Asked) -> int:
    head = f"{asked.method} {asked.path} HTTP/1.1\r\nHost: {asked.host}\r\n"
    with socket.create_connection(("127.0.0.1", port), 30) as client:
        client.sendall(f"{head}Content-Length: {asked.length}\r\n\r\n".encode())
        return int(client.recv(12)[9:])


class Theirs:
    """nginx and Caddy with all the files of the page, each section at a port of its own."""

    def __init__(self, folder: Path, there: dict[str, str], listed: Sequence[Section]) -> None:
        self.folder = folder
        self.ports: dict[str, int] = {}
        self._there = there
        nginx, caddy = "", "{\nadmin off\nauto_https disable_redirects\nskip_install_trust\n}\n"
        for section, port in zip(listed, free_ports(len(listed)), strict=True):
            self.ports[section.title] = port
            nginx += self._at(block(section, "nginx"), port)
            caddy += self._at(block(section, "caddyfile"), port)
        user = "" if os.geteuid() else "user root;\n"  # else a worker can't read what is here
        (folder / "nginx.conf").write_text(
            f"{user}daemon off; worker_processes 1; pid nginx.pid; error_log stderr;\n"
            "events {}\nhttp { access_log off; types { text/html html; text/plain txt; "
            "text/javascript js; }\n" + nginx + "}\n"
        )
        (folder / "Caddyfile").write_text(caddy)

    def _at(self, text: str, port: int) -> str:
        text = PORTS.sub(lambda found: f"127.0.0.1:{self._there[found[1]]}", text)
        text = re.sub(r"listen 80\b", f"listen 127.0.0.1:{port}", text)
        return re.sub(r":(?:80|443)(?= \{|,)", f":{port}", text)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run both until they listen everywhere."""
        here = {
            "HOME": str(self.folder),
            "XDG_DATA_HOME": str(self.folder),
            "PATH": "/usr/bin:/bin",
        }
        words = [
            ["nginx", "-p", str(self.folder), "-c", "nginx.conf"],
            ["caddy", "run", "--config", "Caddyfile", "--adapter", "caddyfile"],
        ]
        begun = [
            subprocess.Popen(
                [shutil.which(program) or program, *more],
                cwd=self.folder,
                env=here,
                stderr=subprocess.DEVNULL,
            )
            for program, *more in words
        ]
        try:
            until(lambda: all(map(_listens, self.ports.values())), "nginx and Caddy listen")
            yield
        finally:
            for process in begun:
                process.terminate()
            for process in begun:
                process.wait(10)


def _listens(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


@asynccontextmanager
async def ours(written: Settings) -> AsyncIterator[int]:
    """Run an rpx with these settings, but for where it listens; yield the port."""
    settings = {**written, "listen": {"http_port": 0, "https_port": 0}}
    if not settings.get("https"):
        del settings["listen"]["https_port"]
    async with rpx.start_proxy(settings) as proxy:
        while not all(each.in_rotation for each in proxy.backends()):  # noqa: ASYNC110
            await trio.sleep(0.01)
        yield urlsplit(proxy.url).port or 0


needs_both = pytest.mark.skipif(
    not (shutil.which("nginx") and shutil.which("caddy")), reason="nginx or Caddy is not here"
)


async def compare_all(
    listed: Sequence[Section], folder: Path, settings: Callable[[Section, dict[str, str]], Settings]
) -> None:
    """Ask both the requests of each section. `settings` are rpx's for a section, with the ports
    at which the backends of the page are; files that are named lie in `folder`.
    """
    for name, text in {
        "dist/index.html": "<title>shop</title>",
        "dist/app.js": "go()",
        "media/logo.txt": "logo",
        "htpasswd": f"ann:{{PLAIN}}{SECRET}\n",
    }.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    there = dict(zip(BACKENDS, map(str, free_ports(len(BACKENDS))), strict=True))
    theirs = Theirs(folder, there, listed)
    differ: list[str] = []
    with ExitStack() as backends:
        for called in BACKENDS:
            backends.enter_context(backend(called, int(there[called])))
        backends.enter_context(theirs.running())
        async with AsyncExitStack() as proxies:
            for section in listed:
                written = settings(section, there)
                port = await proxies.enter_async_context(ours(written))
                host = host_of(written)
                port_of_theirs = theirs.ports[section.title]
                differ += await trio.to_thread.run_sync(
                    _differences, section, port_of_theirs, port, host
                )
    assert not differ, "\n".join(differ)


def host_of(settings: Settings) -> str:
    """The host of requests that name none."""
    first = settings["proxies"][0]["to"]
    host = first if isinstance(first, str) else first[0]
    return "any.test" if host == "*" else host


def _differences(section: Section, theirs: int, ours: int, host: str) -> list[str]:
    found = []
    for line in block(section, "http").splitlines():
        asked = Asked.of(line, host)
        one, other = answer_of(ours, asked), answer_of(theirs, asked)
        if one != other:
            found.append(f"{section.title}: {line}: rpx {one}, the other one {other}")
    return found
