"""Drills that are started by the API: one at a time, in a process of their own."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from pydantic import ValidationError

from rpx.cli.commands.drill import drill
from rpx.control.drilling import KEPT, Drills, as_typed, options_of
from rpx.control.request_bodies import DrillBody
from rpx.errors import RpxError
from rpx.hub.shutdown import Shutdown
from rpx.model.drill_run import DrillRun

BODY = DrillBody(service="api")
# Stands for `rpx drill`: it says that it runs, and is done when told so, or at once.
FAKE = """
import json, signal, sys, time
tell = lambda told: print(json.dumps(told), flush=True)
class Enough(Exception): pass
def enough(*_): raise Enough
signal.signal(signal.SIGINT, enough)
name, code = sys.argv[1], 0
if name == "unknown":
    sys.exit("error: there is no service `unknown` here\\n\\nhint: the services are api")
print("a warning of a library\\n[1]", flush=True)
try:
    tell({"said": "2 s: SIGKILL to api:3001"})
    tell({"progress": {"sent": 7, "arguments": sys.argv[1:]}})
    if name == "slow": time.sleep(600)
    if name == "crash": sys.exit("it went wrong")
except Enough: code = 130
tell({"passed": name != "bad"})
sys.exit(code or name == "bad")
"""


@asynccontextmanager
async def drills(shutdown: Shutdown | None = None) -> AsyncIterator[Drills]:
    there = Drills((sys.executable, "-c", FAKE))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(there.serve, shutdown or Shutdown())
        with trio.fail_after(30):
            yield there
        nursery.cancel_scope.cancel()


async def ended(there: Drills) -> DrillRun:
    while (last := there.all()[-1]).state == "running":  # noqa: ASYNC110 - another process ends
        await trio.sleep(0.01)
    return last


async def test_a_drill_is_started_and_its_report_is_kept() -> None:
    async with drills() as there:
        run = await there.start(BODY)
        assert run.command == "rpx drill api"
        over = await ended(there)
        assert (over.state, over.report, over.id) == ("passed", {"passed": True}, run.id)
        assert over.said == ("2 s: SIGKILL to api:3001",)
        assert over.progress
        assert over.progress["arguments"] == ["api", "--json", "--progress"]
        await there.start(BODY.model_copy(update={"service": "bad"}))
        assert (await ended(there)).state == "failed"
        for _ in range(KEPT):
            await there.start(BODY)
            await ended(there)
        assert [int(each.id) for each in there.all()] == list(range(3, 3 + KEPT))


async def test_there_is_one_at_a_time_and_it_can_be_stopped() -> None:
    async with drills() as there:
        with pytest.raises(RpxError, match="no drill is running"):
            there.stop()
        await there.start(BODY.model_copy(update={"service": "slow"}))
        with pytest.raises(RpxError, match="a drill of `slow` is running"):
            await there.start(BODY)
        there.stop()
        over = await ended(there)
        assert (over.state, over.report) == ("stopped", {"passed": True})


async def test_what_cannot_be_begun_is_refused_with_the_words_of_the_command() -> None:
    async with drills() as there:
        with pytest.raises(RpxError, match="there is no service `unknown` here") as refused:
            await there.start(BODY.model_copy(update={"service": "unknown"}))
        assert refused.value.problems[0].hint == "the services are api"
        assert there.all() == []
        await there.start(BODY.model_copy(update={"service": "crash"}))
        over = await ended(there)
        assert (over.state, over.error, over.report) == ("broken", "it went wrong", None)
    with pytest.raises(RpxError, match="no drill can be started from here"):
        await Drills().start(BODY)


async def test_it_ends_with_the_project() -> None:
    shutdown = Shutdown()
    async with drills(shutdown) as there:
        await there.start(BODY.model_copy(update={"service": "slow"}))
        shutdown.request()
        assert (await ended(there)).state == "stopped"
    async with drills() as there:
        await there.start(BODY.model_copy(update={"service": "slow"}))


@pytest.mark.parametrize(
    ("more", "typed"),
    [
        ({}, ""),
        ({"damage": "hang"}, " --hang"),
        ({"grpc": ""}, " --grpc"),
        ({"grpc": "shop.Carts", "allow_errors": 1}, " --grpc shop.Carts --allow-errors 1"),
        ({"backend": "api:3001"}, " --kill api:3001"),
        ({"rate": 50, "duration": 2.5, "at": 1.0, "down_for": 0.0}, None),
        ({"path": "/a b", "allow_errors": 3}, " --path '/a b' --allow-errors 3"),
        ({"damage": "stop", "backend": "localhost:3001"}, " --stop localhost:3001"),
    ],
)
def test_the_command_that_is_shown_and_the_one_that_is_run_say_the_same(
    more: dict[str, object], typed: str | None
) -> None:
    body = DrillBody.model_validate_json(json.dumps({"service": "api", **more}))
    if typed is not None:
        assert as_typed(body) == f"rpx drill api{typed}"
    with drill.make_context("drill", ["api", *options_of(body)]) as context:
        said = context.params
    asked_by_name = body.backend or body.damage != "kill"
    assert said[body.damage] == (body.backend if asked_by_name else None)
    assert (said["rate"], said["path"]) == (body.rate, body.path)
    assert said["duration"] == f"{body.duration:g}s"
    assert said["grpc"] == body.grpc
    assert said["allow_errors"] == body.allow_errors


@pytest.mark.parametrize(
    "wrong",
    [
        {"service": "--help"},
        {"backend": "--json"},
        {"path": "--json"},
        {"grpc": "--json"},
        {"damage": "json"},
    ],
)
def test_nothing_that_is_said_becomes_an_option(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        DrillBody.model_validate_json(json.dumps({"service": "api", **wrong}))
