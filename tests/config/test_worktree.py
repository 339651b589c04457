"""The realm of a folder, in repositories that git itself has made."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from rpx.config.worktree import branch_at, realm_at

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(shutil.which("git") is None, reason="there is no git here"),
]

Git = Callable[..., str]


@pytest.fixture
def git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Git:
    """git, which knows nothing of this user's own settings; the first argument is where."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)  # as a hook has them
    settings = {
        "user.name": "Ann",
        "user.email": "ann@shop.test",
        "init.defaultBranch": "main",
        "protocol.file.allow": "always",
    }
    words = [word for pair in settings.items() for word in ("-c", "=".join(pair))]
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path / "home"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_EDITOR": "false",
    }

    def run(where: Path, *arguments: str | Path, code: int = 0) -> str:
        done = subprocess.run(
            ["git", *words, *arguments],
            cwd=where,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return done.stdout.strip()

    return run


def made(git: Git, folder: Path) -> Path:
    """A repository with one commit on `main`."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q")
    git(folder, "commit", "-q", "--allow-empty", "-m", "first")
    return folder


@pytest.fixture
def shop(git: Git, tmp_path: Path) -> Path:
    return made(git, tmp_path / "shop")


def test_a_linked_worktree_has_gits_name_of_it_as_its_realm(git: Git, shop: Path) -> None:
    login, other = shop.parent / "shop-login", shop.parent / "elsewhere" / "Fix_UI"
    git(shop, "worktree", "add", "-q", login)
    git(shop, "worktree", "add", "-q", other)
    (login / "apps/api").mkdir(parents=True)
    assert realm_at(login) == realm_at(login / "apps/api") == "login"
    assert realm_at(other) == "fix-ui"
    assert realm_at(shop) == realm_at(shop.parent) == ""
    link = shop.parent / "link"
    link.symlink_to(login / "apps")
    assert realm_at(link) == "login"


def test_it_stays_whatever_becomes_of_branch_and_folder(git: Git, shop: Path) -> None:
    login, auth, third = (shop.parent / name for name in ("shop-login", "auth", "third"))
    git(shop, "worktree", "add", "-q", "-b", "wip", login)
    assert (realm_at(login), branch_at(login)) == ("login", "wip")
    git(login, "switch", "-q", "-c", "team/login")
    assert (realm_at(login), branch_at(login)) == ("login", "team/login")
    git(shop, "worktree", "move", login, auth)
    assert realm_at(auth) == "login"
    auth.rename(third)  # git knows nothing of it
    assert (realm_at(third), branch_at(third)) == ("login", "team/login")
    git(third, "switch", "-q", "--detach")
    assert (realm_at(third), branch_at(third)) == ("login", "")
    git(shop, "worktree", "repair", third)
    git(shop, "worktree", "remove", third)
    assert (realm_at(third), branch_at(third)) == ("", "")


def test_while_a_branch_is_rebased_or_bisected_it_is_still_that_one(git: Git, shop: Path) -> None:
    login = shop.parent / "login"
    git(shop, "worktree", "add", "-q", "-b", "wip", login)
    for where in (shop, login):
        (where / "file").write_text(where.name)
        git(where, "add", "file")
        git(where, "commit", "-q", "-m", where.name)
    git(login, "rebase", "main", code=1)
    assert git(login, "branch", "--show-current") == ""
    assert (realm_at(login), branch_at(login)) == ("login", "wip")
    git(login, "rebase", "--abort")
    git(login, "bisect", "start", "HEAD", "HEAD~1")
    git(login, "switch", "-q", "--detach", "HEAD~1")
    assert (realm_at(login), branch_at(login)) == ("login", "wip")
    assert branch_at(shop) == "main"


def test_of_two_that_would_have_one_realm_the_younger_has_a_hash(git: Git, shop: Path) -> None:
    first, second = shop.parent / "shop-login", shop.parent / "login"
    git(shop, "worktree", "add", "-q", first)
    git(shop, "worktree", "add", "-q", second)
    os.utime(shop / ".git/worktrees/shop-login/commondir", (1, 1))  # they are of one instant here
    assert realm_at(first) == "login"
    assert realm_at(second).startswith("login-")
    shutil.rmtree(first)  # git remembers it until it prunes
    assert realm_at(second) == "login"


def test_a_submodule_belongs_to_the_worktree_that_it_lies_in(git: Git, shop: Path) -> None:
    part = made(git, shop.parent / "part")
    git(shop, "submodule", "add", "-q", part, "lib")
    git(shop, "commit", "-q", "-m", "with a part")
    login = shop.parent / "shop-login"
    git(shop, "worktree", "add", "-q", login)
    git(login, "submodule", "update", "-q", "--init")
    assert (shop / "lib/.git").is_file()
    assert (login / "lib/.git").is_file()
    assert realm_at(shop / "lib") == ""
    assert realm_at(login / "lib") == "login"
    own = shop.parent / "lib-own"
    git(shop / "lib", "worktree", "add", "-q", own)
    assert realm_at(own) == "own"


def test_a_clone_in_a_worktree_is_a_main_one(git: Git, shop: Path) -> None:
    login = shop.parent / "login"
    git(shop, "worktree", "add", "-q", login)
    made(git, login / "vendor")
    assert realm_at(login / "vendor") == ""
    git(login, "init", "-q", "--separate-git-dir", shop.parent / "kept.git", "apart")
    assert (login / "apart/.git").is_file()
    assert (realm_at(login / "apart"), branch_at(login / "apart")) == ("", "main")


@pytest.mark.parametrize("place", ["shop.git", "shop/.bare", "shop/.git"])
def test_of_a_bare_repository_the_worktree_of_the_default_branch_is_the_main_one(
    git: Git, tmp_path: Path, place: str
) -> None:
    bare = tmp_path / "all" / place
    git(tmp_path, "clone", "-q", "--bare", made(git, tmp_path / "origin"), bare)
    if place == "shop/.bare":
        (bare.parent / ".git").write_text("gitdir: ./.bare\n")
    trunk, login = tmp_path / "all/shop-trunk", tmp_path / "all/shop-login"
    git(bare, "worktree", "add", "-q", trunk, "main")
    git(bare, "worktree", "add", "-q", "-b", "login", login)
    assert (realm_at(trunk), realm_at(login)) == ("", "login")
    assert realm_at(bare) == realm_at(bare.parent) == ""
    main = tmp_path / "all/main"
    git(bare, "worktree", "add", "-q", "--detach", main)
    assert (realm_at(main), realm_at(trunk)) == ("", "trunk")  # what it is called goes first


def test_what_hooks_set_for_their_repository_is_not_followed(
    git: Git, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = shop.parent / "login"
    git(shop, "worktree", "add", "-q", login)
    monkeypatch.setenv("GIT_DIR", str(shop / ".git/worktrees/login"))
    monkeypatch.setenv("GIT_WORK_TREE", str(login))
    assert (realm_at(shop), branch_at(shop)) == ("", "main")
    monkeypatch.setenv("GIT_DIR", str(shop / ".git"))
    assert realm_at(login) == "login"


def test_paths_may_be_relative_as_newer_gits_can_write_them(git: Git, shop: Path) -> None:
    login = shop.parent / "login"
    git(shop, "worktree", "add", "-q", login)
    (login / ".git").write_text("gitdir: ../shop/.git/worktrees/login\n")
    (shop / ".git/worktrees/login/gitdir").write_text("../../../../login/.git\n")
    assert realm_at(login) == "login"


def test_a_broken_repository_has_no_realm(git: Git, shop: Path) -> None:
    login = shop.parent / "login"
    git(shop, "worktree", "add", "-q", login)
    for path in (
        b"",
        b" ",
        b" \0",
        b" /nowhere/worktrees/x",
        b" .",
        b" .git",
        b" " + b"x/" * 40_000,
    ):
        (login / ".git").write_bytes(b"gitdir:" + path)
        assert (realm_at(login), branch_at(login)) == ("", "")
    for content in (b"", b"\0", b"\xff\xfe", b"\n"):
        (login / ".git").write_bytes(content)
        assert (realm_at(login), branch_at(login)) == ("", "")


def test_files_that_git_has_lost_break_nothing(git: Git, shop: Path) -> None:
    login, own = shop.parent / "login", shop / ".git/worktrees/login"
    git(shop, "worktree", "add", "-q", login)
    git(shop, "worktree", "add", "-q", shop.parent / "other")
    (shop / ".git/worktrees/other/gitdir").write_bytes(b"\0\xff")
    (shop / ".git/worktrees/stray").write_bytes(b"")
    (shop / ".git/config").unlink()
    assert realm_at(login) == "login"
    (own / "HEAD").write_bytes(b"\xff\0")
    assert (realm_at(login), branch_at(login)) == ("login", "")
    (own / "commondir").unlink()
    os.mkfifo(own / "commondir")  # who opened it would wait for ever
    assert realm_at(login) == ""
    (login / ".git").unlink()
    os.mkfifo(login / ".git")
    assert realm_at(login) == ""


def test_without_git_there_is_no_realm(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()  # empty: somebody else's
    assert realm_at(tmp_path) == branch_at(tmp_path) == realm_at(tmp_path / "gone") == ""
