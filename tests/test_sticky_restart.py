"""Sticky clients keep their backend when rpx itself has gone and come back."""

from __future__ import annotations

import re
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import trio

import rpx
from rpx.config import config_from_mapping
from rpx.prepare import sticky_key
from rpx.runs.secret import key_file
from tests.support.origin import answers, origin, says
from tests.support.raw import connect


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path


async def ask(port: int, cookie: str = "") -> tuple[str, str | None]:
    """Return who answered, and the cookie pair that the answer sets."""
    client = await connect(port)
    more = f"Cookie: {cookie}\r\n" if cookie else ""
    await client.send(f"GET / HTTP/1.1\r\nHost: api.localhost\r\n{more}\r\n".encode())
    answer = await client.answer()
    client.close()
    found = re.match(r"server_id=\w+", answer.field("set-cookie") or "")
    return answer.body.decode(), found and found[0]


async def test_a_client_finds_its_backend_again_when_rpx_comes_back() -> None:
    bound: dict[str, str] = {}
    async with AsyncExitStack() as stack:
        places = [await stack.enter_async_context(origin(answers(says(name)))) for name in "ABC"]
        config = {
            "from": [f"127.0.0.1:{place.port}" for place in places],
            "to": "api.localhost",
            "sticky": True,
            "listen": {"http_port": 0},
        }
        async with rpx.start_proxy(config) as proxy:
            port = int(proxy.url.rpartition(":")[2])
            with trio.fail_after(10):
                while len(bound) < 3:
                    name, cookie = await ask(port)
                    assert cookie
                    bound[name] = cookie
        assert key_file().exists()
        for name, cookie in bound.items():  # at once: no check of a backend has passed yet
            async with rpx.start_proxy(config) as proxy:
                port = int(proxy.url.rpartition(":")[2])
                assert await ask(port, cookie) == (name, None)


async def test_without_sticky_sessions_there_is_no_key(home: Path) -> None:
    async with rpx.start_proxy(from_=1, to="api.localhost", listen={"http_port": 0}):
        pass
    assert not key_file().exists()


async def test_where_the_key_cannot_be_kept_that_is_said_and_sessions_last_for_the_run(
    home: Path,
) -> None:
    (home / "state").write_text("a file stands here")
    mapping = {"from": 3000, "to": "api.localhost", "sticky": True}
    key, note = await sticky_key(config_from_mapping(mapping, root=home, environ={}))
    assert len(key) == 32
    assert note.startswith("sticky sessions end with this run, since their key can't be kept")
    assert str(home) in note
