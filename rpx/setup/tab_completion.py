"""What a shell loads by itself to complete words of rpx, in the folder that it has for that.

Files that a user writes, such as ~/.bashrc, are left alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rpx.programs import found, said
from rpx.setup.part import Part
from rpx.setup.sealed_files import removing, sealed_file, writing
from rpx.setup.system import System, text_of

NAME: Final = "completion"
_BASH_COMPLETION: Final = (  # what loads the files of the folder
    "/usr/share/bash-completion/bash_completion",
    "/usr/local/share/bash-completion/bash_completion",
    "/opt/homebrew/share/bash-completion/bash_completion",
    "/opt/homebrew/etc/profile.d/bash_completion.sh",
    "/usr/local/etc/profile.d/bash_completion.sh",
)
_SITE_FUNCTIONS: Final = (
    "/opt/homebrew/share/zsh/site-functions",
    "/usr/local/share/zsh/site-functions",
)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a shell's file goes. `without`: why it would not be loaded from there; "" if it is."""

    path: Path
    root: bool
    without: str = ""


def completed_words(system: System, script: Callable[[str], str]) -> Part:
    """What lets the user's shell complete; `script` has what a shell is to load."""
    shell, title = system.shell, _title(system)
    place = _place(system)
    if place is None:
        return Part(NAME, title, f"rpx completes nothing in `{shell or 'an unknown shell'}`")
    there = sealed_file(place.path)
    if place.without and not there:
        return Part(NAME, title, "not set up", notes=(place.without,))
    wanted = script(shell).strip() + "\n"
    text = text_of(place.path)
    if text is not None and (text == wanted or text.startswith(wanted)):
        return Part(NAME, title, f"in {place.path}")
    if text is not None and (there is None or not there.intact):
        whose = "is not from `rpx setup`" if there is None else "was changed since"
        return Part(NAME, title, f"{place.path} {whose}, and is left as it is")
    now = "of another version of rpx" if there else "not there yet"
    why = f"{shell} loads it at the first Tab after `rpx`, in shells that are started from now on"
    return Part(NAME, title, now, tuple(writing(place.path, wanted, why, root=place.root)))


def withdrawn_words(system: System) -> Part:
    """What takes that back, in the folders of all three shells."""
    notes, steps = [], []
    for place in _places(system):
        there = sealed_file(place.path)
        if there is not None and there.intact:
            steps += removing([there], "the shell knows no words of rpx any more", root=place.root)
        elif there is not None:
            notes.append(f"{place.path} was changed since, and is left as it is")
    now = "set up" if steps else "nothing to take back"
    return Part(NAME, _title(system), now, tuple(steps), tuple(notes))


def completion_files(system: System) -> list[Path]:
    """The files of it that are there."""
    return [each.path for each in _places(system) if sealed_file(each.path)]


def _title(system: System) -> str:
    return f"completion for {system.shell}" if system.shell else "completion"


def _places(system: System) -> list[_Place]:
    return [_bash(system), _fish(system), *_zsh(system)]


def _place(system: System) -> _Place | None:
    places = {"bash": _bash, "fish": _fish, "zsh": _loaded_zsh}
    return places[system.shell](system) if system.shell in places else None


def _bash(system: System) -> _Place:
    path = system.folder("XDG_DATA_HOME", ".local/share") / "bash-completion/completions/rpx"
    if any(system.at(each).exists() for each in _BASH_COMPLETION):
        return _Place(path, root=False)
    why = (
        "bash loads such files by a package, bash-completion, which is not here: install it, then"
        ' `rpx setup` again; or write `eval "$(rpx completion bash)"` into ~/.bashrc'
    )
    return _Place(path, root=False, without=why)


def _fish(system: System) -> _Place:
    folder = system.folder("XDG_CONFIG_HOME", ".config") / "fish/completions"
    return _Place(folder / "rpx.fish", root=False)


def _zsh(system: System) -> list[_Place]:
    """A user has no folder of zsh's own: they are of the machine, or of Homebrew."""
    mac = system.platform == "darwin"  # where Homebrew's belong to the user
    folders = [system.at(each) for each in _SITE_FUNCTIONS]
    return [_Place(folder / "_rpx", root=not mac) for folder in folders]


def _loaded_zsh(system: System) -> _Place:
    loaded = said(("zsh", "-c", "print -rl -- $fpath")).split("\n") if found("zsh") else []
    for place in _zsh(system):
        if str(place.path.parent) in loaded or _inside(system, place.path.parent) in loaded:
            return place
    why = (
        "zsh loads such files from no folder here that rpx knows: put what `rpx completion zsh`"
        " prints into a file `_rpx` in one of `echo $fpath`"
    )
    return _Place(_zsh(system)[-1].path, root=True, without=why)


def _inside(system: System, path: Path) -> str:
    return f"/{path.relative_to(system.root)}"
