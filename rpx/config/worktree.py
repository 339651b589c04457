"""Which git worktree a folder belongs to, and what it has checked out, by git's own files.

git itself is not run: it may not be there, and takes forty times as long. Nor is GIT_DIR followed,
which hooks set for the repository that they run in. What can't be read says nothing: a broken
repository is no reason not to run what lies in it. (gitrepository-layout(5), git-worktree(1))
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from rpx.policy.realm import label_of, realms_of

_MOST = 1 << 16  # bytes of a file that are looked at; the lists in `config` may be long
_BARE = re.compile(r"\s*bare\s*(?:=\s*(?:true|yes|on|1)\s*)?(?:[#;].*)?", re.IGNORECASE)
_CORE = re.compile(r"\s*\[\s*core\s*\]\s*(.*)", re.IGNORECASE)
_BRANCH = re.compile(r"(?:ref: )?refs/heads/(.+)")


@dataclass(frozen=True, slots=True)
class Checkout:
    """A folder with files of a repository.

    `own` is the folder of what git keeps for it alone, such as its HEAD; `common` that of what all
    worktrees of the repository share. They are the same for the main worktree.
    """

    own: str
    common: str

    @property
    def linked(self) -> bool:
        """It is one that `git worktree add` has made."""
        return self.own != self.common


def realm_at(folder: str | os.PathLike[str]) -> str:
    """The realm of the worktree that a folder lies in; "" for a main one, and without git.

    It lasts as long as the worktree: neither another branch nor another place changes it.
    """
    found = checkout_at(folder)
    if found is None or not found.linked:
        return ""
    name = os.path.basename(found.own)
    names = _worktrees(os.path.dirname(found.own), name)
    realms = realms_of(names, _main_name(found.common))
    if name == _in_place_of_main(found.common, realms):
        return ""
    return realms[name]


def branch_at(folder: str | os.PathLike[str]) -> str:
    """The branch that is checked out where a folder lies; "" without one, or without git.

    While one is rebased or bisected, it is still that one.
    """
    found = checkout_at(folder)
    return _branch(found.own) if found else ""


def checkout_at(folder: str | os.PathLike[str]) -> Checkout | None:
    """The checkout that a folder belongs to; None where there is none, or it is broken.

    A submodule is part of what its superproject has checked out.
    """
    here = os.path.realpath(folder)
    while True:
        dot = os.path.join(here, ".git")
        if os.path.lexists(os.path.join(dot, "HEAD")):
            return Checkout(dot, dot)
        if os.path.isfile(dot):
            own = _admin_folder(dot)
            if not own or not os.path.lexists(os.path.join(own, "HEAD")):
                return None
            common = _first_line(os.path.join(own, "commondir"))
            if common and os.path.basename(os.path.dirname(own)) == "worktrees":
                return Checkout(own, os.path.realpath(os.path.join(own, common)))
            if "modules" not in own.split(os.sep):
                return Checkout(own, own)  # made with --separate-git-dir
        here, below = os.path.dirname(here), here
        if here == below:
            return None


def _admin_folder(dot: str) -> str:
    """Where a `.git` that is a file leads; "" if nowhere."""
    text = _first_line(dot)
    path = text.removeprefix("gitdir: ")
    return os.path.realpath(os.path.join(os.path.dirname(dot), path)) if path != text else ""


def _worktrees(admin: str, own: str) -> list[str]:
    """Git's names of the linked worktrees that are there, `own` among them; the eldest first.

    `commondir` is written once, when one is made.
    """
    ages = {}
    for name in _names_in(admin):
        folder = os.path.join(admin, name)
        if name == own or _is_there(folder):
            ages[name] = _written_at(os.path.join(folder, "commondir")), name
    return sorted(ages, key=ages.__getitem__)


def _is_there(admin: str) -> bool:
    """The worktree itself still exists, or is locked since it lies on a disk that may be away."""
    dot = _first_line(os.path.join(admin, "gitdir"))
    there = os.path.exists(os.path.join(admin, dot)) if dot else False
    return there or os.path.exists(os.path.join(admin, "locked"))


def _in_place_of_main(common: str, realms: dict[str, str]) -> str | None:
    """The linked worktree that is the main one where the repository itself is bare: the one that is
    called like the default branch, else the one that has it checked out; None: there is none.

    The name goes first, for it stays when something else is checked out.
    """
    if not any(_says_bare(os.path.join(common, file)) for file in ("config", "config.worktree")):
        return None
    default = _of_ref(_first_line(os.path.join(common, "HEAD")))
    if not default:
        return None
    called = label_of(default.rpartition("/")[2])
    for name, realm in realms.items():
        if realm == called:
            return name
    folders = ((name, os.path.join(common, "worktrees", name)) for name in realms)
    return next((name for name, folder in folders if _branch(folder) == default), None)


def _says_bare(config: str) -> bool:
    """Whether a file in git's format of configurations has `bare = true` in `[core]`."""
    core = False
    for line in _read(config).splitlines():
        if line.lstrip().startswith("["):
            section = _CORE.match(line)
            core = section is not None
            setting = section[1] if section else ""  # it may stand on the same line
        else:
            setting = line
        if core and _BARE.fullmatch(setting):
            return True
    return False


def _main_name(common: str) -> str:
    """What the main folder is called: `shop` of shop/.git, shop/.bare and shop.git."""
    name = os.path.basename(common)
    if name.startswith("."):
        return os.path.basename(os.path.dirname(common))
    return name.removesuffix(".git")


def _branch(own: str) -> str:
    if branch := _of_ref(_first_line(os.path.join(own, "HEAD"))):
        return branch
    for file in ("rebase-merge/head-name", "rebase-apply/head-name"):
        if branch := _of_ref(_first_line(os.path.join(own, file))):
            return branch
    start = _first_line(os.path.join(own, "BISECT_START"))
    return "" if re.fullmatch("[0-9a-f]{40,}", start) else start


def _of_ref(text: str) -> str:
    found = _BRANCH.fullmatch(text)
    return found[1] if found and found[1] != ".invalid" else ""  # so HEAD is with reftables


def _first_line(path: str) -> str:
    return _read(path).partition("\n")[0].rstrip("\r")


def _read(path: str) -> str:
    """What a file says, as names of files are read; "" if it is none or can't be read.

    One with NUL says nothing, for no path has it.
    """
    try:
        if not os.path.isfile(path):  # opening a pipe would wait for somebody at its other end
            return ""
        with open(path, "rb") as file:
            text = os.fsdecode(file.read(_MOST))
    except OSError:
        return ""
    return "" if "\0" in text else text


def _names_in(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _written_at(path: str) -> float:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0
