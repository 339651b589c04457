"""On the common path a request costs no task, nursery, scope or timer of its own."""

from __future__ import annotations

import select
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from types import FrameType

import pytest

from tests.proxy.house import get, running
from tests.support.origin import OK, answers, origin

REQUESTS = 20
# The two that work for all connections together.
SHARED = ("rpx/proxy/reactor.py", "rpx/proxy/sweeper.py")


class Costs:
    """Counts what the data path has asked trio for, by function and file. For sys.setprofile."""

    def __init__(self) -> None:
        self.asked: Counter[tuple[str, str]] = Counter()

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        caller = frame.f_back
        if event != "call" or caller is None:
            return
        name, file = frame.f_globals.get("__name__", ""), caller.f_code.co_filename
        if name.startswith("trio.") and "/rpx/proxy/" in file and not file.endswith(SHARED):
            self.asked[frame.f_code.co_qualname, caller.f_code.co_qualname] += 1


@contextmanager
def counting() -> Iterator[Costs]:
    """Count in the thread of the test, which is the proxy's too."""
    costs = Costs()
    sys.setprofile(costs)
    try:
        yield costs
    finally:
        sys.setprofile(None)


@pytest.mark.skipif(not hasattr(select, "epoll"), reason="every story is a trio task")
async def test_a_request_asks_trio_for_nothing() -> None:
    async with origin(answers(OK)) as backend, running(backend) as house:
        client = await house.client()
        for number in range(REQUESTS):
            with counting() if number else nullcontext() as costs:
                for request in (get(), get("/other", "Accept: */*")):
                    await client.send(request)
                    assert (await client.answer()).status == 200
            if costs is not None:
                assert not costs.asked


@pytest.mark.skipif(not hasattr(select, "epoll"), reason="every story is a trio task")
async def test_what_is_asked_for_is_seen() -> None:
    async with origin(answers(OK)) as backend, running(backend) as house:
        with counting() as costs:
            client = await house.client()
            await client.send(get("/", "Connection: close"))
            await client.answer()
        assert costs.asked
