"""The signs of readiness, seen on real processes, ports and lines."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import trio

from rpx.backend.ready import Sign
from rpx.backend.side_command import SideCommand
from rpx.hub.process import Process, Standing
from rpx.model.address import Address
from rpx.model.config import Ready, Start, Web
from rpx.model.specs import processes_of
from tests.support.running import alive
from tests.support.specs import backend_spec

pytestmark = pytest.mark.real
TAKES = 5.0  # seconds; a sign that is there is seen within a fraction of one


class Case:
    """A backend with a sign, in a folder of its own."""

    def __init__(self, folder: Path, ready: Ready, address: Address | None = None) -> None:
        start = Start(command="true", cwd=folder, ready=ready)
        [spec] = processes_of([backend_spec("api", 1, address, start)])
        self.process = Process(spec, Standing(0.0, 0.0))
        self.side = SideCommand(start, {**os.environ, "NAME": "api"}, "test.1.aside")
        self.sign = Sign(self.process, self.side)

    async def seen(self) -> None:
        with trio.fail_after(TAKES):
            await self.sign.seen()

    async def unseen(self, seconds: float = 0.2) -> None:
        with trio.move_on_after(seconds) as wait:
            await self.sign.seen()
        assert wait.cancelled_caught


@pytest.fixture
async def port(nursery: trio.Nursery) -> AsyncIterator[int]:
    """Somebody who answers every request with what its path says: /503 with 503."""

    async def answer(stream: trio.SocketStream) -> None:
        async with stream:
            head = await stream.receive_some()
            status = bytes(head).split(b" ")[1][1:4] or b"200"
            await stream.send_all(b"HTTP/1.1 %b X\r\ncontent-length: 0\r\n\r\n" % status)

    [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
    nursery.start_soon(trio.serve_listeners, answer, [listener])
    yield listener.socket.getsockname()[1]
    nursery.cancel_scope.cancel()


async def test_a_line_is_matched_anywhere_and_without_its_colours(tmp_path: Path) -> None:
    case = Case(tmp_path, Ready(log=r"listening on port \d+$"))
    case.sign.hear(b"not listening on port yet\n80\n")
    await case.unseen()
    case.sign.hear(b"\x1b[32m[web]\x1b[0m listening on port \x1b[1m80\x1b[0m\nmore\n")
    await case.seen()
    case.sign.hear(b"more\n")  # and nobody minds


async def test_a_port_is_there_when_it_takes_a_connection(tmp_path: Path, port: int) -> None:
    await Case(tmp_path, Ready(tcp=Address("localhost", port))).seen()


async def test_why_a_port_is_not_there_can_be_seen(tmp_path: Path) -> None:
    [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
    closed = Address("127.0.0.1", listener.socket.getsockname()[1])
    await listener.aclose()
    case = Case(tmp_path, Ready(tcp=closed))
    await case.unseen()
    assert case.process.last_error == "connection refused"


@pytest.mark.parametrize("own", [True, False])
async def test_a_page_is_there_when_it_answers_well(tmp_path: Path, port: int, own: bool) -> None:
    address = Address("127.0.0.1", port)
    elsewhere = None if own else address
    good = Case(tmp_path, Ready(http=Web(address=elsewhere, path="/204")), address)
    await good.seen()
    bad = Case(tmp_path, Ready(http=Web(address=elsewhere, path="/503")), address)
    await bad.unseen(1.0)
    assert bad.process.last_error == "503 Service Unavailable"


async def test_a_delay_is_waited_for(tmp_path: Path) -> None:
    await Case(tmp_path, Ready(delay=0.3)).unseen(0.1)
    await Case(tmp_path, Ready(delay=0.1)).seen()


async def test_a_command_is_asked_until_it_succeeds(tmp_path: Path) -> None:
    case = Case(tmp_path, Ready(command='echo "$NAME is not there"; test -e there'))
    await case.unseen(0.5)
    assert case.process.last_error == "exited with status 1: api is not there"
    (tmp_path / "there").touch()
    case.process.blame("of an earlier run")
    await case.seen()
    assert case.process.last_error == "of an earlier run"


async def test_no_sign_is_seen_at_once(tmp_path: Path) -> None:
    await Case(tmp_path, Ready(timeout=5)).seen()


async def test_a_command_that_is_given_up_leaves_nothing(tmp_path: Path) -> None:
    """Deaf, and with a child: it is killed, not asked."""
    case = Case(tmp_path, Ready(command="x"))
    script = "trap '' TERM; sleep 60 & echo $$ $! > pids; wait"
    failure = await case.side.run(script, within=0.5)
    assert failure == "no end within 0.5 s"
    for pid in (tmp_path / "pids").read_text().split():
        with suppress(psutil.NoSuchProcess):
            assert not alive(psutil.Process(int(pid)))


async def test_why_a_command_cannot_succeed_is_told(tmp_path: Path) -> None:
    side = Case(tmp_path, Ready(command="x")).side
    missing = await side.run(("no-such-program",), within=5)
    assert missing is not None
    assert missing.startswith("cannot run: ")
    assert "no-such-program" in missing
    killed = await side.run("kill -KILL $$", within=5)
    assert killed == f"killed by {signal.SIGKILL.name}"
    assert await side.run("exit 0", within=5) is None
