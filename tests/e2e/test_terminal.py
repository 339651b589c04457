"""What is seen on a real terminal, at several widths and while the window changes, as text."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from rpx.door.roster import read_roster
from rpx.door.starting import DoorPlace
from tests.support.project import RPX, Project, free_ports, project_in, until
from tests.support.terminal import Terminal, terminal

pytestmark = pytest.mark.real

WIDTHS = (40, 60, 80, 100, 200)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Three services that run while the tests of this file look at them."""
    with project_in(tmp_path_factory.mktemp("shop")) as project:
        web, one, two = free_ports(3)
        project.write(
            "name: shop\nlisten: {http_port: HTTP_PORT}\nproxies:\n"
            f"  - {{to: web.localhost, from: {web}, start: PYTHON APPS/ok.py}}\n"
            "  - to: a-service-with-quite-a-long-name.localhost\n"
            f"    from: [{one}, {two}]\n"
            "    start: PYTHON APPS/ok.py\n"
        )
        with project.up():
            yield project


@contextmanager
def at(project: Project, size: tuple[int, int], *words: str) -> Iterator[Terminal]:
    with terminal(
        (*RPX, *words), size, folder=project.folder, environment=project.environment
    ) as there:
        yield there


def whole(rows: list[dict[str, Any]], text: str) -> bool:
    """Whether the name, port, state and pid of each backend are there, whole."""
    return all(
        re.search(rf"(?<!\w){word}(?!\w)", text)
        for row in rows
        for word in (row["name"], row["port"], row["state"], row["pid"])
    )


@pytest.mark.parametrize("width", WIDTHS)
def test_ps_is_readable_at_every_width(shop: Project, width: int) -> None:
    rows = shop.ps()
    with at(shop, (width, 40), "ps") as there:
        assert there.ended() == 0
        lines = there.lines()
    text = "\n".join(lines)
    assert whole(rows, text)
    assert "…" not in text
    if width == 200:
        assert lines[0].split()[-1] == "URL"
        assert lines[1].split()[-1] == f"http://web.localhost:{shop.http_port}"
    if width == 40:
        assert [line.split()[:2] for line in lines[1:4]] == [
            [str(rows[0]["port"]), "ready"],
            ["a-service-with-quite-a-long-name"],
            [str(rows[1]["port"]), "ready"],
        ]


def test_what_is_no_terminal_gets_every_column_unless_somebody_says_how_wide_it_is(
    shop: Project,
) -> None:
    assert "ROTATION  URL" in shop.rpx("ps").stdout
    environment = shop.environment
    shop.environment = {**environment, "COLUMNS": "60"}
    try:
        assert "URL" not in shop.rpx("ps").stdout
    finally:
        shop.environment = environment


def _is_right(lines: list[str], rows: list[dict[str, Any]], words: tuple[str, ...]) -> bool:
    """Whether a picture has everything that it must have, once, and nothing is cut."""
    text = "\n".join(lines)
    if words == ("top", "--plain") and not (whole(rows, text) and text.count("q quits") == 1):
        return False
    there = "web" in text and str(rows[0]["port"]) in text and "…" not in text
    return there and text.count("HOST") <= 1 and text.count("NAME") <= 1


@pytest.mark.parametrize("words", [("top", "--plain"), ("stats", "--watch")])
def test_a_picture_follows_the_window_and_leaves_the_terminal_as_it_was(
    shop: Project, words: tuple[str, ...]
) -> None:
    rows = shop.ps()
    shop.get("web.localhost")
    shop.get("a-service-with-quite-a-long-name.localhost")
    with at(shop, (200, 12), *words) as there:
        there.until_shown("BACKEND")
        for width in (60, 40, 100, 80, 200, 100):
            there.resize(width, 14)
            drawn = len(there.raw)
            there.until(lambda before=drawn: b"\x1b[J" in there.raw[before:], "a new picture")  # type: ignore[misc]
            # The last one for the width before may have been on its way.
            there.until(lambda: _is_right(there.lines(), rows, words), f"right at {width}")
        assert not there.echoes
        there.type("xyz")
        there.read(0.3)
        assert "xyz" not in "\n".join(there.lines())
        there.type("q")
        assert there.ended() == 0
        assert there.echoes
    assert there.raw.endswith(b"\x1b[?7h\x1b[?25h\x1b[?1049l") or words[0] == "stats"


@pytest.mark.parametrize(
    ("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_top_gives_the_terminal_back_however_it_ends(
    shop: Project, signum: signal.Signals, code: int
) -> None:
    with at(shop, (100, 20), "top", "--plain") as there:
        there.until_shown("q quits")
        assert not there.echoes
        os.kill(there.process.pid, signum)
        assert there.ended() == code
        assert there.echoes
        assert there.raw.endswith(b"\x1b[?7h\x1b[?25h\x1b[?1049l")


def test_in_the_background_top_waits_for_the_shell_to_bring_it_back(shop: Project) -> None:
    shell = ("/bin/sh", "-i")
    with terminal(
        shell, (100, 20), folder=shop.folder, environment={**shop.environment, "PS1": "> "}
    ) as there:

        def is_stopped() -> bool:
            there.type("jobs\n")  # the shell says it before its next prompt
            return b"tty output" in there.raw

        there.until(lambda: there.raw.endswith(b"> "), "a prompt")
        there.type(f"{shlex.join(RPX)} top --plain\n")
        there.until_shown("q quits")
        there.type("\x1a")
        there.until(lambda: there.raw.endswith(b"> "), "the shell's prompt")
        entered = there.raw.count(b"\x1b[?1049h")
        there.type("bg\n")
        there.until(is_stopped, "it is stopped")
        assert there.raw.count(b"\x1b[?1049h") == entered
        there.type("fg\n")
        there.until(lambda: there.raw.count(b"\x1b[?1049h") > entered, "its picture")
        there.type("q")
        there.until(lambda: there.raw.endswith(b"> "), "the shell's prompt")
        there.type("exit\n")
        there.ended()


def test_watched_statistics_stay_on_the_screen_after_the_end(shop: Project) -> None:
    shop.get("web.localhost")
    with at(shop, (100, 20), "stats", "--watch") as there:
        there.until_shown("HOST")
        there.type("\x03")
        assert there.ended() == 130
        after = there.raw.rpartition(b"\x1b[?1049l")[2].decode()
    assert after.startswith("\x1b[1mHOST")
    assert "web.localhost" in after


def test_projects_are_named_whole_at_every_width(shop: Project) -> None:
    for width in (40, 80):
        with at(shop, (width, 40), "projects") as there:
            assert there.ended() == 0
            name, pid = there.lines()[1].split()[:2]
        assert name == "shop"
        assert pid.isdigit()


def test_the_doctor_cuts_no_pid_in_two(shop: Project) -> None:
    folder = Path(shop.environment["XDG_RUNTIME_DIR"], "rpx", "door")
    door = read_roster(DoorPlace(folder, folder))
    assert door is not None
    with at(shop, (44, 60), "doctor") as there:
        there.until_shown(f"pid {door.pid},")
        there.ended()  # else a program that it asks would be left


def test_check_shows_names_and_backends_at_every_width(shop: Project) -> None:
    with at(shop, (40, 20), "check") as there:
        assert there.ended() == 0
        text = "\n".join(there.lines())
    assert whole([{**row, "state": "", "pid": ""} for row in shop.ps()], text)


def test_nothing_is_drawn_over_a_terminal_that_can_not_do_it(tmp_path: Path) -> None:
    project = Project(tmp_path)
    with terminal(
        (*RPX, "top"), (80, 20), folder=tmp_path, environment=project.environment
    ) as there:
        assert there.ended() == 3
        assert b"\x1b[?1049h" not in there.raw


def test_a_console_keeps_ports_and_follows_the_window(shop: Project) -> None:
    rows = shop.ps()
    with at(shop, (40, 40), "attach", "--tail", "3") as there:
        there.until_shown("rpx           |")
        there.until_shown(f"a-s…ame:{rows[1]['port']} |")
        told = re.findall(r"(?:pid|→) (\d+)", shop.rpx("logs", "rpx").stdout)
        assert set(re.findall(r"(\d+)\)", "\n".join(there.lines()))) <= set(told)  # none is cut
        there.resize(160, 40)
        shop.rpx("restart", "web")
        there.until_shown(f"{' ' * 35}| web:{rows[0]['port']} ready")
        there.type("\x03")
        assert there.ended() == 0


def test_whoever_stops_reading_is_told_that_the_project_goes_on(project: Project) -> None:
    project.copies(1)
    errors = project.folder / "errors"
    errors.touch()
    command = f"{shlex.join(RPX)} up 2>{errors} | head -n 1"
    with subprocess.Popen(
        ("/bin/sh", "-c", command), cwd=project.folder, env=project.environment,
        stdout=subprocess.DEVNULL, start_new_session=True,
    ):  # fmt: skip
        until(lambda: "`shop` goes on: `rpx attach`" in errors.read_text(), "word of it")
        assert project.states()
        assert project.rpx("down").returncode == 0
    assert errors.read_text().count("goes on") == 1


def test_tables_and_logs_are_of_those_that_are_named(shop: Project) -> None:
    web, one, two = shop.ps()
    long = one["name"]
    assert shop.rpx("ps", "-q").stdout.split() == [web["label"], one["label"], two["label"]]
    assert shop.rpx("ps", "-q", long).stdout.split() == [one["label"], two["label"]]
    table = shop.rpx("ps", str(two["port"])).stdout
    assert str(two["pid"]) in table
    assert str(one["pid"]) not in table
    [row] = json.loads(shop.rpx("ps", "web", "--json").stdout)
    assert row["label"] == web["label"]
    nobody = shop.rpx("ps", "nobody")
    assert nobody.returncode == 2
    assert "`nobody` here" in nobody.stderr

    shop.get("web.localhost")
    for _ in range(2):
        shop.get(f"{long}.localhost")
    for name, hosts in (("web", {"web.localhost"}), (f"{long}.localhost", {f"{long}.localhost"})):
        assert json.loads(shop.rpx("stats", name, "--json").stdout).keys() == hosts
    figures = json.loads(shop.rpx("stats", str(one["port"]), "--json").stdout)
    assert figures[f"{long}.localhost"].keys() == {one["backend"]}

    [line] = shop.rpx("logs", "web", "-n", "1", "-t").stdout.splitlines()
    time, _, text = line.partition(" | ")[2].partition(" ")
    assert abs((datetime.now() - datetime.fromisoformat(time)).total_seconds()) < 600  # noqa: DTZ005 - as `--since` has it
    assert text


def test_a_drill_has_a_line_while_it_runs_and_a_chart_that_fits(shop: Project) -> None:
    one = shop.ps()[1]
    words = ("drill", one["name"], "--rate", "20", "--duration", "2s", "--kill", str(one["port"]))
    with at(shop, (60, 40), *words) as there:
        there.until_shown(" of 2 s: ")
        there.ended()
        text = "\n".join(there.lines())
    assert " of 2 s: " not in text  # it has gone
    assert "1 s: " in text
    assert f"{one['label']}  in rotation" in text
    chart = [line for line in there.lines() if re.fullmatch("[▁▂▃▄▅▆▇█ ]+|[·x]+|[━ ]+", line)]
    assert len(chart) == 3
    piped = shop.rpx(*words)
    assert " of 2 s: " not in piped.stderr
    assert "\x1b" not in piped.stdout + piped.stderr
