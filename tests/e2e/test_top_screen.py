"""The screen of `rpx top` on a real terminal, with a real project that it steers."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.project import RPX, Project, project_in
from tests.support.terminal import Terminal, terminal

pytestmark = [pytest.mark.real, pytest.mark.programs]

SHOP = """
name: shop
listen: {http_port: HTTP_PORT}
proxies:
  - {to: web.localhost, replicas: 2, start: PYTHON APPS/ok.py}
processes:
  chatty: "printf '\\\\033]0;evil\\\\007\\\\033[2Jhello \\\\033[31mworld\\\\033[0m\\\\n'; sleep 99"
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project in the background."""
    pytest.importorskip("textual", reason="the extra `tui` is not installed")
    with project_in(tmp_path_factory.mktemp("shop")) as project:
        project.write(SHOP)
        assert project.rpx("up", "-d", "--wait").returncode == 0
        yield project
        project.rpx("down")


def text(there: Terminal) -> str:
    return "\n".join(there.lines())


def cells(there: Terminal, label: str) -> list[str]:
    """What stands in the row of a copy."""
    line = next((line for line in there.lines() if f" {label} " in line), "")
    return line.split()


def test_the_screen_shows_what_ps_and_stats_say_and_its_keys_do_what_commands_do(
    shop: Project,
) -> None:
    one, two, chatty = (row["label"] for row in shop.ps())
    for _ in range(20):
        shop.get("web.localhost")
    with terminal(
        (*RPX, "top"), (200, 30), folder=shop.folder, environment=shop.environment
    ) as there:
        there.until(lambda: "ready" in cells(there, two), "both copies")
        _has_the_figures(there, shop)
        there.type("\x1b[B\x1b[B")
        there.until_shown("hello world")
        assert b"\x1b]0;" not in there.raw
        there.type("s")
        there.until(lambda: "stopped" in cells(there, chatty), "it is stopped")
        there.until(lambda: f"{chatty} stopped" in text(there), "the sentence")
        there.type("s")
        there.until(lambda: "ready" in cells(there, chatty), "it is started again")
        there.resize(80, 24)
        there.until(lambda: len(there.lines()) == 24 and "URL" not in text(there), "narrower")
        pid = shop.ps()[0]["pid"]
        there.type("\x1b[A\x1b[A" + "k")
        there.until_shown(f"Kill {one} (pid {pid})")
        there.type("y")
        there.until_shown("SIGKILL to pid")
        there.until(lambda: shop.ps()[0]["pid"] not in (None, pid), "another process")
        there.type("p")
        there.until(lambda: "paused" in cells(there, one), "it is paused")
        there.type("p")
        there.until(lambda: "ready" in cells(there, one), "it has requests again")
        there.type("+")
        there.until_shown("4 of 4 up")
        assert len(shop.ps()) == 4
        there.until(lambda: "rpx scale" not in text(there), "what came of it")
        assert shop.rpx("down").returncode == 0
        there.until_shown("has ended; waiting until it runs again")
        shop.rpx("up", "-d")
        there.until_shown("3 of 3 up")
        there.type("a")
        there.until_shown("web is up at http://web.localhost")
        there.type("q")
        assert there.ended() == 0
        assert there.echoes
        assert b"\x1b[?1049l" in there.raw[-200:]


def _has_the_figures(there: Terminal, project: Project) -> None:
    stats = json.loads(project.rpx("stats", "--json").stdout)["web.localhost"]
    for row in project.ps():
        if not row["backend"]:
            continue
        known: dict[str, Any] = stats[row["backend"]]
        wanted = {
            str(known["requests"]),
            f"{known['p50']:.1f}",
            f"{known['p99']:.1f}",
            str(row["pid"]),
            row["url"],
        }
        there.until(lambda row=row, w=wanted: w <= {*cells(there, row["label"])}, f"{wanted}")  # type: ignore[misc]


@pytest.mark.parametrize(
    ("signum", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (None, 130)]
)
def test_the_terminal_is_given_back_however_the_screen_ends(
    shop: Project, signum: signal.Signals | None, code: int
) -> None:
    with terminal(
        (*RPX, "top"), (80, 24), folder=shop.folder, environment=shop.environment
    ) as there:
        there.until_shown("chatty")
        assert not there.echoes
        if signum is None:
            there.type("\x03")
        else:
            os.kill(there.process.pid, signum)
        assert there.ended() == code
        assert there.echoes
        assert b"\x1b[?1049l" in there.raw[-200:]
