"""Where lease, socket and logs of a project lie: private folders for each rpx.yaml.

Both sides compute it from the path of rpx.yaml alone, so that a command finds its project without
asking anybody.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import platformdirs

from rpx.errors import RpxError

SOCKET: Final = "control.sock"
LEASE: Final = "lease.json"
_SHORT: Final = Path(f"/tmp/rpx-{os.getuid()}")  # noqa: S108 - make_private looks at who owns it
LONGEST: Final = 100  # bytes of a socket's path; macOS allows 103, Linux 107


def runtime_folder(config: Path) -> Path:
    """The folder of the project whose rpx.yaml is `config`, existing or not. Touches nothing."""
    name = _key(config)
    for base in _bases():
        folder = base / name
        if len(os.fsencode(folder / SOCKET)) <= LONGEST:
            return folder
    # A temporary folder with such a name is none we could use; this one is short everywhere.
    return _SHORT / name


def runtime_folders() -> Iterator[Path]:
    """Those of all projects of this user, running or not."""
    for base in (*_bases(), _SHORT):
        try:
            yield from base.iterdir()
        except OSError:
            continue  # there is none


def state_folder() -> Path:
    """Where rpx keeps what outlives a run. Touches nothing."""
    chosen = os.environ.get("XDG_STATE_HOME", "")  # which platformdirs knows on Linux only
    if os.path.isabs(chosen):
        return Path(chosen, "rpx")
    return Path(platformdirs.user_state_dir("rpx"))


def journal_folder(config: Path) -> Path:
    """The folder of the logs of the project whose rpx.yaml is `config`, existing or not."""
    return state_folder() / _key(config)


def ports_file(config: Path) -> Path:
    """Where the ports are kept that rpx has chosen for that project."""
    return journal_folder(config) / "ports.json"


def make_private(folder: Path) -> None:
    """Make `folder` and the folder above it ours alone (0700).

    Raises RpxError when somebody else's folder stands there: whoever owns it could take our socket.
    """
    _make_private(folder.parent)
    _make_private(folder)


def _key(config: Path) -> str:
    real = os.path.realpath(config)
    return hashlib.sha256(os.fsencode(real)).hexdigest()[:12]


def _bases() -> list[Path]:
    bases = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it tells that XDG_RUNTIME_DIR is not set
            bases.append(Path(platformdirs.user_runtime_dir("rpx")))
    except OSError:
        pass  # it found a folder there that is not ours
    return [*bases, Path(tempfile.gettempdir()) / f"rpx-{os.getuid()}"]


def _make_private(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode):
            raise _refusal(folder, "is not a folder")
        if status.st_uid != os.getuid():
            raise _refusal(folder, "belongs to somebody else")
        if stat.S_IMODE(status.st_mode) != 0o700:
            folder.chmod(0o700)
    except OSError as error:
        raise _refusal(folder, f"cannot be used: {error.strerror}") from None


def _refusal(folder: Path, what: str) -> RpxError:
    return RpxError(
        f"{folder}, where rpx keeps its control socket, {what}",
        hint="remove it, or set XDG_RUNTIME_DIR to a folder that is yours alone",
    )
