"""Every example of docs/routes.md, in one project: each has hosts of its own."""

from __future__ import annotations

import re
import shutil
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml

from tests.support.echo import backend
from tests.support.page import Ports, Section, Shell, conversation, matches, sections
from tests.support.project import Project

PAGE = Path(__file__).parents[2] / "docs" / "routes.md"
BACKENDS = 4000, 4001, 5173
_HOST = re.compile(r"(http://[\w-]+(?:\.[\w-]+)*\.localhost)(?![\w:.])")
_, SECTIONS = sections(PAGE)


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
