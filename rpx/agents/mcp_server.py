"""The MCP server: the tools as the SDK of MCP offers and calls them."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import mcp_types as types
import trio
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server

import rpx
from rpx.agents.bounded import shortened, text_of
from rpx.agents.stdio_wire import claim, messages
from rpx.agents.tool_inputs import CHARS, FEWEST_CHARS
from rpx.agents.toolbox import INSTRUCTIONS, AgentTool, tool_named, tools
from rpx.agents.which_project import Where
from rpx.errors import RpxError, visible


@dataclass(frozen=True, slots=True)
class Served:
    """What is served, from where. `unexpected` makes an error of what is a bug of ours."""

    where: Where
    read_only: bool
    unexpected: Callable[[BaseException], RpxError]

    async def listed(
        self, _context: ServerRequestContext[Any, Any], _params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        """All tools; there are few."""
        return types.ListToolsResult(tools=[_described(t) for t in tools(read_only=self.read_only)])

    async def called(
        self, context: ServerRequestContext[Any, Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        """The answer of one, as JSON and as the same in text; what is wrong is told, not raised."""
        arguments = params.arguments or {}
        try:
            tool = tool_named(params.name, read_only=self.read_only)
            answer = await tool.call(arguments, self.where, context.session.report_progress)
        except RpxError as error:
            return _refused(error, arguments)
        except Exception as error:  # noqa: BLE001 - a bug of ours ends no session
            return _refused(self.unexpected(error), arguments)
        return types.CallToolResult(
            content=[types.TextContent(type="text", text=text_of(answer))],
            structured_content=answer,
        )


def _described(tool: AgentTool) -> types.Tool:
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.says,
        input_schema=tool.input_schema(),
        output_schema=tool.output_schema(),
        annotations=types.ToolAnnotations(
            title=tool.title,
            read_only_hint=tool.looks,
            destructive_hint=tool.destroys,
            idempotent_hint=tool.looks,
            open_world_hint=False,
        ),
    )


def _refused(error: RpxError, arguments: Mapping[str, object]) -> types.CallToolResult:
    """What is wrong and what helps: a file may have a hundred mistakes."""
    most = arguments.get("max_chars")
    most = min(most, CHARS) if isinstance(most, int) and most >= FEWEST_CHARS else CHARS
    said = shortened(visible(str(error)), most - len("… (1234567 more)"))
    return types.CallToolResult(content=[types.TextContent(type="text", text=said)], is_error=True)


def serve(served: Served) -> int:
    """Serve over stdio until the client closes it (0), or a signal comes: the exit code."""
    reads, writes = claim()
    return trio.run(partial(_serve, served, reads, writes))


async def _serve(served: Served, reads: int, writes: int) -> int:
    server = Server(
        "rpx",
        version=rpx.__version__,
        title="rpx",
        description=rpx.__doc__.splitlines()[0] if rpx.__doc__ else None,
        instructions=INSTRUCTIONS,
        on_list_tools=served.listed,
        on_call_tool=served.called,
    )
    code = 0

    async def until_told(
        scope: trio.CancelScope, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        nonlocal code
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            task_status.started()
            async for signum in signals:
                code = 128 + signum
                scope.cancel(reason="a signal")

    async with trio.open_nursery() as nursery:
        await nursery.start(until_told, nursery.cancel_scope)
        async with messages(reads, writes) as (incoming, outgoing):
            await server.run(incoming, outgoing, server.create_initialization_options())
        nursery.cancel_scope.cancel(reason="the client has left")
    return code
