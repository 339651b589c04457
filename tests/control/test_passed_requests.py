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


def pass_(
    there: Registry,
    path: str,
    status: int = 200,
    kind: str = "text/plain",
    body: bytes = b"",
    *,
    fields: str = "",
) -> None:
    head = f"GET {path} HTTP/1.1\r\nHost: api.localhost\r\n{fields}\r\n"
    parsed = parse_request(head.encode())
    assert parsed is not None
    ring = there.requests
    peer = forwarding("127.0.0.1", "http")
    record = Record(ring.tags.next(), parsed[0], peer, "", ring.copies)
    record.answer = AnswerHead(status, b"", b"\r\nContent-Type: " + kind.encode(), b"", 0)
    if record.copies:
        record.give([body])
    ring.add(record)


async def test_a_stream_for_eyes_has_the_latest_and_says_how_many_it_leaves_out(
    nursery: trio.Nursery, tmp_path: Path
) -> None:
    there, path = registry(spec(3000)), tmp_path / "s"
    await nursery.start(Control(path), there, Shutdown())
    transport = httpx.AsyncHTTPTransport(uds=str(path), verify=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://rpx", timeout=30) as http:
        for name in ("one", "two", "app.js"):
            pass_(there, f"/{name}")
        assert [row["path"] for row in (await http.get("/v1/requests?tail=1")).json()] == [
            "/app.js"
        ]
        assert (await http.get("/v1/requests?noise=perhaps")).status_code == 422
        asked = {"follow": "true", "at_once": "2", "noise": "false"}
        async with http.stream("GET", "/v1/requests", params=asked) as stream:
            lines = stream.aiter_lines()
            first = [json.loads(await anext(lines)) for _ in range(3)]
            assert [row.get("path") for row in first] == ["/one", "/two", None]
            assert first[2] == {"left_out": 1}
            for number in range(5):
                pass_(there, f"/{number}")
                pass_(there, "/a.css")
            more = [json.loads(await anext(lines)) for _ in range(4)]
            assert (more[0], more[3]) == ({"missed": 3}, {"left_out": 5})
            assert [row["path"] for row in more[1:3]] == ["/3", "/4"]
    nursery.cancel_scope.cancel()


async def test_bodies_can_be_had_as_bytes_and_only_pictures_by_their_type(
    nursery: trio.Nursery, tmp_path: Path
) -> None:
    there, path = registry(spec(3000)), tmp_path / "s"
    await nursery.start(Control(path), there, Shutdown())
    transport = httpx.AsyncHTTPTransport(uds=str(path), verify=False)
    kinds = ("image/png", "image/svg+xml", "text/html; charset=utf-8")
    async with httpx.AsyncClient(transport=transport, base_url="http://rpx", timeout=30) as http:
        with there.requests.looking():
            for kind in kinds:
                pass_(there, "/", kind=kind, body=b"\xff\x00")
        pass_(there, "/")
        got = [await http.get(f"/v1/requests/{n}/body?of=answer") for n in (1, 2, 3)]
        assert [each.content for each in got] == [b"\xff\x00"] * 3
        assert [each.headers["content-type"] for each in got] == [
            "image/png",
            *["application/octet-stream"] * 2,
        ]
        assert {each.headers["content-disposition"] for each in got} == {"attachment"}
        unkept = await http.get("/v1/requests/4/body")
        assert "bodies: 64kb" in unkept.json()["error"]["hint"]
        assert (await http.get("/v1/requests/1/body?of=request")).status_code == 404
        assert (await http.get("/v1/requests/1/body?of=both")).status_code == 422
        told = (await http.get("/v1/requests/1")).json()["response"]
        assert (told["encoding"], told["body"]) == ("base64", "/wA=")
    nursery.cancel_scope.cancel()


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


async def test_the_id_of_a_client_may_have_slashes_and_an_empty_one_is_nobodys(
    nursery: trio.Nursery, tmp_path: Path
) -> None:
    there, path = registry(spec(3000)), tmp_path / "s"
    await nursery.start(Control(path), there, Shutdown())
    transport = httpx.AsyncHTTPTransport(uds=str(path), verify=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://rpx", timeout=30) as http:
        pass_(there, "/build", fields="X-Request-Id: ci/build/4711\r\n")
        for id_ in ("ci/build/4711", "ci%2Fbuild%2F4711"):
            assert (await http.get(f"/v1/requests/{id_}")).json()["path"] == "/build"
            har = (await http.get(f"/v1/requests/{id_}/har")).json()
            assert har["log"]["entries"][0]["request"]["url"].endswith("/build")
            assert (await http.get(f"/v1/requests/{id_}/replay")).status_code == 405
        for id_ in ("", "%2F"):
            nobody = await http.get(f"/v1/requests/{id_}")
            assert nobody.status_code == 404
            assert nobody.json()["error"]["what"].startswith("there is no request ")
    nursery.cancel_scope.cancel()
