"""`from`: the addresses of the backends, each with what is said of it alone.

Raises: PydanticCustomError, as values.py says.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from pydantic import BeforeValidator, StrictBool, model_validator

from rpx.config.settings.addresses import ADDRESS, ADDRESSES, Located, LocatedUrl, addresses
from rpx.config.settings.forms import any_of, list_of
from rpx.config.settings.on_disk import Authorities
from rpx.config.settings.start_settings import StartField
from rpx.config.settings.values import Whole
from rpx.config.settings.written import Kind, Maybe, Written, given, setting
from rpx.config.wording import wrong
from rpx.model.address import Address, Location, Tls
from rpx.model.config import Source

_WHERE = ("address", "url")


def source(value: object) -> object:
    """An entry of `from` that is only an address."""
    return {"address": value} if not isinstance(value, dict) else value


class SourceWritten(Written):
    """An entry of `from`."""

    nouns = (Source,)
    needs = _WHERE
    apart = (_WHERE,)

    address: Maybe[Located] = setting("either this")
    url: Maybe[LocatedUrl] = setting("or this; without a port, the port is 80 or 443. No path")
    verify: Maybe[StrictBool] = setting(
        "with https: whether the backend's certificate is [verified](#tls); `true` if not given"
    )
    ca: Maybe[Authorities] = setting(
        "with https: [the authorities to trust](#tls), instead of the system's"
    )
    weight: Maybe[Whole] = setting(
        "its share of the requests beside the others', 1 if not given. 0: no new requests. Not all"
        " of a pool can be 0"
    )
    start: Maybe[StartField] = setting(
        "what runs behind this one address, instead of the entry's `start`"
    )

    @model_validator(mode="after")
    def _one_address(self) -> SourceWritten:
        if (self.address is None) == (self.url is None):
            fault = "has no address" if self.url is None else "has an `address` and a `url`"
            raise wrong(fault, "give it one of `address` and `url`")
        if not self.secured and (self.ca or self.verify is not None):
            needless = "verify" if self.ca is None else "ca"
            raise wrong(
                f"has `{needless}`, but no https:// address",
                "only TLS needs it: write https:// before the address, or leave it out",
            )
        if self.ca is not None and self.verify is False:
            raise wrong("has a `ca` that `verify: false` never asks", "leave out one of the two")
        return self

    @property
    def secured(self) -> bool:
        """TLS is spoken there."""
        return isinstance(self.located, Address) and self.located.tls is not None

    @property
    def located(self) -> Location:
        """Where the backend listens."""
        found = self.address or self.url
        assert found is not None  # noqa: S101  # _one_address has seen to it
        if isinstance(found, Address) and found.tls is not None:
            tls = Tls(verify=self.verify is not False, ca=str(self.ca or ""))
            return replace(found, tls=tls)
        return found


Sources = Annotated[
    list[Annotated[SourceWritten, BeforeValidator(source)]],
    BeforeValidator(addresses),
    BeforeValidator(given),
    Kind(
        "address, or list of them",
        any_of(ADDRESSES, SourceWritten, list_of(any_of(ADDRESS, SourceWritten), least=1)),
    ),
]
