"""`realm`: what tells the hosts of this checkout from those of another one.

Raises: PydanticCustomError, as values.py says.
"""

from __future__ import annotations

import os
from typing import Annotated

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from rpx.config.settings.forms import text
from rpx.config.settings.host_names import as_ascii
from rpx.config.settings.written import Kind
from rpx.config.wording import shown, wrong
from rpx.config.worktree import realm_at
from rpx.errors import UsageError
from rpx.policy.realm import LONGEST, is_realm, label_of


def realm_name(value: object) -> object:
    """A label of a host, in lower case; "" is none."""
    if not isinstance(value, str) or not value:
        return value
    name = value.lower()
    if not is_realm(name):
        raise wrong(f"is not a realm: {shown(value)}", _instead(name))
    return name


def _instead(name: str) -> str:
    known = f"it is a label of hosts: letters, digits and - between them, {LONGEST} at most"
    near = label_of(name)
    if hint := "" if len(name) > LONGEST or "." in name else as_ascii(name):
        return hint
    return f"{known}; write {near}" if near else f'{known}; "" is none'


def realm_of(asked: str | None, written: object, folder: str | os.PathLike[str]) -> str:
    """The realm of a project in `folder`, "" for none: as it was `asked` for on the command line,
    else as it is `written` in its file, else that of the git worktree.

    What is written and wrong counts as none: it is said with all else that is wrong. Raises:
    UsageError for what is asked for and wrong.
    """
    if asked is not None:
        try:
            return str(realm_name(asked))
        except PydanticCustomError as error:
            about = error.context or {}
            raise UsageError(f"`--realm` {about['what']}", hint=about["hint"]) from None
    if not isinstance(written, str):
        return realm_at(folder)
    try:
        return str(realm_name(written))
    except PydanticCustomError:
        return ""


RealmName = Annotated[
    str, BeforeValidator(realm_name), Kind("label of a host, or empty", text("^[A-Za-z0-9-]*$"))
]
