"""What must be there on disk when rpx.yaml names it: paths as they may be written.

Of what comes after a oneshot nothing is looked at: the oneshot may make it.
Raises: PydanticCustomError, as values.py says.
"""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, ValidationInfo

from rpx.config.settings.forms import TEXT
from rpx.config.settings.written import Kind
from rpx.config.wording import shown, wrong
from rpx.folders import why_missing


def folder(value: object, info: ValidationInfo) -> object:
    """A folder that is there, absolute; relative ones begin at the project's."""
    if not isinstance(value, str):
        return value
    path = _resolved(value, info)
    if not _late(info) and not os.path.isdir(path):
        fault = why_missing(path) or "is not a folder"
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
    path = _resolved(value, info)
    if _late(info):
        return path
    try:
        path.open("rb").close()
    except OSError as error:
        fault = "does not exist" if isinstance(error, FileNotFoundError) else "cannot be read"
        raise wrong(f"{fault}: {shown(value)}", f"looked for {path}") from None
    return path


def _resolved(value: str, info: ValidationInfo) -> Path:
    """What a path leads to now; where it begins is kept in mind."""
    context = info.context or {}
    path = Path(context.get("root", Path()), value)
    context.get("named", []).append(path)
    return Path(os.path.realpath(path))


def _late(info: ValidationInfo) -> bool:
    return bool((info.context or {}).get("late"))


Folder = Annotated[Path, BeforeValidator(folder), Kind("folder", TEXT, str)]
File = Annotated[Path, BeforeValidator(file), Kind("file in PEM", TEXT, str)]
Authorities = Annotated[Path, BeforeValidator(authorities), Kind("file", TEXT, str)]
