"""Clients: wrk for HTTP/1.1, h2load for HTTP/2, our own for WebSockets. A run gives a sample."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks import h2load
from benchmarks.contenders import ROOT
from benchmarks.machine import cpu_seconds, find
from benchmarks.processes import HOST, Failed

# wrk's own figures, unrounded. The host of its URL, which TLS names, is here, wherever it leads.
# Without a `request` or `response` function it costs nothing.
_LUA = """
wrk.resolve = function(_, service) wrk.addrs = wrk.lookup("127.0.0.1", service) end
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    '\\n{"requests": %d, "bytes": %d, "microseconds": %d, "median": %.1f, "errors": %d}\\n',
    summary.requests, summary.bytes, summary.duration, latency:percentile(50),
    e.connect + e.read + e.write + e.status + e.timeout))
end
"""

# A thousand requests in turn: no answer is as long as the one before it.
_VARIED = """
local made, at = {}, 0
init = function(args)
  for i = 1, 1000 do
    made[i] = wrk.format("GET", wrk.path .. "?n=" .. string.rep("x", i % 97) .. i)
  end
end
request = function()
  at = at % 1000 + 1
  return made[at]
end
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What the clients do. `scheme` is `https` for TLS.

    `varied`: no request is like the one before it on its connection, and no answer either.
    `fresh`: each request has a connection of its own.

    `streams`: HTTP/2, with so many requests at the same time on each connection, and `requests` of
    them in all, however long that takes. `browser`: each with a browser's fields, and another
    module of its page. `upload`: bytes of the body of each.
    """

    path: str = "/small"
    connections: int = 64
    websocket: bool = False
    scheme: str = "http"
    varied: bool = False
    fresh: bool = False
    streams: int = 0
    requests: int = 0
    browser: bool = False
    upload: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a load goes: a port of a proxy, and who works for it; nobody without a proxy."""

    port: int
    pid: int | None = None
    door: int | None = None  # the process that has passed the clients on, if that is another


@dataclass(frozen=True, slots=True)
class Sample:
    """One contender's share of one round."""

    rate: float  # requests (messages) per second
    bytes: float  # per second
    cpu: float  # µs of the proxy per request; 0 without a proxy
    median: float  # µs until the answer
    errors: int
    door: float = 0.0  # µs of the door per request, beside those of the proxy


def measure(load: Load, place: Place, seconds: float, folder: Path) -> Sample:
    """Run the load for `seconds`. Raises Failed."""
    port = place.port
    command = _command(load, port, seconds, folder)
    before = [cpu_seconds(pid) if pid else 0.0 for pid in (place.pid, place.door)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=seconds * 3 + (90 if load.requests else 30),
        check=False,
        cwd=ROOT,
    )
    after = [cpu_seconds(pid) if pid else 0.0 for pid in (place.pid, place.door)]
    if done.returncode:
        raise Failed(f"{load} of port {port}: {done.stdout[-500:]} {done.stderr[-500:]}")
    if load.streams:
        found = h2load.figures(done.stdout, load.upload)
    else:
        found = json.loads(done.stdout.strip().splitlines()[-1])
    took = found["microseconds"] / 1e6
    count = max(found["requests"], 1)
    return Sample(
        rate=found["requests"] / took,
        bytes=found["bytes"] / took,
        cpu=(after[0] - before[0]) / count * 1e6,
        median=found["median"],
        errors=int(found["errors"]),
        door=(after[1] - before[1]) / count * 1e6,
    )


def _command(load: Load, port: int, seconds: float, folder: Path) -> tuple[str, ...]:
    if load.websocket:
        return _echo(load, port, seconds)
    if not load.streams:
        return _wrk(load, port, seconds, folder)
    return h2load.command(
        load.path,
        port,
        folder,
        connections=load.connections,
        streams=load.streams,
        requests=load.requests,
        browser=load.browser,
        upload=load.upload,
    )


def _wrk(load: Load, port: int, seconds: float, folder: Path) -> tuple[str, ...]:
    script = folder / "done.lua"
    script.write_text(_LUA + (_VARIED if load.varied else ""))
    url = f"{load.scheme}://{HOST}:{port}{load.path}"
    close = ("-H", "Connection: close") if load.fresh else ()
    # wrk knows only whole seconds
    words = ("-t1", f"-c{load.connections}", f"-d{max(1, round(seconds))}s", "--timeout", "10s")
    return (str(find("wrk")), *words, "-H", f"Host: {HOST}", *close, "-s", str(script), url)


def _echo(load: Load, port: int, seconds: float) -> tuple[str, ...]:
    words = (str(port), HOST, str(load.connections), str(seconds))
    return (sys.executable, "-S", "-m", "benchmarks.echo_client", *words)
