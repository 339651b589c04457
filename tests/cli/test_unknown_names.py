"""Names that this system doesn't know are said once, at the start, where somebody may need them."""

from __future__ import annotations

import os
from collections.abc import Iterable

import pytest
import trio

from rpx.cli.observers import unknown_names
from rpx.cli.observers.unknown_names import UnknownNames, sentence
from rpx.hub.registry import Registry
from rpx.hub.shutdown import Shutdown
from rpx.model.status import Note
from tests.support.bench import external, registry, spec


async def said(known: Registry, unknown: list[str], nursery: trio.Nursery) -> list[str]:
    """What is said of a project when libc doesn't know some hosts; [] if none were looked up."""
    asked: list[str] = []

    def look(hosts: Iterable[str]) -> list[str]:
        asked.extend(hosts)
        return [host for host in asked if host in unknown]

    notes: list[str] = []
    with known.events.subscribe() as events:
        await UnknownNames(look)(known, Shutdown())
        known.say("the end")
        async for event in events:
            assert isinstance(event, Note)
            if event.text == "the end":
                break
            notes.append(event.text)
    assert asked or not notes
    return notes


async def test_a_name_that_nobody_can_look_up_is_said(nursery: trio.Nursery) -> None:
    project = registry(spec(3000, host="shop.test"), spec(3001, name="web"))
    (note,) = await said(project, ["shop.test"], nursery)
    assert note.startswith("this system does not know shop.test: neither browsers nor")
    assert "rpx hosts add shop.test`" in note
    assert await said(project, [], nursery) == []


async def test_names_below_localhost_are_not_even_looked_up(nursery: trio.Nursery) -> None:
    project = registry(spec(3000), spec(3001, host="localhost"))
    assert await said(project, ["api.localhost", "localhost"], nursery) == []


async def test_where_rpx_starts_nothing_nobody_is_told(nursery: trio.Nursery) -> None:
    assert await said(registry(external(3000)), ["api.localhost"], nursery) == []


async def test_a_slow_answer_holds_nothing_up(nursery: trio.Nursery) -> None:
    def look(_: Iterable[str]) -> list[str]:
        trio.from_thread.run(trio.sleep_forever)
        return []

    await nursery.start(UnknownNames(look), registry(spec(3000)), Shutdown())
    nursery.cancel_scope.cancel()


def test_several_names_are_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(unknown_names, "remedy", " ".join)
    assert sentence(["a.test", "b.test", "c.test"]) == (
        "this system does not know a.test, b.test and c.test: neither browsers nor other programs"
        " find them; a.test b.test c.test"
    )
    assert sentence(["shop.test"]) == (
        "this system does not know shop.test: neither browsers nor other programs find it;"
        " shop.test"
    )
