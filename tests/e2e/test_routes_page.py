"""Every example of docs/routes.md, in one project: each has hosts of its own."""

from __future__ import annotations

import re
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from tests.support.page import Ports, Section, Shell, conversation, matches, sections
from tests.support.project import Project

PAGE = Path(__file__).parents[2] / "docs" / "routes.md"
BACKENDS = 4000, 4001, 5173
_HOST = re.compile(r"(http://[\w-]+(?:\.[\w-]+)*\.localhost)(?![\w:.])")
_, SECTIONS = sections(PAGE)


class Echo(BaseHTTPRequestHandler):
    """A backend that says what it sees."""

    called = ""
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer; below /show/ with the field that is named there."""
        _, show, name = self.path.partition("/show/")
        more = f" ({name}: {self.headers[name]})" if show else ""
        body = f"{self.called} sees {self.command} {self.path}{more}\n".encode()
        self.send_response(200)
        self.send_header("Cache-Control", "max-age=60")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_PUT = do_GET

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def backend(called: str, port: int) -> Iterator[None]:
    """Run one, which the page calls so."""
    handler = type("Called", (Echo,), {"called": called})
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not here")
def test_the_examples_do_what_the_page_says(project: Project) -> None:
    public = project.folder / "public"
    public.mkdir()
    (public / "hello.txt").write_text("hello\n")
    (public / "index.html").write_text("<title>home</title>\n")
    ports = Ports(" ".join(map(str, BACKENDS)))
    proxies = [
        proxy
        for section in SECTIONS
        for kind, text in section.blocks
        if kind == "yaml"
        for proxy in yaml.safe_load(text)["proxies"]
    ]
    project.environment["ANN_PASSWORD"] = "secret"
    project.environment["PATH"] = f"{Path(sys.executable).parent}:{project.environment['PATH']}"
    whole = {"listen": {"http_port": project.http_port}, "proxies": proxies}
    project.write(ports.there(yaml.safe_dump(whole, sort_keys=False)))
    with ExitStack() as running:
        for called in map(str, BACKENDS):
            running.enter_context(backend(called, int(ports.there(called))))
        running.enter_context(project.up())
        shell = running.enter_context(Shell(project))
        for section in SECTIONS:
            _type(project, shell, ports, section)


def _type(project: Project, shell: Shell, ports: Ports, section: Section) -> None:
    end = f":{project.http_port}"
    for kind, text in section.blocks:
        for command, expected in conversation(text) if kind == "console" else ():
            typed = _HOST.sub(rf"\1{end}", ports.there(command))
            said = ports.back(shell.type(typed).replace(end, "").replace("\r", ""))
            assert matches(expected, said), f"$ {command}\n{said}\nexpected:\n{expected}"
