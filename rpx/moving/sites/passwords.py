"""Files of names and passwords (`htpasswd`), of which rpx.yaml can have the names."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from pathlib import Path

from rpx.moving.draft import Draft, Written
from rpx.moving.remarks import Origin

_NO_VARIABLE = re.compile(r"[^A-Z0-9]+")


def basic_auth(file: Path | None, draft: Draft, service: str, what: str, origin: Origin) -> Written:
    """What `auth` says for such a file. Passwords are hashed there: each gets a new one."""
    names: list[str] = []
    if file is not None and file.is_file():
        for line in file.read_text("utf-8", "replace").splitlines():
            name, colon, _ = line.strip().partition(":")
            if colon and not name.startswith("#"):
                names.append(name)
    return auth_of(names, draft, service, what, origin)


def auth_of(names: Iterable[str], draft: Draft, service: str, what: str, origin: Origin) -> Written:
    """What `auth` says for names whose passwords nobody knows."""
    users = list(names) or ["dev"]
    variables = [variable_of(name) for name in users]
    why = "passwords are hashed, and can't come over: these are new ones"
    told = ", ".join(variables)
    draft.lost(service, what, why, origin, f"set {told} in `.env`, or write them into rpx.yaml")
    return {
        "basic": {
            name: f"${{{variable}:-{secrets.token_hex(6)}}}"
            for name, variable in zip(users, variables, strict=True)
        }
    }


def variable_of(name: str) -> str:
    """The variable for a user's password: `ANN_PASSWORD`."""
    word = _NO_VARIABLE.sub("_", name.upper()).strip("_") or "BASIC"
    return f"{word}_PASSWORD" if word[0].isalpha() else f"USER_{word}_PASSWORD"
