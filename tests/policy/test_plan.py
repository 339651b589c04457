"""Labels: unique whatever the addresses are."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from rpx.model.address import Address, Location, SocketFile, Tls
from rpx.model.config import Config, ProcessEntry, ProxyEntry, Source, Start
from rpx.model.ports import Ports
from rpx.model.specs import endpoints_of, processes_of
from rpx.policy.plan import for_services, plan_backends

ROOT = Path("/srv")


def labels(*locations: Location, start: Start | None = None) -> list[str]:
    proxy = ProxyEntry(
        to="api.localhost",
        name="api",
        sources=tuple(Source(address=each, start=start) for each in locations),
    )
    return [
        spec.label
        for spec in plan_backends(Config(name="x", root=ROOT, proxies=(proxy,)), Ports(80))
    ]


def test_a_port_names_a_backend() -> None:
    assert labels(Address("localhost", 3000), Address("localhost", 3001)) == [
        "api:3000",
        "api:3001",
    ]


def test_a_socket_is_named_by_its_index() -> None:
    assert labels(Address("localhost", 3000), SocketFile("/a", "/a")) == ["api:3000", "api:2"]


def test_a_port_that_two_have_names_neither() -> None:
    two = Address("10.0.0.1", 443), Address("10.0.0.2", 443)
    assert labels(*two, Address("localhost", 3000)) == ["api:1", "api:2", "api:3000"]


@given(
    some.lists(
        some.one_of(
            some.builds(Address, some.sampled_from(["a", "b", "c"]), some.integers(1, 5)),
            some.builds(lambda n: SocketFile(f"/{n}", f"/{n}"), some.integers(1, 3)),
        ),
        max_size=8,
    )
)
def test_no_two_backends_have_one_label(locations: list[Location]) -> None:
    found = labels(*locations)
    assert len(set(found)) == len(locations)


def test_services_reach_by_an_address_what_has_a_name_of_its_own_where_rpx_starts_any() -> None:
    started = Source(address=Address("localhost", 3000), start=Start(command="x", cwd=ROOT))
    proxies = (
        ProxyEntry(to="api.localhost", name="api", sources=(started,)),
        ProxyEntry(to="api.localhost/v2", name="api-v2", sources=()),
        ProxyEntry(to="*.web.localhost", name="tenants", sources=()),
    )
    config = Config(name="x", root=ROOT, proxies=proxies)
    assert for_services(config) == {
        "RPX_API_URL": "api.localhost",
        "RPX_API_V2_URL": "api.localhost/v2",
    }
    assert for_services(config.model_copy(update={"proxies": proxies[1:]})) == {}


def test_a_proxy_that_is_called_like_the_public_url_of_another_is_reached_by_it() -> None:
    start = Start(command="x", cwd=ROOT)
    here = Source(address=Address("localhost", 3000), start=start)
    proxies = (
        ProxyEntry(to="api.localhost", name="api", sources=(here,)),
        ProxyEntry(to="shown.localhost", name="api-public", sources=()),
    )
    [process] = processes_of(
        plan_backends(Config(name="x", root=ROOT, proxies=proxies), Ports(8080))
    )
    told = dict(process.environment)
    assert told["RPX_API_PUBLIC_URL"] == "http://shown.localhost:8080"
    assert told["RPX_API_PUBLIC_PUBLIC_URL"] == "http://shown.localhost:8080"


def test_every_process_is_told_where_the_proxies_are() -> None:
    here = Source(address=Address("localhost", 3000), start=Start(command="x", cwd=ROOT))
    config = Config(
        name="x",
        root=ROOT,
        proxies=(
            ProxyEntry(to="api.localhost", name="api", sources=(here,)),
            ProxyEntry(to="web.localhost/app", name="web-app", sources=()),
            ProxyEntry(to="*.web.localhost", name="tenants", sources=()),
        ),
        processes=(ProcessEntry(name="worker", start=Start(command="x", cwd=ROOT)),),
    )
    ports = Ports(8080, services={"RPX_API_URL": 20_123, "RPX_WEB_APP_URL": 20_124})
    for process in processes_of(plan_backends(config, ports)):
        told = {name: url for name, url in process.environment if name.endswith("_URL")}
        told.pop("RPX_URL", None)
        assert told == {
            "RPX_API_URL": "http://127.0.0.1:20123",
            "RPX_WEB_APP_URL": "http://127.0.0.1:20124/app",
            "RPX_API_PUBLIC_URL": "http://api.localhost:8080",
            "RPX_WEB_APP_PUBLIC_URL": "http://web.localhost:8080/app",
        }


@pytest.mark.parametrize(
    ("location", "origin"),
    [
        (Address("localhost", 3000), b"http://localhost:3000"),
        (Address("localhost", 80), b"http://localhost"),
        (Address("::1", 3000), b"http://[::1]:3000"),
        (Address("shop.test", 443, Tls()), b"https://shop.test"),
        (Address("shop.test", 80, Tls()), b"https://shop.test:80"),
        (SocketFile("/a", "/a"), b"http://localhost"),
    ],
)
def test_an_origin_is_changed_to_what_the_backend_calls_itself(
    location: Location, origin: bytes
) -> None:
    proxy = ProxyEntry(to="a", name="a", sources=(Source(address=location),), change_origin=True)
    [there] = endpoints_of(plan_backends(Config(name="x", root=ROOT, proxies=(proxy,)), Ports(80)))
    assert there.change_origin == origin
    plain = proxy.model_copy(update={"change_origin": False})
    [there] = endpoints_of(plan_backends(Config(name="x", root=ROOT, proxies=(plain,)), Ports(80)))
    assert there.change_origin == b""
