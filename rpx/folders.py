"""Where the folders of this user are, whatever HOME and XDG say, and how rpx makes its own.

Each answer is made of the environment and of what is on disk now; asking touches nothing. What is
relative, or not ours, counts as not set (XDG Base Directory Specification).
"""

from __future__ import annotations

import os
import pwd
import stat
import sys
from pathlib import Path
from typing import Final

from rpx.errors import Exit, RpxError

SHARED: Final = Path("/tmp")  # noqa: S108 - whoever uses it looks at who owns what is in it
NOWHERE: Final = Path("/dev/null/rpx")  # nobody can make it, root neither
LOGIN: Final = Path(f"/run/user/{os.getuid()}")  # systemd makes it at login, elogind too
_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH


def here() -> Path:
    """The working directory. Raises: RpxError when it has been removed."""
    try:
        return Path.cwd()
    except OSError:
        raise RpxError(
            "the working directory has been removed, or can't be read",
            hint="go to one that is there; `cd .` is enough where it was made anew",
            exit_code=Exit.USAGE,
        ) from None


def absolute(path: Path) -> Path:
    """`path` as seen from the working directory. Raises: RpxError when that has been removed."""
    return path if path.is_absolute() else here() / path


def why_missing(path: Path) -> str:
    """Why nothing is found at `path`, as the end of a sentence about it; "" if something is."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return "does not exist"
    except OSError as error:
        return f"cannot be looked at ({(error.strerror or 'unknown reason').lower()})"
    return ""


def home() -> Path | None:
    """The user's home, existing or not; None where nobody knows it: no HOME, no passwd entry."""
    chosen = _absolute("HOME")
    if chosen is not None:
        return chosen
    try:
        known = Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:  # a container that runs under a number of its own
        return None
    return known if known.is_absolute() else None


def state_home() -> Path:
    """Where rpx keeps what outlives a run; below a temporary folder where there is no home."""
    return _of_home("XDG_STATE_HOME", ".local/state") or temporary_folder() / "state"


def data_home() -> Path | None:
    """Where rpx keeps what is worth keeping; None where there is no home."""
    return _of_home("XDG_DATA_HOME", ".local/share")


def runtime_homes() -> list[Path]:
    """Where control sockets may lie, the best first. What follows is for where that doesn't do."""
    chosen = _absolute("XDG_RUNTIME_DIR")
    found = [each / "rpx" for each in (chosen, LOGIN) if each and not why_unfit(each)]
    found += filter(_is_for_us, _temporary())
    return list(dict.fromkeys([*found, state_home() / "run"]))


def unfit_runtime_dir() -> str:
    """Why XDG_RUNTIME_DIR is passed over, for the user; empty where it is not, or not set."""
    written = os.environ.get("XDG_RUNTIME_DIR", "")
    if not written:
        return ""
    why = why_unfit(Path(written)) if os.path.isabs(written) else "is not an absolute path"
    return f"XDG_RUNTIME_DIR, {written}, {why}" if why else ""


def odd_places(runtime: Path) -> list[str]:
    """What is to be said of where things are; `runtime` is the folder of the control socket."""
    said = []
    if unfit := unfit_runtime_dir():
        said.append(f"{unfit}: the control socket is in {runtime}")
    if home() is None and _absolute("XDG_STATE_HOME") is None:
        kept = state_home()
        if kept.is_relative_to(NOWHERE):
            said.append(f"there is no home folder, and {_temporary()[0]} can't be ours: set HOME")
        else:
            said.append(f"there is no home folder: logs are kept in {kept}")
    return said


def why_unfit(folder: Path) -> str:
    """Why no control socket may lie in this folder: "is …"; empty where it may."""
    try:
        status = folder.stat()
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        return "does not exist" if missing else f"can't be used: {error.strerror}"
    if not stat.S_ISDIR(status.st_mode):
        return "is not a folder"
    if status.st_uid != os.getuid():
        return "belongs to another user"
    if status.st_mode & _OTHERS_WRITE:
        return "can be written by others"
    return "" if os.access(folder, os.W_OK | os.X_OK) else "can't be written"


def temporary_folder() -> Path:
    """A folder of ours among temporary files, existing or not; NOWHERE if all are another's."""
    return next(filter(_is_for_us, _temporary()), NOWHERE)


def make_folder(folder: Path) -> None:
    """Make `folder` and what is missing above it, each for us alone (0700). Raises: OSError."""
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        if not folder.is_dir():
            raise
    except FileNotFoundError:
        make_folder(folder.parent)
        make_folder(folder)
    else:
        folder.chmod(0o700)  # whatever the umask is


class Unusable(RpxError):
    """A place of lease, lock or socket that doesn't do."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            f"{path}, where rpx keeps its control socket, {why}",
            hint="mend or remove it, or set XDG_RUNTIME_DIR to a folder that is yours alone",
        )


def make_private(folder: Path) -> None:
    """Make `folder` and the folder above it ours alone (0700).

    Raises: Unusable when somebody else's folder stands there, who could take our socket.
    """
    _make_private(folder.parent)
    _make_private(folder)


def is_ours_alone(folder: Path) -> bool:
    """Whether nobody else can have put anything into this folder."""
    try:
        status = folder.lstat()
    except OSError:
        return False
    return _is_our_folder(status) and not status.st_mode & _OTHERS_WRITE


def _of_home(variable: str, below: str) -> Path | None:
    chosen = _absolute(variable)
    if chosen is not None:
        return chosen / "rpx"
    ours = home()
    if ours is not None and sys.platform == "darwin":
        return ours / "Library" / "Application Support" / "rpx"
    return ours / below / "rpx" if ours is not None else None


def _absolute(variable: str) -> Path | None:
    written = os.environ.get(variable, "")
    return Path(written) if os.path.isabs(written) else None


def _temporary() -> list[Path]:
    """TMPDIR comes last: it differs between shells, which are to find each other's projects."""
    places = [SHARED, _absolute("TMPDIR")]
    return [place / f"rpx-{os.getuid()}" for place in places if place is not None]


def _is_for_us(folder: Path) -> bool:
    """Whether a folder beside those of others is ours, or can be made so that it stays ours."""
    try:
        above = folder.parent.stat()
        safe = above.st_mode & stat.S_ISVTX or not above.st_mode & _OTHERS_WRITE
        if not safe or not stat.S_ISDIR(above.st_mode):
            return False
        status = folder.lstat()
    except FileNotFoundError:
        return os.access(folder.parent, os.W_OK | os.X_OK)
    except OSError:
        return False
    return _is_our_folder(status) and os.access(folder, os.W_OK | os.X_OK)


def _is_our_folder(status: os.stat_result) -> bool:
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid()


def _make_private(folder: Path) -> None:
    try:
        make_folder(folder)
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode):
            raise Unusable(folder, "is not a folder")
        if status.st_uid != os.getuid():
            raise Unusable(folder, "belongs to another user")
        if stat.S_IMODE(status.st_mode) != 0o700:
            folder.chmod(0o700)
    except FileExistsError:
        raise Unusable(folder, "is not a folder") from None
    except OSError as error:
        raise Unusable(folder, f"cannot be used: {error.strerror}") from None
