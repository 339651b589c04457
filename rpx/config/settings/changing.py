"""`reload` and `watch`: when rpx.yaml is read again, which files restart a service.

Raises: PydanticCustomError, as values.py says.
"""

from __future__ import annotations

from typing import Annotated, get_args

from pydantic import BeforeValidator

from rpx.config.settings.forms import FILLED, one_or_more
from rpx.config.settings.written import Kind, several
from rpx.config.wording import shown, wrong
from rpx.model.config import Reload


def reload(value: object) -> object:
    """When the file is read again: only when somebody says so, or when it changes."""
    if value not in get_args(Reload):
        raise wrong(f"is neither `auto` nor `manual`: {shown(value)}", "write `reload: auto`")
    return value


def patterns(value: object) -> object:
    """One pattern of paths, or several."""
    found = several(value)
    texts = [each for each in found if isinstance(each, str)]
    for each in found:
        if not isinstance(each, str) or each in ("", "!") or "\0" in each:
            hint = "write patterns of paths: `watch: [src/**/*.py]`, or a folder: `watch: src`"
            raise wrong(f"has something that is no pattern of paths: {shown(each)}", hint)
    if all(each.startswith("!") for each in texts):
        raise wrong("only says what not to watch", "add a pattern of what to watch")
    return found


WhenToReload = Annotated[Reload, BeforeValidator(reload), Kind("`manual`, `auto`")]
Patterns = Annotated[
    tuple[str, ...],
    BeforeValidator(patterns),
    Kind("pattern, or list of them", one_or_more(FILLED), list),
]
