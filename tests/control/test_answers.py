"""What the API answers, byte for byte: scripts, and commands of other versions, rely on it."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import trio
import trio.testing

from rpx.control.api import Control
from rpx.control.happened import event_json
from rpx.hub.shutdown import Shutdown
from rpx.model.answers import (
    ChangePlan,
    ChangeReport,
    Checks,
    Differs,
    Kill,
    Outcome,
    Ps,
    Why,
    event_of,
    json_of,
    read,
)
from rpx.model.config import Dependency
from rpx.model.status import (
    Ended,
    Event,
    Note,
    OpenPort,
    RotationChanged,
    Routed,
    State,
    StateChanged,
)
from rpx.policy.lifecycle import Move
from tests.orders.fake_life import Fleet
from tests.support.bench import external, registry, spec
from tests.support.specs import varied

NONE = (
    '"requests":0,"errors":0,"avgLatency":0.0,"p50":0.0,"p90":0.0,"p99":0.0,"inFlight":0,'
    '"retries":0,"held":0,"abandoned":0,"bytesIn":0,"bytesOut":0,'
    '"statuses":{"1xx":0,"2xx":0,"3xx":0,"4xx":0,"5xx":0}'
)
ANSWERS = [
    (
        "/v1/ps",
        None,
        """[
        {"name":"api","backend":"localhost:3000","port":3000,"state":"ready","pid":1001,
        "restarts":0,"since":T,"in_rotation":true,"url":"http://api.localhost:8080",
        "label":"api:3000","replica":1,"external":false,"served_by":null,"weight":1,
        "in_flight":0,"last_error":"","command":"true","internal_url":null,
        "waiting_for":[],"ports":[],"memory":null,
        "cpu":null,"processes":null,"last_lines":[],
        "place":"api.localhost","does":null,"other_urls":[]},
        {"name":"api","backend":"localhost:3001","port":3001,"state":"failed","pid":null,
        "restarts":0,"since":T,"in_rotation":false,"url":"http://api.localhost:8080",
        "label":"api:3001","replica":2,"external":false,"served_by":null,"weight":1,
        "in_flight":0,"last_error":"exited with status 1","command":"true","internal_url":null,
        "waiting_for":[],"ports":[],
        "memory":null,"cpu":null,"processes":null,"last_lines":["no \\udcff module"],
        "place":"api.localhost","does":null,"other_urls":[]},
        {"name":"web","backend":"localhost:3002","port":3002,"state":"waiting","pid":null,
        "restarts":0,"since":T,"in_rotation":false,"url":"http://web.localhost:8080",
        "label":"web:3002","replica":3,"external":false,"served_by":null,"weight":1,
        "in_flight":0,"last_error":"","command":"true","internal_url":null,
        "waiting_for":[{"name":"db",
        "condition":"healthy","why":"not a part of this run","hopeless":true}],
        "ports":[],"memory":null,"cpu":null,"processes":null,"last_lines":[],
        "place":"web.localhost","does":null,"other_urls":[]},
        {"name":"api","backend":"localhost:3005","port":3005,"state":"unhealthy","pid":null,
        "restarts":0,"since":T,"in_rotation":false,"url":"http://api.localhost:8080",
        "label":"api:3005","replica":6,"external":true,"served_by":null,"weight":1,
        "in_flight":0,"last_error":"","command":null,"internal_url":null,"waiting_for":[],"ports":[],"memory":null,
        "cpu":null,"processes":null,"last_lines":[],
        "place":"api.localhost","does":null,"other_urls":[]}]""",
    ),
    (
        "/v1/why?name=3001&name=web",
        None,
        """[
        {"label":"api:3001","name":"api","state":"failed","since":T,"pid":null,
        "in_rotation":false,"because":"exited with status 1","waiting_for":[],
        "last_error":"exited with status 1","last_exit":{"what":"exited with status 1",
        "code":1,"uptime":0.5,"at":T},"restarts":0,"restart_policy":"on-failure",
        "restarts_left":5,"restart_window":60.0,"next_start_in":null,"checks":null,
        "last_lines":["no \\udcff module"],"hint":"`rpx start api:3001` starts it"},
        {"label":"web:3002","name":"web","state":"waiting","since":T,"pid":null,
        "in_rotation":false,"because":"it waits for db (not a part of this run)",
        "waiting_for":[{"name":"db","condition":"healthy","why":"not a part of this run",
        "hopeless":true}],"last_error":"","last_exit":null,"restarts":0,
        "restart_policy":"on-failure","restarts_left":5,"restart_window":60.0,
        "next_start_in":null,"checks":null,"last_lines":[],
        "hint":"`rpx start db` tries again"}]""",
    ),
    (
        "/v1/waits",
        None,
        """[{"label":"web:3002","name":"web","state":"waiting","pid":null,"kill_in":null,
        "sentence":"web:3002: it waits for db (not a part of this run)"}]""",
    ),
    (
        "/v1/stats",
        None,
        """{"api.localhost":{"localhost:3000":{NONE},"localhost:3001":{NONE},
        "localhost:3005":{NONE}},"web.localhost":{"localhost:3002":{NONE}}}""",
    ),
    (
        "/v1/logs",
        None,
        '{"label": "api:3001", "at": T, "text": "no \\udcff module"}\n',
    ),
    (
        "/v1/orders/restart",
        {"names": ["3000"]},
        """[{"label":"api:3000","state":"ready","pid_before":1001,"pid":1002,
        "sentence":"api:3000 restarted, pid 1001 \\u2192 1002, ready after T s",
        "exit_code":0}]""",
    ),
    (
        "/v1/orders/pause-backend",
        {"names": ["3005"]},
        """[{"label":"api:3005","state":"paused","pid_before":null,"pid":null,
        "sentence":"api:3005 paused, out of rotation","exit_code":0}]""",
    ),
    (
        "/v1/orders/kill-backend",
        {"target": "3000", "down_for": 60},
        """{"label":"api:3000","backend":"localhost:3000","port":3000,"signal":"SIGKILL",
        "pid":1001,"at":T,"pid_before":1001,"gone":true,"in_rotation":false,
        "state":"backoff","restart_in":60.0,
        "sentence":"api:3000: SIGKILL to pid 1001, out of rotation, restart in 60 s"}""",
    ),
    ("/v1/down", {}, '{"stopping":true}'),
]


REPORT = """{"plan":{"add":["web:1"],"remove":["b"],"replace":[{"before":"api:1","after":"api:2",
    "differs":["env A"]}],"restart":[{"before":"db","after":"db","differs":["command"]}],
    "change":[],"untouched":["x","y"],"hosts":{"api.localhost":["hold","https"]},"settings":["verbose"],
    "next_run":["name"],"routes":{"api.localhost":["route a added"]}},
    "sentences":["add web:1"],"advice":["`name` can't change"],
    "outcomes":[{"label":"db","state":"ready","pid_before":1,"pid":2,"sentence":"db restarted",
    "exit_code":0}]}"""


def test_the_report_of_a_change_is_the_same_byte_for_byte() -> None:
    text = re.sub(r"\n +", "", REPORT)
    report = ChangeReport(
        ChangePlan(
            add=("web:1",),
            remove=("b",),
            replace=(Differs("api:1", "api:2", ("env A",)),),
            restart=(Differs("db", "db", ("command",)),),
            change=(),
            untouched=("x", "y"),
            hosts={"api.localhost": ("hold", "https")},
            settings=("verbose",),
            next_run=("name",),
            routes={"api.localhost": ("route a added",)},
        ),
        ("add web:1",),
        ("`name` can't change",),
        (Outcome("db", State.READY, 1, 2, "db restarted"),),
    )
    assert json.dumps(report.json(), separators=(",", ":")) == text
    assert ChangeReport.of(json.loads(text)) == report
    look = replace(report, outcomes=None)
    assert list(look.json()) == ["plan", "sentences", "advice"]
    assert ChangeReport.of(look.json()) == look


@pytest.fixture
async def http(nursery: trio.Nursery, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """One that is ready, one that has failed, one that waits, and one of somebody else's."""
    db = Dependency(name="db", condition="healthy")
    web = varied(spec(3002, name="web"), depends_on=(db,))
    fleet = Fleet(registry(spec(3000), spec(3001), web, external(3005)))
    await nursery.start(Control(tmp_path / "s"), fleet.registry, Shutdown())
    fleet.lives["api:3001"].broken = True
    for label in ("api:3000", "api:3001"):
        nursery.start_soon(fleet.lives[label].run)
    await trio.testing.wait_all_tasks_blocked()
    fleet.registry.move(fleet.registry.process("web:3002"), Move.WAIT)
    failed = fleet.registry.process("api:3001")
    failed.ended = Ended("exited with status 1", 1, 0.5, 1000.25)
    fleet.registry.print(failed, b"no \xff module\n")
    transport = httpx.AsyncHTTPTransport(uds=str(tmp_path / "s"), verify=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://rpx", timeout=5) as client:
        yield client
    nursery.cancel_scope.cancel()


@pytest.mark.parametrize(("path", "body", "text"), ANSWERS, ids=[path for path, _, _ in ANSWERS])
async def test_an_answer_is_the_same_byte_for_byte(
    http: httpx.AsyncClient, path: str, body: object, text: str
) -> None:
    method = "GET" if body is None else "POST"
    answer = (await http.request(method, path, json=body)).text
    answer = re.sub(r'("(?:since|at)": ?)[\d.]+', r"\1T", answer)
    answer = re.sub(r"after [\d.]+ s", "after T s", answer)
    assert answer == re.sub(r"\n +", "", text).replace("NONE", NONE)


EVENTS = [
    (
        StateChanged("api", State.STARTING, State.READY, "up", 17, 1.5, 0.25),
        """{"type":"state","label":"api","before":"starting","after":"ready","reason":"up",
        "pid":17,"at":1.5,"spent":0.25}""",
    ),
    (
        RotationChanged("api", in_rotation=True, at=1.5),
        """{"type":"rotation","label":"api","in_rotation":true,"at":1.5}""",
    ),
    (Note("hello", "api"), """{"type":"note","text":"hello","label":"api"}"""),
    (
        Routed("/users", "localhost:3000"),
        """{"type":"request","path":"/users","address":"localhost:3000"}""",
    ),
]


@pytest.mark.parametrize(("event", "text"), EVENTS)
def test_an_event_is_the_same_byte_for_byte_and_read_again(event: Event, text: str) -> None:
    text = re.sub(r"\n +", "", text)
    assert json.dumps(event_json(event), separators=(",", ":")) == text
    assert event_of(json.loads(text) | {"more": 1}) == event


def test_an_event_of_a_newer_rpx_is_passed_over() -> None:
    assert event_of({"type": "asleep", "label": "api"}) is None
    assert event_of({"type": "state", "before": "ready", "after": "asleep"}) is None
    assert event_of({"missed": 3}) is None


PS = Ps(
    "api", "localhost:3000", 3000, "ready", 17, 0, 1.5, True, None, "api:3000", 1, False, None, 1,
    0, "", "true", None, (), (OpenPort(5432, 24001),), None, None, None, ("bye",),
    "api.localhost", None, ("http://www.api.localhost",),
)  # fmt: skip


def test_what_a_newer_rpx_says_beside_is_passed_over_and_what_an_older_does_not_is_empty() -> None:
    row = json_of(PS) | {"more": 1, "state": "asleep"}
    assert Ps.of(row) == replace(PS, state="asleep")
    older = {name: row[name] for name in ("name", "label", "state", "since")}
    found = Ps.of(older)
    assert (found.label, found.pid, found.last_error, found.restarts) == ("api:3000", None, "", 0)
    assert (found.waiting_for, found.ports, found.last_lines) == ((), (), ())
    assert not found.external
    assert Why.of({"label": "api:3000"}).last_exit is None
    assert read(Checks, {"failed_in_a_row": 2}) == Checks(0, 2)
    assert Outcome.of({"label": "web", "state": "ready"}).exit_code == 0
    assert Kill.of({"label": "web", "state": "ready", "more": 1}).gone is False
