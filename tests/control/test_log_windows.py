"""Output as one list over the control API: windows of it, from files and from memory."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio

from rpx.control.api import Control
from rpx.control.surroundings import Surroundings
from rpx.hub.registry import Registry
from rpx.hub.shutdown import Shutdown
from rpx.journal.files import Files
from rpx.journal.form import written
from rpx.journal.timeline import Timeline
from rpx.model.own_settings import Logs
from rpx.model.status import Printed
from tests.support.bench import registry, spec

LINES = (
    ("api:3000", b'{"level":"info","msg":"one"}'),
    ("api:3001", b"\x1b[31mERROR\x1b[0m two"),
    ("api:3000", b"level=warn msg=three"),
    ("api:3001", b"x" * 5000),
    ("api:3000", b"Four \xff"),
)


class Windows:
    """Asks for windows."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def __call__(self, **query: Any) -> dict[str, Any]:  # noqa: ANN401 - as httpx takes it
        answer = await self._http.get("/v1/logs/window", params=query)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def texts(self, **query: Any) -> list[str]:  # noqa: ANN401 - as httpx takes it
        return [line["text"] for line in (await self(**query))["lines"]]

    async def refused(self, **query: Any) -> int:  # noqa: ANN401 - as httpx takes it
        return (await self._http.get("/v1/logs/window", params=query)).status_code


def print_(there: Registry, files: Files | None, label: str, at: float, text: bytes) -> None:
    printed = Printed(label, at, text + b"\n")
    process = there.backends[label].process
    assert process is not None
    process.lines.append(printed)
    if files is not None:
        files.append("api", [written(printed)])
    there.lines.publish(printed)


@pytest.mark.parametrize("in_files", [True, False])
async def test_a_window_has_what_is_chosen_by_label_level_text_number_and_time(
    nursery: trio.Nursery, tmp_path: Path, *, in_files: bool
) -> None:
    there, path = registry(spec(3000), spec(3001)), tmp_path / "s"
    began = time.time() - 100
    files = Files(tmp_path / "logs", Logs()) if in_files else None
    timeline = Timeline(tmp_path / "logs", began)
    control = Control(path, around=Surroundings(timeline=timeline))
    await nursery.start(control, there, Shutdown())
    for number, (label, text) in enumerate(LINES):
        print_(there, files, label, began + number, text)
    transport = httpx.AsyncHTTPTransport(uds=str(path), verify=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://rpx", timeout=30) as http:
        window = Windows(http)
        found = await window(without="rpx")
        assert (found["first"], found["begin"], found["end"], found["counted"]) == (0, 0, 5, 1)
        assert [line["level"] for line in found["lines"]] == ["info", "error", "warn", "", ""]
        assert [line["cut"] for line in found["lines"]] == [False] * 3 + [True, False]
        assert found["lines"][1]["text"] == "ERROR two"
        assert found["lines"][4] == {
            "label": "api:3000",
            "at": pytest.approx(began + 4, abs=1e-5),
            "text": "Four \ufffd",
            "level": "",
            "cut": False,
        }
        assert await window.texts(name="api:3001", count=1, first=0) == ["ERROR two"]
        assert await window.texts(without=["rpx", "api:3001"], first=1, count=1) == [
            "level=warn msg=three"
        ]
        assert await window.texts(level="warn") == ["ERROR two", "level=warn msg=three"]
        assert await window.texts(search="FOUR") == ["Four \ufffd"]
        assert await window.texts(search="error two") == ["ERROR two"]
        assert await window.texts(name="api", at=began + 2, count=2) == [
            "ERROR two",
            "level=warn msg=three",
        ]
        assert await window.texts(name="api", first=99) == []
        assert await window.texts(name="api", at=1e300, count=2) == ["Four \ufffd"]
        assert len(await window.texts(name="api", count=10**9)) == 5
        assert await window.refused(level="loud") == 422
        assert await window.refused(first="x") == 422
        assert await window.refused(name="nobody") == 404

        async with trio.open_nursery() as waiting:
            ends: list[int] = []

            async def wait() -> None:
                ends.append((await window(name="api", newer=5))["end"])

            waiting.start_soon(wait)
            await trio.sleep(0.05)  # it waits; if it doesn't yet, it finds what has come
            print_(there, files, "api:3000", began + 5, b"five")
        assert ends == [6]
    nursery.cancel_scope.cancel()
