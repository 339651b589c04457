"""What the console says, from a real registry whose backends are moved by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from rpx.cli.observers.sentences import ORDER, Teller, stopping, waiting
from rpx.hub.backend import Backend
from rpx.hub.bus import Subscription
from rpx.hub.registry import Registry
from rpx.model.config import PoolSpec, Start
from rpx.model.ports import Ports
from rpx.model.route import StaticFiles
from rpx.model.status import Event, Routed, StateChanged
from rpx.policy.lifecycle import Move
from rpx.policy.sites import SiteSpec, sites_of_pools
from tests.support.bench import endpoint_of, external, process_of, spec
from tests.support.specs import backend_spec, varied


class Told:
    """Moves backends and collects what is told about it. `now` is the time."""

    def __init__(self) -> None:
        worker = backend_spec("worker", 1, start=Start(command=("./work", "a b"), cwd=Path("/srv")))
        self.now = 100.0
        self.registry = Registry(
            [spec(3000), spec(3001), external(3005), worker],
            {"api.localhost": PoolSpec()},
            clock=lambda: self.now,
            ports=Ports(8080),
        )
        self.teller = Teller(self.registry)
        self.events: Subscription[Event]

    def __getitem__(self, label: str) -> Backend:
        return self.registry.backends[label]

    def move(self, label: str, *moves: Move, reason: str = "", took: float = 0.3) -> list[str]:
        for move in moves:
            if move in (Move.PROBE_UP, Move.PROBE_DOWN):
                self.registry.judge(endpoint_of(self[label]), move, reason=reason)
            else:
                self.registry.move(process_of(self[label]), move, reason=reason)
            if move is Move.LAUNCH:
                self.registry.started(process_of(self[label]), 4711)
            self.now += took
        return [text for event in self.events.take() for text in self.teller.tell(event)]


@pytest.fixture
async def told() -> AsyncIterator[Told]:
    told = Told()
    with told.registry.events.subscribe() as told.events:
        yield told


async def test_the_overview_names_services_urls_backends_and_commands(told: Told) -> None:
    assert told.teller.overview() == [
        "api     http://api.localhost:8080 → localhost:3000, localhost:3001, localhost:3005",
        "worker  ./work 'a b'",
    ]


async def test_the_overview_names_what_needs_no_backend(tmp_path: Path) -> None:
    files = SiteSpec(("docs.localhost",), StaticFiles(folder=tmp_path), name="docs")
    sites = sites_of_pools([("api.localhost", PoolSpec())]) | {"docs.localhost": files}
    project = Registry(
        [spec(3000)], {"api.localhost": PoolSpec()}, sites, clock=float, ports=Ports(8080)
    )
    assert Teller(project).overview() == [
        "api   http://api.localhost:8080 → localhost:3000",
        f"docs  http://docs.localhost:8080 → files in {tmp_path}",
    ]


async def test_a_backend_that_comes_up_says_its_pid_and_how_long_it_took(told: Told) -> None:
    assert told.move("api:3000", Move.LAUNCH, Move.PROBE_UP) == [
        "api:3000 starting",
        "api:3000 ready (pid 4711) after 0.3 s",
    ]


async def test_a_pause_and_its_end_are_told(told: Told) -> None:
    told.move("api:3000", Move.LAUNCH, Move.PROBE_UP)
    told.registry.pause(endpoint_of(told["api:3000"]))
    assert told.move("api:3000") == [
        "api:3000 paused (pid 4711), out of rotation until `rpx resume-backend`"
    ]
    told.registry.resume(endpoint_of(told["api:3000"]))
    assert told.move("api:3000") == ["api:3000 resumed (pid 4711), in rotation"]


async def test_the_url_is_told_once_when_the_last_backend_is_ready(told: Told) -> None:
    up = "api is up at http://api.localhost:8080"
    assert up not in told.move("api:3000", Move.LAUNCH, Move.PROBE_UP)
    assert up not in told.move("api:3001", Move.LAUNCH, Move.PROBE_UP)
    assert told.move("api:3005", Move.PROBE_UP) == ["api:3005 answers, in rotation", up]
    told.move("api:3005", Move.PROBE_DOWN)
    assert up not in told.move("api:3005", Move.PROBE_UP)


async def test_the_url_is_not_told_ahead_of_the_states_that_make_it_true(told: Told) -> None:
    told.move("api:3005", Move.PROBE_UP)
    for label in ("api:3000", "api:3001"):  # both are up before the first word is said
        for move in (Move.LAUNCH, Move.PROBE_UP):
            told.registry.move(process_of(told[label]), move)
    first, *_, last = told.move("api:3000")
    assert (first, last) == ("api:3000 starting", "api is up at http://api.localhost:8080")


async def test_health_comes_and_goes_in_sentences(told: Told) -> None:
    told.move("api:3000", Move.LAUNCH, Move.PROBE_UP)
    assert told.move("api:3000", Move.PROBE_DOWN, reason="status 500", took=2) == [
        "api:3000 unhealthy, out of rotation: status 500"
    ]
    assert told.move("api:3000", Move.PROBE_UP) == ["api:3000 healthy again (pid 4711) after 2.0 s"]


async def test_a_crash_is_told_as_the_policy_put_it(told: Told) -> None:
    told.move("api:3000", Move.LAUNCH, Move.PROBE_UP)
    why = "exited with status 1 after 0.2 s, restart in 0.1 s"
    assert told.move("api:3000", Move.CRASHED, reason=why) == [f"api:3000 {why}"]


async def test_a_stop_is_told_in_two_steps(told: Told) -> None:
    told.move("api:3000", Move.LAUNCH, Move.PROBE_UP)
    assert told.move("api:3000", Move.STOP, Move.DRAINED) == ["api:3000 stopping (pid 4711)"]
    assert told.move("api:3000", Move.RETIRED, reason="killed by SIGTERM after 5.0 s") == [
        "api:3000 stopped: killed by SIGTERM after 5.0 s"
    ]


async def test_a_failure_shows_the_last_output_of_that_run_and_what_to_do(told: Told) -> None:
    told.registry.print(process_of(told["worker"]), b"of an earlier run\n")
    told.now += 1
    told.move("worker", Move.LAUNCH)
    for number in range(7):
        told.registry.print(process_of(told["worker"]), b"line %d \xff\n" % number)
    reason = "exited with status 1; 5 restarts within 60 s, rpx gave up"
    assert told.move("worker", Move.GAVE_UP, reason=reason) == [
        f"error: backend `worker` {reason}",
        "  last output:",
        *(f"    line {number} \N{REPLACEMENT CHARACTER}" for number in range(2, 7)),
        "hint: `rpx run worker` shows more; then `rpx start worker`",
    ]


async def test_a_failure_without_output_has_none(told: Told) -> None:
    told.registry.print(process_of(told["worker"]), b"of an earlier run\n")
    told.now += 1
    told.move("worker", Move.LAUNCH)
    error, hint = told.move("worker", Move.GAVE_UP, reason="exited with status 1")
    assert error == "error: backend `worker` exited with status 1"
    assert hint.startswith("hint: ")


def hint_of(registry: Registry, label: str, rpx: str | None) -> str:
    """What is said to do when this backend has given up."""
    backend = registry.endpoint(label)
    registry.move(process_of(backend), Move.LAUNCH)
    with registry.events.subscribe() as events:
        registry.move(process_of(backend), Move.GAVE_UP, reason="exited with status 1")
        [failed] = [event for event in events.take() if isinstance(event, StateChanged)]
    *_, hint = Teller(registry, rpx).tell(failed)
    return hint


async def test_a_copy_that_has_failed_is_run_by_its_name_and_where_the_file_is(
    told: Told,
) -> None:
    assert hint_of(told.registry, "api:3000", "rpx") == (
        "hint: `rpx run api` shows more; then `rpx start api:3000`"
    )
    assert hint_of(told.registry, "api:3001", "rpx -f a/rpx.yaml") == (
        "hint: `rpx -f a/rpx.yaml run api:3001` shows more; then `rpx -f a/rpx.yaml start api:3001`"
    )


async def test_a_copy_whose_port_rpx_chose_is_run_by_its_number() -> None:
    second = varied(spec(3001), port_chosen=True)
    project = Registry(
        [spec(3000), second], {"api.localhost": PoolSpec()}, clock=float, ports=Ports(8080)
    )
    assert "`rpx run api:2` shows more" in hint_of(project, "api:3001", "rpx")


async def test_without_a_file_the_command_stands_there_as_a_shell_takes_it() -> None:
    command = spec(3000, command="echo $PORT; exit 3", cwd=Path.cwd())
    project = Registry([command], {"api.localhost": PoolSpec()}, clock=float, ports=Ports(8080))
    hint = hint_of(project, "api:3000", None)
    typed = hint.split("`")[1]
    assert typed == "PORT=3000 sh -c 'echo $PORT; exit 3'"
    done = await trio.run_process(["sh", "-c", typed], capture_stdout=True, check=False)
    assert (done.stdout, done.returncode) == (b"3000\n", 3)


async def test_notes_and_requests_are_told(told: Told) -> None:
    told.registry.say("listening on port 8080: port 80 is taken")
    told.registry.say("is slow", told["api:3000"])
    told.registry.events.publish(Routed("/api/users", "localhost:3000"))
    assert told.move("api:3000") == [
        "listening on port 8080: port 80 is taken",
        "api:3000 is slow",
        "[rpx] Request /api/users → localhost:3000",
    ]


async def test_the_end_begins_with_what_there_is_to_wait_for(told: Told) -> None:
    told.move("api:3000", Move.LAUNCH, Move.PROBE_UP)
    assert stopping(told.registry) == "stopping: 1 backend (Ctrl-C again to hurry)"
    told.move("api:3001", Move.LAUNCH, Move.PROBE_UP)
    for _ in range(3):
        told.registry.enter(endpoint_of(told["api:3000"]))
    assert stopping(told.registry) == "stopping: 3 requests, 2 backends (Ctrl-C again to hurry)"
    assert stopping(told.registry, ORDER).endswith(" (`rpx down --now` to hurry)")


async def test_who_is_waited_for_is_told_with_the_time_left(told: Told) -> None:
    told.move("api:3000", Move.LAUNCH, Move.PROBE_UP)
    told.move("api:3001", Move.LAUNCH, Move.PROBE_UP)
    told.registry.enter(endpoint_of(told["api:3001"]))
    told.move("api:3000", Move.STOP, Move.DRAINED, took=0)
    assert waiting(told.registry, told.now + 3, hurried=False) == [
        "waiting for api:3000 (pid 4711), SIGKILL in 7s, Ctrl-C to kill now",
        "waiting for 1 request at api:3001, Ctrl-C to drop them",
    ]
    process_of(told["api:3000"]).left = (5, 6)
    assert waiting(told.registry, told.now + 3, hurried=False)[0] == (
        "waiting for what api:3000 has left behind (pid 5, 6), SIGKILL in 7s, Ctrl-C to kill now"
    )
    process_of(told["api:3000"]).left = ()
    assert waiting(told.registry, told.now, hurried=True) == [
        "killing api:3000 (pid 4711)",
        "killing api:3001 (pid 4711)",
    ]
