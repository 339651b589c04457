"""A folder that is a linked worktree to who reads git's files, without git."""

from __future__ import annotations

from pathlib import Path


def make_linked(folder: Path, main: Path) -> Path:
    """Make `folder` one of the repository in `main`, with a branch of its own name; return it."""
    admin = main / ".git/worktrees" / folder.name
    admin.mkdir(parents=True)
    (main / ".git/HEAD").write_text("ref: refs/heads/main\n")
    (admin / "HEAD").write_text(f"ref: refs/heads/{folder.name}\n")
    (admin / "commondir").write_text("../..\n")
    (admin / "gitdir").write_text(f"{folder}/.git\n")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".git").write_text(f"gitdir: {admin}\n")
    return folder
