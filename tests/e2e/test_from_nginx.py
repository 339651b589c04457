"""docs/guides/from-nginx.md: nginx or Caddy and rpx do the same, request by request."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
import trio
import yaml

import rpx
from tests.support.echo import backend
from tests.support.page import Section, sections
from tests.support.project import free_ports, until

PAGE = Path(__file__).parents[2] / "docs" / "guides" / "from-nginx.md"
BACKENDS = ("5000", "5001", "5173", "8000", "8001", "9000")
SECTIONS = sections(PAGE, "http")[1]
OURS = {401, 404, 413}  # whose pages each proxy writes itself
SECRET = "secret"
_PORTS = re.compile(rf"localhost:({'|'.join(BACKENDS)})\b")


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

    def __init__(self, folder: Path, there: dict[str, str]) -> None:
        self.folder = folder
        self.ports: dict[str, int] = {}
        self._there = there
        nginx, caddy = "", "{\nadmin off\nauto_https disable_redirects\nskip_install_trust\n}\n"
        for section, port in zip(SECTIONS, free_ports(len(SECTIONS)), strict=True):
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
        text = _PORTS.sub(lambda found: f"127.0.0.1:{self._there[found[1]]}", text)
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
async def ours(section: Section, there: dict[str, str], folder: Path) -> AsyncIterator[int]:
    """Run what the section has for rpx; yield the port."""
    text = _PORTS.sub(lambda found: f"localhost:{there[found[1]]}", block(section, "yaml"))
    text = text.replace("$ANN_PASSWORD", SECRET)
    text = re.sub(r"\./(dist|media)", rf"{folder}/\1", text)
    settings = {"listen": {"http_port": 0, "https_port": 0}, **yaml.safe_load(text)}
    if not settings.get("https"):
        del settings["listen"]["https_port"]
    async with rpx.start_proxy(settings) as proxy:
        while not all(each.in_rotation for each in proxy.backends()):  # noqa: ASYNC110
            await trio.sleep(0.01)
        yield urlsplit(proxy.url).port or 0


@pytest.mark.programs
@pytest.mark.skipif(
    not (shutil.which("nginx") and shutil.which("caddy")), reason="nginx or Caddy is not here"
)
async def test_nginx_or_caddy_and_rpx_answer_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in {
        "dist/index.html": "<title>shop</title>",
        "dist/app.js": "go()",
        "media/logo.txt": "logo",
        "htpasswd": f"ann:{{PLAIN}}{SECRET}\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setenv("HOME", str(tmp_path))
    there = dict(zip(BACKENDS, map(str, free_ports(len(BACKENDS))), strict=True))
    theirs = Theirs(tmp_path, there)
    with ExitStack() as backends:
        for called in BACKENDS:
            backends.enter_context(backend(called, int(there[called])))
        backends.enter_context(theirs.running())
        async with AsyncExitStack() as proxies:
            for section in SECTIONS:
                port = await proxies.enter_async_context(ours(section, there, tmp_path))
                await trio.to_thread.run_sync(_compare, section, theirs.ports[section.title], port)


def _compare(section: Section, theirs: int, ours: int) -> None:
    first = next(iter(yaml.safe_load(block(section, "yaml"))["proxies"]))["to"]
    host = first if isinstance(first, str) else first[0]
    for line in block(section, "http").splitlines():
        asked = Asked.of(line, "any.test" if host == "*" else host)
        assert (line, answer_of(ours, asked)) == (line, answer_of(theirs, asked)), section.title
