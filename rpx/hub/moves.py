"""What happens to the processes of a project: what their lives say, and what follows from it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from rpx.hub.endpoint import Endpoint
from rpx.hub.process import Process, ProcessRun
from rpx.hub.rotation import Rotation
from rpx.model.status import (
    AT_REST,
    HAS_PROCESS,
    Ended,
    Intent,
    Obstacle,
    State,
    StateChanged,
)
from rpx.policy.depend import sentence
from rpx.policy.lifecycle import Move, advance, wanted_after, wanted_by
from rpx.policy.restarts import History


class Moves(Rotation):
    """The part of the registry that lives and checks move. A state has one writer: its life."""

    # ---- what a life does

    def move(self, process: Process, move: Move, *, reason: str = "") -> None:
        """Move `process` on in its life, its endpoints with it, and tell whoever listens."""
        endpoints = self.endpoints_of(process)
        own = next((each for each in endpoints if each.own), None)
        before, spoken_of = own.visible_state if own else process.state, process.pid
        process.state = after = advance(process.state, move)
        process.intent = wanted_after(process.intent, move, after)
        waits = after is State.WAITING
        process.obstacles = self.obstacles(process.spec, process.starts_after) if waits else ()
        if move is Move.LAUNCH:
            self._launched(process, endpoints)
        process.restarts += move in (Move.CRASHED, Move.REPLACED)
        if after not in HAS_PROCESS:
            process.pid = None
        if reason:
            process.blame(reason)
        self._announce(process)
        if own is not None:
            self._go_with(process, own)
        for other in endpoints:
            if other is not own:
                self._follow(other, own)
        told = sentence(process.obstacles) if waits else reason
        self._tell(process, before, own.visible_state if own else after, told, spoken_of)

    def _launched(self, process: Process, endpoints: Iterable[Endpoint]) -> None:
        process.generation += 1
        process.watch(None)
        process.exited = False
        process.standing.elsewhere = ""
        for each in endpoints:
            each.unfind()

    def _go_with(self, process: Process, own: Endpoint) -> None:
        """Have its `own` endpoint answer as the life of a process says."""
        ready = process.state is State.READY
        own.lent = False
        own.verdict = State.READY if ready else State.UNHEALTHY
        if process.state not in HAS_PROCESS:
            own.watch(None)
        if ready:
            own.find_by_answer()
        self._set_rotation(own, up=ready)

    def _follow(self, endpoint: Endpoint, own: Endpoint | None) -> None:
        """Take `endpoint` out and bring it back with its process, whose `own` one is another."""
        assert endpoint.process is not None  # noqa: S101 - it has moved
        runs = endpoint.process.runs
        if runs:
            endpoint.find_beside(own.found_at if own is not None else None)
            endpoint.find_by_answer()
        self._set_rotation(endpoint, up=runs and endpoint.verdict is State.READY)
        if runs and endpoint.verdict is not State.READY:
            endpoint.check_soon()  # its checks have seen nobody there so far

    def want(self, process: Process, intent: Intent) -> None:
        """Say what is wanted of `process` from now on, before a move shows it."""
        process.intent = wanted_by(intent, process.intent)

    def end_trial(self, process: Process) -> None:
        """From now on it runs, or doesn't, as it has turned out."""
        if process.intent is Intent.TRIAL:
            process.intent = Intent.DOWN if process.state in AT_REST else Intent.UP
        self.nudge()

    def start_after(self, process: Process, names: Collection[str]) -> None:
        """Let `process` start once these services, as far as it depends on them, have changed."""
        process.starts_after = names

    def look_ahead(self, process: Process) -> tuple[Obstacle, ...]:
        """Return what stands between `process` and its start; say so if it has become hopeless."""
        found = self.obstacles(process.spec, process.starts_after)
        if process.state is State.WAITING and found != process.obstacles:
            was_stuck, process.obstacles = process.stuck, found
            if process.stuck and not was_stuck:
                self.say(f"does not start: it waits {sentence(found)}", process)
            self._announce_all(process)  # others may be waiting for this one
        return found

    def started(self, process: Process, pid: int) -> None:
        """Say which process it is now."""
        process.pid, process.left = pid, ()
        process.life = ProcessRun(process.label, pid, process.generation)
        process.has_run = True
        self._announce_all(process)

    def exited(self, process: Process) -> None:
        """Take its endpoints out in the instant it has gone; what that means comes later."""
        process.exited = True
        self._announce(process)
        for each in self.endpoints_of(process):
            self._set_rotation(each, up=False)

    def left(self, process: Process, pids: Sequence[int]) -> None:
        """Keep who goes on when its leader has gone."""
        process.left = pids

    def ended(self, process: Process, what: str, code: int, uptime: float) -> None:
        """Keep how a run of it ended."""
        process.ended = Ended(what, code, uptime, self._clock())

    def ended_unasked(self, process: Process) -> None:
        """Keep that a run of it has ended by itself."""
        process.ended_unasked = True

    def remember(self, process: Process, history: History) -> None:
        """Keep which of its crashes count from now on."""
        process.history = history

    def rest(self, process: Process, due: float) -> None:
        """Keep when its rest ends, in trio's time."""
        process.due = due

    def lost(self, process: Process, reason: str) -> None:
        """Its life ended by a bug of ours: nobody will move this process again."""
        before, process.state, process.pid = process.state, State.FAILED, None
        self.want(process, Intent.DOWN)
        process.blame(reason)
        self.exited(process)
        self._tell_lost(process, before, reason)

    def unchecked(self, endpoint: Endpoint, reason: str) -> None:
        """Its checks ended by a bug of ours: nobody will know whether it answers."""
        before, endpoint.verdict = endpoint.state, State.FAILED
        endpoint.blame(reason)
        self._set_rotation(endpoint, up=False)
        self._tell_lost(endpoint, before, reason)

    def _tell_lost(self, record: Process | Endpoint, before: State, reason: str) -> None:
        label = record.label
        self.events.publish(StateChanged(label, before, State.FAILED, reason, None, self._clock()))

    def _announce_all(self, process: Process) -> None:
        self._announce(process)
        for each in self.endpoints_of(process):
            self._announce(each)

    # ---- what checks do

    def judge(self, endpoint: Endpoint, move: Move, *, reason: str = "") -> None:
        """Keep whether `endpoint` answers: PROBE_UP or PROBE_DOWN. By its own one that moves the
        life of a process.
        """
        process = endpoint.process
        if endpoint.own and process is not None:
            self.move(process, move, reason=reason)
            return
        before = endpoint.visible_state
        endpoint.verdict = advance(endpoint.verdict or State.UNHEALTHY, move)
        if reason:
            endpoint.blame(reason)
        if endpoint.verdict is State.READY:
            own = self.own_endpoint(process) if process is not None else None
            endpoint.find_beside(own.found_at if own is not None else None)
            endpoint.find_by_answer()
        self._set_rotation(endpoint, up=endpoint.verdict is State.READY)
        self._tell_of(endpoint, before, reason)
