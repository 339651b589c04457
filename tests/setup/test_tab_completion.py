"""What shells load: written where they look, replaced with another version, taken back."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from rpx.cli.at_tab.scripts import SCRIPTS
from rpx.setup import tab_completion
from rpx.setup.system import System
from rpx.setup.tab_completion import completed_words, completion_files, withdrawn_words
from tests.setup.conftest import Machine

BASH = "usr/share/bash-completion/bash_completion"


def script(shell: str) -> str:
    return SCRIPTS[shell]


def of(machine: Machine, shell: str) -> System:
    return replace(machine.system, shell=shell)


@pytest.mark.parametrize(
    ("shell", "file"),
    [
        ("bash", "home/ann/.local/share/bash-completion/completions/rpx"),
        ("fish", "home/ann/.config/fish/completions/rpx.fish"),
        ("zsh", "usr/local/share/zsh/site-functions/_rpx"),
    ],
)
def test_it_goes_where_the_shell_looks_and_comes_back(
    machine: Machine, shell: str, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = "/usr/local/share/zsh/site-functions\n/usr/share/zsh/functions\n"
    monkeypatch.setattr(tab_completion, "said", lambda _: loaded)
    monkeypatch.setattr(tab_completion, "found", lambda _: "zsh")
    machine.file(BASH, "")
    system, before = of(machine, shell), machine.tree()
    part = completed_words(system, script)
    machine.take(part)
    written = (machine.root / file).read_text()
    assert written.startswith(script(shell).strip())
    assert any(step.root for step in part.steps) == (shell == "zsh")
    assert completed_words(system, script).done
    assert completion_files(system) == [machine.root / file]

    newer = completed_words(system, lambda shell: f"{script(shell)}\n# more")
    assert newer.now == "of another version of rpx"
    machine.take(newer)
    machine.take(withdrawn_words(of(machine, "sh")))  # who has another shell now
    assert machine.tree() == before
    assert withdrawn_words(system).done


def test_a_folder_that_is_in_use_meanwhile_stays(machine: Machine) -> None:
    system = of(machine, "fish")
    machine.take(completed_words(system, script))
    theirs = machine.file("home/ann/.config/fish/config.fish", "")
    machine.take(withdrawn_words(system))
    assert theirs.exists()
    assert not (machine.root / "home/ann/.config/fish/completions").exists()


def test_a_file_that_a_user_has_changed_or_written_stays(machine: Machine) -> None:
    system = of(machine, "fish")
    machine.take(completed_words(system, script))
    (path,) = completion_files(system)
    path.write_text(f"# mine\n{path.read_text()}")
    assert "was changed since" in completed_words(system, script).now
    assert completed_words(system, script).done
    assert withdrawn_words(system).notes
    path.write_text("# all mine\n")
    assert "is not from `rpx setup`" in completed_words(system, script).now


def test_where_the_shell_loads_nothing_by_itself_it_is_said_what_to_do(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tab_completion, "found", lambda _: None)
    for shell, hint in (("bash", "bash-completion"), ("zsh", "fpath")):
        part = completed_words(of(machine, shell), script)
        assert part.done
        assert hint in part.notes[0]
    part = completed_words(of(machine, "nu"), script)
    assert part.now == "rpx completes nothing in `nu`"


@pytest.mark.programs
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_takes_it_from_there(shell: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    (tmp_path / "_rpx").write_text(script(shell))
    ask = {
        "bash": "source _rpx; COMP_WORDS=(rpx proj); COMP_CWORD=1; _rpx_completion rpx;"
        ' echo "${COMPREPLY[@]}"',
        "zsh": "zsh -n _rpx && echo projects",  # widgets need a terminal
        "fish": 'source _rpx; complete -C "rpx proj"',
    }
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        [shell, "-c", ask[shell]],
        cwd=tmp_path,
        env={"PATH": path, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split()[0] == "projects"
