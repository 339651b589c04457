"""`https`: of the whole project, and of a proxy; the certificate that somebody brings along."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, StrictBool, model_validator

from rpx.config.settings.on_disk import File
from rpx.config.settings.written import Maybe, Switched, setting, switch, switched
from rpx.config.wording import wrong
from rpx.model.config import Https

_CERTIFICATE = (
    "[your own certificate](https.md#own-certificates) and its key, instead of one of rpx's;"
    " relative to rpx.yaml"
)


class HttpsWritten(Switched):
    """`https`."""

    example = "https: true"
    nouns = (Https,)

    cert: Maybe[File] = setting(_CERTIFICATE)
    key: Maybe[File] = setting(_CERTIFICATE)
    redirect: Maybe[StrictBool] = setting(
        "a request without TLS gets a 308 to the same URL with https"
    )

    @model_validator(mode="after")
    def _both(self) -> HttpsWritten:
        if (self.cert is None) != (self.key is None):
            has, lacks = ("key", "cert") if self.cert is None else ("cert", "key")
            raise wrong(f"has a `{has}`, but no `{lacks}`", "it may be the same file")
        return self


class ProxyHttpsWritten(HttpsWritten):
    """`https` of a proxy. `cert: null` is no certificate of the user's."""

    cert: File | None = setting(_CERTIFICATE)
    key: File | None = setting(_CERTIFICATE)

    @property
    def alone(self) -> bool:
        """Whether it doesn't have the certificate of the whole project."""
        return bool(self.enabled) or bool(self.model_fields_set & {"cert", "key"})


HttpsField = Annotated[HttpsWritten, BeforeValidator(switch)]
ProxyHttpsField = Annotated[ProxyHttpsWritten, BeforeValidator(switch)]


def https_of(
    own: ProxyHttpsWritten | None, project: HttpsWritten | None, *, late: bool
) -> Https | None:
    """What a proxy says over what the project does. `late`: its own files may come into being."""
    below = project.written() if project is not None else None
    if below is not None and own is not None and own.alone:
        below = {name: value for name, value in below.items() if name not in {"cert", "key"}}
    settings = switched(below, own.written() if own is not None else None)
    if settings is None:
        return None
    late = late and own is not None and own.cert is not None
    return _with_contents(Https(**settings, late=late))


def _with_contents(https: Https) -> Https:
    """The same, with what its files hold: that they are others is a change, too."""
    if https.cert is None or https.key is None:
        return https
    files: tuple[Path, ...] = (https.cert, https.key)
    try:
        held = b"\0".join(path.read_bytes() for path in files)
    except OSError:
        return https  # checks/certificates.py says it
    return https.model_copy(update={"contents": hashlib.sha256(held).hexdigest()})
