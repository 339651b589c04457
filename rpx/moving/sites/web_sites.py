"""Sites of a web server: which hosts, and who answers what."""

from __future__ import annotations

from dataclasses import dataclass, field

from rpx.moving.draft import Written
from rpx.moving.remarks import Origin


@dataclass(frozen=True, slots=True)
class Upstream:
    """One backend: `host:port`, `unix:path`, or a URL with https; None is a weight of 1."""

    address: str
    weight: int | None = None
    verify: bool = True

    @property
    def written(self) -> object:
        """As an entry of `from`."""
        kind = "url" if "://" in self.address else "address"
        extra: Written = {} if self.weight is None else {"weight": self.weight}
        if kind == "url" and not self.verify:
            extra["verify"] = False
        return {kind: self.address, **extra} if extra or kind == "url" else self.address


@dataclass(frozen=True, slots=True)
class BackendPool:
    """Backends that take turns. `settings` are words of a proxy beside `from`, as YAML's items."""

    upstreams: tuple[Upstream, ...]
    name: str = ""  # what its file calls it
    settings: tuple[tuple[str, object], ...] = ()

    @property
    def key(self) -> str:
        """The same for pools that are one."""
        return repr((self.upstreams, self.settings))

    @property
    def written(self) -> Written:
        """Its words in rpx.yaml."""
        listed = [each.written for each in self.upstreams]
        return {"from": listed[0] if len(listed) == 1 else listed, **dict(self.settings)}


@dataclass(slots=True)
class Rule:
    """A route that is to be. `paths` are patterns, () for all; `conditions` is what else must hold.

    `answer` is a pool, or the words of a route that say who answers (`static`, `respond` …).
    `change` is what becomes of the path. `request`, `response` are rules for fields, as `headers`
    has them below that; `cors` and `auth` are what a route has, None for nothing.
    """

    origin: Origin
    answer: BackendPool | Written
    paths: tuple[str, ...] = ()
    conditions: Written = field(default_factory=dict)
    change: Written = field(default_factory=dict)
    request: Written = field(default_factory=dict)
    response: Written = field(default_factory=dict)
    cors: object = None
    auth: object = None
    name: str = ""

    @property
    def takes_all(self) -> bool:
        """Whether it is for whatever comes."""
        return not self.paths and not self.conditions


@dataclass(slots=True)
class WebSite:
    """Hosts, and their rules in the order in which they are looked at."""

    origin: Origin
    hosts: list[str]
    rules: list[Rule] = field(default_factory=list)
    https: object = None  # what `https` of its proxy says; None: nothing
    name: str = ""
