"""What users name by a label: an address with the process behind it, or a process without one."""

from __future__ import annotations

from dataclasses import dataclass

import trio

from rpx.hub.endpoint import Endpoint
from rpx.hub.lines import LineRing
from rpx.hub.process import Process, Standing
from rpx.model.specs import BackendSpec
from rpx.model.status import Obstacle, State


@dataclass(frozen=True, slots=True, eq=False)
class Backend:
    """A line of `rpx ps`. `own` is the process that has this label; it has no state besides."""

    endpoint: Endpoint | None
    own: Process | None

    @property
    def _record(self) -> Endpoint | Process:
        record = self.endpoint or self.own
        assert record is not None  # noqa: S101 - one of them is there
        return record

    @property
    def spec(self) -> BackendSpec:
        """What it is to be."""
        return BackendSpec(
            self.endpoint.spec if self.endpoint is not None else None,
            self.own.spec if self.own is not None else None,
        )

    @property
    def label(self) -> str:
        """Its name."""
        return self._record.label

    @property
    def name(self) -> str:
        """That of its service."""
        return self._record.spec.name

    @property
    def port(self) -> int | None:
        """Where it listens: as far as is known, and else where it is told to."""
        where = (self.endpoint and self.endpoint.found_at) or self._record.spec.address
        return where.port if where is not None else None

    @property
    def process(self) -> Process | None:
        """The process behind it, also one that has another label. None: it isn't ours."""
        return self.own if self.endpoint is None else self.endpoint.process

    @property
    def external(self) -> bool:
        """Somebody else runs it."""
        return self.process is None

    @property
    def state(self) -> State:
        """Where its process is in its life, or what its checks say."""
        return self._record.state

    @property
    def visible_state(self) -> State:
        """The state as users see it."""
        return self.endpoint.visible_state if self.endpoint else self.state

    @property
    def standing(self) -> Standing:
        """What is kept under its label."""
        return self._record.standing

    @property
    def changed(self) -> trio.Event:
        """Set at the next change."""
        return self._record.changed

    @property
    def last_error(self) -> str:
        """Why it is in its state, or what was wrong last."""
        return self._record.last_error

    @property
    def obstacles(self) -> tuple[Obstacle, ...]:
        """What its process waits for."""
        return self._record.obstacles

    @property
    def lines(self) -> LineRing | None:
        """What its own process has printed."""
        return self.own.lines if self.own is not None else None

    @property
    def has_run(self) -> bool:
        """There has been a process behind it, or it is somebody else's affair."""
        return self._record.has_run

    @property
    def about_to_start(self) -> bool:
        """Its process is."""
        return self._record.about_to_start

    @property
    def pid(self) -> int | None:
        """That of its own process."""
        return self.own.pid if self.own else None

    @property
    def in_rotation(self) -> bool:
        """It gets requests; without an address: it runs as it should, and isn't leaving."""
        if self.endpoint is not None:
            return self.endpoint.in_rotation
        return self.own is not None and self.own.up and not self.own.leaving

    @property
    def in_flight(self) -> int:
        """Requests under way."""
        return self.endpoint.in_flight if self.endpoint else 0
