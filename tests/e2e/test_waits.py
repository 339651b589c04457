"""Commands that wait say for what, and that it goes on when one leaves them."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from tests.support.project import SOON, Project, free_ports, until

pytestmark = pytest.mark.real

RPX_YAML = """
name: shop
listen: {http_port: HTTP_PORT}
processes:
  stubborn: {command: "trap '' TERM; echo up; while :; do sleep 0.1; done", stop_grace_period: 40s}
  done: {command: "true", oneshot: true}
proxies:
  - {to: api.localhost, from: [PORT_A, PORT_B], start: PYTHON APPS/ok.py}
  - {to: deaf.localhost, from: PORT_C, start: sleep 1000}
"""


@pytest.fixture
def shop(project: Project, tmp_path: Path) -> Project:
    a, b, c = free_ports(3)
    project.write(RPX_YAML, PORT_A=str(a), PORT_B=str(b), PORT_C=str(c))
    return project


def left_at(project: Project, text: str, *words: str) -> tuple[str, str]:
    """Press Ctrl-C once a command has said a line that begins so; that, and what it says then."""
    with project.begin(*words) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        lines = iter(process.stderr.readline, "")
        line = next(line for line in lines if line.startswith(text))
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        assert process.wait(SOON) == 130
    return line, rest


def test_commands_say_what_they_wait_for_and_what_goes_on(shop: Project) -> None:
    with shop.up(ready=False) as up:
        until(lambda: list(shop.states().values()).count("ready") == 3, "ready")
        api, other, deaf = (row for row in shop.ps() if row["port"])

        # One that does not come up: said after a moment, and Ctrl-C leaves the order standing.
        names = [str(row["port"]) for row in (api, other, deaf)]
        word = f"waiting for {deaf['label']}: it has not shown yet"
        line, rest = left_at(shop, word, "restart", *names)
        assert f"localhost:{deaf['port']}" in line
        assert "goes on in the background; `rpx ps`" in rest

        def pids_now() -> dict[str, int | None]:
            return {row["label"]: row["pid"] for row in shop.ps()}

        def others() -> bool:
            now = pids_now()
            return all(now[row["label"]] not in (row["pid"], None) for row in (api, other, deaf))

        until(others, "all three have been restarted")
        pids = pids_now()

        # One that does not want to go.
        line, rest = left_at(shop, "waiting for stubborn", "stop", "stubborn", "api")
        pid = pids["stubborn"]
        assert re.fullmatch(rf"waiting for stubborn \(pid {pid}\), SIGKILL in 3\ds\n", line)
        assert "goes on in the background" in rest

        # Without names it is all that it makes a difference to, but no oneshot that is done.
        started = shop.rpx("start", "--json")
        assert set(re.findall(r'"label": "(.*)"', started.stdout)) >= {api["label"]}
        assert '"done"' not in started.stdout

        down = shop.rpx("down", "-t", "2", timeout=30)  # of the 40 s that it was given
        assert (down.returncode, down.stdout) == (0, "")
        first, *_, last = down.stderr.splitlines()
        # That is the moment of `-t`, not the one of its grace period.
        assert re.fullmatch(rf"waiting for stubborn \(pid {pid}\), SIGKILL in [01]s", first)
        assert last == "stopped shop"
        assert up.wait(SOON) == 0


def test_down_now_waits_for_nobody(shop: Project) -> None:
    with shop.up(ready=False) as up:
        until(lambda: list(shop.states().values()).count("ready") == 3, "ready")
        _, rest = left_at(shop, "waiting for stubborn (pid ", "down")
        assert "`shop` goes on stopping in the background" in rest
        assert shop.rpx("down", "--now", timeout=30).returncode == 0  # likewise
        assert up.wait(SOON) == 0
    assert shop.rpx("down", "--now", "--timeout", "5s").returncode == 2
    none = shop.rpx("down", "--all")
    assert (none.returncode, none.stderr) == (0, "no project runs\n")
