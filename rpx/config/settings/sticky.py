"""`sticky`: clients keep the backend that they have had.

Raises: PydanticCustomError, as values.py says.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field

from rpx.config.duration import written_duration
from rpx.config.settings.forms import text
from rpx.config.settings.values import DURATION, Seconds
from rpx.config.settings.written import Kind, Maybe, Switched, setting, switch
from rpx.config.wording import shown, wrong
from rpx.model.config import Sticky

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}")  # RFC 6265 §4.1.1


def cookie_name(value: object) -> object:
    """What a cookie may be called."""
    if isinstance(value, str) and not _TOKEN.fullmatch(value):
        hint = "letters, digits and !#$%&'*+-.^_`|~, for example server_id"
        raise wrong(f"is not the name of a cookie: {shown(value)}", hint)
    return value


class StickyWritten(Switched):
    """`sticky`."""

    example = "sticky: true"
    nouns = (Sticky,)

    cookie: Maybe[
        Annotated[
            str,
            BeforeValidator(cookie_name),
            Kind("name of a cookie", text(rf"^{_TOKEN.pattern}$")),
        ]
    ] = setting("it is rpx's own: backends don't see it, and can't set it")
    ttl: Maybe[
        Annotated[Seconds, Field(ge=1), Kind("duration, 1 s or more", DURATION, written_duration)]
    ] = setting("how long the client keeps the cookie, from the answer that sets it")


StickyField = Annotated[StickyWritten, BeforeValidator(switch)]
