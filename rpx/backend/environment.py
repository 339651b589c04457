"""What a process finds in its environment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from rpx.backend.other_user import Account, account_to_become
from rpx.model.address import Address
from rpx.model.late import filled, is_of_a_realm, marked
from rpx.model.specs import ProcessSpec

# Whom to trust instead of all others. One that is set says how: several do not add up.
LISTS: Final = frozenset({"SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"})
_ROOTS = re.compile(r"HOME|USER|LOGNAME|SHELL|MAIL|XDG_(?:RUNTIME_DIR|[A-Z]+_HOME)|DBUS_.*")


def child_environment(
    spec: ProcessSpec,
    *,
    colour: bool,
    usual: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, str]:
    """Return the whole environment of a service: rpx's own, what rpx adds, the user's on top.

    Below all of it is what is `usual`, of lists of authorities only where none is chosen by hand.
    Raises: RpxError if it can't be run as whom it is to be.
    """
    env = spec.start.env
    account = account_to_become(spec.start.user) if spec.start.container is None else None
    usual = usual if account is None else {}  # it couldn't read files in the home of rpx
    chosen = LISTS & {*os.environ, *env}
    below = {name: usual[name] for name in usual.keys() - (LISTS if chosen else ())}
    environment = {**below, **os.environ}
    environment["PYTHONUNBUFFERED"] = "1"  # else a crash takes the last lines with it
    if colour and "NO_COLOR" not in environment:
        environment.setdefault("FORCE_COLOR", "1")  # docs/adr/0016: a pipe, and no terminal
        environment.setdefault("CLICOLOR_FORCE", "1")
    if account is not None:
        environment = as_of(account, environment)
    if spec.start.tty:
        environment.setdefault("TERM", "xterm-256color")
    for name in [name for name in environment if is_of_a_realm(name)]:
        del environment[name]  # of another project, whose service rpx itself may be
    environment.update(spec.environment)
    take_env(environment, env)
    if isinstance(spec.address, Address) and environment.get("PORT") == str(spec.address.written):
        environment["PORT"] = str(spec.address.port)  # `env` says which address it serves
    return environment


def as_of(account: Account, environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment of root's as somebody else has it, who can't get at root's files."""
    kept = {name: text for name, text in environment.items() if not _ROOTS.fullmatch(name)}
    own = {"HOME": account.home or "/", "USER": account.name, "LOGNAME": account.name}
    own |= {"SHELL": account.shell} if account.shell else {}
    return {**kept, **{name: text for name, text in own.items() if text}}


def take_env(environment: dict[str, str], env: Mapping[str, str | None]) -> None:
    """Put what a user has written for a process on top of its environment; None takes away."""
    plain = {name: text for name, text in env.items() if text and not marked(text)}
    given = {**environment, **plain}
    for name, value in env.items():
        if value is None:
            environment.pop(name, None)
        else:
            environment[name] = filled(value, given)
