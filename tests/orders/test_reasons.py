"""Why a backend is in the state it is in, told from real records and real lives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from rpx.backend.life import live
from rpx.hub.mailbox import OrderKind
from rpx.hub.registry import Registry
from rpx.model.answers import json_of
from rpx.model.config import Dependency, HealthCheck, Ready, Restart, Start
from rpx.model.ports import Ports
from rpx.orders.reasons import why
from rpx.policy.lifecycle import Move
from tests.support.bench import CHECK, Bench, external, registry, start_of
from tests.support.specs import backend_spec

Clock = trio.testing.MockClock


def told(bench: Bench) -> dict[str, Any]:
    backend = bench.backend
    return json_of(why(bench.registry, backend, trio.current_time()))


async def test_a_crash_loop_says_what_is_left_and_when_the_next_start_is(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = Bench(restart=Restart(max_restarts=3))
    nursery.start_soon(live, bench.life)
    for _ in range(2):
        await trio.sleep(0.5)
        await bench.child.say(b"no such table\n")
        bench.child.die(1)
        await trio.sleep(0.05)
    said = told(bench)
    assert said["state"] == "backoff"
    assert said["last_exit"]["what"] == "exited with status 1"
    assert said["last_exit"]["code"] == 1
    assert (said["restarts"], said["restarts_left"], said["restart_window"]) == (2, 1, 60)
    assert said["next_start_in"] == pytest.approx(0.15)
    assert said["last_lines"] == ["no such table", "no such table"]
    await trio.sleep(70)
    assert (told(bench)["restarts_left"], told(bench)["next_start_in"]) == (3, None)
    assert told(bench)["because"] == "its port takes connections"
    nursery.cancel_scope.cancel()


async def test_who_is_starting_says_what_it_has_not_shown(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = Bench(check=CHECK, ready=Ready(log="up"))
    bench.sign = trio.Event()
    nursery.start_soon(live, bench.life)
    await trio.sleep(1)
    because = "it has not shown yet that it is ready: a line that matches `up`, then GET /health"
    assert told(bench)["because"] == because
    bench.failure = "503 Service Unavailable"
    bench.sign.set()
    await trio.sleep(1)
    assert told(bench)["because"] == f"{because} (503 Service Unavailable)"
    nursery.cancel_scope.cancel()


async def test_the_streak_of_checks_is_told_as_long_as_there_is_a_process(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = Bench(check=CHECK, restart_on_unhealthy=False)
    nursery.start_soon(live, bench.life)
    await trio.sleep(0.5)
    assert told(bench)["checks"] == {"passed_in_a_row": 1, "failed_in_a_row": 0}
    assert told(bench)["because"] == "its health checks pass"
    bench.failure = "503 Service Unavailable"
    await trio.sleep(3)
    assert told(bench)["checks"] == {"passed_in_a_row": 0, "failed_in_a_row": 3}
    assert told(bench)["because"] == "503 Service Unavailable; it is left as it is"
    bench.order(OrderKind.STOP)
    await trio.sleep(1)
    assert told(bench)["checks"] is None
    assert told(bench)["because"].startswith("a command stopped it (")
    assert told(bench)["hint"] == "`rpx start api:3000` starts it"
    nursery.cancel_scope.cancel()


async def test_who_waits_in_vain_is_told_what_would_help() -> None:
    start = start_of(Bench().backend)
    needs = {"web": "api", "api": "db"}
    specs = [
        backend_spec(
            name,
            1,
            start=start,
            depends_on=tuple(
                Dependency(name=other, condition="healthy")
                for other in [needs.get(name, "")]
                if other
            ),
        )
        for name in ("web", "api", "db")
    ]
    the = Registry(specs, {}, clock=lambda: 0.0, ports=Ports(80))
    db = the.process("db")
    the.move(db, Move.LAUNCH)
    the.move(db, Move.GAVE_UP, reason="exited with status 1")
    for name in ("api", "web"):
        the.move(the.process(name), Move.WAIT)
    api, web = (why(the, the.backends[name], 0.0) for name in ("api", "web"))
    assert api.because == "it waits for db (failed: exited with status 1)"
    assert api.hint == "`rpx start db` tries again"
    assert web.hint == "`rpx why api` says what that waits for"
    assert [each.hopeless for each in web.waiting_for] == [True]


async def test_an_external_backend_has_no_restarts() -> None:
    the = registry(external(3005), clock=lambda: 0.0)
    said = why(the, the.backends["api:3005"], 0.0)
    assert said.because == "nothing answers there; rpx asks again every second"
    assert (said.restarts_left, said.restart_policy, said.last_exit) == (None, None, None)


async def test_a_oneshot_is_at_work_until_it_ends(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = Bench(oneshot=True)
    nursery.start_soon(live, bench.life)
    await trio.sleep(1)
    assert told(bench)["because"] == "it is at work: a oneshot is done when it ends"
    bench.child.die(0)
    await trio.sleep(1)
    assert told(bench)["because"] == "exited with status 0 after 1.0 s"
    nursery.cancel_scope.cancel()


async def test_a_pause_is_somebody_s_doing() -> None:
    the = registry(external(3005), clock=lambda: 0.0)
    backend = the.endpoint("api:3005")
    the.judge(backend, Move.PROBE_UP)
    the.pause(backend)
    said = json_of(why(the, the.backends["api:3005"], 0.0))
    assert said["because"] == "it is paused; its process runs on"
    assert said["hint"] == "`rpx resume-backend api:3005` lets it have requests again"


async def test_a_process_without_an_address_is_asked_and_tells_it(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    start = Start(command="true", cwd=Path("/"), restart_on_unhealthy=False)
    check = HealthCheck(command=("pg_isready", "-q"), interval=1.0)
    spec = backend_spec("db", start=start, health_check=check)
    bench = Bench(shared=registry(spec), label="db")
    bench.failure = "exited with status 2"
    nursery.start_soon(live, bench.life)
    await trio.sleep(1)
    assert told(bench)["because"] == (
        "it has not shown yet that it is ready: success of `pg_isready -q` (exited with status 2)"
    )
    bench.failure = None
    await trio.sleep(2.5)
    assert told(bench)["because"] == "its health checks pass"
    assert told(bench)["checks"]["failed_in_a_row"] == 0
    bench.failure = "no end within 10 s"
    await trio.sleep(3)
    assert told(bench)["because"] == "no end within 10 s; it is left as it is"
    assert told(bench)["checks"]["passed_in_a_row"] == 0
    nursery.cancel_scope.cancel()


async def test_who_has_no_sign_to_show_is_merely_being_started(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    spec = backend_spec("db", start=Start(command="true", cwd=Path("/")))
    bench = Bench(shared=registry(spec), label="db")
    bench.sign = trio.Event()
    nursery.start_soon(live, bench.life)
    await trio.sleep(1)
    assert told(bench)["because"] == "its process is being started"
    nursery.cancel_scope.cancel()
