"""`rewrite`, `strip_prefix`, and where a `redirect` leads: what becomes of a path.

Raises: PydanticCustomError, as values.py says.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import BeforeValidator

from rpx.config.settings.forms import text
from rpx.config.settings.written import Kind
from rpx.config.wording import shown, wrong
from rpx.model.suggest import did_you_mean
from rpx.policy.expression_trees import BadPattern
from rpx.policy.path_patterns import PathPattern
from rpx.policy.templates import QUERY, Template

_STRANGE = re.compile(r"[^!-~]")
_URL = re.compile(r"(?i:https?)://(?:[^\s/?#@$]+)(?=[/?#]|$)")
_PERCENT: Final = "write it percent-encoded, as %20 for a space"


def strip_prefix(value: object) -> object:
    """The beginning of paths, without a slash at its end."""
    if not isinstance(value, str):
        return value
    if not value.startswith("/"):
        raise wrong(f"does not begin with a /: {shown(value)}", f"write it as /{value}")
    if "*" in value or "/:" in value:
        hint = "it is cut off as it stands here; `rewrite: /$1` keeps what `*` takes"
        raise wrong(f"is no literal beginning of a path: {shown(value)}", hint)
    if not value.rstrip("/"):
        raise wrong("cuts nothing off", "leave it out")
    return _in_a_path(value).rstrip("/")


def rewrite(value: object) -> object:
    """A path with parts of another."""
    if not isinstance(value, str):
        return value
    if not value.startswith("/"):
        hint = f"write it as /{value}"
        if "://" in value:
            hint = "the backends are `from`; another place for clients is `redirect`"
        raise wrong(f"does not begin with a /: {shown(value)}", hint)
    return _template(_in_a_path(value))


def redirect_target(value: object) -> object:
    """A path or a URL, with parts of another path, but not in its host."""
    if not isinstance(value, str):
        return value
    if value.startswith("//"):
        raise wrong(f"begins with two slashes: {shown(value)}", "write http:// or https:// before")
    if not value.startswith("/"):
        if not re.match(r"(?i:https?)://", value):
            hint = f"write it as /{value}, or as a URL with https://"
            raise wrong(f"is neither a path nor a URL: {shown(value)}", hint)
        if not _URL.match(value):
            hint = "end the host with a /: what a path brings must not become a part of it"
            raise wrong(f"has no host that is the same for all: {shown(value)}", hint)
    if strange := _STRANGE.search(value):
        raise wrong(f"holds a character that no URL can: `{strange[0]}`", _PERCENT)
    return _template(value)


def _in_a_path(text: str) -> str:
    if strange := re.search(r"[^!-~]|#", text):
        raise wrong(f"holds a character that no path can: `{strange[0]}`", _PERCENT)
    return text


def _template(text: str) -> str:
    try:
        Template(text)
    except BadPattern as error:
        raise wrong(f"{error}: {shown(text)}", error.hint) from None
    return text


def missing_group(text: str, patterns: Sequence[PathPattern]) -> tuple[str, str] | None:
    """What is wrong with a template for paths that these patterns mean, and what to do about it;
    None: each of its names is a group of each of them.
    """
    for name in Template(text).names:
        for pattern in patterns:
            if name == QUERY or name in pattern.names:
                continue
            known = [f"${each}" for each in (*pattern.names, QUERY)]
            near = "" if name.isdigit() else did_you_mean(name, pattern.names)
            return (
                f"names `${name}`, which `{pattern.text}` doesn't have",
                f"{near}it has {', '.join(known)}",
            )
    return None


Prefix = Annotated[str, BeforeValidator(strip_prefix), Kind("beginning of a path", text("^/"))]
Rewrite = Annotated[str, BeforeValidator(rewrite), Kind("path, with `$1`, `$name`", text("^/"))]
