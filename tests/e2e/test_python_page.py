"""The fixtures of docs/python.md, run by pytest as a user would."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import pytest

from tests.support.project import APPS, SOON, free_ports

pytestmark = [pytest.mark.real, pytest.mark.smoke]
PAGE = (Path(__file__).parents[2] / "docs" / "python.md").read_text()
TRIO = ("-p", "pytest_trio.plugin", "-o", "trio_mode=true")
PLAIN = """
import httpx

def test_plain(api_url):
    port = api_url.rpartition(":")[2]
    answer = httpx.get(f"http://127.0.0.1:{port}/", headers={"Host": "api.localhost"}, verify=False)
    assert answer.status_code == 200
"""


def block(title: str) -> str:
    """The example that begins with a comment."""
    found = re.search(rf"```python\n# {re.escape(title)}\n(.*?)```", PAGE, re.DOTALL)
    assert found, f"docs/python.md has no {title}"
    return found[1]


def run(folder: Path, conftest: str, test: str, *options: str) -> None:
    first, second = map(str, free_ports(2))
    for name, text in (("conftest.py", conftest), ("test_it.py", test)):
        mine = text.replace("3000", first).replace("3001", second)
        command = f"{sys.executable} {APPS / 'ok.py'}"
        (folder / name).write_text(mine.replace("python3 app.py", command))
    done = subprocess.run(
        (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options),
        cwd=folder,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},  # half of the time
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def test_the_fixture_for_trio_works_as_the_page_shows_it(tmp_path: Path) -> None:
    run(tmp_path, block("conftest.py"), block("test_failover.py"), *TRIO)


def test_the_fixture_for_plain_pytest_works_too(tmp_path: Path) -> None:
    run(tmp_path, block("conftest.py, for plain pytest"), PLAIN)


@pytest.mark.parametrize(
    "signum", [signal.SIGTERM, pytest.param(signal.SIGHUP, marks=pytest.mark.thorough)]
)
def test_a_program_that_handles_its_end_leaves_nobody_behind(tmp_path: Path, signum: int) -> None:
    command = f"{sys.executable} {APPS / 'ok.py'}"
    main = block("main.py").replace("python3 app.py", f"exec {command} left-by-{tmp_path.name}")
    (tmp_path / "main.py").write_text(main)
    with subprocess.Popen(
        (sys.executable, "-u", "main.py"), cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        url = program.stdout.readline().strip()
        port, host = url.rpartition(":")[2], "api.localhost"
        url, headers = f"http://127.0.0.1:{port}/", {"Host": host}
        answer = httpx.get(url, headers=headers, trust_env=False, verify=False)
        assert answer.status_code == 200
        program.send_signal(signum)
        assert program.wait(SOON) == 0
    own = f"left-by-{tmp_path.name}"
    assert not [
        each for each in psutil.process_iter(["cmdline"]) if own in (each.info["cmdline"] or ())
    ]
