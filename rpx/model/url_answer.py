"""What becomes of a request for a URL, as `rpx why URL` tells it: a part of the API's answers."""

from __future__ import annotations

from dataclasses import dataclass

from rpx.model.answers import Json, read


@dataclass(frozen=True, slots=True)
class DashboardUrl:
    """Where the dashboard is, with a token that is good once and for a minute."""

    url: str


@dataclass(frozen=True, slots=True)
class PassedBy:
    """A route that was looked at before, and why it doesn't take the request."""

    number: int
    name: str
    because: str


@dataclass(frozen=True, slots=True)
class MayAnswer:
    """A backend of the pool that answers. `next`: it is its turn, as far as that is known."""

    label: str
    backend: str
    state: str  # of State; a newer rpx may have more of them
    in_rotation: bool
    weight: int
    in_flight: int
    next: bool
    last_error: str


@dataclass(frozen=True, slots=True)
class UrlWhy:
    """What becomes of a request for `url`, which `sentence` says in one line.

    `outcome` is who answers: backend, files, redirect, answer, https (a redirect there), preflight,
    password (it is asked for), unknown path, unknown host, or no answer. `to` is the entry of
    `proxies` that has the host, called `name`, and `reached` the host in it: also a wildcard, or
    `*`. `route` counts from 1 among the `routes`; None:
    none of them takes it. `target` is the path and query that a backend sees, or whose file is
    looked for; `status` and `location` are of an answer that is known beforehand. `place` is the
    key of its figures in `rpx stats --json`.
    """

    url: str
    method: str
    sentence: str
    outcome: str
    to: str | None
    reached: str
    name: str
    route: int | None
    routes: int
    route_name: str
    passed: tuple[PassedBy, ...]
    does: str
    target: str | None
    status: int | None
    location: str | None
    file: str | None
    service: str
    strategy: str | None
    backends: tuple[MayAnswer, ...]
    place: str | None
    notes: tuple[str, ...]
    hint: str

    @classmethod
    def of(cls, row: Json) -> UrlWhy:
        """The row as a value."""
        return read(
            cls,
            row,
            passed=tuple(read(PassedBy, each) for each in row.get("passed", ())),
            backends=tuple(read(MayAnswer, each) for each in row.get("backends", ())),
        )
