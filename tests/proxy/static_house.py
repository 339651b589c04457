"""A server whose every answer is from files below a folder."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from rpx.http.head import RequestHead
from rpx.hub.counts import Counts
from rpx.model.route import StaticFiles
from rpx.proxy.attempt import After
from rpx.proxy.client import Client
from rpx.proxy.static_files import send_file
from tests.proxy.house import House, get, running
from tests.support.raw import Answer, Raw

PREFIX = b"/files"


def write(root: Path, **files: bytes) -> Path:
    """Write files into a folder: the names have `_` for `.` and `__` for `/`."""
    for name, content in files.items():
        path = root / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def open_files() -> list[str]:
    """Where the regular files and folders lie that this process has open, but for libraries."""
    found = []
    for number in os.listdir("/proc/self/fd"):
        try:
            found.append(os.readlink(f"/proc/self/fd/{number}"))
        except FileNotFoundError:
            pass
    return found


@asynccontextmanager
async def sending(
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    *,
    house: AbstractAsyncContextManager[House] | None = None,
    **settings: Any,  # noqa: ANN401 - of StaticFiles
) -> AsyncIterator[tuple[House, Counts]]:
    """Serve a folder, also below PREFIX; afterwards none of its files is open."""
    files = StaticFiles(folder=folder, **settings)
    counts = Counts()

    async def answer(client: Client, request: RequestHead) -> After:
        path = request.path
        if path == PREFIX or path.startswith(PREFIX + b"/"):
            path = path[len(PREFIX) :] or b"/"
        return await send_file(client, request, files, path, counts=counts)

    monkeypatch.setattr("rpx.proxy.connection.answer", answer)
    monkeypatch.setattr("rpx.proxy.stream.answer", answer)
    async with house or running(1, up=False) as serving:
        yield serving, counts
    real = str(folder.resolve())  # noqa: ASYNC240 - nobody else waits
    assert not [place for place in open_files() if place.startswith(real)]


async def ask(client: Raw, path: str = "/", *fields: str, method: str = "GET") -> Answer:
    """Ask for a path on a connection that goes on; return the answer, which must be whole."""
    await client.send(get(path, *fields, method=method))
    answer = await client.answer(method)
    assert answer.whole
    return answer
