"""Output with real processes: kept, bounded, in time, and there after the end."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.support.project import Project, end, supervisor, until

pytestmark = pytest.mark.real


def state(project: Project) -> Path:
    """The folder of the project's logs."""
    found = Path(project.environment["XDG_STATE_HOME"]).glob("rpx/*/")
    return next(folder for folder in found if folder.name != "door")


def test_logs_are_there_after_the_end_and_an_earlier_run_s_only_when_asked_for(
    project: Project,
) -> None:
    for word in ("first", "second"):
        project.write(
            f"processes: {{app: {{command: 'printf {word}', restart: no}}, other: sleep 60}}"
        )
        with project.up():
            project.until_said(f"app   | {word}")
    assert project.rpx("logs").stdout == "app | second\n"
    assert project.rpx("logs", "--since", "10m").stdout == "app | first\napp | second\n"
    said = project.rpx("logs", "rpx", "--json").stdout.splitlines()
    assert json.loads(said[-1])["text"] == "stopped"
    followed = project.rpx("logs", "-f", "app")
    assert (followed.returncode, followed.stdout) == (0, "app | second\n")
    assert followed.stderr == "rpx: the project is not running\n"


def test_a_flood_is_bounded_in_memory_and_on_disk_and_holds_up_nobody(project: Project) -> None:
    project.write(
        "logs: {max_size: 1mb, keep: 2}\n"
        "processes: {flood: 'yes', clock: 'while sleep 0.1; do date +%s.%N; done'}\n"
    )
    with project.up() as up:
        below = supervisor(up)
        until((state(project) / "flood.log.2").exists, "rotation")
        before = below.memory_info().rss
        began = time.time()
        until(lambda: time.time() - began > 3, "three seconds of it")
        assert below.memory_info().rss - before < 20 << 20
        with project.begin("logs", "-f", "--tail", "0", "clock") as logs:
            assert logs.stdout is not None
            late = [time.time() - float(logs.stdout.readline().split()[-1]) for _ in range(10)]
            logs.terminate()
        assert min(late) < 0.3
        end(up, 2)
    files = list(state(project).glob("flood.log*"))
    assert len(files) == 3
    assert sum(path.stat().st_size for path in files) <= 3 << 20
    assert len(project.rpx("logs", "--tail", "all", "clock").stdout.splitlines()) > 20


def test_all_that_a_process_has_printed_before_its_crash_is_kept_byte_by_byte(
    project: Project,
) -> None:
    script = (
        "import os, sys; out = sys.stdout.buffer\n"  # which goes on after half of it was written
        r"out.write(bytes(range(256)) + b'x' * 2**20 + b'\nlast words'); out.flush(); os.abort()"
    )
    (project.folder / "crash.py").write_text(script)
    project.write("processes: {app: {command: PYTHON crash.py, restart: no}}")
    with project.up(ready=False):
        project.until_said("error: backend `app` killed by SIGABRT")
        for words in (("why", "app"), ("ps",)):
            [app] = json.loads(project.rpx(*words, "--json").stdout)
            assert app["last_lines"][-1] == "last words"
    lines = project.rpx("logs", "--json", "--color", "always").stdout.splitlines()
    texts = [json.loads(line)["text"].encode("utf-8", "surrogateescape") for line in lines]
    assert texts[-1] == b"last words"
    whole = b"".join(text.removesuffix(" …".encode()) for text in texts[1:-1])
    assert whole == bytes(range(256)).split(b"\r")[-1].split(b"\n")[-1] + b"x" * 2**20


def test_files_that_cannot_be_written_are_a_note_and_the_project_goes_on(project: Project) -> None:
    blocked = project.folder / "blocked"
    blocked.touch()
    project.environment["XDG_STATE_HOME"] = str(blocked)
    project.write("processes: {app: 'echo hello; sleep 60'}")
    with project.up():
        project.until_said("can't keep logs in")
        assert project.said().count("can't keep logs") == 1
        assert project.rpx("logs").stdout == "app | hello\n"


def test_colours_are_kept_in_the_files_and_shown_only_where_they_are_wanted(
    project: Project,
) -> None:
    project.write(r"""processes: {app: "printf '\\033[31mred\\n'; sleep 60"}""")
    with project.up():
        project.until_said("app | red")
    assert project.rpx("logs").stdout == "app | red\n"
    assert "\x1b[31mred\x1b[0m\n" in project.rpx("logs", "--color", "always").stdout


def test_a_question_without_an_end_is_shown_and_kept_whole(project: Project) -> None:
    asks = "printf 'Overwrite the database? [y/N] '; until test -e answer; do sleep 0.1; done"
    asks += "; echo yes; sleep 60"
    project.write(f'processes: {{w: {{command: "{asks}", ready: {{log: "N"}}}}}}')
    with project.up(ready=False):
        project.until_said("| Overwrite the database? [y/N]  …")
        until(lambda: project.states().get("w") == "ready", "its sign is seen in it")
        assert "Overwrite" in project.rpx("why", "w", "--json").stdout
        assert "Overwrite" in project.rpx("logs", "w").stdout
        (project.folder / "answer").touch()
        project.until_said("| Overwrite the database? [y/N] yes")
        until(lambda: "yes" in project.rpx("logs", "w").stdout, "it is kept")
        assert project.rpx("logs", "w").stdout.count("| Overwrite") == 1
