"""`ports`: where else a process listens on this machine.

Raises: PydanticCustomError, as values.py says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Final

from pydantic import BeforeValidator

from rpx.config.settings.forms import number, one_or_more
from rpx.config.settings.written import Kind
from rpx.config.wording import shown, wrong
from rpx.model.address import Address
from rpx.model.config import ServicePort

_FORMS: Final = "write 5432; auto:5432 for a free one; of a container also 5433:5432"
_PORT = re.compile(r"(?:(?P<here>auto|[0-9]{1,5}):)?(?P<inside>[0-9]{1,5})")
_WITH_ADDRESS = re.compile(r"(?:\[[0-9a-f:]*\]|[0-9.]+|localhost):(?P<rest>[0-9]+:[0-9]+)")


def ports(value: object) -> object:
    """One, or a list; none is there twice."""
    written = value if isinstance(value, list) else [value]
    found = tuple(service_port(each, at) for at, each in enumerate(written))
    seen: set[tuple[str, int]] = set()
    for at, port in enumerate(found):
        ways = {("inside", port.inside)}
        ways |= {("here", port.address.port)} if port.address is not None else set()
        if ways & seen:
            raise wrong(f"has {port.inside} twice", "keep one of them", at)
        seen |= ways
    if not found:
        raise wrong("is empty", "write a port, or remove the line")
    return found


def service_port(value: object, at: int) -> ServicePort:
    """A port, one of this machine for one inside, or `auto` for a free one."""
    text = str(value).strip() if isinstance(value, str | int) else ""
    found = _PORT.fullmatch(text)
    if isinstance(value, bool) or found is None:
        raise wrong(f"has something that is no port: {shown(value)}", _hint(text), at)
    inside = _number(found["inside"], value, at)
    if found["here"] == "auto":
        return ServicePort(inside=inside, auto=True)
    here = _number(found["here"] or found["inside"], value, at)
    return ServicePort(inside=inside, address=Address("localhost", here))


def _number(text: str, value: object, at: int) -> int:
    if text.startswith("0") or int(text) > 65535:
        raise wrong(f"has no usable port: {shown(value)}", "ports go from 1 to 65535", at)
    return int(text)


def _hint(text: str) -> str:
    if found := _WITH_ADDRESS.fullmatch(text):
        return f"write {found['rest']}: it is a port of this machine alone"
    if text.endswith(("/tcp", "/udp")):
        return f"write {text[:-4]}" if text.endswith("/tcp") else "rpx has to do with TCP only"
    if "-" in text:
        return "write each port by itself: [8000, 8001]"
    if text == "auto":
        return "write auto:5432, with the port by which it is known"
    return _FORMS


def written_ports(found: Iterable[ServicePort]) -> list[str | int]:
    """What may be written for ports."""
    return [_written(each) for each in found]


def _written(each: ServicePort) -> str | int:
    if each.auto or each.address is None:
        return f"auto:{each.inside}"
    here = each.address.port
    return here if here == each.inside else f"{here}:{each.inside}"


Ports = Annotated[
    tuple[ServicePort, ...],
    BeforeValidator(ports),
    Kind(
        "port, `auto:port`, `port:port`, or list",
        one_or_more(
            number(pattern=r"^\s*((auto|[0-9]{1,5}):)?[0-9]{1,5}\s*$", minimum=1, maximum=65535)
        ),
        written_ports,
    ),
]
