"""`rpx mcp` over its stdin and stdout, asked by the client of the official SDK."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import Any

import psutil
import pytest
import trio

from tests.support.project import RPX, SOON, Project, free_ports, project_in, until

pytestmark = [
    pytest.mark.real,
    pytest.mark.programs,  # the SDK takes seconds to load, here and in the server
    pytest.mark.skipif(find_spec("mcp") is None, reason="the extra is not installed"),
]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project that all tests here share; it runs."""
    with project_in(tmp_path_factory.mktemp("shop")) as project:
        one, two = free_ports(2)
        project.write(
            "name: shop\nlisten: {http_port: HTTP_PORT}\nproxies:\n"
            f"  - {{to: api.localhost, from: [localhost:{one}, localhost:{two}],"
            " start: PYTHON APPS/ok.py}\n"
        )
        assert project.rpx("up", "--wait").returncode == 0
        yield project
        project.rpx("down")


@asynccontextmanager
async def session(project: Project, *words: str) -> AsyncIterator[Any]:
    """A client whose server is `rpx mcp` in the folder of a project."""
    from mcp import Client
    from mcp.client.stdio import StdioServerParameters, stdio_client

    program, *arguments = RPX
    server = StdioServerParameters(
        command=program,
        args=[*arguments, "mcp", *words],
        cwd=project.folder,
        env=project.environment,
    )
    async with Client(stdio_client(server)) as client:
        yield client


def drills() -> list[psutil.Process]:
    found = psutil.Process().children(recursive=True)
    return [each for each in found if each.status() != "zombie" and "drill" in each.cmdline()]


async def test_it_offers_its_tools_and_answers_in_json_and_in_text(shop: Project) -> None:
    async with session(shop) as client:
        listed = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert len(listed) == 9
        assert listed["do"].annotations.destructive_hint
        assert listed["status"].annotations.read_only_hint
        answer = await client.call_tool("status", {})
        assert answer.structured_content["counts"] == {"ready": 2}
        assert json.loads(answer.content[0].text) == answer.structured_content
        sent = await client.call_tool("send", {"url": "/x"})
        assert sent.structured_content["status"] == 200
        refused = await client.call_tool("why", {"names": ["apo"]})
        assert refused.is_error
        assert "did you mean `api`" in refused.content[0].text
        few = await client.call_tool("why", {"names": ["x" * 5000], "max_chars": 300})
        assert len(few.content[0].text) <= 300
        drilled: list[float] = []

        async def hear(progress: float, _total: float | None, _message: str | None) -> None:
            drilled.append(progress)

        report = await client.call_tool(
            "drill", {"name": "api", "duration": 2, "rate": 20}, progress_callback=hear
        )
        assert report.structured_content["sent"] == 40
        assert drilled
        # The project ends and begins again in the middle.
        assert shop.rpx("down").returncode == 0
        gone = await client.call_tool("status", {})
        assert gone.is_error
        assert "rpx up --wait" in gone.content[0].text
        assert shop.rpx("up", "--wait").returncode == 0
        assert (await client.call_tool("wait", {})).structured_content["outcome"] == "ready"


async def test_what_is_cancelled_ends_with_all_it_has_started(shop: Project) -> None:
    async with session(shop, "--read-only", "-C", "..") as client:
        assert len((await client.list_tools()).tools) == 6
        refused = await client.call_tool("do", {"action": "restart"})
        assert "only looks" in refused.content[0].text
    async with session(shop) as client:
        begun = trio.Event()

        async def hear(_progress: float, _total: float | None, _message: str | None) -> None:
            begun.set()

        async def call(name: str, arguments: dict[str, Any]) -> None:
            await client.call_tool(name, arguments, progress_callback=hear)

        for name, arguments in (
            ("drill", {"name": "api", "duration": 300, "damage": "hang"}),
            ("wait", {"until": "quiet", "quiet_for": 50, "timeout": 300}),
        ):
            begun = trio.Event()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(call, name, arguments)
                with trio.fail_after(SOON):
                    await begun.wait()
                assert name == "wait" or drills()
                nursery.cancel_scope.cancel()
            await trio.to_thread.run_sync(until, lambda: not drills(), "the drill has ended")
            assert not (await client.call_tool("status", {})).is_error


@pytest.fixture
def server(shop: Project) -> Iterator[subprocess.Popen[bytes]]:
    """`rpx mcp` with nothing between, in the middle of a drill."""
    with subprocess.Popen(
        (*RPX, "mcp"),
        cwd=shop.folder,
        env=shop.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def begin_a_drill(server: subprocess.Popen[bytes]) -> None:
    """Shake hands, send what is no JSON, and start a drill."""
    assert server.stdin is not None
    assert server.stdout is not None
    hands = {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    }
    drill = {"name": "drill", "arguments": {"name": "api", "duration": 300}}
    for message in (
        {"id": 1, "method": "initialize", "params": hands},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/call", "params": drill},
    ):
        line = json.dumps({"jsonrpc": "2.0", **message})
        server.stdin.write(f"no JSON\n{line}\n".encode())
    server.stdin.flush()
    assert json.loads(server.stdout.readline())["result"]["serverInfo"]["name"] == "rpx"
    until(drills, "a drill runs")


def test_when_stdin_is_closed_it_ends_at_once_and_leaves_nothing(
    server: subprocess.Popen[bytes],
) -> None:
    begin_a_drill(server)
    assert server.stdin is not None
    server.stdin.close()
    assert server.wait(SOON) == 0
    assert not drills()


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_leaves_nothing(
    server: subprocess.Popen[bytes], signum: signal.Signals
) -> None:
    begin_a_drill(server)
    server.send_signal(signum)
    assert server.wait(SOON) == 128 + signum
    assert not drills()
