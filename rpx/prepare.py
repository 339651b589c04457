"""What a configuration stands on beside its backends: ports, certificates, the key of its cookies.

A run has it from here when it starts, and for every later configuration what is new in that.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import trio

from rpx.changes.project import Prepared
from rpx.listeners import (
    close_at_the_end,
    listen_for_services,
    port_of,
    ways_in,
)
from rpx.model.config import Config
from rpx.model.ports import Ports
from rpx.policy.plan import for_services
from rpx.proxy.certified import tls_contexts
from rpx.proxy.contexts import Contexts
from rpx.proxy.front_door import FrontDoor
from rpx.proxy.inlet import Inlet
from rpx.proxy.listener import Server
from rpx.proxy.settings import Settings
from rpx.runs.secret import kept_key


@dataclass(frozen=True, slots=True)
class Basis:
    """What was prepared for a configuration, and is in no use yet.

    `plain`, `tls` and, by variable, `inlets` are new listeners; `ports` are where rpx listens with
    these, and `key` is that of sticky cookies, b"" where nobody needs one. `moved` says which ports
    took the place of the usual ones, `notes` what else a user is to know.
    """

    ports: Ports
    key: bytes
    contexts: Contexts | None
    plain: Sequence[socket.socket]
    tls: Sequence[socket.socket]
    inlets: Mapping[str, Inlet]
    moved: Sequence[str]
    notes: Sequence[str]


async def prepare(
    config: Config,
    doors: ExitStack,
    say: Callable[[str], None],
    *,
    ports: Ports,
    key: bytes = b"",
    file: Path | None = None,
    taken: Iterable[int] = (),
    door: FrontDoor | None = None,
) -> Basis:
    """Prepare `config` where rpx listens at `ports` already, and has `key` already.

    `file` is where ports that rpx chooses are kept, none of those `taken` by backends. `doors`
    closes what was opened; `say` is for what the certificates have to say later; `door` is the
    machine's. Raises: RpxError when a port, a name or a certificate can't be had.
    """
    forgetful = ""
    if not key:
        key, forgetful = await sticky_key(config)
    begins = bool(config.secured) and not ports.https
    ways = await ways_in(config, ports, doors, door)
    contexts, exposed, untrusted = await tls_contexts(config.secured, say)
    proxies = for_services(config)
    inlets, elsewhere = await _inlets(proxies, config, ports, file, taken)
    close_at_the_end(doors, [inlet.listener for inlet in inlets.values()])
    services = {name: port for name, port in ports.services.items() if name in proxies}
    services |= {name: port_of([inlet.listener]) for name, inlet in inlets.items()}
    notes = forgetful, exposed, untrusted if begins else "", *elsewhere
    return Basis(
        replace(ways.ports, services=services),
        key,
        contexts,
        ways.plain,
        ways.tls,
        inlets,
        moved=ways.moved,
        notes=[text for text in notes if text],
    )


@asynccontextmanager
async def prepared(
    server: Server, file: Path | None, door: FrontDoor | None, config: Config
) -> AsyncIterator[Prepared]:
    """Prepare `config` for a project that runs. What isn't committed is closed at the end.

    `file` is where ports that rpx chooses are kept; `door` is the machine's. Raises: RpxError.
    """
    shared, registry = server.shared, server.shared.registry
    with ExitStack() as doors:
        addresses = [backend.spec.address for backend in registry.everyone]
        taken = [address.port for address in addresses if address and address.port]
        new = await prepare(
            config,
            doors,
            registry.say,
            ports=registry.ports,
            key=registry.key,
            file=file,
            taken=taken,
            door=door,
        )

        def commit() -> None:
            doors.pop_all()
            shared.contexts = new.contexts or shared.contexts
            server.let_in(new.plain)
            server.let_in(new.tls, lambda: shared.contexts)
            reached = for_services(config)
            server.lead({name: reached[name] for name in new.ports.services}, new.inlets)
            for note in (*new.moved, *new.notes):
                registry.say(note)
            registry.ports, registry.key = new.ports, new.key
            shared.settings = settings_of(config)
            registry.requests.become(config.requests)

        yield Prepared(new.ports, commit)


async def _inlets(
    proxies: Mapping[str, str],
    config: Config,
    ports: Ports,
    file: Path | None,
    taken: Iterable[int],
) -> tuple[dict[str, Inlet], list[str]]:
    """Open those that aren't there, by variable; also say what there is to say about that."""
    missing = [name for name in proxies if name not in ports.services]
    if not missing:
        return {}, []
    opened, notes = await trio.to_thread.run_sync(listen_for_services, missing, config, file, taken)
    return {name: Inlet(listener, proxies[name]) for name, listener in opened.items()}, notes


def settings_of(config: Config) -> Settings:
    """Return what `config` says of how requests are treated."""
    return Settings.of(verbose=config.verbose, timeouts=config.timeouts, limits=config.limits)


async def sticky_key(config: Config) -> tuple[bytes, str]:
    """Return the key of sticky cookies, and what is to be said when it can't be kept."""
    if not any(proxy.pool.sticky for proxy in config.proxies):
        return b"", ""
    try:
        return await trio.to_thread.run_sync(kept_key), ""
    except OSError as error:
        why = f"{error.filename}: {error.strerror}"
        note = f"sticky sessions end with this run, since their key can't be kept ({why})"
        return secrets.token_bytes(), note
