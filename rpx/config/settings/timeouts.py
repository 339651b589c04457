"""`timeouts`: how long the proxy waits for whom."""

from __future__ import annotations

from rpx.config.settings.values import Seconds, Wait
from rpx.config.settings.written import Maybe, Written, setting
from rpx.model.own_settings import Timeouts


class TimeoutsWritten(Written):
    """`timeouts`."""

    example = "timeouts: {answer: 60s}"
    nouns = (Timeouts,)

    head: Maybe[Wait] = setting(
        "for a client's request head to come in whole; then the connection is closed"
    )
    idle: Maybe[Wait] = setting("for a client's next request; then the connection is closed")
    body: Maybe[Wait] = setting(
        "for a client that is silent within a request body; then the request is given up"
    )
    send: Maybe[Wait] = setting(
        "for a client that takes nothing of its answer, though more of it waits; then its"
        " connection is cut, and a line says so. Also for a backend that takes nothing of a"
        " request's body; then 504. A client that reads slowly is not cut off"
    )
    connect: Maybe[Wait] = setting(
        "for a backend to take a connection; then the next backend is asked, at last 504"
    )
    answer: Maybe[Wait] = setting(
        "for the head of a backend's answer; then 504. The request is not sent again: it may have"
        " been done",
        "for ever",
    )
    upstream_idle: Maybe[Seconds] = setting(
        "until an idle connection to a backend is closed, unless its `Keep-Alive: timeout=` says"
        " otherwise; `0`: [none is kept](proxying.md#connections)"
    )
