"""What a configuration stands on beside its backends: ports, certificates, the key of its cookies.

A run has it from here when it starts, and for every later configuration what is new in that.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, replace

import trio

from rpx.changes.project import Prepared
from rpx.listeners import HTTP, HTTPS, close_at_the_end, listen, port_of
from rpx.model.config import Config
from rpx.model.ports import Ports
from rpx.proxy.certified import tls_contexts
from rpx.proxy.contexts import Contexts
from rpx.proxy.listener import Server
from rpx.proxy.settings import Settings
from rpx.runs.secret import kept_key


@dataclass(frozen=True, slots=True)
class Basis:
    """What was prepared for a configuration, and is in no use yet.

    `plain` and `tls` are new listeners; `ports` are where rpx listens with these, and `key` is that
    of sticky cookies, b"" where nobody needs one. `moved` says which ports took the place of the
    usual ones, `notes` what else a user is to know.
    """

    ports: Ports
    key: bytes
    contexts: Contexts | None
    plain: Sequence[socket.socket]
    tls: Sequence[socket.socket]
    moved: Sequence[str]
    notes: Sequence[str]


async def prepare(
    config: Config,
    doors: ExitStack,
    say: Callable[[str], None],
    *,
    ports: Ports,
    key: bytes = b"",
) -> Basis:
    """Prepare `config` where rpx listens at `ports` already, and has `key` already.

    `doors` closes what was opened; `say` is for what the certificates have to say later. Raises:
    RpxError when a port or a certificate can't be had.
    """
    forgetful = ""
    if not key:
        key, forgetful = await sticky_key(config)
    plain: list[socket.socket] = []
    tls: list[socket.socket] = []
    moved = moved_tls = ""
    if config.is_served and not ports.http:
        plain, moved = listen(config.listen.host, HTTP, config.listen.http_port)
        close_at_the_end(doors, plain)
    begins = bool(config.secured) and not ports.https
    if begins:
        tls, moved_tls = listen(config.listen.host, HTTPS, config.listen.https_port)
        close_at_the_end(doors, tls)
    contexts, exposed, untrusted = await tls_contexts(config.secured, say)
    notes = forgetful, exposed, untrusted if begins else ""
    return Basis(
        replace(ports, http=ports.http or port_of(plain), https=ports.https or port_of(tls)),
        key,
        contexts,
        plain,
        tls,
        moved=[text for text in (moved, moved_tls) if text],
        notes=[text for text in notes if text],
    )


@asynccontextmanager
async def prepared(server: Server, config: Config) -> AsyncIterator[Prepared]:
    """Prepare `config` for a project that runs. What isn't committed is closed at the end.

    Raises: RpxError.
    """
    shared, registry = server.shared, server.shared.registry
    with ExitStack() as doors:
        new = await prepare(config, doors, registry.say, ports=registry.ports, key=registry.key)

        def commit() -> None:
            doors.pop_all()
            shared.contexts = new.contexts or shared.contexts
            server.let_in(new.plain)
            server.let_in(new.tls, lambda: shared.contexts)
            for note in (*new.moved, *new.notes):
                registry.say(note)
            registry.ports, registry.key = new.ports, new.key
            shared.settings = settings_of(config)

        yield Prepared(new.ports, commit)


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
