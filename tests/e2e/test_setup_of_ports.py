"""`rpx setup` and a real kernel: who may listen on 80 and 443, in a network of its own."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys

import pytest

PROGRAM = """
import fcntl, json, os, socket, struct
from pathlib import Path
from rpx.cli.main import main
from rpx.setup.bindable import bind_low_ports

with socket.socket() as sock:  # `ip link set lo up`
    fcntl.ioctl(sock, 0x8914, struct.pack("16sh14x", b"lo", 1))

def errors_of_nobody():
    read, write = os.pipe()
    if os.fork() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        found = {f"{each.host}:{each.port}": each.number for each in bind_low_ports()}
        os.write(write, json.dumps(found).encode())
        os._exit(0)
    os.wait()
    return json.loads(os.read(read, 4096))

def look():
    return sorted(os.listdir("/etc/sysctl.d")), errors_of_nobody()

steps = [look()]
for arguments in (["--yes"], ["--yes"], ["--undo", "--yes"]):
    assert main(["setup", "ports", *arguments]) == 0
    steps.append(look())
print(json.dumps(steps))
"""


def test_an_ordinary_user_has_the_ports_after_setup_and_not_after_its_undo() -> None:
    apart = ("unshare", "--net", "--mount")
    if os.getuid() or subprocess.run((*apart, "true"), check=False, capture_output=True).returncode:
        pytest.skip("needs namespaces of its own, and another user in them")
    inside = 'mount -t tmpfs none /etc/sysctl.d && exec "$@"'
    done = subprocess.run(
        (*apart, "sh", "-c", inside, "sh", sys.executable, "-c", PROGRAM),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    before, after, again, undone = json.loads(done.stdout.splitlines()[-1])
    assert set(before[1].values()) == {errno.EACCES}
    assert after == [["50-rpx-ports.conf"], dict.fromkeys(before[1], 0)]
    assert {"127.0.0.1:80", "127.0.0.1:443"} <= set(before[1])
    assert (again, undone) == (after, before)
    assert "ports 80 and 443 can be had" in done.stderr
