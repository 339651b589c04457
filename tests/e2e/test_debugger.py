"""A process that a debugger holds at a breakpoint is left alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.support.project import Project, free_ports, until

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing shows it"),
]
# What gdb and strace do first. Its process stops, and goes on when the debugger has gone.
DEBUGGER = """\
import ctypes, os, sys
pid = int(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
if libc.ptrace(16, pid, None, None):
    sys.exit(os.strerror(ctypes.get_errno()))
os.waitpid(pid, 0x40000000)
print("attached", flush=True)
sys.stdin.read()
"""


def test_a_process_at_a_breakpoint_is_neither_unhealthy_nor_replaced(project: Project) -> None:
    [port] = free_ports(1)
    project.write(
        "listen: {http_port: HTTP_PORT}\nto: api.localhost\nfrom: localhost:BACKEND\n"
        "health_check: {interval: 100ms, timeout: 300ms, unhealthy_threshold: 3}\n"
        "start: {command: exec PYTHON APPS/ok.py, ready: {timeout: 1s}}\n",
        BACKEND=str(port),
    )
    with project.up():
        [before] = project.ps()
        with subprocess.Popen(
            (sys.executable, "-c", DEBUGGER, str(before["pid"])),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as debugger:
            assert debugger.stdout is not None
            assert debugger.stdin is not None
            if debugger.stdout.readline() != "attached\n":
                pytest.skip("this machine lets nobody attach a debugger")
            project.until_said("a debugger holds its process")
            time.sleep(2)  # six checks without an answer, twice as many as it may have
            [held] = project.ps()
            assert (held["state"], held["in_rotation"]) == ("ready", True)
            debugger.stdin.close()
        assert project.get("api.localhost").json()["pid"] == before["pid"]
        [after] = project.ps()
        assert (after["pid"], after["restarts"]) == (before["pid"], before["restarts"])


def test_the_time_of_a_process_that_is_stopped_while_it_starts_rests(project: Project) -> None:
    [port] = free_ports(1)
    project.write(
        "listen: {http_port: HTTP_PORT}\nto: api.localhost\nfrom: localhost:BACKEND\n"
        "start: {ready: {timeout: 2s}, command: 'echo begun;\n"
        "  until test -e go; do sleep 0.02; done; exec PYTHON APPS/ok.py'}\n",
        BACKEND=str(port),
    )
    with project.up(ready=False):
        project.until_said("| begun")
        [row] = project.ps()
        os.killpg(row["pid"], signal.SIGSTOP)
        time.sleep(2.5)  # longer than it may take
        assert "not ready within" not in project.said()
        (project.folder / "go").touch()
        os.killpg(row["pid"], signal.SIGCONT)
        until(project.all_ready, "ready")
        [after] = project.ps()
        assert (after["pid"], after["restarts"]) == (row["pid"], 0)
