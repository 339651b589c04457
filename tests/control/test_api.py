"""The control API over a real unix socket, in front of a real registry and fake lives."""

from __future__ import annotations

import json
import os
import socket
import stat
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio
import trio.testing
from jsonschema import Draft202012Validator

from rpx.control.api import Control
from rpx.control.handlers import Handlers
from rpx.control.happened import DEPTH, Happened
from rpx.control.measure import unmeasured
from rpx.control.openapi import document
from rpx.control.routes import operations
from rpx.errors import ConfigError, Problem
from rpx.hub.mailbox import MAILBOX, ProjectOrder
from rpx.hub.shutdown import Shutdown
from rpx.model.answers import ChangeReport
from rpx.model.figures import Figures
from tests.orders.fake_life import Fleet
from tests.support.bench import external, process_of, registry, spec

DESCRIPTION = Path(__file__).parents[2] / "docs/openapi.json"
NOTHING = ChangeReport.of({})


@dataclass
class Project:
    fleet: Fleet
    shutdown: Shutdown
    socket: Path
    http: httpx.AsyncClient

    def say(self, label: str, text: bytes) -> None:
        self.fleet.registry.print(self.fleet.registry.process(label), text + b"\n")

    async def order(self, verb: str, body: object) -> httpx.Response:
        return await self.http.post(f"/v1/orders/{verb}", json=body)


def client(path: Path) -> httpx.AsyncClient:
    transport = httpx.AsyncHTTPTransport(uds=str(path), verify=False)
    return httpx.AsyncClient(transport=transport, base_url="http://rpx", timeout=5)


@pytest.fixture
async def project(nursery: trio.Nursery, tmp_path: Path) -> AsyncIterator[Project]:
    fleet = Fleet(registry(spec(3000), spec(3001), external(3005)))
    shutdown = Shutdown()
    path = tmp_path / "s"
    await nursery.start(Control(path), fleet.registry, shutdown)
    for life in fleet.lives.values():
        nursery.start_soon(life.run)
    async with client(path) as http:
        yield Project(fleet, shutdown, path, http)
    nursery.cancel_scope.cancel()


class Following:
    """A client of a stream. Raw, because httpx reads ahead in generators that trio can't end."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        self._rest = b""
        self._lines: deque[Any] = deque()

    async def next(self) -> Any:  # noqa: ANN401 - JSON
        with trio.fail_after(5):
            while not self._lines:
                *whole, self._rest = (self._rest + await self._stream.receive_some()).split(b"\n")
                # The answer's head and the sizes of its chunks are no objects.
                self._lines += [json.loads(line) for line in whole if line.startswith(b"{")]
        return self._lines.popleft()


@asynccontextmanager
async def following(project: Project, url: str) -> AsyncIterator[Following]:
    """Follow a stream, and wait until the server listens to it."""
    registry = project.fleet.registry
    async with await trio.open_unix_socket(str(project.socket)) as stream:
        await stream.send_all(f"GET {url} HTTP/1.1\r\nhost: rpx\r\n\r\n".encode())
        while "/logs" in url and not registry.lines._sinks:
            await trio.testing.wait_all_tasks_blocked(0.001)
        yield Following(stream)


async def test_ps_has_the_keys_that_scripts_rely_on(project: Project) -> None:
    rows = (await project.http.get("/v1/ps")).json()
    assert list(rows[0])[:9] == [
        *("name", "backend", "port", "state", "pid", "restarts", "since", "in_rotation", "url")
    ]
    assert [row["label"] for row in rows] == ["api:3000", "api:3001", "api:3005"]
    assert (rows[0]["state"], rows[0]["pid"], rows[0]["url"]) == (
        "ready",
        1001,
        "http://api.localhost:8080",
    )
    assert (rows[2]["external"], rows[2]["command"]) == (True, None)


async def test_stats_are_grouped_by_host_and_address(project: Project) -> None:
    stats = (await project.http.get("/v1/stats")).json()
    assert list(stats["api.localhost"]) == ["localhost:3000", "localhost:3001", "localhost:3005"]
    assert set(stats["api.localhost"]["localhost:3000"]) == set(Figures.__annotations__)


async def test_an_order_answers_with_what_became_of_each_backend(project: Project) -> None:
    answer = await project.order("restart", {"names": ["api"]})
    assert [(o["label"], o["state"], o["pid"]) for o in answer.json()] == [
        ("api:3000", "ready", 1002),
        ("api:3001", "ready", 2002),
    ]


async def test_kill_backend_takes_a_signal_and_a_time_to_stay_down(project: Project) -> None:
    body = {"target": "3001", "signal": "SIGKILL", "down_for": 3600}
    kill = (await project.order("kill-backend", body)).json()
    assert (kill["pid"], kill["signal"], kill["restart_in"]) == (2001, "SIGKILL", 3600)
    rows = (await project.http.get("/v1/ps")).json()
    assert (rows[1]["state"], rows[1]["in_rotation"]) == ("backoff", False)


async def test_an_error_says_what_and_what_to_do_and_with_which_exit_code(
    project: Project,
) -> None:
    answer = await project.order("kill-backend", {"target": "9999"})
    assert answer.status_code == 404
    assert answer.json()["error"] == {
        "what": "there is no backend `9999` here",
        "hint": "the backends of this project are api:3000, api:3001, api:3005 (external)",
        "exit_code": 2,
        "problems": [
            {
                "what": "there is no backend `9999` here",
                "hint": "the backends of this project are api:3000, api:3001, api:3005 (external)",
                "where": "",
                "excerpt": "",
            }
        ],
    }


async def test_changes_of_the_project_are_passed_on_and_answered(
    project: Project, nursery: trio.Nursery
) -> None:
    asked: list[tuple[object, bool]] = []

    async def carry_out() -> None:
        async for order in project.fleet.registry.mailbox.orders:
            asked.append((order.scale, order.dry))
            order.report = replace(NOTHING, sentences=("nothing to change",))
            if order.scale:
                order.error = ConfigError(Problem("one", "rpx.yaml:1:1"), Problem("two"))
            order.done.set()

    nursery.start_soon(carry_out)
    reloaded = await project.http.post("/v1/reload", json={"dry_run": True})
    assert reloaded.json()["sentences"] == ["nothing to change"]
    scaled = await project.http.post("/v1/scale", json={"services": {"api": 3}})
    assert scaled.status_code == 422
    assert [each["what"] for each in scaled.json()["error"]["problems"]] == ["one", "two"]
    assert asked == [(None, True), ({"api": 3}, False)]


async def test_too_many_changes_at_once_are_refused(project: Project) -> None:
    mailbox = project.fleet.registry.mailbox
    for _ in range(MAILBOX):
        mailbox.give.send_nowait(ProjectOrder())
    answer = await project.http.post("/v1/reload", json={})
    assert answer.status_code == 409
    assert "still under way" in answer.text


@pytest.mark.parametrize(
    ("verb", "body", "status"),
    [
        ("restart", {}, 422),
        ("restart", {"names": []}, 422),
        ("restart", {"names": "api"}, 422),
        ("stop", {"names": ["api"], "force": True}, 422),
        ("kill-backend", {"target": "3001", "down_for": -1}, 422),
        ("kill-backend", {"target": "3001", "restart": 0}, 422),
        ("kill-backend", {"target": "3001", "signal": "NOPE"}, 404),
        ("kill-backend", [1], 422),
    ],
)
async def test_a_body_of_the_wrong_shape_changes_nothing(
    project: Project, verb: str, body: object, status: int
) -> None:
    answer = await project.order(verb, body)
    assert answer.status_code == status
    assert answer.json()["error"]["exit_code"] == 2
    assert [process.generation for process in project.fleet.registry.processes] == [1, 1]


async def test_an_unknown_path_is_an_error_in_the_same_shape(project: Project) -> None:
    answer = await project.http.get("/v1/nothing")
    assert answer.status_code == 404
    assert "GET /v1/nothing" in answer.json()["error"]["what"]


async def test_logs_come_in_the_order_of_time_with_the_tail_of_each(project: Project) -> None:
    for number in range(3):
        project.say("api:3000", b"a%d" % number)
        project.say("api:3001", b"b%d" % number)
    answer = await project.http.get("/v1/logs", params={"tail": "2"})
    assert [json.loads(line)["text"] for line in answer.text.splitlines()] == [
        *("a1", "b1", "a2", "b2")
    ]


async def test_logs_of_some_leave_out_the_others(project: Project) -> None:
    project.say("api:3000", b"a")
    project.say("api:3001", b"b")
    answer = await project.http.get("/v1/logs", params={"name": ["3001"]})
    assert [json.loads(line)["label"] for line in answer.text.splitlines()] == ["api:3001"]


async def test_bytes_that_are_not_utf8_survive(project: Project) -> None:
    project.say("api:3000", b"\xff\xfe\x00 caf\xc3\xa9")
    [line] = (await project.http.get("/v1/logs")).text.splitlines()
    text = json.loads(line)["text"]
    assert text.encode("utf-8", "surrogateescape") == b"\xff\xfe\x00 caf\xc3\xa9"


async def test_followed_logs_begin_with_the_tail_and_lose_nothing_after_it(
    project: Project,
) -> None:
    project.say("api:3000", b"before")
    async with following(project, "/v1/logs?follow=true&name=3000") as lines:
        project.say("api:3001", b"of somebody else")
        project.say("api:3000", b"after")
        assert (await lines.next())["text"] == "before"
        assert (await lines.next())["text"] == "after"


async def test_events_tell_of_states_and_rotation(project: Project) -> None:
    async with following(project, "/v1/events") as events:
        begin = await events.next()
        assert begin["type"] == "begin"
        project.fleet.registry.say("hello")
        hello = await events.next()
        assert hello == {"type": "note", "text": "hello", "label": "", "id": hello["id"]}
        await project.order("kill-backend", {"target": "3000"})
        left = await events.next()
        event = await events.next()
    assert (left["type"], left["label"], left["in_rotation"]) == ("rotation", "api:3000", False)
    assert left["at"] <= event["at"]
    assert (event["type"], event["before"], event["after"]) == ("state", "ready", "backoff")


async def test_a_client_that_reads_slowly_is_told_how_much_it_missed(project: Project) -> None:
    async with following(project, "/v1/logs?follow=true") as lines:
        for number in range(10_000):
            project.say("api:3000", b"%d" % number)
        missed = await lines.next()
        assert missed["label"] == "api:3000"
        assert (await lines.next())["text"] == str(missed["missed"])  # the oldest that is left


async def test_a_reader_of_events_who_comes_back_has_all_that_happened_meanwhile(
    project: Project,
) -> None:
    say = project.fleet.registry.say
    async with following(project, "/v1/events") as events:
        begin = (await events.next())["id"]
        say("one")
        one = (await events.next())["id"]
    say("two")
    say("three")
    for after, expected in ((one, ["two", "three", "four"]), (begin, ["one", "two", "three"])):
        async with following(project, f"/v1/events?after={after}") as events:
            assert (await events.next())["id"] == after
            say("four")
            assert [(await events.next())["text"] for _ in expected] == expected


async def test_a_reader_of_events_who_was_away_too_long_is_told_how_many_it_has_missed(
    project: Project,
) -> None:
    async with following(project, "/v1/events") as events:
        begin = (await events.next())["id"]
    for number in range(DEPTH + 7):
        project.fleet.registry.say(str(number))
    async with following(project, f"/v1/events?after={begin}") as events:
        await events.next()
        assert await events.next() == {"missed": 7}
        assert (await events.next())["text"] == "7"


@pytest.mark.parametrize("after", ["", "7", "beef-1", "-", "x-y", "é"])
async def test_an_event_of_another_run_is_refused_with_what_to_do(
    project: Project, after: str
) -> None:
    answer = await project.http.get("/v1/events", params={"after": after})
    assert answer.status_code == 409
    assert "follow without `after`" in answer.json()["error"]["hint"]


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("/v1/ps?routes=maybe", "`routes` is neither true nor false: maybe"),
        ("/v1/logs?tail=-1", "`tail` is not a whole number: -1"),
        ("/v1/logs?tail=٣", "`tail` is not a whole number: ٣"),
        ("/v1/logs?since=nan", "`since` is not a number of seconds: nan"),
        ("/v1/waits?within=-1", "`within` is not a number of seconds: -1"),
        ("/v1/waits?within=soon", "`within` is not a number of seconds: soon"),
    ],
)
async def test_a_parameter_that_says_nothing_is_refused(
    project: Project, url: str, wrong: str
) -> None:
    answer = await project.http.get(url)
    assert (answer.status_code, answer.json()["error"]["what"]) == (422, wrong)


async def test_the_description_in_the_documents_is_the_one_that_is_answered() -> None:
    handlers = Handlers(registry(), Shutdown(), unmeasured, Happened())
    written = json.dumps(document(operations(handlers)), indent=2) + "\n"
    if "REWRITE" in os.environ:
        DESCRIPTION.write_text(written)
    assert DESCRIPTION.read_text() == written, "REWRITE=1 pytest tests/control writes it anew"


async def test_the_api_describes_itself_and_every_answer_is_as_described(project: Project) -> None:
    described = (await project.http.get("/v1/openapi.json")).json()
    assert {"/v1/ps", "/v1/events", "/v1/orders/kill-backend"} <= set(described["paths"])
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            names = {each["name"] for each in operation["parameters"]}
            if method == "get" and path != "/v1/events" and "{" not in path:
                params = {"url": "http://api.localhost/x"} if "url" in names else None
                answer = await project.http.get(path, params=params)
                assert answer.status_code == 200, path
                kinds = operation["responses"]["200"]["content"]
                assert answer.headers["content-type"] in kinds, path
                if schema := kinds.get("application/json"):
                    whole = {**schema["schema"], "components": described["components"]}
                    Draft202012Validator(whole).validate(answer.json())


async def test_a_client_that_leaves_is_forgotten(project: Project) -> None:
    async with following(project, "/v1/logs?follow=true"):
        assert project.fleet.registry.lines._sinks
    with trio.fail_after(5):
        while project.fleet.registry.lines._sinks:
            await trio.testing.wait_all_tasks_blocked(0.001)


async def test_down_asks_for_the_end_and_twice_is_not_in_a_hurry(project: Project) -> None:
    await project.http.post("/v1/down")
    await project.http.post("/v1/down")
    assert (project.shutdown.asked, project.shutdown.exit_code) == (True, 0)
    assert not project.shutdown.patience.lost


async def test_only_its_owner_can_open_the_socket(project: Project) -> None:
    assert stat.S_IMODE(os.stat(project.socket).st_mode) == 0o600


async def test_the_api_ends_at_once_with_streams_open_and_a_client_that_has_stopped_reading(
    tmp_path: Path,
) -> None:
    hub, path = registry(spec(3000)), tmp_path / "s"
    with trio.fail_after(10), socket.socket(socket.AF_UNIX) as silent:
        async with trio.open_nursery() as nursery:
            await nursery.start(Control(path), hub, Shutdown())
            silent.connect(str(path))
            silent.sendall(b"GET /v1/logs?follow=true HTTP/1.1\r\nhost: rpx\r\n\r\n")
            while not hub.lines._sinks:
                await trio.testing.wait_all_tasks_blocked(0.001)
            for _ in range(20):  # far more than a socket holds
                for _ in range(1000):
                    hub.print(process_of(hub.endpoint("api:3000")), b"x" * 1000 + b"\n")
                await trio.testing.wait_all_tasks_blocked(0.001)
            nursery.cancel_scope.cancel()
    assert not path.exists()


async def test_garbage_on_the_socket_harms_nobody(project: Project) -> None:
    for garbage in (b"\x00\xff" * 5000, b"GET / HTTP/1.1\r\nhost", b"POST /v1/down HTTP/9\r\n\r\n"):
        stream = await trio.open_unix_socket(str(project.socket))
        async with stream:
            try:
                await stream.send_all(garbage)
            except trio.BrokenResourceError:
                pass
    assert (await project.http.get("/v1/ps")).status_code == 200


async def test_a_stale_socket_is_replaced(nursery: trio.Nursery, tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as crashed:
        crashed.bind(str(path))
    await nursery.start(Control(path), registry(spec(3000)), Shutdown())
    async with client(path) as http:
        assert (await http.get("/v1/ps")).status_code == 200
    nursery.cancel_scope.cancel()


async def test_all_methods_of_a_path_are_allowed_where_another_is_asked(project: Project) -> None:
    answer = await project.http.request("OPTIONS", "/v1/drills")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD, POST")


async def test_a_whole_number_may_be_written_with_a_fraction_of_nothing(project: Project) -> None:
    known = await project.http.post("/v1/requests/nothing/replay", json={"times": 2.0})
    assert known.status_code == 404
    broken = await project.http.post("/v1/requests/nothing/replay", json={"times": 2.5})
    assert broken.status_code == 422
