"""A real container engine for tests: podman with images and containers of its own.

It never pulls: the one image is busybox. What it keeps in /tmp is made once and shared by all that
run tests, so that no two networks of containers have the same addresses.
"""

from __future__ import annotations

import fcntl
import io
import json
import os
import shutil
import subprocess
import tarfile
from functools import cache
from hashlib import sha256
from pathlib import Path

import pytest

HOME = Path(f"/tmp/rpx-test-engine-{os.getuid()}")
BUSYBOX = Path("/bin/busybox")
APPLETS = "cat echo env false hostname httpd id kill ls nc ps sh sleep test touch true wget"
SERVER = '["httpd", "-f", "-p", "80", "-h", "/srv"]'
PAGES = {
    "index.html": "here\n",
    "cgi-bin/env": "#!/bin/sh\necho; env\n",
    "cgi-bin/slow": "#!/bin/sh\nsleep 0.05\n"
    """printf 'Content-Type: application/json\\r\\n\\r\\n{"port": "%s"}' $(hostname)\n""",
}
IMAGE = "localhost/rpx-test:" + sha256(f"{APPLETS}{SERVER}{PAGES}".encode()).hexdigest()[:8]
CONF = """\
[containers]
default_ulimits = ["nofile=1024:4096", "nproc=512:1024"]
[engine]
cgroup_manager = "cgroupfs"
runtime = "runc"
events_logger = "file"
tmp_dir = "HOME/tmp"
"""
STORAGE = '[storage]\ndriver = "vfs"\ngraphroot = "HOME/root"\nrunroot = "HOME/run"\n'


def variables() -> dict[str, str]:
    """By which podman finds what is its own here."""
    return {
        "CONTAINERS_CONF": str(HOME / "containers.conf"),
        "CONTAINERS_STORAGE_CONF": str(HOME / "storage.conf"),
    }


def podman(*words: str, stdin: bytes | None = None, check: bool = True) -> str:
    """Ask it; what it says."""
    done = subprocess.run(
        ("podman", *words),
        input=stdin,
        env={**os.environ, **variables()},
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert not check or done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def names(project: str = "") -> set[str]:
    """The names of all containers that there are, running or not, of one project."""
    rows = json.loads(podman("ps", "-a", "--format", "json") or "[]")
    return {row["Names"][0] for row in rows if project in row["Names"][0]}


@cache
def missing() -> str:
    """Why tests that need an engine can't be run here; "" if they can."""
    if os.getuid() != 0:
        return "podman has no network of its own for this user"
    for program in ("podman", "runc", "iptables"):
        if shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin") is None:
            return f"there is no {program}"
    if not BUSYBOX.exists():
        return "there is no busybox-static"
    HOME.mkdir(mode=0o700, exist_ok=True)
    with (HOME / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several workers come at the same time
        return _made()


def _made() -> str:
    for name, text in (("containers.conf", CONF), ("storage.conf", STORAGE)):
        (HOME / name).write_text(text.replace("HOME", str(HOME)))
    try:
        if IMAGE not in podman("images", "--format", "{{.Repository}}:{{.Tag}}"):
            podman("import", "-q", "--change", f"CMD {SERVER}", "-", IMAGE, stdin=_root())
        podman("run", "--rm", "--init", IMAGE, "true")
    except (AssertionError, subprocess.SubprocessError) as error:
        return f"podman does not work here: {str(error).strip().splitlines()[-1]}"
    return ""


def _root() -> bytes:
    """A root folder with a shell and a web server."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        tar.add(BUSYBOX, "bin/busybox")
        for name in APPLETS.split():
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
        for name in ("tmp", "etc", "proc", "sys", "dev", "var", "data", "run"):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o777
            tar.addfile(folder)
        for name, text in PAGES.items():
            page = tarfile.TarInfo(f"srv/{name}")
            page.size, page.mode = len(text), 0o755
            tar.addfile(page, io.BytesIO(text.encode()))
    return made.getvalue()


def needs_engine() -> None:
    """Skip the test, and say why, where there is none."""
    if why := missing():
        pytest.skip(f"no container engine: {why}")
