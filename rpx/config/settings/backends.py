"""Where the backends of a proxy or a route listen, and what runs there.

Raises: PydanticCustomError, as values.py says.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StrictInt, model_validator

from rpx.config.settings.source import Sources
from rpx.config.settings.start_settings import Instances, StartField
from rpx.config.settings.values import Name
from rpx.config.settings.written import Kind, Maybe, Written, setting
from rpx.config.wording import wrong


class SourcesWritten(Written):
    """Where requests go, and what runs there."""

    from_: Annotated[
        Sources,
        Field(
            alias="from",
            description="[the backends](#from), in the order of their turns",
            examples=[
                "write where its backends listen, as `from: localhost:3000`, or give it a `start`"
            ],
        ),
    ]
    name: Maybe[Name] = setting(
        "how commands and output call it",
        "first label of `to`; for paths of one host with the path: `shop-api`",
    )
    protocol: Maybe[Annotated[Literal["http", "h2c"], Kind("`http`, `h2c`")]] = setting(
        "what is spoken there without TLS: `h2c` is [HTTP/2](#http2-to-backends) alone, as of gRPC",
        "`http`, but for `h2c://` in `from`",
    )
    start: Maybe[StartField] = setting("[what runs behind each address](#start)")
    replicas: Maybe[Annotated[StrictInt, Field(ge=1, le=100), Kind("1 to 100")]] = setting(
        "without `from`: how many copies of `start` run, on [free ports](#replicas)", "`1`"
    )
    instances: Maybe[Instances] = setting(
        "one process for [all addresses](#from)", "a process for each address"
    )

    @model_validator(mode="before")
    @classmethod
    def _free_ports(cls, value: object) -> object:
        """What rpx starts needs no `from`."""
        if isinstance(value, dict) and "start" in value and "from" not in value:
            return {**value, "from": ()}
        return value

    @model_validator(mode="after")
    def _one_way(self) -> SourcesWritten:
        if self.replicas is not None and self.from_:
            raise wrong(
                "has `from` and `replicas`", "keep one: each address of `from` is a copy already"
            )
        if self.instances and self.start is None:
            raise wrong("has `instances`, but nothing to `start`", "add a `start`, or leave it out")
        if self.one_process and (self.replicas or 1) > 1:
            raise wrong("has `replicas` and `instances: 1`", "keep one of them")
        if self.protocol is not None and any(each.secured for each in self.from_):
            raise wrong(
                "has `protocol`, and an https:// address",
                "leave `protocol` out: with TLS both sides agree on what they speak",
            )
        return self

    @property
    def h2c(self) -> bool:
        """Nothing but HTTP/2 is spoken with its backends, without TLS."""
        return self.protocol == "h2c"

    @property
    def has_backends(self) -> bool:
        """Whether it has any."""
        return bool(self.from_ or self.start)

    @property
    def one_process(self) -> bool:
        """One process serves all addresses without a `start` of their own."""
        return bool(self.instances or (self.start and self.start.instances))
