"""The requests that went through, over the control API: one list, one stream, one of them."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import trio

from rpx.control.api import Control
from rpx.http.answer_head import AnswerHead
from rpx.http.forwarded import forwarding
from rpx.http.head import parse_request
from rpx.hub.registry import Registry
from rpx.hub.request_ring import Record
from rpx.hub.shutdown import Shutdown
from tests.support.bench import registry, spec


def pass_(there: Registry, path: str, status: int = 200) -> None:
    parsed = parse_request(f"GET {path} HTTP/1.1\r\nHost: api.localhost\r\n\r\n".encode())
    assert parsed is not None
    ring = there.requests
    record = Record(ring.tags.next(), parsed[0], forwarding("127.0.0.1", "http"), "")
    record.answer = AnswerHead(status, b"", b"", b"", 0)
    ring.add(record)


async def test_a_stream_that_broke_goes_on_without_a_gap(
    nursery: trio.Nursery, tmp_path: Path
) -> None:
    there, path = registry(spec(3000)), tmp_path / "s"
    await nursery.start(Control(path), there, Shutdown())
    transport = httpx.AsyncHTTPTransport(uds=str(path), verify=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://rpx", timeout=30) as http:
        for number in range(4):
            pass_(there, f"/{number}", 500 if number == 2 else 200)
        rows = (await http.get("/v1/requests", params={"filter": "status:5xx"})).json()
        assert [row["path"] for row in rows] == ["/2"]
        assert (await http.get("/v1/requests/2")).json()["path"] == "/1"
        assert (await http.get("/v1/requests/99")).status_code == 404
        refused = await http.get("/v1/requests?filter=hled")
        assert (refused.status_code, refused.json()["error"]["exit_code"]) == (422, 2)
        assert "did you mean `held`" in refused.json()["error"]["hint"]
        assert (await http.get("/v1/requests?follow=true&after=ffffffff.1")).status_code == 409
        after = {"follow": "true", "after": rows[0]["cursor"]}
        assert there.requests.copies == 0
        async with http.stream("GET", "/v1/requests", params=after) as stream:
            lines = stream.aiter_lines()
            assert json.loads(await anext(lines))["path"] == "/3"
            assert there.requests.copies == 65536  # somebody looks
            pass_(there, "/4")
            assert json.loads(await anext(lines))["path"] == "/4"
    nursery.cancel_scope.cancel()
