"""What the routes of a host make of requests and answers, on the wire."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from rpx.model.config import Sticky
from rpx.model.route import (
    BasicAuth,
    Conditions,
    Cors,
    FieldRules,
    FixedAnswer,
    HeaderRules,
    Redirect,
    Route,
    StaticFiles,
    ToPool,
    Treatment,
)
from rpx.policy.sites import SiteSpec
from rpx.proxy.public_folder import OpenFile, PublicFolder
from tests.proxy.h2_client import client as h2_client
from tests.proxy.house import HOST, House, get, post, running
from tests.proxy.test_h2_websocket import HEAD as WEBSOCKET
from tests.proxy.test_h2_websocket import switched, told
from tests.support.origin import Origin, Script, answers, origin, refusing, says
from tests.support.raw import Answer, Raw

HERE = ToPool(pool=HOST)
RULES = HeaderRules(
    request=FieldRules(set=(("X-Env", "dev"), ("X-Path", "$path")), remove=("cookie",)),
    response=FieldRules(set=(("Cache-Control", "no-store"),), remove=("server",)),
)
SITE = SiteSpec(
    (HOST,),
    HERE,
    routes=(
        Route(
            name="api",
            conditions=Conditions(paths=("/api/*",)),
            answerer=HERE,
            strip_prefix="/api",
        ),
        Route(
            name="v2",
            conditions=Conditions(paths=("/v1/*",)),
            answerer=HERE,
            rewrite="/v2/$1",
        ),
        Route(
            name="old",
            conditions=Conditions(paths=("/old/*",)),
            answerer=Redirect(to="/new/$1", status=308),
        ),
        Route(
            name="up",
            conditions=Conditions(paths=("/healthz",)),
            answerer=FixedAnswer(body=b"ok", headers=(("Content-Type", "text/plain"),)),
            treatment=Treatment(headers=(RULES,)),
        ),
        Route(
            name="edited",
            conditions=Conditions(paths=("/edited",)),
            answerer=HERE,
            treatment=Treatment(headers=(RULES,)),
        ),
        Route(
            name="shared",
            conditions=Conditions(paths=("/shared",)),
            answerer=HERE,
            treatment=Treatment(
                cors=Cors(origins=("https://a.test",)), auth=BasicAuth(users=(("ann", "secret"),))
            ),
        ),
    ),
)


@asynccontextmanager
async def asked(
    *scripts: Script, site: SiteSpec = SITE
) -> AsyncIterator[tuple[House, Raw, Origin]]:
    async with origin(*(scripts or [answers(says("hello"))])) as backend:
        async with running(backend, site=site) as house:
            yield house, await house.client(), backend


async def ask(client: Raw, request: bytes, method: str = "GET") -> Answer:
    await client.send(request)
    return await client.answer(method)


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("/api/users?a=/api/", "/users?a=/api/"),
        ("/api", "/"),
        ("/api?x", "/?x"),
        ("/apis", "/apis"),
        ("/v1/a%2Fb?q", "/v2/a%2Fb?q"),
        ("/other", "/other"),
    ],
)
async def test_a_backend_sees_the_path_that_its_route_makes(path: str, seen: str) -> None:
    async with asked() as (_, client, backend):
        assert (await ask(client, get(path))).status == 200
        head = backend.requests[-1]
        assert head.startswith(f"GET {seen} HTTP/1.1\r\n".encode())
        stripped = path.startswith("/api") and path != "/apis"
        assert (b"\r\nX-Forwarded-Prefix: /api\r\n" in head) is stripped


async def test_what_no_route_takes_goes_to_the_backends_of_the_host_and_each_is_counted() -> None:
    async with asked() as (house, client, _):
        for path in ("/api/1", "/api/2", "/x", "/healthz"):
            await ask(client, get(path))
        stats = house.registry.stats()
        assert stats[HOST][str(house.backends[0].spec.address)]["requests"] == 3
        assert stats[f"{HOST}/api/*"][HOST]["requests"] == 2
        assert stats[f"{HOST}/healthz"]["rpx"]["requests"] == 1
        assert stats[f"{HOST}/old/*"]["rpx"]["requests"] == 0


async def test_a_redirect_takes_the_rest_of_the_path_and_the_query_along() -> None:
    async with asked() as (_, client, backend):
        answer = await ask(client, get("/old/a/b?q=1"))
        assert (answer.status, answer.field("location")) == (308, "/new/a/b?q=1")
        # A body that nobody reads must not become the next request.
        answer = await ask(client, post("/old/x"))
        assert (answer.status, answer.field("connection")) == (308, "close")
        assert not backend.requests


async def test_a_fixed_answer_is_the_same_for_everybody_and_has_the_rules_of_its_route() -> None:
    async with asked() as (_, client, _backend):
        answer = await ask(client, get("/healthz"))
        assert (answer.status, answer.body) == (200, b"ok")
        assert answer.field("content-type") == "text/plain"
        assert answer.field("cache-control") == "no-store"
        head = await ask(client, get("/healthz", method="HEAD"), "HEAD")
        assert (head.body, head.field("content-length")) == (b"", "2")


async def test_fields_of_requests_and_answers_are_set_and_removed() -> None:
    says_more = (
        b"HTTP/1.1 200 OK\r\nServer: x\r\nCache-Control: max-age=9\r\nContent-Length: 0\r\n\r\n"
    )
    async with asked(answers(says_more)) as (_, client, backend):
        answer = await ask(client, get("/edited?q", "Cookie: a=b", "X-Env: prod"))
        assert (answer.field("server"), answer.field("cache-control")) == (None, "no-store")
        head = backend.requests[-1]
        assert b"\r\nX-Env: dev\r\n" in head
        assert b"\r\nX-Path: /edited\r\n" in head
        assert b"ookie" not in head
        assert b"prod" not in head


async def test_who_has_no_password_is_asked_for_one_and_a_page_elsewhere_may_read_that() -> None:
    async with asked() as (_, client, backend):
        origin_line = "Origin: https://a.test"
        answer = await ask(client, get("/shared", origin_line))
        assert answer.status == 401
        assert (answer.field("www-authenticate") or "").startswith("Basic ")
        assert answer.field("access-control-allow-origin") == "https://a.test"
        wanted = "Access-Control-Request-Method: PUT"
        preflight = await ask(client, get("/shared", origin_line, wanted, method="OPTIONS"))
        assert (preflight.status, preflight.field("access-control-allow-methods")) == (204, "PUT")
        assert not backend.requests
        known = b64encode(b"ann:secret").decode()
        answer = await ask(client, get("/shared", f"Authorization: Basic {known}"))
        assert (answer.status, answer.body) == (200, b"hello")


async def test_a_browser_asks_once_for_what_has_the_same_passwords() -> None:
    ann, bob = (Treatment(auth=BasicAuth(users=((name, "x"),))) for name in ("ann", "bob"))
    routes = tuple(
        route.model_copy(update={"treatment": treatment})
        for route, treatment in zip(SITE.routes, (ann, bob, bob, Treatment()), strict=False)
    )
    async with asked(site=SiteSpec((HOST,), HERE, routes, ann, name="shop")) as (_, client, _b):
        realms = {}
        for path in ("/", "/api/", "/v1/", "/old/", "/healthz"):
            told = (await ask(client, get(path))).field("www-authenticate")
            realms[path] = told and told.split('"')[1]
        assert realms == {
            "/": "shop",
            "/api/": "shop",
            "/v1/": "v2",
            "/old/": "v2",
            "/healthz": None,
        }


async def test_places_of_a_backend_get_their_prefix_back() -> None:
    moved = (
        b"HTTP/1.1 302 Found\r\nLocation: /login?x\r\nSet-Cookie: s=1; Path=/\r\n"
        b"Content-Length: 0\r\n\r\n"
    )
    async with asked(answers(moved, moved, moved)) as (_, client, _backend):
        answer = await ask(client, get("/api/"))
        assert answer.field("location") == "/api/login?x"
        assert answer.field("set-cookie") == "s=1; Path=/api"
        answer = await ask(client, get("/plain"))
        assert answer.field("location") == "/login?x"


async def test_an_error_page_may_be_read_by_pages_that_may_read_answers() -> None:
    site = SiteSpec((HOST,), HERE, treatment=Treatment(cors=Cors(origins=("https://a.test",))))
    with refusing() as port:
        async with running(port, site=site) as house:
            client = await house.client()
            answer = await ask(client, get("/", "Origin: https://a.test"))
            assert answer.status == 502
            assert answer.field("access-control-allow-origin") == "https://a.test"


async def test_a_host_with_routes_alone_knows_no_other_path() -> None:
    site = SiteSpec((HOST,), None, routes=SITE.routes[2:4])
    async with asked(site=site) as (house, client, backend):
        answer = await ask(client, get("/x", "Accept: text/plain"))
        assert answer.status == 404
        assert answer.body.decode().splitlines()[-4:-2] == [
            f"  http://{HOST}:{house.port}/old/*  redirect to /new/$1 (308)",
            f"  http://{HOST}:{house.port}/healthz  answer 200",
        ]
        assert not backend.requests
        assert (await ask(client, get("/healthz"))).body == b"ok"
        assert house.registry.sites[HOST].rest.counts.requests == 1


async def test_of_a_thousand_routes_a_page_lists_those_that_somebody_reads() -> None:
    routes = [
        Route(
            name=f"r{n}",
            conditions=Conditions(paths=(f"/{n}/*",), methods=("GET",)),
            answerer=FixedAnswer(),
        )
        for n in range(1000)
    ]
    async with asked(site=SiteSpec((HOST,), None, routes=tuple(routes))) as (_, client, _):
        answer = await ask(client, get("/x", "Accept: text/plain"))
        assert answer.body.count(b"answer 200") == 50
        assert b"/49/*  GET: answer 200\n" in answer.body
        assert b"\n\nhint: 950 more are listed by `rpx check`\n\nrequest: " in answer.body


async def test_routes_change_while_a_connection_is_kept() -> None:
    async with asked() as (house, client, _):
        assert (await ask(client, get("/healthz"))).body == b"ok"
        registry, pool = house.registry, house.pool
        now = SiteSpec((HOST,), HERE, routes=SITE.routes[:1])
        registry.arrange({HOST: pool.spec}, {HOST: house.backends}, sites={HOST: now})
        assert (await ask(client, get("/healthz"))).body == b"hello"
        assert (await ask(client, get("/api/x"))).status == 200
        assert registry.stats()[f"{HOST}/api/*"][HOST]["requests"] == 1
        assert f"{HOST}/healthz" not in registry.stats()


async def test_rules_about_cookies_are_not_about_that_of_sticky_sessions() -> None:
    rules = HeaderRules(
        request=FieldRules(remove=("cookie",)), response=FieldRules(remove=("set-cookie",))
    )
    site = SiteSpec((HOST,), HERE, treatment=Treatment(headers=(rules,)))
    sets = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nContent-Length: 0\r\n\r\n"
    async with (
        origin(answers(sets)) as one,
        origin(answers(sets)) as two,
        running(one, two, site=site, sticky=Sticky(cookie="id", ttl=60)) as house,
    ):
        client = await house.client()
        cookie = (await ask(client, get())).field("set-cookie") or ""
        assert cookie.startswith("id=")
        for _ in range(4):
            again = await ask(client, get("/", f"Cookie: b=2; {cookie.partition(';')[0]}"))
            assert again.field("set-cookie") is None
        assert sorted((len(one.requests), len(two.requests))) == [0, 5]
        assert not any(b"ookie" in request for request in one.requests + two.requests)


async def test_an_origin_that_was_changed_is_given_back_to_whoever_asks() -> None:
    moved = (
        b"HTTP/1.1 201 Created\r\nLocation: http://shop.test/a\r\nContent-Location: //shop.test/b"
        b"\r\nSet-Cookie: a=1; Domain=shop.test\r\nContent-Length: 0\r\n\r\n"
    )
    async with origin(answers(moved)) as backend, running(backend, trusted=["127.0.0.1"]) as house:
        endpoint = house.backends[0]
        endpoint.become(replace(endpoint.spec, change_origin=b"http://shop.test"))
        client = await house.client()
        through = "X-Forwarded-Host: shop.example", "X-Forwarded-Proto: https"
        for request, here in (
            (get(), f"http://{HOST}"),
            (get("/", *through), "https://shop.example"),
            (b"GET / HTTP/1.0\r\nHost: %b\r\nConnection: keep-alive\r\n\r\n" % HOST.encode(),
             f"http://{HOST}"),
        ):  # fmt: skip
            answer = await ask(client, request)
            assert answer.field("location") == f"{here}/a"
            assert answer.field("content-location") == f"{here.partition(':')[2]}/b"
            assert answer.field("set-cookie") == "a=1"


async def test_a_websocket_over_http2_takes_a_route_like_others() -> None:
    treated = Treatment(headers=(RULES,), auth=BasicAuth(users=(("ann", "secret"),)))
    api = SITE.routes[0].model_copy(update={"treatment": treated})
    head = [(name, "/api/chat" if name == ":path" else value) for name, value in WEBSOCKET]
    async with (
        origin() as backend,
        running(backend, site=SiteSpec((HOST,), HERE, routes=(api,))) as house,
        h2_client(house) as peer,
    ):
        refused = await peer.answer(await peer.ask_with(head, end=False))
        assert (refused.status, refused.head[b"cache-control"]) == (401, b"no-store")
        known = b64encode(b"ann:secret").decode()
        number = await peer.ask_with([*head, ("authorization", f"Basic {known}")], end=False)
        end = await backend.accept()
        request = await switched(end, "Set-Cookie: a=1; Path=/", "Server: x")
        assert request.startswith(b"GET /chat HTTP/1.1\r\n")
        assert b"\r\nX-Path: /api/chat\r\n" in request
        assert b"\r\nX-Forwarded-Prefix: /api\r\n" in request
        assert await told(peer, number) == 200
        got = peer.streams[number].head
        assert (got[b"set-cookie"], got[b"cache-control"]) == (b"a=1; Path=/api", b"no-store")
        assert b"server" not in got
        end.close()
        await peer.answer(number)


async def test_routes_to_one_pool_and_with_one_path_are_counted_apart() -> None:
    to = ToPool(pool=f"{HOST}/api/*")
    routes = [
        Route(name=name, conditions=Conditions(paths=(path,), methods=methods), answerer=to)
        for name, path, methods in [
            ("api", "/api/*", ("GET",)),
            ("more", "/api/*", ()),
            ("ws", "/ws", ()),
        ]
    ]
    async with asked(site=SiteSpec((HOST,), HERE, routes=tuple(routes))) as (house, _, _backend):
        places = [way.place for way in house.registry.sites[HOST].ways]
        assert places == [f"{HOST}/api/*", f"{HOST}/api/* (more)", f"{HOST}/ws"]


async def test_a_file_is_looked_for_by_its_path_and_else_below_the_beginning_of_its_route(
    tmp_path: Path,
) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "both").write_text("assets/both")
    for name in ("both", "alone"):
        (tmp_path / name).write_text(name)
    (tmp_path / "index.html").write_text("index")
    site = SiteSpec(
        (HOST,),
        None,
        routes=(
            Route(
                name="assets",
                conditions=Conditions(paths=("/assets/*", "/plain/*")),
                answerer=StaticFiles(folder=tmp_path, spa=True),
            ),
            Route(
                name="cut",
                conditions=Conditions(paths=("/cut/*",)),
                answerer=StaticFiles(folder=tmp_path),
                strip_prefix="/cut",
            ),
        ),
    )
    async with asked(site=site) as (_, client, _backend):
        for path, found in {
            "/assets/both": b"assets/both",
            "/assets/alone": b"alone",
            "/assets/a/page": b"index",
            "/cut/both": b"both",
            "/cut/assets/both": b"assets/both",
        }.items():
            assert (await ask(client, get(path))).body == found, path
        for path in ("/cut/cut/both", "/assets/../both", "/assets/.%2e/x"):
            assert (await ask(client, get(path))).status == 404, path
        for path, place in {"/plain?a=b": "/plain/?a=b", "/cut": "/cut/"}.items():
            answer = await ask(client, get(path))
            assert (answer.status, answer.field("location")) == (301, place), path


async def test_files_of_a_host_with_a_path_lie_below_that_path(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "a.txt").write_text("x/a")
    for name in ("a.txt", "index.html"):
        (tmp_path / name).write_text(name)
    site = SiteSpec((f"{HOST}/x", "*.other/x/y"), StaticFiles(folder=tmp_path))
    async with asked(site=site) as (_, client, _backend):
        for path, found in {"/x/a.txt": b"x/a", "/x/": b"index.html", "/x/b": None}.items():
            answer = await ask(client, get(path))
            assert (answer.status, answer.body) == (200, found) or answer.status == 404, path
        (tmp_path / "x" / "a.txt").unlink()
        assert (await ask(client, get("/x/a.txt"))).body == b"a.txt"


async def test_a_file_of_a_route_is_opened_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "a.js").write_text("a")
    names: list[bytes] = []
    really_open = PublicFolder.open

    def opening(folder: PublicFolder, name: bytes) -> OpenFile:
        names.append(name)
        return really_open(folder, name)

    monkeypatch.setattr(PublicFolder, "open", opening)
    assets = Route(
        name="assets",
        conditions=Conditions(paths=("/assets/*",)),
        answerer=StaticFiles(folder=tmp_path),
    )
    async with asked(site=SiteSpec((HOST,), None, routes=(assets,))) as (_, client, _backend):
        assert (await ask(client, get("/assets/a.js"))).body == b"a"
    assert names == [b"assets/a.js"]
