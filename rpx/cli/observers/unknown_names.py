"""Says once, when a project starts, which of its names the programs of this machine don't know."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import trio

from rpx.doctor.names import remedy, unknown
from rpx.hub.registry import Registry
from rpx.hub.shutdown import Shutdown


class UnknownNames:
    """An `Observer`. curl and browsers know all names below `.localhost`, and so does the
    user who tries one; a service that calls another by its URL asks libc, which may not.
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
        hosts = [pool.host for pool in registry.pools.values() if pool.backends]
        found = await trio.to_thread.run_sync(self._look, hosts, abandon_on_cancel=True)
        if found and not shutdown.asked:
            registry.say(sentence(found))


def sentence(hosts: list[str]) -> str:
    """`this system does not know api.localhost: services that call it …`."""
    *most, last = hosts
    names = f"{', '.join(most)} and {last}" if most else last
    them = "them" if most else "it"
    below = [host.endswith(".localhost") for host in hosts]
    if not all(below):
        but = " but browsers and curl, which know names below .localhost" if any(below) else ""
        return (
            f"this system does not know {names}: no program here finds {them}{but}; {remedy(hosts)}"
        )
    return (
        f"this system does not know {names}: browsers and curl do, services that call {them} don't;"
        f" {remedy(hosts)}"
    )
