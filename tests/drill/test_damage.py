"""Who is hit, who can't be, and that nobody stays suspended."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
import trio
import trio.testing

from rpx.drill.damage import Plan, service_rows, strike, victim
from rpx.errors import Exit, RpxError, UsageError
from rpx.model.answers import Ps, json_of, read
from rpx.runs.api_client import ApiClient
from rpx.runs.lease import Identity, Lease
from tests.support.project import SOON


def row(port: int, *, name: str = "api", external: bool = False, up: bool = True) -> Ps:
    return read(Ps, {
        "name": name, "label": f"{name}:{port}", "replica": port - 2999,
        "backend": f"localhost:{port}", "port": port, "external": external,
        "state": "ready" if up else "stopped", "pid": None if external else port,
        "in_rotation": up, "url": f"http://{name}.localhost",
    })  # fmt: skip


WORKER = read(
    Ps,
    {
        "name": "worker",
        "label": "worker",
        "replica": 1,
        "state": "ready",
        "pid": 7,
        "in_rotation": True,
    },
)
FIRST, SECOND = row(3000), row(3001)


def test_without_a_name_it_is_the_last_that_others_can_stand_in_for() -> None:
    assert victim([FIRST, SECOND], None) is SECOND
    assert victim([FIRST, row(3001, up=False), row(3002)], None).port == 3002
    assert victim([FIRST, row(3001, external=True)], None) is FIRST


@pytest.mark.parametrize("name", ["3000", ":3000", "localhost:3000", "api:3000", "api:1"])
def test_a_backend_has_all_its_names(name: str) -> None:
    assert victim([FIRST, SECOND], name) is FIRST


@pytest.mark.parametrize(
    ("rows", "name", "what"),
    [
        ([FIRST], None, "`api:3000` is alone in rotation"),
        ([FIRST, row(3001, up=False)], None, "`api:3000` is alone in rotation"),
        ([row(3000, external=True)] * 2, None, "rpx runs no process of `api`"),
        ([FIRST, row(3001, external=True)], "3001", "rpx does not run `api:3001`"),
        ([FIRST, SECOND], "4000", "there is no backend `4000` here"),
    ],
)
def test_who_cannot_be_hit_is_refused_as_bad_usage(
    rows: list[Ps], name: str | None, what: str
) -> None:
    with pytest.raises(UsageError, match=what):
        victim(rows, name)


def test_one_that_is_down_is_refused_with_what_brings_it_up() -> None:
    with pytest.raises(RpxError, match="`api:3001` is not in rotation: it is stopped") as caught:
        victim([FIRST, row(3001, up=False)], "3001")
    assert caught.value.exit_code == Exit.FAILED
    assert "`rpx start api:3001`" in str(caught.value)


def test_a_service_is_one_that_gets_requests() -> None:
    rows = [Ps.of(json_of(each) | {"more": 1}) for each in (FIRST, SECOND, WORKER)]
    assert service_rows(rows, "api") == [FIRST, SECOND]
    with pytest.raises(UsageError, match="there is no service `nope` here") as caught:
        service_rows(rows, "nope")
    assert "hint: the services of this project are api" in str(caught.value)
    with pytest.raises(UsageError, match="`worker` gets no requests"):
        service_rows(rows, "worker")


@pytest.fixture
def process() -> Iterator[psutil.Process]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as popen:
        try:
            yield psutil.Process(popen.pid)
        finally:
            popen.kill()


@pytest.fixture
def client(tmp_path: Any) -> ApiClient:  # noqa: ANN401 - pytest's
    nobody = Identity(1, 0.0)
    return ApiClient(Lease(nobody, nobody, "", "shop", tmp_path / "rpx.yaml"))


def suspended(process: psutil.Process) -> bool:
    return bool(process.status() == psutil.STATUS_STOPPED)


@pytest.mark.real
@pytest.mark.parametrize("kind", ["hang", "slow"])
async def test_a_process_is_suspended_and_goes_on_when_it_is_over_or_cut_short(
    kind: str, process: psutil.Process, client: ApiClient
) -> None:
    for lasts in (0.5, 60.0):
        seen = False
        with trio.move_on_after(SOON):
            async with trio.open_nursery() as nursery:
                plan = Plan(kind, "api:3001", 0.0, lasts)
                nursery.start_soon(strike, client, plan, process.pid, 0.0)
                while not seen:
                    await trio.sleep(0.01)
                    seen = suspended(process)
                if lasts > 1:
                    nursery.cancel_scope.cancel()
        assert seen
        assert not suspended(process)


@pytest.mark.real
async def test_a_process_that_ends_meanwhile_is_told_and_nobody_else_is_signalled(
    process: psutil.Process, client: ApiClient
) -> None:
    struck = None

    async def hang() -> None:
        nonlocal struck
        struck = await strike(client, Plan("hang", "a", 0.0, 0.5), process.pid, 1.0)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(hang)
        await trio.testing.wait_all_tasks_blocked()
        process.kill()
        process.wait()
    assert struck is not None
    assert struck.replaced
