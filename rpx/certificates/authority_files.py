"""Where the authority lies, and how its files are written: whole or not at all."""

from __future__ import annotations

import os
import pwd
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rpx import folders
from rpx.errors import RpxError

_MAC: Final = ("Library", "Application Support", "rpx")
_UNIX: Final = (".local", "share", "rpx")
_NOWHERE: Final = Path("/nonexistent")  # as Debian calls the home of those who have none


def caller() -> pwd.struct_passwd:
    """The user for whom we work: who has called sudo, where somebody has."""
    uid = os.getuid()
    behind = os.environ.get("SUDO_UID", "")
    if uid == 0 and behind.isdigit():
        uid = int(behind)
    try:
        return pwd.getpwuid(uid)
    except KeyError:  # a container that runs under a number of its own
        home = folders.home() or _NOWHERE
        return pwd.struct_passwd((str(uid), "", uid, os.getgid(), "", str(home), "/bin/sh"))


def entry_prefix() -> str:
    """How the names of a user's entries in a store begin."""
    return f"rpx-{re.sub(r'[^A-Za-z0-9_.-]', '_', caller().pw_name)}-"


def is_entry(name: str) -> bool:
    """Whether an entry of this name is the user's: ann's are not those of ann-dev."""
    return re.fullmatch(f"{re.escape(entry_prefix())}[0-9a-f]{{8}}", name) is not None


def home() -> Path:
    """The home of the user for whom we work; a folder that isn't there where nobody knows it."""
    if os.getuid() == caller().pw_uid:
        return folders.home() or _NOWHERE
    return Path(caller().pw_dir)


def authority_folder() -> Path:
    """The folder of the user's authority, existing or not. The same with and without sudo.

    Raises: RpxError where nobody knows the user's home.
    """
    if os.getuid() == caller().pw_uid or "XDG_DATA_HOME" in os.environ:
        base = folders.data_home()
    else:
        base = home().joinpath(*(_MAC if sys.platform == "darwin" else _UNIX))
    if base is None:
        raise RpxError(
            "there is no home folder that the local authority could be kept in",
            hint="set HOME, or XDG_DATA_HOME, to a folder of yours",
        )
    return base / "authority"


def make_folder(folder: Path, mode: int) -> None:
    """Make `folder` and those above it. What root makes belongs to whoever has the one above.

    Raises: OSError.
    """
    if folder.is_dir():
        return
    make_folder(folder.parent, 0o755)
    folder.mkdir(mode=mode, exist_ok=True)
    if os.getuid() == 0:
        above = folder.parent.stat()
        os.chown(folder, above.st_uid, above.st_gid)


def write(path: Path, data: bytes, mode: int) -> None:
    """Put `data` at `path`: readers see the old content or the new. Raises: OSError."""
    with _beside(path, data, mode) as new:
        new.replace(path)


def write_new(path: Path, data: bytes, mode: int) -> bool:
    """Like `write`, but only where nothing is; tell whether it was us. Raises: OSError."""
    with _beside(path, data, mode) as new:
        try:
            path.hardlink_to(new)
        except FileExistsError:
            return False
        return True


@contextmanager
def _beside(path: Path, data: bytes, mode: int) -> Iterator[Path]:
    """A complete new file next to `path`, which has gone afterwards, at least under this name."""
    new = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with open(fd, "wb") as file:
            if os.getuid() == 0:
                folder = path.parent.stat()
                os.fchown(fd, folder.st_uid, folder.st_gid)
            os.fchmod(fd, mode)  # whatever the umask is
            file.write(data)
            file.flush()
            os.fsync(fd)
        yield new
    finally:
        new.unlink(missing_ok=True)


def unusable(folder: Path, error: OSError) -> RpxError:
    """The error for a folder that can't be read or written."""
    return RpxError(
        f"the local authority in {folder} can't be used: {error.strerror}",
        hint="rpx keeps its keys there: see who owns it with `ls -la`",
    )
