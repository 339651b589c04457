"""What the JSON in frames says, as types. Nothing imports this at run time: the door stays small.

Strings and lists are bounded (door_frames.py). A reader ignores keys that it does not know.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict


class WantedEntrance(TypedDict):
    """Where a member wants to be reached. `fds`: as many listeners of that port come with HELLO."""

    tls: bool
    port: int | None  # None: the machine's
    fds: NotRequired[int]  # 0 to 2; what is no listener of loopback at that port is closed


class MemberHello(TypedDict):
    """A member says who it is, and which names are its own. Again after each reload."""

    v: int  # the newest protocol that it speaks
    rpx: str  # version of the package
    pid: int
    run_id: str
    project: str
    folder: str
    file: str
    realm: str  # "" for none
    branch: str  # for people; "" for none
    start: NotRequired[str]  # what is to be typed in `folder` to start it; without, `rpx up`
    hosts: list[str]  # lower case, no port; `*.domain` is one label, `*` any; IPv6 in brackets
    entrances: list[WantedEntrance]
    accepts: bool  # it can accept for itself while it is alone
    prefer: NotRequired[
        dict[Literal["http", "https"], int]
    ]  # the machine's ports, if none is chosen


class GivenEntrance(TypedDict):
    """An entrance. The listeners of those that the member neither sent nor had come with it."""

    id: int  # what TAKE, ALONE and HALT call it, 0 to 255
    tls: bool
    port: int
    machine: bool  # it is the machine's one for this protocol
    usual: int  # what it would have been: 80 or 443 for the machine's, else `port`
    errno: int  # why `usual` is not to be had (EADDRINUSE, EACCES); 0 if it was
    fds: int  # 127.0.0.1 first, then ::1


class Welcome(TypedDict):
    """The door takes a member."""

    v: int  # the protocol that is spoken: the older of both
    rpx: str
    pid: int
    since: float  # seconds since the epoch
    entrances: list[GivenEntrance]  # in the order in which HELLO has them


class Holder(TypedDict):
    """Who has a name."""

    project: str
    folder: str
    file: str
    pid: int
    realm: str
    since: float  # when it joined, seconds since the epoch


class Refused(TypedDict):
    """The door takes none of a HELLO. `host`: `name` is `holder`'s. `port`: `port` can't be opened.
    `hello`: `why` says what is wrong with it. `version`: it speaks no protocol of ours.
    """

    kind: Literal["host", "port", "hello", "version"]
    name: NotRequired[str]
    holder: NotRequired[Holder]
    port: NotRequired[int]
    errno: NotRequired[int]
    why: NotRequired[str]


class OtherHosts(TypedDict):
    """Hosts of others which a wildcard of the member's covers: they go before it.

    For who has `*` they are all, also wildcards, and that of the machine's page.
    """

    hosts: list[str]


class ServiceState(TypedDict):
    """A line of a project on the machine's page."""

    name: str
    url: str  # what a browser opens; "" for none
    state: str  # as `rpx ps` says it


class StateOfMember(TypedDict):
    """How a project is, for the machine's page and `rpx projects`."""

    state: str  # one word: starting, ready, failing, stopping, stopped
    services: list[ServiceState]
