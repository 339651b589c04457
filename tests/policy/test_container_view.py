"""What variables tell of this machine, as a container has it."""

from __future__ import annotations

from pathlib import Path

from rpx.model.address import Address
from rpx.model.config import ServicePort, Start
from rpx.model.container import Container
from rpx.model.specs import ProcessSpec
from rpx.policy.container_view import inside_ports, seen_from_inside


def container(name: str, *ports: tuple[int, int], address: int = 0, port: int = 0) -> ProcessSpec:
    start = Start(
        command=(),
        cwd=Path("/"),
        container=Container(image="x", port=port or None),
        ports=tuple(ServicePort(inside=b, address=Address("localhost", a)) for a, b in ports),
    )
    place = Address("localhost", address) if address else None
    return ProcessSpec(name, name, 1, start, address=place)


TOLD = {
    "RPX_NAME": "web",
    "RPX_DB_HOST": "127.0.0.1",
    "RPX_DB_PORT": "5433",
    "RPX_DB_PORT_5432": "5433",
    "RPX_DB_ADDRESS": "127.0.0.1:5433",
    "RPX_LOCAL_ADDRESS": "127.0.0.1:3000",
    "RPX_MAIL_URL": "http://127.0.0.1:20000/inbox",
    "RPX_API_URL": "http://127.0.0.1:20001",
    "RPX_API_PUBLIC_URL": "https://api.localhost",
}


def test_a_container_is_reached_by_its_address_first() -> None:
    spec = container("mail", (1025, 1025), (5433, 5432), address=8025, port=80)
    assert inside_ports(spec) == [(8025, 80), (1025, 1025), (5433, 5432)]
    assert inside_ports(container("mail", address=8025)) == [(8025, 8025)]


def test_neighbours_are_known_by_name_and_by_their_own_ports() -> None:
    mail, db = container("mail", address=8025, port=80), container("db", (5433, 5432))
    seen = seen_from_inside(TOLD, [mail, db, container("quiet")], "host.docker.internal")
    assert seen == TOLD | {
        "RPX_DB_HOST": "db",
        "RPX_DB_PORT": "5432",
        "RPX_DB_PORT_5432": "5432",
        "RPX_DB_ADDRESS": "db:5432",
        "RPX_LOCAL_ADDRESS": "host.docker.internal:3000",
        "RPX_MAIL_URL": "http://mail:80/inbox",
        "RPX_MAIL_HOST": "mail",
        "RPX_MAIL_PORT": "80",
        "RPX_MAIL_ADDRESS": "mail:80",
        "RPX_API_URL": "http://host.docker.internal:20001",
    }


def test_without_neighbours_all_are_outside() -> None:
    seen = seen_from_inside(TOLD, [], "host.containers.internal")
    assert seen["RPX_DB_ADDRESS"] == "host.containers.internal:5433"
    assert seen["RPX_API_PUBLIC_URL"] == "https://api.localhost"
