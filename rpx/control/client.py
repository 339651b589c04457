"""The control API from the other side: for commands, synchronous but for `follow`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

import httpx

from rpx.control.lease import Lease
from rpx.errors import Exit, NotRunning, Problem, RpxError, TookTooLong
from rpx.model.figures import Figures

if TYPE_CHECKING:
    import trio

ANSWERS_WITHIN: Final = 10.0  # seconds for a look; a supervisor that is well needs milliseconds
ORDER_WITHIN: Final = 600.0  # a rolling restart of many copies; each of its waits is bounded there


class Client:
    """Asks a running project. Every method may raise RpxError: NotRunning when nobody is there."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._http = httpx.Client(
            # The transport is given: HTTP_PROXY and its like must not come between.
            transport=httpx.HTTPTransport(uds=str(lease.socket), trust_env=False),
            base_url="http://rpx",
            timeout=httpx.Timeout(ANSWERS_WITHIN, connect=2.0),
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._http.close()

    def ps(self) -> list[dict[str, Any]]:
        """A row for each backend, as `rpx ps --json` prints it."""
        rows: list[dict[str, Any]] = self._ask("GET", "/v1/ps")
        return rows

    def why(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """Why backends are in the states they are in (control.why)."""
        found: list[dict[str, Any]] = self._ask("GET", "/v1/why", query={"name": list(names)})
        return found

    def stats(self) -> dict[str, dict[str, Figures]]:
        """Host → `host:port` → figures."""
        stats: dict[str, dict[str, Figures]] = self._ask("GET", "/v1/stats")
        return stats

    def order(self, verb: str, names: Sequence[str]) -> list[dict[str, Any]]:
        """Restart, start or stop; what became of each backend (outcome.Outcome)."""
        body = {"names": list(names)}
        outcomes: list[dict[str, Any]] = self._ask("POST", f"/v1/orders/{verb}", body)
        return outcomes

    def kill_backend(
        self, target: str, *, signal: str, down_for: float, restart: bool
    ) -> dict[str, Any]:
        """Kill one backend's process; what was hit (outcome.Kill)."""
        body = {"target": target, "signal": signal, "down_for": down_for, "restart": restart}
        kill: dict[str, Any] = self._ask("POST", "/v1/orders/kill-backend", body)
        return kill

    def reload(self, *, dry_run: bool = False) -> dict[str, Any]:
        """Read the file again: `plan`, `sentences`, `advice` and `outcomes`."""
        changed: dict[str, Any] = self._ask("POST", "/v1/reload", {"dry_run": dry_run})
        return changed

    def scale(self, services: Mapping[str, int], *, dry_run: bool = False) -> dict[str, Any]:
        """Run so many copies of each service; what came of it, as of `reload`."""
        body = {"services": dict(services), "dry_run": dry_run}
        changed: dict[str, Any] = self._ask("POST", "/v1/scale", body)
        return changed

    def down(self) -> None:
        """Ask the project to end. It does so after the answer."""
        self._ask("POST", "/v1/down", {})

    def logs(
        self,
        names: Sequence[str],
        *,
        own: bool = False,
        tail: int | None = None,
        since: float = 0.0,
    ) -> list[dict[str, Any]]:
        """The last output that is in memory, by time: label, at, text (one or more lines).

        `own`: also what rpx itself says.
        """
        query = _whose(names, own=own) | {"since": since} | ({} if tail is None else {"tail": tail})
        with self._stream(query, ANSWERS_WITHIN) as rows:
            return list(rows)

    @contextmanager
    def follow(
        self, names: Sequence[str], *, own: bool = False
    ) -> Iterator[Iterator[dict[str, Any]]]:
        """What is printed from now on, until the project ends; also `missed`, lines lost."""
        with self._stream(_whose(names, own=own) | {"tail": 0, "follow": "true"}, None) as rows:
            yield rows

    @contextmanager
    def _stream(
        self, query: dict[str, Any], patience: float | None
    ) -> Iterator[Iterator[dict[str, Any]]]:
        timeout = httpx.Timeout(ANSWERS_WITHIN, read=patience)
        with (
            self._walled(),
            self._http.stream("GET", "/v1/logs", params=query, timeout=timeout) as answer,
        ):
            if answer.is_error:
                answer.read()
                raise _error(answer)
            # Not iter_lines(): it splits at every character that Unicode calls a line's end.
            yield _lines(answer.iter_bytes())

    async def hear_events(
        self,
        hear: Callable[[dict[str, Any]], None],
        *,
        task_status: trio.TaskStatus[None],
    ) -> None:
        """Hear every event from now on, until cancelled or the project ends. For trio programs."""
        transport = httpx.AsyncHTTPTransport(uds=str(self._lease.socket), trust_env=False)
        timeout = httpx.Timeout(ANSWERS_WITHIN, read=None)
        with self._walled():
            async with (
                httpx.AsyncClient(transport=transport, base_url="http://rpx") as http,
                http.stream("GET", "/v1/events", timeout=timeout) as answer,
            ):
                task_status.started()
                lines = _Lines()
                try:
                    async for chunk in answer.aiter_bytes():
                        for event in lines.feed(chunk):
                            hear(event)
                except (httpx.RemoteProtocolError, httpx.ReadError):
                    return  # the project has ended, and the connection with it

    def _ask(
        self,
        method: str,
        path: str,
        body: object = None,
        query: Mapping[str, Sequence[str]] | None = None,
    ) -> Any:  # noqa: ANN401 - JSON
        timeout = ORDER_WITHIN if method == "POST" else ANSWERS_WITHIN
        with self._walled():
            answer = self._http.request(
                method, path, json=body, params=query, timeout=httpx.Timeout(timeout, connect=2.0)
            )
        if answer.is_error:
            raise _error(answer)
        return answer.json()

    @contextmanager
    def _walled(self) -> Iterator[None]:
        name, pid = self._lease.name, self._lease.supervisor.pid
        try:
            yield
        except httpx.ConnectError:
            raise NotRunning(
                f"`{name}` (pid {pid}) does not listen on its control socket",
                hint="it is just starting or ending: try again in a moment",
            ) from None
        except httpx.TimeoutException:
            raise TookTooLong(
                f"`{name}` (pid {pid}) does not answer",
                hint=f"is it suspended? See `ps -p {pid}`; `kill {pid}` ends it",
            ) from None
        except httpx.TransportError as error:
            raise RpxError(
                f"the connection to `{name}` (pid {pid}) broke: {error}",
                hint="it has ended, or is ending: see `rpx ps`",
            ) from None


def _whose(names: Sequence[str], *, own: bool) -> dict[str, Any]:
    return {"name": list(names), "own": "true" if own else "false"}


def _lines(chunks: Iterator[bytes]) -> Iterator[dict[str, Any]]:
    """Each line's object, until the end or until the project has gone."""
    lines = _Lines()
    try:
        for chunk in chunks:
            yield from lines.feed(chunk)
    except (httpx.RemoteProtocolError, httpx.ReadError):
        return


class _Lines:
    """Objects out of the pieces of NDJSON."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> list[dict[str, Any]]:
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        return [json.loads(line) for line in whole]


def _error(answer: httpx.Response) -> RpxError:
    try:
        error = answer.json()["error"]
        found = RpxError(error["what"], hint=error["hint"], exit_code=error["exit_code"])
        if problems := error.get("problems"):  # a file may have several
            found.problems = tuple(Problem(**problem) for problem in problems)
    except (ValueError, KeyError, TypeError):
        return RpxError(
            f"the control API answered {answer.status_code}",
            hint="this is a bug in rpx",
            exit_code=Exit.FAILED,
        )
    return found
