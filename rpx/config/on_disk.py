"""What must be there on disk when rpx.yaml names it; more validators of schema.py.

Of what comes after a oneshot nothing is looked at: the oneshot may make it.
"""

from __future__ import annotations

import ssl
from pathlib import Path

from pydantic import ValidationInfo

from rpx.config.wording import shown, wrong


def folder(value: object, info: ValidationInfo) -> object:
    """A folder that is there, absolute; relative ones begin at the project's."""
    if not isinstance(value, str):
        return value
    path = (_root(info) / value).resolve()
    if not _late(info) and not path.is_dir():
        fault = "is not a folder" if path.exists() else "does not exist"
        raise wrong(f"{fault}: {shown(value)}", f"looked for {path}")
    return path


def authorities(value: object, info: ValidationInfo) -> object:
    """A file of certificates in PEM, absolute; relative paths begin at the project's folder."""
    path = file(value, info)
    if isinstance(path, Path) and not _late(info):
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
        except ssl.SSLError:
            raise wrong(
                f"holds no certificates in PEM: {shown(value)}", f"looked into {path}"
            ) from None
    return path


def file(value: object, info: ValidationInfo) -> object:
    """A file that can be read, absolute; relative paths begin at the project's folder."""
    if not isinstance(value, str):
        return value
    path = (_root(info) / value).resolve()
    if _late(info):
        return path
    try:
        path.open("rb").close()
    except OSError as error:
        fault = "does not exist" if isinstance(error, FileNotFoundError) else "cannot be read"
        raise wrong(f"{fault}: {shown(value)}", f"looked for {path}") from None
    return path


def _root(info: ValidationInfo) -> Path:
    return Path((info.context or {}).get("root", Path()))


def _late(info: ValidationInfo) -> bool:
    return bool((info.context or {}).get("late"))
