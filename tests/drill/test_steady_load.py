"""The load: open loop, whatever the service does."""

from __future__ import annotations

import pytest
import trio

from rpx.drill import steady_load as module
from rpx.drill.http_client import Target
from rpx.drill.steady_load import Load
from tests.support.origin import OK, answers, origin
from tests.support.raw import Raw


def target(port: int) -> Target:
    return Target(("127.0.0.1",), port, "api.localhost")


async def test_every_request_is_sent_when_it_is_due_and_connections_are_used_again() -> None:
    async with origin(answers(OK)) as there:
        load = Load(target(there.port), rate=200, duration=0.25)
        await load.run()
        assert len(there.requests) == 50
        assert len(there.visits) < 50
    assert [round(shot.due, 6) for shot in sorted(load.shots, key=lambda shot: shot.due)] == [
        round(number / 200, 6) for number in range(50)
    ]
    assert all(shot.status == 200 and not shot.why_failed for shot in load.shots)
    assert load.under_way == 0


async def test_a_service_that_hangs_is_sent_requests_all_the_same_and_their_waits_count() -> None:
    goes_on, count = trio.Event(), 20

    async def hangs(raw: Raw) -> None:
        await raw.request()
        seen.append(raw)
        if len(seen) == count:  # every one is there before the first has its answer
            goes_on.set()
        await goes_on.wait()
        await raw.send(OK)
        await raw.request()

    seen: list[Raw] = []
    async with origin(hangs) as there:
        load = Load(target(there.port), rate=100, duration=count / 100)
        await load.run()
    waits = [shot.took for shot in sorted(load.shots, key=lambda shot: shot.due)]
    assert waits[0] >= (count - 1) / 100
    assert waits[0] > waits[-1]


async def test_an_answer_that_never_comes_has_failed_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    async with origin(answers(b"")) as there:
        load = Load(target(there.port), rate=50, duration=0.1)
        await load.run()
    assert [shot.why_failed for shot in load.shots] == ["no answer within 0.05 s"] * 5


async def test_there_is_an_end_to_how_many_may_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 2)
    monkeypatch.setattr(module, "PATIENCE", 1.5)
    async with origin(answers(b"")) as there:
        load = Load(target(there.port), rate=1000, duration=0.005)
        await load.run()
    assert sorted(shot.why_failed for shot in load.shots) == [
        *["no answer within 1.5 s"] * 2,
        *["not sent, 2 are under way"] * 3,
    ]


async def test_what_is_cut_short_stays_under_way() -> None:
    async with origin(answers(b"")) as there:
        load = Load(target(there.port), rate=100, duration=10)
        with trio.move_on_after(0.1):
            await load.run()
    assert load.under_way > 0
    assert not load.shots
