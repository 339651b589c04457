"""`user` and `tty` of services of a real run, and that nothing is left of them."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from tests.support.project import Project, until

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else"),
]
SHOP = """
processes:
  db:
    command: "id -un; (setsid sleep 1000 &); echo $HOME; exec sleep 1000"
    user: nobody
    health_check: {command: 'test "$(id -un)" = nobody'}
    stop_command: id -un > stopped
    cwd: open
  top: {command: "tty > /dev/tty && id -un && exec sleep 1000", user: nobody, tty: true}
"""


def test_services_of_another_user_are_supervised_like_all_others(project: Project) -> None:
    folder = project.folder / "open"
    folder.mkdir()
    folder.chmod(0o777)
    project.write(SHOP)
    with project.up() as up:
        assert "db  | nobody" in project.said()
        assert "top | /dev/" in project.said()
        assert "top | nobody" in project.said()
        assert project.rpx("run", "db", "id -un; echo $USER").stdout == "nobody\nnobody\n"
        assert project.rpx("restart", "db").returncode == 0
        assert project.rpx("kill-backend", "top").returncode == 0
        project.until_ready()
        up.send_signal(signal.SIGKILL)
        if sys.platform == "linux":
            until(lambda: not project.survivors(), "nothing is left")
    with project.up() as up:
        up.send_signal(signal.SIGINT)
        up.wait(30)
    assert (folder / "stopped").read_text() == "nobody\n"


def test_a_user_that_is_not_there_is_an_error_of_check_and_of_up(project: Project) -> None:
    project.write("processes:\n  db: {command: sleep 1, user: nosuchuser}\n")
    for verb in ("check", "up"):
        done = project.rpx(verb)
        assert done.returncode == 2, done.stderr
        assert "error: `db` can't run as `nosuchuser`: there is no user" in done.stderr
        assert "rpx.yaml:2:17" in done.stderr
