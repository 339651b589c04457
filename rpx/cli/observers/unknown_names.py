"""Says once, when a project starts, which of its names browsers and other programs don't find."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import trio

from rpx.doctor.names import remedy, unknown
from rpx.hub.registry import Registry
from rpx.hub.shutdown import Shutdown


class UnknownNames:
    """An `Observer`. Of names below `.localhost` nothing is said: browsers and curl know them, and
    services have URLs without names. For others everybody asks libc.
    """

    def __init__(self, look: Callable[[Iterable[str]], list[str]] = unknown) -> None:
        """`look` tells which hosts of some `to`s are unknown, and may block."""
        self._look = look

    async def __call__(
        self,
        registry: Registry,
        shutdown: Shutdown,
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        task_status.started()
        if not registry.processes:
            return
        hosts = [host for host in registry.hosts if not f".{host}".endswith(".localhost")]
        found = await trio.to_thread.run_sync(self._look, hosts, abandon_on_cancel=True)
        if found and not shutdown.asked:
            registry.say(sentence(found))


def sentence(hosts: list[str]) -> str:
    """`this system does not know shop.test: neither browsers nor other programs find it; …`."""
    *most, last = hosts
    names = f"{', '.join(most)} and {last}" if most else last
    them = "them" if most else "it"
    return (
        f"this system does not know {names}: neither browsers nor other programs find {them};"
        f" {remedy(hosts)}"
    )
