"""Messages over stdin and stdout, a line of JSON for each, as MCP has it.

Not the SDK's own: its thread that reads stdin can't be left, so that neither a signal nor Ctrl-C
would end the server. And what it reads has no bound.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import anyio
import trio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter

CHUNK: Final = 1 << 16
LONGEST: Final = 16 << 20  # bytes of a message
Incoming = MemoryObjectReceiveStream[SessionMessage | Exception]
Outgoing = MemoryObjectSendStream[SessionMessage]


def claim() -> tuple[int, int]:
    """Take stdin and stdout for the protocol; what else is printed goes to stderr from now on."""
    reads, writes = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return reads, writes


@asynccontextmanager
async def messages(reads: int, writes: int) -> AsyncIterator[tuple[Incoming, Outgoing]]:
    """What a client sends, until it has closed its end, and what goes to it."""
    put, incoming = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    outgoing, take = anyio.create_memory_object_stream[SessionMessage](0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_read, reads, put)
        nursery.start_soon(_write, writes, take, nursery.cancel_scope)
        yield incoming, outgoing
        nursery.cancel_scope.cancel(reason="the session is over")


async def _read(fd: int, put: MemoryObjectSendStream[SessionMessage | Exception]) -> None:
    rest = bytearray()
    skips = False
    async with put:
        while chunk := await trio.to_thread.run_sync(os.read, fd, CHUNK, abandon_on_cancel=True):
            *lines, last = chunk.split(b"\n")
            for line in lines:
                whole, rest = bytes(rest) + line, bytearray()
                if not skips and whole.strip():
                    await put.send(_message(whole))
                skips = False
            rest += last
            if len(rest) > LONGEST:
                rest, skips = bytearray(), True
                await put.send(ValueError(f"a message has more than {LONGEST} bytes"))


def _message(line: bytes) -> SessionMessage | Exception:
    try:
        return SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValueError as error:
        return error


async def _write(
    fd: int, take: MemoryObjectReceiveStream[SessionMessage], everything: trio.CancelScope
) -> None:
    async with take:
        async for sent in take:
            text = sent.message.model_dump_json(by_alias=True, exclude_unset=True)
            try:
                await trio.to_thread.run_sync(
                    _write_all, fd, f"{text}\n".encode(), abandon_on_cancel=True
                )
            except OSError:
                everything.cancel(reason="the client has gone")


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
