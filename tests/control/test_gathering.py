"""What open dashboards are told: once all, then what has changed, and looked up once for all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import trio
from trio.testing import MockClock

from rpx.control.dashboard.gathering import PACE, Gathering, StateReader


class Source:
    """Rows that a test changes, and how often they were looked at."""

    def __init__(self) -> None:
        self.rows: dict[str, object] = {"a": 1, "b": 2}
        self.looks = 0

    async def __call__(self) -> Mapping[str, object]:
        self.looks += 1
        await trio.sleep(0.01)
        return dict(self.rows)


def told(events: str) -> tuple[dict[str, Any], str]:
    """The events of a text by name, and the id of the last."""
    found, number = {}, ""
    for event in filter(None, events.split("\n\n")):
        lines = dict(line.split(": ", 1) for line in event.split("\n"))
        number = lines.get("id", "")
        found[lines["event"]] = json.loads(lines["data"])
    return found, number


async def next_of(reader: StateReader) -> tuple[dict[str, Any], str]:
    return told(await reader.next())


async def test_a_reader_is_told_all_and_then_what_has_changed(autojump_clock: MockClock) -> None:
    source = Source()
    reader = Gathering({"ps": source}).reader()
    found, _ = await next_of(reader)
    assert found == {"ps": {"order": ["a", "b"], "set": {"a": 1, "b": 2}}}
    source.rows["b"] = 3
    assert (await next_of(reader))[0] == {"ps": {"set": {"b": 3}}}
    del source.rows["a"]
    assert (await next_of(reader))[0] == {"ps": {"order": ["b"], "set": {}}}


async def test_nothing_is_looked_up_while_nobody_reads_and_once_for_all_who_do(
    autojump_clock: MockClock,
) -> None:
    source = Source()
    gathering = Gathering({"ps": source})
    readers = [gathering.reader() for _ in range(5)]
    await trio.sleep(10)
    assert source.looks == 0
    async with trio.open_nursery() as nursery:
        for reader in readers:
            nursery.start_soon(reader.next)
    assert source.looks == 1
    began = trio.current_time()
    with trio.move_on_after(4.1):
        async with trio.open_nursery() as nursery:
            for reader in readers:
                nursery.start_soon(reader.next)
    assert source.looks - 1 <= 4.1 / PACE
    assert trio.current_time() - began >= 4.1
    looks = source.looks
    await trio.sleep(10)
    assert source.looks == looks


async def test_who_looks_may_leave_in_the_middle(autojump_clock: MockClock) -> None:
    source = Source()
    gathering = Gathering({"ps": source})
    first, second = gathering.reader(), gathering.reader()
    found = []

    async def read() -> None:
        found.append(await next_of(second))

    async with trio.open_nursery() as nursery:
        with trio.move_on_after(0.005):
            nursery.start_soon(read)
            await first.next()
    assert found[0][0]["ps"]["set"] == {"a": 1, "b": 2}


async def test_after_a_break_a_reader_goes_on_without_a_gap(autojump_clock: MockClock) -> None:
    source = Source()
    gathering = Gathering({"ps": source, "cpu": Source()})
    _, seen = await next_of(gathering.reader())
    other = gathering.reader(seen)
    source.rows |= {"a": 5, "c": 6}
    del source.rows["b"]
    found, after = await next_of(other)
    assert found == {"ps": {"order": ["a", "c"], "set": {"a": 5, "c": 6}}}
    source.rows["a"] = 7
    assert (await next_of(gathering.reader(after)))[0] == {"ps": {"set": {"a": 7}}}
    for unknown in ("", "x", f"beef-{after.partition('-')[2]}", "é-²", f"{after}9999999999999999"):
        assert set((await next_of(gathering.reader(unknown)))[0]["ps"]["set"]) == {"a", "c"}


async def test_a_new_reader_is_told_how_it_is_after_it_has_come(autojump_clock: MockClock) -> None:
    source = Source()
    gathering = Gathering({"ps": source})
    await gathering.reader().next()
    source.rows["a"] = 9
    assert (await next_of(gathering.reader()))[0]["ps"]["set"]["a"] == 9


async def test_where_there_is_nothing_that_is_told_too(autojump_clock: MockClock) -> None:
    source = Source()
    source.rows = {}
    found, _ = await next_of(Gathering({"ps": source}).reader())
    assert found == {"ps": {"order": [], "set": {}}}
