"""The demo: what `make demo` starts, and how make keeps its environment."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.browser import dom, needs_chromium
from tests.support.project import SOON, Project, until

ROOT = Path(__file__).parents[2]
# A Python that writes down what it is asked for, and makes an environment with itself in it.
STUB = """#!/bin/sh
echo "$*" >> CALLS
case "$*" in
  "-m venv --clear "*) mkdir -p "$4/bin" && cp "$0" "$4/bin/python" && cp RPX "$4/bin/rpx";;
  --version) echo "Python 3.11.7";;
esac
"""

# An rpx that runs until a signal, also where a shell has started it to ignore SIGINT.
ENDS = """#!PYTHON
import pathlib, signal
lives = pathlib.Path("LIVES")
def end(signum, _):
    lives.unlink()
    raise SystemExit(128 + signum)
for signum in signal.SIGINT, signal.SIGTERM:
    signal.signal(signum, end)
lives.touch()
while True:
    signal.pause()
"""

pytestmark = pytest.mark.real
needs_make = pytest.mark.skipif(not shutil.which("make"), reason="make is not here")


@pytest.fixture
def demo(project: Project) -> Project:
    """The demo's folder as a project."""
    shutil.copytree(ROOT / "demo", project.folder, dirs_exist_ok=True)
    project.environment["DEMO_PORT"] = str(project.http_port)
    python = project.folder / "home" / "python3"  # `python3` of its commands is the tests' own
    python.symlink_to(sys.executable)
    project.environment["PATH"] = f"{python.parent}:{os.environ['PATH']}"
    return project


def test_the_two_copies_of_the_demo_take_turns_and_come_back_when_they_are_killed(
    demo: Project,
) -> None:
    with demo.up():
        copies = [demo.get("api.localhost").text.split(",")[0] for _ in range(4)]
        assert copies == [f"hello from copy {n}" for n in (1, 2, 1, 2)]
        page = demo.get("api.localhost", headers={"Accept": "text/html,*/*"}).text
        assert "hello from copy 1" in page
        # else a browser would ask for an icon after each page, which takes a turn, too
        assert 'rel="icon" href="data:,"' in page
        assert f'fetch("http://api.localhost:{demo.http_port}/"' in demo.get("web.localhost").text
        before = [row["pid"] for row in demo.ps()]
        killed = demo.rpx("kill-backend", "api:2")
        assert killed.returncode == 0, killed.stderr
        until(lambda: demo.all_ready() and [row["pid"] for row in demo.ps()] != before, "back")


@pytest.mark.programs
@needs_chromium
async def test_a_browser_shows_the_turns_of_the_demo(demo: Project) -> None:
    with demo.up():
        url = f"http://web.localhost:{demo.http_port}/"
        done = "document.querySelectorAll('i').length > 4"
        page = await dom(url, demo.folder, done=done)
        shown = re.findall(r'<i class="(\w+)">', page)
        assert len(shown) > 4
        assert shown[:4] in (["one", "two"] * 2, ["two", "one"] * 2)
        assert 'id="failed">0<' in page


@needs_make
def test_a_second_make_demo_installs_nothing(tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "demo").mkdir()
    calls, python, rpx = tmp_path / "calls", tmp_path / "python", tmp_path / "rpx"
    rpx.write_text('#!/bin/sh\necho "rpx $* in $(pwd)"\n')
    python.write_text(STUB.replace("CALLS", str(calls)).replace("RPX", str(rpx)))
    for program in (python, rpx):
        program.chmod(0o755)

    def demo() -> tuple[str, list[str]]:
        calls.write_text("")
        done = subprocess.run(
            ["make", "-C", str(tmp_path), "demo", f"PYTHON={python}"],
            capture_output=True,
            text=True,
            timeout=SOON,
            check=True,
        )
        return done.stdout, [x for x in calls.read_text().splitlines() if "install" in x]

    said, installed = demo()
    assert f"rpx up in {tmp_path}/demo" in said
    assert f"cd {tmp_path}/demo && . ../.venv-demo/bin/activate" in said
    assert len(installed) == 1
    assert demo()[1] == []
    with (tmp_path / "pyproject.toml").open("a") as changed:
        changed.write("\n# one library more\n")
    assert len(demo()[1]) == 1


@needs_make
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_make_demo_ends_with_what_it_has_started(tmp_path: Path, signum: int) -> None:
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "demo").mkdir()
    python, rpx, lives = tmp_path / "python", tmp_path / "rpx", tmp_path / "lives"
    rpx.write_text(ENDS.replace("PYTHON", sys.executable).replace("LIVES", str(lives)))
    python.write_text(STUB.replace("CALLS", "/dev/null").replace("RPX", str(rpx)))
    for program in (python, rpx):
        program.chmod(0o755)
    make = subprocess.Popen(
        ["make", "-C", str(tmp_path), "demo", f"PYTHON={python}"], start_new_session=True
    )
    until(lives.exists, "started")
    if signum == signal.SIGINT:  # a terminal sends it to everybody
        os.killpg(make.pid, signum)
    else:
        make.send_signal(signum)
    make.wait(SOON)
    until(lambda: not lives.exists(), "ended")
