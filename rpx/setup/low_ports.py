"""Ports 80 and 443 for ordinary users of Linux, by a setting of the kernel.

Not by capabilities of the interpreter: whoever has some can't be looked into by its own user, every
upgrade loses them, and every script would have them (design of ip_unprivileged_port_start: all
users of the machine get the ports, and nobody anything else).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from rpx.errors import Problem
from rpx.programs import Step
from rpx.setup.part import Part
from rpx.setup.sealed_files import removing, sealed_file, writing
from rpx.setup.sysctl import (
    KERNELS_OWN,
    KEY,
    PortSetting,
    at_boot,
    is_read_only,
    running,
    set_now,
    settings,
)
from rpx.setup.system import System

FILE: Final = "/etc/sysctl.d/50-rpx-ports.conf"
FIRST: Final = 80
NAME: Final = "ports"
TITLE: Final = "ports 80 and 443"
IN_CONTAINER: Final = (
    "start the container with it: `docker run --sysctl net.ipv4.ip_unprivileged_port_start=80 …`,"
    " or `sysctls:` of compose; or stay with 8080 and 8443, which need nothing"
)
_TEXT: Final = f"""\
# Everybody on this machine may listen on ports from {FIRST} on, so that rpx can without root.
{KEY}={FIRST}
"""
_NO_INIT: Final = (
    "WSL without systemd doesn't read this file when it starts: `[boot]` with `systemd=true` in"
    " /etc/wsl.conf lets it"
)


def permitted_ports(system: System) -> Part:
    """What lets everybody listen on 80 and 443."""
    value = running(system)
    if value is None:
        what = "this kernel has no setting for that, which came with Linux 4.11"
        return _blocked("only root may listen there", what, "stay with 8080 and 8443")
    lines = settings(system)
    now = f"{KEY} is {value}{_by(lines, value)}"
    read_only = is_read_only(system)
    if value <= FIRST and (at_boot(lines) <= FIRST or read_only):
        return Part(NAME, TITLE, f"everybody may listen there: {now}")
    if read_only:
        what = "this is a container, or the like: /proc/sys can't be changed from inside"
        return _blocked(f"only root may listen there: {now}", what, IN_CONTAINER)
    path = system.at(FILE)
    if path.exists() and at_boot(lines) > FIRST and not _is_overruled(system):
        what = f"{path} is there already, and is not as `rpx setup` writes it"
        return _blocked(now, what, f"remove it, or let it say `{KEY}={FIRST}`")
    return Part(
        NAME,
        TITLE,
        f"everybody may listen there until the next boot: {now}"
        if value <= FIRST
        else f"only root may listen there: {now}",
        tuple(_permitting(system, value, lines)),
        tuple(_notes(system)),
    )


def withdrawn_ports(system: System) -> Part:
    """What takes that back: only root may, as far as nobody else has permitted it."""
    path = system.at(FILE)
    ours = sealed_file(path)
    if ours is None:
        there = f"{path} is not from `rpx setup`" if path.exists() else f"there is no {path}"
        return Part(NAME, TITLE, f"nothing to take back: {there}")
    if not ours.intact:
        note = f"{path} was changed since `rpx setup` wrote it, and is left as it is"
        return Part(NAME, TITLE, "nothing to take back", notes=(note,))
    before = at_boot(settings(system, without=path))
    steps = removing([ours], "the setting is not kept for the next boot", root=True)
    value = running(system)
    if value != FIRST or before == FIRST:
        now = f"{KEY} is {value}, which is not by {path}"
    elif is_read_only(system):
        now = f"{KEY} is {value}, and can't be changed here"
    else:
        now = f"everybody may listen there, by {path}"
        by = "by what other files say" if before != KERNELS_OWN else "as the kernel has it"
        steps.append(_setting(system, before, None, f"it holds no longer: {before}, {by}"))
    return Part(NAME, TITLE, now, tuple(steps))


def overruling(system: System) -> PortSetting | None:
    """The line of another file that is read after ours, and takes the ports away at a boot."""
    path = system.at(FILE)
    others = settings(system, without=path)
    later = [each for each in others if each.path.name > path.name or each.path.suffix != ".conf"]
    return later[-1] if later and later[-1].value > FIRST else None


def _permitting(system: System, value: int, lines: list[PortSetting]) -> list[Step]:
    path = system.at(FILE)
    steps: list[Step] = []
    written = path if _is_ours(path) else None
    if at_boot(lines) > FIRST and written is None:
        steps += writing(path, _TEXT, "the setting is kept for every boot", root=True)
        written = path
    if value > FIRST:
        boot = at_boot(lines)
        first = FIRST if written else boot
        steps.append(_setting(system, first, written, "and holds from now on"))
    return steps


def _setting(system: System, value: int, file: Path | None, why: str) -> Step:
    return Step(why, set_now(value, file, system), True)


def _notes(system: System) -> list[str]:
    notes = []
    if line := overruling(system):
        notes.append(
            f"{line} sets {KEY} to {line.value}, and is read later: the ports are permitted until"
            f" the next boot only, unless you change it there"
        )
    under_wsl = "microsoft" in (system.text("/proc/version") or "").lower()
    if under_wsl and not system.at("/run/systemd/system").is_dir():
        notes.append(_NO_INIT)
    return notes


def _is_overruled(system: System) -> bool:
    return _is_ours(system.at(FILE)) and overruling(system) is not None


def _is_ours(path: Path) -> bool:
    """Whether setup has written it, and nobody has changed it since."""
    there = sealed_file(path)
    return there is not None and there.intact


def _by(lines: list[PortSetting], value: int) -> str:
    return f", by {lines[-1]}" if lines and lines[-1].value == value else ""


def _blocked(now: str, what: str, hint: str) -> Part:
    return Part(NAME, TITLE, now, problem=Problem(f"{TITLE}: {what}", hint=hint))
