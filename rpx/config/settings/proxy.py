"""An entry of `proxies`: who is asked for, who answers, and what else there is to say."""

from __future__ import annotations

from typing import Annotated

from pydantic import StrictBool, model_validator

from rpx.config.settings.backends import SourcesWritten
from rpx.config.settings.depends import DependsOn
from rpx.config.settings.host_names import Hosts
from rpx.config.settings.https import ProxyHttpsField
from rpx.config.settings.on_the_way import TreatmentWritten
from rpx.config.settings.pool_settings import PoolWritten
from rpx.config.settings.route_entry import RouteWritten
from rpx.config.settings.values import Names
from rpx.config.settings.without_backends import AnswersWritten
from rpx.config.settings.written import Kind, Maybe, Needed, Written, needed, setting
from rpx.config.wording import wrong
from rpx.model.config import PoolSpec, ProxyEntry

_ANSWERED = ("start", "static", "redirect", "respond", "routes")


class HostsWritten(Written):
    """What requests are for."""

    to: Needed[Hosts] = needed(
        "[what clients ask for](#to)",
        "say which host it answers to, for example `to: api.localhost`",
    )


class ProxyWritten(TreatmentWritten, AnswersWritten, PoolWritten, SourcesWritten, HostsWritten):
    """An entry of `proxies`. Messages list its settings from the last of its bases to its own."""

    nouns = (ProxyEntry, PoolSpec)
    needs = ("from", *_ANSWERED)
    apart = (
        *(("static", "redirect", "respond", own) for own in ("from", "start")),
        ("from", "replicas"),
    )

    routes: Maybe[Annotated[list[RouteWritten], Kind("list of routes")]] = setting(
        "[requests that go elsewhere](#routes) by path, method, header, in this order"
    )
    https: Maybe[ProxyHttpsField] = setting(
        "[encrypted connections](#https) for its host", "the project's"
    )
    change_origin: Maybe[StrictBool] = setting(
        "`Host` says [what the backend calls itself](#tls) instead of what clients call it, and so"
        " does `Origin`"
    )
    depends_on: Maybe[DependsOn] = setting(
        "[what must be there](#depends_on) before its processes are started"
    )
    profiles: Maybe[Names] = setting("it belongs to a run only [with one of these](#profiles)")
    autostart: Maybe[StrictBool] = setting(
        "`false`: its processes are started [when somebody asks for them](#autostart)"
    )

    @model_validator(mode="before")
    @classmethod
    def _other_answers(cls, value: object) -> object:
        """Who answers need not be backends of its own."""
        if isinstance(value, dict) and "from" not in value and value.keys() & set(_ANSWERED):
            return {**value, "from": ()}
        return value

    @model_validator(mode="after")
    def _one_answer(self) -> ProxyWritten:
        own = ["from" if self.from_ else "start"] if self.has_backends else []
        names = [*own, *self.answerers]
        if len(names) > 1:
            several = ", ".join(f"`{name}`" for name in names)
            raise wrong(
                f"has several that answer: {several}",
                "keep one; what is for some paths is a route: `routes: [{path: /assets/*, …}]`",
            )
        return self
