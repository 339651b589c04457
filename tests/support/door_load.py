"""Load on a door: connections of their own without a pause, and what came of each."""

from __future__ import annotations

import collections
import itertools
import socket
import threading
import time
from collections.abc import Sequence


class DoorLoad:
    """Threads that ask for these names in turn until it is stopped.

    `done`: how many were answered by whom they asked for; `lost`: what else came, by what it was.
    `longest`: seconds that the slowest took.
    """

    def __init__(self, port: int, names: Sequence[str], threads: int = 4) -> None:
        self.port = port
        self.names = names
        self.done = 0
        self.longest = 0.0
        self.lost: collections.Counter[str] = collections.Counter()
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._run, args=(number,), daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ask no more."""
        self._ended.set()
        for thread in self._threads:
            thread.join(60)

    def _run(self, number: int) -> None:
        for turn in itertools.count(number):
            if self._ended.is_set():
                return
            name = self.names[turn % len(self.names)]
            began = time.perf_counter()
            what = _asked(self.port, name)
            took = time.perf_counter() - began
            with self._lock:
                if what:
                    self.lost[what] += 1
                else:
                    self.done += 1
                self.longest = max(self.longest, took)


def _asked(port: int, name: str) -> str:
    """Ask for the page of NAME.localhost, which answers with its name; what was wrong, or ""."""
    request = f"GET / HTTP/1.1\r\nHost: {name}.localhost\r\nConnection: close\r\n\r\n"
    data = b""
    try:
        with socket.create_connection(("127.0.0.1", port), 30) as sock:
            sock.sendall(request.encode())
            while more := sock.recv(4096):
                data += more
    except OSError as error:
        return type(error).__name__
    if data.endswith(b"\r\n\r\n" + name.encode()):
        return ""
    return data[:12].decode("latin-1") or "nothing"
