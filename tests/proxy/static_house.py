"""A server whose every answer is from files below a folder."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from rpx.hub.counts import Counts
from rpx.model.own_settings import Timeouts
from rpx.model.route import Conditions, FieldRules, HeaderRules, Route, StaticFiles, Treatment
from rpx.policy.sites import SiteSpec
from tests.proxy.house import HOST, House, get, running
from tests.proxy.lock import Lock
from tests.support.raw import Answer, Raw

EDITS = FieldRules(set=(("Cache-Control", "no-store"),), remove=("etag",))


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
    folder: Path,
    *,
    lock: Lock | None = None,
    timeouts: Timeouts | None = None,
    **settings: Any,  # noqa: ANN401 - of StaticFiles
) -> AsyncIterator[tuple[House, Counts]]:
    """Serve a folder, and below `/files/` once more, with other heads there. With TLS if there is a
    lock for it. Afterwards none of its files is open.
    """
    files = StaticFiles(folder=folder, **settings)
    below = Route(
        name="files",
        conditions=Conditions(paths=("/files/*",)),
        answerer=files,
        strip_prefix="/files",
        treatment=Treatment(headers=(HeaderRules(response=EDITS),)),
    )
    site = SiteSpec((HOST,), files, routes=(below,))
    serve = running if lock is None else lock.house
    async with serve(1, up=False, timeouts=timeouts, site=site) as house:
        yield house, house.registry.sites[HOST].rest.counts
    real = str(folder.resolve())  # noqa: ASYNC240 - nobody else waits
    assert not [place for place in open_files() if place.startswith(real)]


async def ask(client: Raw, path: str = "/", *fields: str, method: str = "GET") -> Answer:
    """Ask for a path on a connection that goes on; return the answer, which must be whole."""
    await client.send(get(path, *fields, method=method))
    answer = await client.answer(method)
    assert answer.whole
    return answer
