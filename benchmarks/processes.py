"""Processes that a run starts: each ends with its block, and only by its own pid."""

from __future__ import annotations

import http.client
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

HOST = "bench.localhost"
STARTS_WITHIN = 60.0
ENDS_WITHIN = 15.0


class Failed(Exception):
    """A process did not come up, or went away; the text has its last output."""


@contextmanager
def running(
    command: Sequence[str],
    port: int,
    log: Path,
    environment: Mapping[str, str] | None = None,
    *,
    tls: bool = False,
    host: str = HOST,
    begun: Callable[[], bool] = lambda: True,
) -> Iterator[int]:
    """Run `command` until the block ends; the pid, once `host` answers there. Raises Failed.

    Nobody asks before `begun` says so: where others answer meanwhile, that would take time from it.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=log.parent,
        )
    try:
        _wait_until_it_answers(process, port, log, host, begun, tls=tls)
        yield process.pid
    except Failed as failed:
        if process.poll() is None:
            raise
        why = f"{process.args!r} went away with {process.returncode}:\n{last_words(log)}"
        raise Failed(f"{failed}\n{why}") from None
    finally:
        end(process)


def _wait_until_it_answers(
    process: subprocess.Popen[bytes],
    port: int,
    log: Path,
    host: str,
    begun: Callable[[], bool],
    *,
    tls: bool,
) -> None:
    deadline = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < deadline and process.poll() is None:
        if begun() and answers(port, tls=tls, host=host):
            return
        time.sleep(0.005)
    raise Failed(f"{process.args!r} does not answer on port {port}:\n{last_words(log)}")


def last_words(log: Path) -> str:
    """Return the end of what was printed there."""
    return log.read_text(errors="replace")[-2000:]


def answers(port: int, path: str = "/small", *, tls: bool = False, host: str = HOST) -> bool:
    """Whether an HTTP server answers there with 200, asked for `host`."""
    connection = http.client.HTTPConnection(host, port)
    try:
        connection.sock = sock = socket.create_connection(("127.0.0.1", port), timeout=2)
        if tls:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            connection.sock = context.wrap_socket(sock, server_hostname=host)
        connection.request("GET", path, headers={"Host": host})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask it to end, and kill it if it doesn't."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(ENDS_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
