"""The schema of rpx.yaml as a file, and the line by which an editor finds it.

The file is this user's, beside the local authority: it has the same path whatever becomes of the
environment that rpx is installed in (pipx and `uv tool` make theirs anew, with the version of
Python in its path), needs no network, and each rpx that makes another schema replaces it.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Final

import rpx
from rpx.folders import data_home, make_folder

NAME: Final = "rpx.schema.json"
_PLAIN = re.compile(r"[A-Za-z0-9_./~+,@=-]+")  # what may stand in the line as it is
_BEGINNING: Final = 200  # characters, in which it says whose it is
_MODELINE: Final = "# yaml-language-server: $schema="


def schema_line() -> str:
    """The first line of a new rpx.yaml, by which editors know its settings; "" where there can be
    no such file. The file is there then.
    """
    path = schema_file()
    return f"{_MODELINE}{_as_named(path)}" if path is not None else ""


def schema_file() -> Path | None:
    """The path of the schema of this rpx, which is written if need be; None where it can't be."""
    path = _path()
    if path is None:
        return None
    try:
        text = schema_text()
        if _read(path) != text:
            make_folder(path.parent)
            _replace(path, text)
    except OSError:
        return None
    return path


def renew_schema_file() -> None:
    """Write it anew where it is there, and of another rpx: editors are to know the new settings.

    It costs a look at the beginning of a file where it is this one's. Never raises.
    """
    path = _path()
    begun = _read(path, _BEGINNING) if path is not None else ""
    if begun and f'"$comment": "{made_by()}"' not in begun:
        schema_file()


def made_by() -> str:
    """Which rpx a schema is of."""
    return f"rpx {rpx.__version__}"


def schema_text() -> str:
    """The schema as it is printed, and as it stands in the file."""
    from rpx.config.json_schema import json_schema  # noqa: PLC0415 - all models, for few

    dialect, whole = "http://json-schema.org/draft-07/schema#", json_schema()
    made = {"$schema": dialect, "$comment": made_by(), **whole}
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"


def _as_named(path: Path) -> str:
    """A path, or a URL where editors would not read on: they end at a blank."""
    return str(path) if _PLAIN.fullmatch(str(path)) else path.as_uri()


def _path() -> Path | None:
    folder = data_home()
    return folder / NAME if folder is not None else None


def _read(path: Path, most: int = -1) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(most)
    except (OSError, ValueError):
        return ""


def _replace(path: Path, text: str) -> None:
    """Write a whole file in the place of another, whoever reads meanwhile. Raises: OSError."""
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        beside.touch(0o600)
        beside.write_text(text, "utf-8")
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
