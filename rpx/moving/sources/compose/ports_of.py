"""The `ports` and `expose` of a service: what listens inside, and where it was published."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rpx.moving.lined import Lined
from rpx.moving.remarks import Origin
from rpx.moving.sources.compose.compose_files import ComposeProject

_SHORT = re.compile(
    r"(?:(?P<ip>\[[\da-f:]*\]|\d+\.\d+\.\d+\.\d+|\$\{[^}]*\}(?=:[^:]*:)):)?"
    r"(?:(?P<here>[^:]*):)?(?P<inside>[^:]+)\Z",
    re.IGNORECASE,
)
_LOOPBACK = ("127.", "[::1]", "::1")
_MOST = 20  # ports of a range


@dataclass(frozen=True, slots=True)
class PublishedPort:
    """`inside`: where the program listens. `here`: the port of this machine, None where compose
    takes a free one; `written` is the same as the file has it, with its variables. `loopback`: the
    address, where it was one of this machine alone.
    """

    inside: int
    here: int | None
    written: str
    loopback: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class LostPort:
    """One that isn't carried over, and why."""

    written: str
    why: str
    origin: Origin


def published(service: Lined, project: ComposeProject) -> Iterator[PublishedPort | LostPort]:
    """All of `ports`, ranges as single ports."""
    written = service.get("ports")
    for item in written.items if written else ():
        yield from (_long if item.mapping else _short)(item, project)


def exposed(service: Lined, project: ComposeProject) -> list[int]:
    """What `expose` names."""
    written = service.get("expose")
    texts = [project.filled(item).partition("/")[0] for item in written.items] if written else []
    return [int(text) for text in texts if text.isdigit()]


def _short(item: Lined, project: ComposeProject) -> Iterator[PublishedPort | LostPort]:
    text, slash, protocol = item.text.rpartition("/")
    text = text if slash else item.text
    filled = project.filled(item).partition("/")[0]
    if slash and protocol.lower() != "tcp":
        yield LostPort(item.text, "rpx has to do with TCP only", item.origin)
        return
    found, raw = _SHORT.match(filled), _SHORT.match(_veiled(text))
    if found is None:
        yield LostPort(item.text, "it is no port that can be read", item.origin)
        return
    address = (found["ip"] or "") if (found["ip"] or "").startswith(_LOOPBACK) else ""
    insides, heres = _range(found["inside"]), _range(found["here"] or "")
    if not insides or (heres and len(heres) != len(insides)) or len(insides) > _MOST:
        yield LostPort(item.text, "a range that can't be brought over", item.origin)
        return
    for number, inside in enumerate(insides):
        here = heres[number] if heres else None
        same = len(insides) == 1 and raw is not None and raw["here"] == "\0"
        yield PublishedPort(
            inside, here, _unveiled(text) if same else str(here or ""), address, item.origin
        )


def _veiled(text: str) -> str:
    """With something in place of each variable, whose `:-` is no colon between ports."""
    return re.sub(r"\$\{[^{}]*\}|\$\w+", "\0", text)


def _unveiled(text: str) -> str:
    """The variable that has the port of this machine."""
    found = re.findall(r"\$\{[^{}]*\}|\$\w+", text)
    return str(found[0]) if len(found) == 1 else ""


def _long(item: Lined, project: ComposeProject) -> Iterator[PublishedPort | LostPort]:
    target, here = project.filled(item.get("target")), project.filled(item.get("published"))
    if (project.filled(item.get("protocol")) or "tcp") != "tcp":
        yield LostPort(f"{here}:{target}", "rpx has to do with TCP only", item.origin)
    elif not target.isdigit():
        yield LostPort(f"{here}:{target}", "it is no port that can be read", item.origin)
    else:
        ip = project.filled(item.get("host_ip"))
        written = item.get("published")
        yield PublishedPort(
            int(target),
            int(here) if here.isdigit() else None,
            written.text if written else "",
            ip if ip.startswith(_LOOPBACK) else "",
            item.origin,
        )


def _range(text: str) -> list[int]:
    first, dash, last = text.partition("-")
    if not first.isdigit() or (dash and not last.isdigit()):
        return []
    return list(range(int(first), (int(last) if dash else int(first)) + 1))[: _MOST + 1]
