"""Which file says from which port on everybody may listen, and which one has the last word.

As sysctl.d(5) has it: files of all folders in the order of their names; of two with one name, that
of the earlier folder counts.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rpx.programs import found
from rpx.setup.system import System, text_of

KEY = "net.ipv4.ip_unprivileged_port_start"  # for IPv6, too (Linux, ip-sysctl)
KERNELS_OWN = 1024  # where nobody says anything
_FOLDERS = (
    "/etc/sysctl.d",
    "/run/sysctl.d",
    "/usr/local/lib/sysctl.d",
    "/usr/lib/sysctl.d",
    "/lib/sysctl.d",
)
_OLD = "/etc/sysctl.conf"
_PROC = f"/proc/sys/{KEY.replace('.', '/')}"
_LINE = re.compile(rf"\s*-?\s*{re.escape(KEY).replace(re.escape('.'), '[./]')}\s*=\s*(\d+)\s*")


@dataclass(frozen=True, slots=True)
class PortSetting:
    """A line of a file that sets KEY."""

    path: Path
    line: int
    value: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


def running(system: System) -> int | None:
    """The value that holds now; None where the kernel has none (before Linux 4.11)."""
    try:
        return int(system.text(_PROC) or "")
    except ValueError:
        return None


def is_read_only(system: System) -> bool:
    """Whether not even root may change it here, as in most containers."""
    try:
        return bool(os.statvfs(system.at(_PROC)).f_flag & os.ST_RDONLY)
    except OSError:
        return False


def set_now(value: int, file: Path | None, system: System) -> tuple[str, ...]:
    """The command that lets a value hold from now on; `file` says it, too."""
    if found("sysctl") is None:  # small images have none
        return ("sh", "-c", f"echo {value} > {system.at(_PROC)}")
    return ("sysctl", "-p", str(file)) if file else ("sysctl", "-w", f"{KEY}={value}")


def settings(system: System, without: Path | None = None) -> list[PortSetting]:
    """All lines that set it at boot, in the order in which they are read: the last one counts."""
    files: dict[str, Path] = {}
    for folder in map(system.at, _FOLDERS):
        for path in folder.glob("*.conf"):
            files.setdefault(path.name, path)
    ordered = [files[name] for name in sorted(files)]
    old = system.at(_OLD)
    # systemd doesn't read it, unless there is a link to it; procps and others read it last.
    if not system.at("/run/systemd/system").is_dir():
        linked = {os.path.realpath(each) for each in ordered}
        ordered += [] if os.path.realpath(old) in linked else [old]
    return [each for path in ordered if path != without for each in _lines(path)]


def at_boot(lines: Iterable[PortSetting]) -> int:
    """What will hold after the next start of the machine."""
    return ([KERNELS_OWN] + [each.value for each in lines])[-1]


def _lines(path: Path) -> list[PortSetting]:
    lines = (text_of(path) or "").splitlines()
    numbered = [(number, _LINE.fullmatch(line)) for number, line in enumerate(lines, 1)]
    return [PortSetting(path, number, int(match[1])) for number, match in numbered if match]
