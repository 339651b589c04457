"""What services print does nothing to the terminal but show text: `up`, `attach`, `logs`, pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.project import RPX, Project, free_ports, until
from tests.support.terminal import terminal

pytestmark = pytest.mark.real

# Some of it in two pieces, as it may come through a pipe.
WATCHER = """\
import sys, time
out = sys.stdout.buffer
def say(*pieces):
    for piece in pieces:
        out.write(piece); out.flush(); time.sleep(0.05)
say(b"\\x1b[2", b"J\\x1b[3J\\x1b[HStarting compilation\\n")
say(b"\\x1b[?1049h\\x1b[?25l\\x1b[?1003h\\x1b[2;4r\\x1b]0;PW", b"NED\\x07modes\\n")
say(b"\\x1b[20A\\x1b[1;1Hup there\\n")
say(b"\\xc2\\x9b2Jeight\\x9b2J bits\\xc2\\x9d0;PWNED\\xc2\\x9c\\n")
say(b"10 %\\r", b"20 %\\r30 %\\n", b"|\\b/\\b", b"-\\n", b"\\x07\\x1b[31mred\\n")
say(b"the end\\n")
time.sleep(1000)
"""
RPX_YAML = """
name: shop
listen: {http_port: HTTP_PORT}
processes:
  db: echo "3 migrations are missing"; exec sleep 1000
proxies:
  - {to: tsc.localhost, from: PORT_A, start: PYTHON watcher.py, hold: 100ms}
"""
SEEN = ["Starting compilation", "modes", "up there", "eight bits", "30 %", "-", "red", "the end"]
FORBIDDEN = re.compile(
    rb"PWNED|\x1b\[[23]?J|\x1b\[\?(?:1049|25|1003)|\x1b\[\d*;?\d*[rHA]|\x07|\x08|\xc2\x9b|\x9b2J"
)


def test_a_service_does_not_rule_the_terminal(project: Project, tmp_path: Path) -> None:
    [port] = free_ports(1)
    (tmp_path / "watcher.py").write_text(WATCHER)
    project.write(RPX_YAML, PORT_A=str(port))
    environment = project.environment
    with terminal((*RPX, "up"), (100, 40), folder=tmp_path, environment=environment) as there:
        there.until_shown("| the end")
        lines = [line.partition("| ")[2] for line in there.lines()]
        assert "3 migrations are missing" in lines
        assert [line for line in lines if line in SEEN] == SEEN
        assert not FORBIDDEN.search(there.raw)
        assert re.search(rb"\x1b\[31mred\x1b\[0m\r\n", there.raw)

        with terminal(
            (*RPX, "attach"), (100, 40), folder=tmp_path, environment=environment
        ) as other:
            other.until_shown("| the end")
            assert not FORBIDDEN.search(other.raw)
        for words in (("logs",), ("logs", "--color", "always"), ("logs", "--json"), ("why", "tsc")):
            said = project.rpx(*words).stdout.encode()
            assert b"Starting compilation" in said
            assert not FORBIDDEN.search(said)
            assert words[-1] == "always" or b"\x1b" not in said
        page = project.get("tsc.localhost", headers={"Accept": "text/plain"})
        assert page.status_code == 503
        assert "Starting compilation" in page.text
        assert not FORBIDDEN.search(page.content)
        assert b"\x1b" not in page.content
        logs = next((tmp_path / "home").rglob("tsc.log"))
        until(lambda: b"the end" in logs.read_bytes(), "the file of the logs")
        kept = logs.read_bytes()
        assert b"\x1b[2J\x1b[3J\x1b[H" in kept
        assert b"\x1b]0;PWNED\x07" in kept

        there.type("\x03")
        assert there.ended() == 130


def test_what_others_are_called_is_spelt_out(project: Project) -> None:
    project.write(
        'listen: {http_port: HTTP_PORT}\nto: a.localhost\nfrom: 3\n"ke\\e]0;PWNED\\ay": 1\n'
        'name: "x\\e]0;PWNED\\a"\nstrategy: "y\\u009b31m"\n'
    )
    said = project.rpx("check")
    assert said.returncode == 2
    assert r"ke\x1b]0;PWNED\x07y" in said.stderr
    assert r"y\x9b31m" in said.stderr
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", said.stderr)
