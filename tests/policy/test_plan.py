"""Labels: unique whatever the addresses are."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as some

from rpx.model.address import Address, Location, SocketFile
from rpx.model.config import Config, Proxy, Source, Start
from rpx.policy.plan import plan

ROOT = Path("/srv")


def labels(*locations: Location, start: Start | None = None) -> list[str]:
    proxy = Proxy(
        to="api.localhost",
        name="api",
        sources=tuple(Source(address=each, start=start) for each in locations),
    )
    return [spec.label for spec in plan(Config(name="x", root=ROOT, proxies=(proxy,)), 80)]


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
