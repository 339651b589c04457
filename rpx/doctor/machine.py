"""Versions, the clock, and what crashed runs have left."""

from __future__ import annotations

import datetime as dt
import platform
import resource
import shlex
import ssl
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import rpx
from rpx.backend.processes import marked
from rpx.doctor.findings import Finding, Status
from rpx.engine.leftovers import left_of
from rpx.programs import found, said
from rpx.runs.lease import crashed_runs

LIBRARIES = ("trio", "cryptography", "psutil")
FEW = 4096  # open files: 1,000 requests have 2,000, and a project has a few hundred besides


def versions() -> Iterator[Finding]:
    """What runs here, and how many files it may open."""
    ours = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    yield Finding("versions", f"rpx {rpx.__version__}", Status.OK, ours)
    yield Finding(
        "versions",
        f"Python {platform.python_version()}",
        Status.OK,
        f"{ssl.OPENSSL_VERSION}, {platform.platform()}",
    )
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < FEW:
        hint = "raise the hard limit: `ulimit -Hn`, or /etc/security/limits.conf"
        yield Finding("versions", "open files", Status.WARNING, f"{most} at most", hint)


def clock() -> Iterator[Finding]:
    """Certificates have a time; so have the files of rpx, which can't be from the future."""
    now = dt.datetime.now(dt.UTC)
    written = Path(rpx.__file__).stat().st_mtime
    detail = f"{now:%Y-%m-%d %H:%M} UTC"
    if written > time.time() + 86_400:
        hint = "set it: `sudo timedatectl set-ntp true`"
        yield Finding("clock", "clock", Status.PROBLEM, f"{detail}: it is behind", hint)
    elif found("timedatectl") and said(_SYNCHRONISED).strip() == "no":
        hint = "`sudo timedatectl set-ntp true`, unless something else sets it"
        yield Finding("clock", "clock", Status.WARNING, f"{detail}, not synchronised", hint)
    else:
        yield Finding("clock", "clock", Status.OK, detail)


_SYNCHRONISED = ("timedatectl", "show", "--property=NTPSynchronized", "--value")


def leftovers(reports: Path) -> Iterator[Finding]:
    """Runs that did not end in order, with what still lives of them; crash reports in `reports`."""
    crashed = crashed_runs()
    for lease in crashed:
        where = f"`{lease.name}` ({lease.config})"
        left = marked(lease.run_id)
        containers = sum(map(len, left_of(lease.run_id).values()))
        if containers and not left:
            detail = f"a run crashed, and {containers} of its containers are still there"
            hint = f"`rpx down -f {shlex.quote(str(lease.config))}` removes them"
            yield Finding("leftovers", where, Status.PROBLEM, detail, hint)
        elif left:
            pids = " ".join(str(process.pid) for process in left)
            detail = f"a run crashed, and {len(left)} of its processes are still there"
            hint = f"`rpx down -f {shlex.quote(str(lease.config))}` ends them, or `kill {pids}`"
            yield Finding("leftovers", where, Status.PROBLEM, detail, hint)
        else:
            detail = "a run crashed, and left no process"
            yield Finding("leftovers", where, Status.WARNING, detail, "the next `rpx up` is told")
    crashes = sorted(reports.glob("crash-*.txt"))
    if crashes:
        detail = f"{len(crashes)} reports of failures of rpx itself, the last is {crashes[-1].name}"
        hint = "please report what is in it; then they can be removed"
        yield Finding("leftovers", str(reports), Status.WARNING, detail, hint)
    elif not crashed:
        yield Finding("leftovers", "crashed runs", Status.OK, "none")
