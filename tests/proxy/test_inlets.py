"""What comes by a listener for services: it is for one proxy, whatever host it names."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from rpx.app import new_registry
from rpx.config import config_from_mapping
from rpx.model.config import Config
from rpx.model.ports import Ports
from rpx.policy.lifecycle import Move
from rpx.policy.plan import plan_pools
from rpx.proxy.inlet import Inlet
from rpx.proxy.listener import listen_at
from tests.proxy.house import House, get, serving, until
from tests.support.origin import Origin, answers, origin, says
from tests.support.raw import Raw, connect

API, WEB, SHOP = "api.localhost", "web.localhost/app", "shop.localhost"
FIELDS = b"\r\nHost: api.localhost:8443\r\n"


class Services:
    """A server with three proxies, each with an inlet and a backend that says the route's name."""

    def __init__(
        self, house: House, origins: Mapping[str, Origin], inlets: Mapping[str, Inlet]
    ) -> None:
        self.house = house
        self.origins = origins
        self.inlets = inlets
        self.clients: list[Raw] = []

    async def client(self, to: str = API) -> Raw:
        """Connect as a service does."""
        raw = await connect(port_of(self.inlets[to]))
        self.clients.append(raw)
        return raw

    async def seen(self, to: str, *lines: str) -> bytes:
        """The head that the backend behind `to` gets for a request with these lines."""
        client = await self.client(to)
        await client.send("\r\n".join((*lines, "", "")).encode())
        assert (await client.answer()).status == 200
        return self.origins[to].requests[-1]


def listens(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def port_of(inlet: Inlet) -> int:
    port: int = inlet.listener.getsockname()[1]
    return port


@asynccontextmanager
async def services(
    *,
    up: bool = True,
    answer: bytes = b"",
    by_hand: str = "",
    **more: Any,  # noqa: ANN401 - keys of rpx.yaml
) -> AsyncIterator[Services]:
    """Such a server; backends say `answer`, else the route's name. The test itself plays that which
    is `by_hand`. All hosts have TLS, which is enforced, and which nobody needs to speak.
    """
    async with AsyncExitStack() as stack:
        origins = {
            to: await stack.enter_async_context(
                origin(*[answers(answer or says(to))] * (to != by_hand))
            )
            for to in (API, WEB, SHOP)
        }
        config = written(origins, **more)
        house = House(new_registry(config, b"key", Ports()), verbose=False)
        house.registry.ports = Ports(8080, 8443)
        house.inlets = {to: Inlet(listen_at("127.0.0.1", 0), to) for to in origins}
        it = Services(house, origins, house.inlets)
        await stack.enter_async_context(serving(house, up=up))
        try:
            yield it
        finally:
            for client in it.clients:
                client.close()


def written(origins: Mapping[str, Origin], **more: Any) -> Config:  # noqa: ANN401 - keys of rpx.yaml
    """The configuration; `more` are keys of each proxy."""
    proxies = [
        {"to": to, "from": f"127.0.0.1:{it.port}", "https": {"redirect": True}, **more}
        for to, it in origins.items()
    ]
    return config_from_mapping({"proxies": proxies}, root=Path("/"), environ={})


@pytest.mark.parametrize(
    "lines",
    [
        ("GET / HTTP/1.1", "Host: 127.0.0.1:20123"),
        ("GET / HTTP/1.1", "Host: shop.localhost"),
        ("GET / HTTP/1.1", "Host: whatever.example"),
        ("GET / HTTP/1.1", "Host: api"),
        ("GET http://shop.localhost/ HTTP/1.1", "Host: shop.localhost"),
        ("GET / HTTP/1.0",),
    ],
)
async def test_whatever_host_is_named_the_one_proxy_answers_under_its_public_name(
    lines: tuple[str, ...],
) -> None:
    async with services() as it:
        head = await it.seen(API, *lines)
    assert head.startswith(b"GET / HTTP/1.1\r\nHost: api.localhost:8443\r\n")
    assert head.count(b"\r\nHost:") == 1
    assert b"\r\nX-Forwarded-Host: api.localhost:8443\r\n" in head
    assert b"\r\nX-Forwarded-Proto: https\r\n" in head
    assert b"\r\nX-Forwarded-For: 127.0.0.1\r\n" in head


async def test_what_it_says_of_hops_before_is_not_believed_here_either() -> None:
    async with services() as it:
        said = ("X-Forwarded-Proto: http", "X-Forwarded-Host: evil.example")
        head = await it.seen(API, "GET / HTTP/1.1", "Host: x", *said)
    assert b"evil" not in head
    assert b"X-Forwarded-Proto: https" in head


async def test_who_is_trusted_is_not_sent_to_tls_whatever_it_says() -> None:
    async with services() as it:
        it.house.shared.peers.__init__(["localhost"])  # type: ignore[misc]
        head = await it.seen(API, "GET / HTTP/1.1", "Host: x", "X-Forwarded-Proto: http")
    assert b"X-Forwarded-Proto: http\r\n" in head


async def test_requests_of_one_connection_are_renamed_each_the_remembered_ones_too() -> None:
    async with services() as it:
        client = await it.client()
        for target in ("/a", "/b?x", "/c"):
            await client.send(f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n".encode())
            assert (await client.answer()).body == API.encode()
        await client.send(b"POST /d HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi")
        assert (await client.answer()).status == 200
        heads = it.origins[API].requests
    assert [head.split(b" ")[1] for head in heads] == [b"/a", b"/b?x", b"/c", b"/d"]
    assert all(FIELDS in head for head in heads)


async def test_an_origin_of_the_address_becomes_that_of_the_public_name() -> None:
    async with services() as it:
        head = await it.seen(
            API, "GET / HTTP/1.1", "Host: 127.0.0.1:9", "Origin: http://127.0.0.1:9"
        )
        other = await it.seen(API, "GET / HTTP/1.1", "Host: 127.0.0.1:9", "Origin: http://a.test")
    assert b"\r\nOrigin: https://api.localhost:8443\r\n" in head
    assert b"\r\nOrigin: http://a.test\r\n" in other


def redirects(to: str) -> bytes:
    return b"HTTP/1.1 307 Moved\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n" % to.encode()


@pytest.mark.parametrize(
    ("to", "said", "place"),
    [
        (API, "https://api.localhost:8443/x/?y#z", "HERE/x/?y#z"),
        (
            API,
            "http://API.localhost:8443",
            "HERE",
        ),  # of a server that believes no X-Forwarded-Proto
        (API, "/x/", "/x/"),
        (API, "https://api.localhost:84430/x", "https://api.localhost:84430/x"),
        (API, "https://web.localhost:8443/x", "https://web.localhost:8443/x"),
        (API, "ftp://api.localhost:8443/x", "ftp://api.localhost:8443/x"),
        (WEB, "https://web.localhost:8443/app?y", "HERE/app?y"),
        (WEB, "https://web.localhost:8443/login", "https://web.localhost:8443/login"),
    ],
)
async def test_a_redirect_to_the_public_name_leads_to_where_the_client_can_go(
    to: str, said: str, place: str
) -> None:
    async with services(answer=redirects(said)) as it:
        client = await it.client(to)
        await client.send(b"GET /app HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = await client.answer()
        here = f"http://127.0.0.1:{port_of(it.inlets[to])}"
    assert answer.status == 307
    assert answer.field("location") == place.replace("HERE", here)


async def test_a_proxy_with_a_path_has_that_path_and_what_lies_below_it() -> None:
    async with services() as it:
        for target in ("/app", "/app/x?y", "/app?y"):
            head = await it.seen(WEB, f"GET {target} HTTP/1.1", "Host: x")
            assert head.startswith(f"GET {target} HTTP/1.1\r\nHost: web.localhost:8443".encode())
        client = await it.client(WEB)
        for target in ("/", "/apps", "*"):
            await client.send(f"OPTIONS {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            answer = await client.answer()
            assert answer.status == 404
            assert b"this path of web.localhost" in answer.body


async def test_it_is_counted_and_gets_its_place_like_any_request() -> None:
    async with services(sticky=True) as it:
        client = await it.client()
        await client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        cookie = (await client.answer()).field("set-cookie")
        assert cookie is not None
        assert "Secure" not in cookie  # its client would not send it back
        mine = cookie.partition(";")[0].encode()
        await client.send(b"GET / HTTP/1.1\r\nHost: x\r\nCookie: %b\r\n\r\n" % mine)
        assert (await client.answer()).field("set-cookie") is None
        (figures,) = it.house.registry.stats()[API].values()
    assert figures["requests"] == 2


async def test_the_page_of_an_error_names_the_public_host() -> None:
    async with services(up=False, hold=0, start="true") as it:
        client = await it.client()
        await client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = await client.answer()
    assert answer.status == 503
    assert b"No backend of api.localhost is up." in answer.body


async def test_a_request_is_held_until_there_is_a_backend() -> None:
    async with services(up=False, start="true") as it:
        (backend,) = it.house.pool.backends
        assert backend.process is not None
        it.house.registry.move(backend.process, Move.LAUNCH)
        client = await it.client()
        await client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await until(lambda: it.house.pool.waiting, "nobody waits")
        it.house.registry.judge(backend, Move.PROBE_UP)
        assert (await client.answer()).body == API.encode()


@pytest.mark.parametrize("field", ["Accept-Language: de", "Origin: http://evil.example:20123"])
async def test_the_page_of_another_site_does_not_get_in_by_a_name_of_its_own(field: str) -> None:
    async with services() as it:
        client = await it.client()
        await client.send(f"GET / HTTP/1.1\r\nHost: evil.example\r\n{field}\r\n\r\n".encode())
        answer = await client.answer()
        assert answer.status == 404
        assert b"api.localhost" not in answer.body
        assert not it.origins[API].requests
        for host in ("127.0.0.1:20123", "localhost:20123", "web.localhost", "api"):
            await it.seen(API, "GET / HTTP/1.1", f"Host: {host}", field)


async def test_tls_is_not_spoken_there() -> None:
    async with services() as it:
        client = await it.client()
        await client.send(b"\x16\x03\x01\x00\x05hello")
        assert (await client.answer()).status == 400


async def test_a_loop_ends_as_elsewhere() -> None:
    async with services() as it:
        client = await it.client()
        loops = "CDN-Loop: " + ", ".join(["rpx"] * 5)
        await client.send(f"GET / HTTP/1.1\r\nHost: x\r\n{loops}\r\n\r\n".encode())
        assert (await client.answer()).status == 508


async def test_after_a_reload_each_leads_to_what_it_is_for_now_and_others_stay() -> None:
    async with services() as it:
        kept, moved = await it.client(SHOP), await it.client(API)
        for client in (kept, moved):
            await client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await client.answer()).status == 200
        new = Inlet(listen_at("127.0.0.1", 0), SHOP)
        left = port_of(it.inlets[WEB])
        it.house.server.lead({API: "new.localhost", SHOP: SHOP, "more": SHOP}, {"more": new})
        await moved.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await moved.answer()).body == API.encode()  # as long as there is no other
        pools = it.house.registry.pools
        plain = written({"new.localhost": it.origins[API], SHOP: it.origins[SHOP]}, https=False)
        shop = list(pools[SHOP].backends)
        it.house.registry.arrange(
            plan_pools(plain.proxies), {"new.localhost": list(pools[API].backends), SHOP: shop}
        )
        await moved.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await moved.answer()).status == 200
        head = it.origins[API].requests[-1]
        assert b"\r\nHost: new.localhost:8080\r\n" in head
        assert b"\r\nX-Forwarded-Proto: http\r\n" in head
        await kept.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await kept.answer()).body == SHOP.encode()
        client = await connect(port_of(new))
        it.clients.append(client)
        await client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await client.answer()).body == SHOP.encode()
        await until(lambda: not listens(left), "it is still there")


async def test_one_whose_proxy_has_gone_is_closed_and_who_is_there_is_told() -> None:
    async with services() as it:
        client = await it.client()
        await client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await client.answer()
        it.house.server.lead({}, {})
        it.house.registry.arrange({}, {})
        await client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await client.answer()).status == 404
        await until(lambda: it.inlets[API].listener.fileno() < 0, "it is still there")


async def test_what_answers_the_last_request_of_a_client_may_still_ask_others() -> None:
    async with services(by_hand=API, https=False) as it:
        house, port = it.house, port_of(it.inlets[SHOP])
        client = await house.client()
        await client.send(get())
        gateway = await it.origins[API].accept()
        await gateway.request()
        house.stop()
        await until(lambda: house.shared.draining and not listens(house.port), "it goes on")
        service = await it.client(SHOP)
        await service.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await gateway.send(says((await service.answer()).body.decode()))
        assert (await client.answer()).body == SHOP.encode()
        client.close()
        service.close()
        await until(lambda: not listens(port), "services can still come in")
        await until(house.done.is_set, "the server does not go down", 30)
