"""The control API from the other side, for commands: synchronous, a connection for each question.

With http.client, because every command waits for its imports: httpx takes as long to load as
all the rest of `rpx ps` together.
"""

from __future__ import annotations

import json
import math
import os
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from rpx.errors import Exit, NotRunning, Problem, RpxError, TookTooLong
from rpx.model.answers import (
    ChangeReport,
    Kill,
    LogLines,
    LogMissed,
    Outcome,
    Ps,
    Wait,
    Why,
    read,
)
from rpx.model.figures import Figures
from rpx.model.url_answer import DashboardUrl, UrlWhy
from rpx.runs.json_lines import Lines
from rpx.runs.lease import Lease, running

T = TypeVar("T")
Planned = Callable[[ChangeReport], None]
NDJSON: Final = "application/x-ndjson"
CONNECTS_WITHIN: Final = 2.0  # seconds, to a socket of the same machine
THERE_WITHIN: Final = 4.0  # seconds: a socket that has gone is made anew (api.LOOK)
ANSWERS_WITHIN: Final = 10.0  # seconds for a look; a supervisor that is well needs milliseconds
GLANCE: Final = 2.0  # for what is worth a line, and no more
ORDER_WITHIN: Final = 600.0  # a rolling restart of many copies; each of its waits is bounded there


class ApiClient:
    """Asks a running project. Every method may raise RpxError: NotRunning when nobody is there."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease

    def ps(self, *, routes: bool = False) -> list[Ps]:
        """A row for each backend; `routes`: also for routes that have none of their own."""
        query = {"routes": ["true"]} if routes else None
        return self._each(Ps.of, self._ask("GET", "/v1/ps", query=query))

    def why(self, names: Sequence[str]) -> list[Why]:
        """Why backends are in the states they are in."""
        return self._each(Why.of, self._ask("GET", "/v1/why", query={"name": list(names)}))

    def why_url(self, url: str, method: str, headers: Sequence[str]) -> UrlWhy:
        """What becomes of a request for a URL; `headers` are fields as they are sent."""
        query = {"url": [url], "method": [method], "header": list(headers)}
        return self._one(UrlWhy.of, self._ask("GET", "/v1/why-url", query=query))

    def stats(self) -> dict[str, dict[str, Figures]]:
        """Host → `host:port` → figures."""
        stats: dict[str, dict[str, Figures]] = self._ask("GET", "/v1/stats")
        return stats

    def order(self, verb: str, names: Sequence[str]) -> list[Outcome]:
        """Restart, start or stop; what became of each backend."""
        answer = self._ask("POST", f"/v1/orders/{verb}", {"names": list(names)})
        return self._each(Outcome.of, answer)

    def kill_backend(self, target: str, *, signal: str, down_for: float, restart: bool) -> Kill:
        """Kill one backend's process, down for so many seconds; what was hit."""
        body = {"target": target, "signal": signal, "down_for": down_for, "restart": restart}
        return self._one(Kill.of, self._ask("POST", "/v1/orders/kill-backend", body))

    def reload(self, planned: Planned, *, dry_run: bool = False) -> ChangeReport:
        """Read the file again; what came of it. `dry_run`: only what would be done.

        `planned` gets what will be done, and that is what is done then.
        """
        return self._change("/v1/reload", {"dry_run": dry_run}, planned)

    def scale(
        self, services: Mapping[str, int], planned: Planned, *, dry_run: bool = False
    ) -> ChangeReport:
        """Run so many copies of each service, as `reload`."""
        return self._change("/v1/scale", {"services": dict(services), "dry_run": dry_run}, planned)

    def _change(self, path: str, body: Mapping[str, Any], planned: Planned) -> ChangeReport:
        """The plan comes first, then the outcomes; an older rpx says both at the end."""
        answer: dict[str, Any] = {}
        asked = self._asked("POST", path, body, patience=ORDER_WITHIN, accept=NDJSON)
        with asked as (_, lines):
            while part := self._line(lines):
                if "error" in part:
                    raise _told(part["error"])
                answer |= part
                if "plan" in part:
                    planned(self._one(ChangeReport.of, part))
        report = self._one(ChangeReport.of, answer)
        if report.outcomes is None and not body["dry_run"]:
            raise broken(self._lease, ConnectionError("it ended before the change was made"))
        return report

    def _line(self, answer: HTTPResponse) -> dict[str, Any]:
        """The next object of an answer; an empty one at its end."""
        with self._walled():
            line: dict[str, Any] = json.loads(answer.readline() or b"{}")
        return line

    def waits(self, names: Sequence[str] = (), *, within: float = math.inf) -> list[Wait]:
        """Who is on the way up or down; of those that are named, if any are.

        `within`: seconds after which this command has all of them killed.
        """
        query = {"name": list(names)}
        if within < math.inf:
            query["within"] = [f"{within:.3f}"]
        found = self._ask("GET", "/v1/waits", query=query, patience=GLANCE)
        return self._each(partial(read, Wait), found)

    def dashboard(self) -> str:
        """A URL that lets one browser into the dashboard, within a minute."""
        return self._one(partial(read, DashboardUrl), self._ask("POST", "/v1/dashboard", {})).url

    def still_runs(self) -> bool:
        """The project that was asked has not ended."""
        now = running(self._lease.config)
        return now is not None and now.run_id == self._lease.run_id

    def down(self, *, now: bool = False) -> None:
        """Ask the project to end. It does so after the answer. `now`: as at a second Ctrl-C."""
        self._ask("POST", "/v1/down", {"now": now} if now else {}, patience=ANSWERS_WITHIN)

    def logs(
        self,
        names: Sequence[str],
        *,
        own: bool = False,
        tail: int | None = None,
        since: float = 0.0,
    ) -> list[LogLines]:
        """The last output that is in memory, by time.

        `own`: also what rpx itself says. `since`: seconds since the epoch.
        """
        query = _whose(names, own=own) | {"since": since} | ({} if tail is None else {"tail": tail})
        with self.stream("/v1/logs", query, ANSWERS_WITHIN) as rows:
            return self._each(partial(read, LogLines), rows)

    @contextmanager
    def follow(
        self, names: Sequence[str], *, own: bool = False
    ) -> Iterator[Iterator[LogLines | LogMissed]]:
        """What is printed from now on, until the project ends."""
        query = _whose(names, own=own) | {"tail": 0, "follow": "true"}
        with self.stream("/v1/logs", query) as rows:
            yield map(_followed, rows)

    def look(self, path: str, query: Mapping[str, Sequence[str]]) -> Any:  # noqa: ANN401 - JSON
        """Ask for something that has a client of its own."""
        return self._ask("GET", path, query=query)

    def have(self, path: str, body: object) -> Any:  # noqa: ANN401 - JSON
        """Have something done that has a client of its own."""
        return self._ask("POST", path, body)

    @contextmanager
    def stream(
        self, path: str, query: Mapping[str, Any], patience: float | None = None
    ) -> Iterator[Iterator[dict[str, Any]]]:
        """Objects as they come; `patience`: seconds without any, None for ever."""
        with self._asked("GET", path, query=query) as (end, answer):
            end.settimeout(patience)
            lines = Lines()
            yield (row for chunk in self._chunks(answer) for row in lines.feed(chunk))

    def _chunks(self, answer: HTTPResponse) -> Iterator[bytes]:
        """Until the end, or until the project has gone. Not by lines: \n alone ends one."""
        while True:
            with self._walled():
                try:
                    chunk = answer.read1(65536)
                except (ConnectionError, HTTPException):
                    return
            if not chunk:
                return
            yield chunk

    def _ask(
        self,
        method: str,
        path: str,
        body: object = None,
        query: Mapping[str, Sequence[str]] | None = None,
        patience: float | None = None,
    ) -> Any:  # noqa: ANN401 - JSON
        patience = patience or (ORDER_WITHIN if method == "POST" else ANSWERS_WITHIN)
        with self._asked(method, path, body, query, patience) as (_, answer), self._walled():
            return json.loads(answer.read())

    @contextmanager
    def _asked(
        self,
        method: str,
        path: str,
        body: object = None,
        query: Mapping[str, Any] | None = None,
        patience: float = ANSWERS_WITHIN,
        *,
        accept: str = "*/*",
    ) -> Iterator[tuple[socket.socket, HTTPResponse]]:
        """The connection and the answer to one question; raises the error that it tells of."""
        text = None if body is None else json.dumps(body)
        headers = {"accept": accept}
        if text is not None:
            headers["content-type"] = "application/json"
        target = (
            f"{path}?{urlencode(query, doseq=True, errors='surrogateescape')}" if query else path
        )
        with self._connected() as end:
            with self._walled():
                end.settimeout(patience)
                http = HTTPConnection("rpx")
                http.sock = end
                with suppress(BrokenPipeError):  # it may answer, and end, before the body is there
                    http.request(method, target, text, headers)
                answer = http.getresponse()
                if answer.status >= 400:
                    raise _error(answer.status, answer.read())
            with answer:
                yield end, answer

    def _each(self, of: Callable[[dict[str, Any]], T], rows: Iterable[dict[str, Any]]) -> list[T]:
        return [self._one(of, row) for row in rows]

    def _one(self, of: Callable[[dict[str, Any]], T], row: dict[str, Any]) -> T:
        try:
            return of(row)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise RpxError(
                f"the answer of `{self._lease.name}` is not understood: {error}",
                hint="is the running rpx of another version than this command?",
            ) from None

    def _connected(self) -> socket.socket:
        deadline = time.monotonic() + THERE_WITHIN
        while True:
            end = socket.socket(socket.AF_UNIX)
            end.settimeout(CONNECTS_WITHIN)
            try:
                end.connect(str(self._lease.socket))
                _check_peer(end, self._lease)
            except OSError:
                end.close()
            else:
                return end
            now = running(self._lease.config)
            if now is None or now.run_id != self._lease.run_id or time.monotonic() > deadline:
                raise not_running(self._lease)
            self._lease = now  # it may have moved
            time.sleep(0.05)

    @contextmanager
    def _walled(self) -> Iterator[None]:
        try:
            yield
        except TimeoutError:
            name, pid = self._lease.name, self._lease.supervisor.pid
            raise TookTooLong(
                f"`{name}` (pid {pid}) does not answer",
                hint=f"is it suspended? See `ps -p {pid}`; `kill {pid}` ends it",
            ) from None
        except (OSError, HTTPException) as error:
            raise broken(self._lease, error) from None


def not_running(lease: Lease) -> NotRunning:
    """What is to be said when nobody accepts a connection at the socket of a lease."""
    return NotRunning(
        f"`{lease.name}` (pid {lease.supervisor.pid}) does not listen on its control socket",
        hint="it is just starting or ending: try again in a moment;"
        f" `kill {lease.supervisor.pid}` ends it",
    )


def _check_peer(end: socket.socket, lease: Lease) -> None:
    """Raise RpxError when a stranger listens where our project should."""
    if sys.platform != "linux":
        return  # the folder of the lease is ours alone: that has been looked at
    peer = end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, user, _ = struct.unpack("3i", peer)
    if user != os.getuid():
        end.close()
        raise RpxError(
            f"{lease.socket} belongs to user {user}: nothing is told or asked there",
            hint="see who made it: `ls -la`",
        )


def broken(lease: Lease, error: Exception) -> RpxError:
    """What is to be said when a connection to a project ends before the answer has."""
    return RpxError(
        f"the connection to `{lease.name}` (pid {lease.supervisor.pid}) broke: {error}",
        hint="it has ended, or is ending: see `rpx ps`",
    )


def _followed(row: dict[str, Any]) -> LogLines | LogMissed:
    return read(LogMissed, row) if "missed" in row else read(LogLines, row)


def _whose(names: Sequence[str], *, own: bool) -> dict[str, Any]:
    return {"name": list(names), "own": "true" if own else "false"}


def _error(status: int, body: bytes) -> RpxError:
    try:
        return _told(json.loads(body)["error"])
    except (ValueError, KeyError, TypeError):
        return RpxError(
            f"the control API answered {status}",
            hint="this is a bug in rpx",
            exit_code=Exit.FAILED,
        )


def _told(error: dict[str, Any]) -> RpxError:
    found = RpxError(error["what"], hint=error["hint"], exit_code=error["exit_code"])
    if problems := error.get("problems"):  # a file may have several
        found.problems = tuple(Problem(**problem) for problem in problems)
    return found
