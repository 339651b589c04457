"""Wherever home and runtime folder are, or aren't: a project runs, is found and ends."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.project import SOON, Project, in_the_end, until

pytestmark = pytest.mark.real

ONE = "name: shop\nlisten: {http_port: HTTP_PORT}\nprocesses:\n  beat: exec sleep 1000\n"


def test_a_project_whose_runtime_folder_was_removed_is_found_refused_twice_and_ended(
    project: Project,
) -> None:
    project.write(ONE)
    with project.up() as process:
        runtime = Path(project.environment["XDG_RUNTIME_DIR"])
        shutil.rmtree(runtime / "rpx")  # the last logout, or a cleaner of temporary files
        again = project.rpx("up", "-d")
        assert again.returncode == 1
        assert "`shop` is already running (pid " in again.stderr
        assert [row["state"] for row in project.listed()] == ["ready"]
        listed = json.loads(project.rpx("projects", "--json").stdout)
        assert [row["name"] for row in listed] == ["shop"]
        project.until_said("the control socket had gone; commands find it again: ")
        assert stat.S_ISSOCK(os.stat(listed[0]["socket"]).st_mode)
        Path(listed[0]["socket"]).unlink()  # once more, and this alone
        assert [row["state"] for row in project.listed()] == ["ready"]
        done = project.rpx("down")
        assert (done.returncode, in_the_end(done.stderr)) == (0, "stopped shop\n")
        assert process.wait(SOON) == 0
    assert not list(runtime.glob("rpx/*/control.sock"))
    assert project.rpx("ps").returncode == 3


def test_a_runtime_folder_that_does_not_do_is_passed_over_with_a_sentence(
    project: Project,
) -> None:
    project.write(ONE)
    missing = f"{project.environment['XDG_RUNTIME_DIR']}/none"  # survivors() look for its beginning
    project.environment |= {"XDG_RUNTIME_DIR": missing}
    with project.up(ready=False):
        said = project.until_said("XDG_RUNTIME_DIR, ")
        until(lambda: [row["state"] for row in project.listed()] == ["ready"], "commands find it")
        assert f"XDG_RUNTIME_DIR, {missing}, does not exist: the control socket is in " in said
        done = project.rpx("down")
        assert (done.returncode, in_the_end(done.stderr)) == (0, "stopped shop\n")


def test_a_working_directory_that_has_gone_is_an_error_of_one_sentence(project: Project) -> None:
    project.write(ONE)
    gone = "mkdir gone && cd gone && rmdir ../gone && exec "
    for words, code in (("ps", 2), ("up", 2), ("-f x up", 2), ("-f FILE ps", 3), ("projects", 0)):
        command = f"{sys.executable} -m rpx {words}".replace("FILE", f"{project.folder}/rpx.yaml")
        done = in_shell(project, gone + command)
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        assert ("working directory has been removed" in done.stderr) is (code == 2)


def in_shell(project: Project, command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=project.folder,
        env=project.environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "path", [".", *(pytest.param(path, marks=pytest.mark.thorough) for path in ("", "HERE:"))]
)
def test_modules_of_the_project_are_its_own_and_none_of_ours(project: Project, path: str) -> None:
    names = "secrets queue socket resource typing click yaml trio http json psutil pydantic"
    for name in names.split():
        (project.folder / f"{name}.py").write_text(f"KEY = 'the {name} of the project'\n")
    ours = project.environment["PYTHONPATH"]
    command = "PYTHON -c 'import click; print(click.KEY)'"
    project.write(
        f"listen: {{http_port: 0}}\nprocesses:\n  a: {{command: {command}, oneshot: true}}\n"
    )
    path = path.replace("HERE", str(project.folder))
    project.environment |= {"PYTHONPATH": f"{path}:{ours}", "PYTHONWARNINGS": "error"}
    done = project.rpx("up", "--exit-code-from", "a")
    assert done.returncode == 0, done.stderr
    assert "the click of the project" in done.stdout
    assert project.rpx("ps").returncode == 3
