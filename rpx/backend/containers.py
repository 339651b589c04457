"""The containers of one run: what they are called, what they are started with, who is there."""

from __future__ import annotations

import math
import os
import shlex
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import trio

from rpx.backend import guardian
from rpx.backend.child import Ask, Child, open_child
from rpx.backend.claim import Claim
from rpx.backend.container_child import ContainerChild, ContainerRun
from rpx.backend.container_environment import environment_of, published, shares_network
from rpx.backend.ready import Sign
from rpx.backend.side_command import Aside, SideCommand
from rpx.engine.container_names import Naming
from rpx.engine.engine_client import Engine
from rpx.engine.engine_lines import (
    Running,
    build_words,
    exec_words,
    is_by_value,
    pull_words,
    run_words,
    stop_words,
)
from rpx.engine.leftovers import PROJECT, RUN, SERVICE, remove_all, service_value
from rpx.engine.preparing import is_here, make_network, make_room, volumes_of
from rpx.engine.which_engine import WITHOUT_INIT, answering
from rpx.hub.patience import Patience
from rpx.hub.process import Process
from rpx.hub.registry import Registry
from rpx.model.container import EngineName
from rpx.model.specs import BackendSpec, ProcessSpec, processes_of

ENGINE_LAGS: Final = 3.0  # seconds that an engine may take beyond the grace period to kill


@dataclass(frozen=True, slots=True)
class Household:
    """Whose containers these are. `engine` is the one that is wanted, None: the first that answers.

    `folder` has a file for each while it runs; None: one of its own.
    """

    naming: Naming
    engine: EngineName | None = None
    folder: Path | None = None


class Containers:
    """Starts containers, and knows those that run."""

    def __init__(self, registry: Registry, household: Household, run_id: str) -> None:
        """`run_id` is in a label of each, by which it is found when all of rpx has died."""
        self._registry = registry
        self._household = household
        self._run_id = run_id
        self._engine: Engine | None = None
        self._lock = trio.Lock()
        self._runs: dict[Process, ContainerRun] = {}
        self._folder: Path | None = None
        self._networked = False
        self._told: set[tuple[str, str]] = set()  # of whom it was said that data go with it

    async def prepare(self, specs: Iterable[BackendSpec]) -> Sequence[str]:
        """Have an engine where one of these needs it; what there is to say of that, once there is
        somebody to say it to. Raises: RpxError.
        """
        of_containers, others = dict[str, None](), dict[str, None]()
        for process in processes_of(specs):
            names = others if process.start.container is None else of_containers
            names[process.name] = None
        notes: list[str] = []
        if of_containers:
            await self.engine(tuple(of_containers), tuple(others), notes.append)
        return notes

    async def engine(
        self,
        services: Sequence[str],
        others: Sequence[str] = (),
        say: Callable[[str], None] | None = None,
    ) -> Engine:
        """The engine that `services` need and `others` don't. What an earlier run has left is gone
        then, which `say` is told. Where nobody answers, the next who needs it looks again.

        Raises: RpxError.
        """
        async with self._lock:
            if self._engine is None:
                wanted, naming = self._household.engine, self._household.naming
                engine = await trio.to_thread.run_sync(answering, wanted, services, others)
                if guardian.engine is not None:
                    guardian.engine.write(engine.name, engine.program, self._run_id)
                say = say or self._registry.say
                if not engine.init:
                    say(WITHOUT_INIT)
                left = await trio.to_thread.run_sync(remove_all, engine, PROJECT, naming.identity)
                if left:
                    what = f"{left} container{'s' if left > 1 else ''} of an earlier run"
                    say(f"removed {what}, which did not end in order")
                self._engine = engine
            return self._engine

    async def end(self) -> None:
        """Nobody starts one any more: leave none behind, whatever went wrong before."""
        if self._engine is not None:
            await trio.to_thread.run_sync(remove_all, self._engine, RUN, self._run_id)
            if self._networked:
                words = ("network", "rm", self._household.naming.network)
                await trio.to_thread.run_sync(partial(self._engine.ask, *words))
            if guardian.engine is not None:
                guardian.engine.clear()
        if self._folder is not None and self._household.folder is None:
            shutil.rmtree(self._folder, ignore_errors=True)

    # ------------------------------------------------------------------ one of them

    def run_of(self, process: Process) -> ContainerRun | None:
        """The container that a process is right now."""
        return self._runs.get(process)

    async def begun(self, process: Process) -> None:
        """Wait until its container runs."""
        while (run := self._runs.get(process)) is None:  # noqa: ASYNC110 - it is being prepared
            await trio.sleep(0.02)
        await run.begun.wait()

    def _say_who_it_is(self, process: Process, run: ContainerRun) -> None:
        if run.pid is not None:
            self._registry.started(process, run.pid)
        for place in run.lost:
            if (process.spec.name, place) not in self._told:
                self._told.add((process.spec.name, place))
                self._registry.say(
                    f"its data in {place} go with each container; to keep them, write"
                    f' `volumes: ["data:{place}"]`',
                    process,
                )

    @asynccontextmanager
    async def open(
        self, process: Process, instance: str, patience: Patience, ask: Ask | None
    ) -> AsyncIterator[Child]:
        """Open the container that a process is to be. `ask` is how it is asked to stop before its
        engine is. Raises: RpxError, OSError.
        """
        spec = process.spec
        container = spec.start.container
        assert container is not None  # noqa: S101 - the caller has looked
        engine, naming = await self.engine((spec.name,)), self._household.naming
        names = naming.containers(spec.name, spec.replica, instance)
        taken = {each.name for each in self._runs.values()}
        in_thread = trio.to_thread.run_sync
        name = await in_thread(make_room, engine, naming, names, taken)
        volumes = await in_thread(volumes_of, engine, naming, container)
        run = ContainerRun(engine, name, str(self._cid_file(instance)))
        with suppress(FileNotFoundError):
            os.unlink(run.cid_file)
        image = container.image or naming.image(spec.name)
        before = await self._before(engine, process, image)
        neighbours = self._neighbours(engine, process)
        environment = environment_of(spec, engine, neighbours)
        running = Running(
            name=name,
            image=image,
            labels={
                PROJECT: naming.identity,
                RUN: self._run_id,
                SERVICE: service_value(spec.name, spec.replica),
            },
            cid_file=run.cid_file,
            ports=() if shares_network(engine, spec) else published(spec),
            environment=environment,
            command=spec.start.command,
            volumes=volumes,
            stdin=spec.start.stdin == "open" or spec.start.tty,
            tty=spec.start.tty,
            user=spec.start.user,
            init=engine.init,
            network=await self._network(engine) if neighbours else "",
            alias=spec.name,
            gateway=engine.outside if engine.name == "docker" else "",
        )
        words = (engine.program, *run_words(container, running, os.environ))
        start = spec.start.model_copy(
            update={
                "command": _line(engine, before, words),
                "stop_grace_period": spec.start.stop_grace_period + ENGINE_LAGS,
            }
        )
        by_name = {k: v for k, v in environment.items() if not is_by_value(k, os.environ)}

        def say(text: str) -> None:
            self._registry.say(text, process)

        def begun() -> None:
            self._say_who_it_is(process, run)

        def gone() -> None:
            self._registry.exited(process)

        self._runs[process] = run
        try:
            async with open_child(
                start,
                {**os.environ, **by_name},
                instance=instance,
                patience=patience,
                ask=partial(self._stop, process, run, ask, instance),
                make=partial(ContainerChild, run, say, begun, gone),
            ) as child:
                yield child
        finally:
            del self._runs[process]
            with suppress(FileNotFoundError):
                os.unlink(run.cid_file)

    async def _stop(
        self, process: Process, run: ContainerRun, ask: Ask | None, instance: str, pid: int
    ) -> bool:
        """Ask it to stop; False if there is none yet, or it can't be asked."""
        if not run.made:
            return False
        if ask is not None and await ask(pid):
            return True
        start = process.spec.start
        words = (run.engine.program, *stop_words(run.name, start.stop_grace_period))
        failure = await client(process, f"{instance}.engine").run(words, within=math.inf)
        if failure is not None:
            self._registry.say(f"{run.engine.name} could not stop it: {failure}", process)
        return failure is None

    def _neighbours(self, engine: Engine, process: Process) -> list[ProcessSpec]:
        """The containers of a project that has more than one, in a network where they find each
        other by name.
        """
        specs = [each.spec for each in self._registry.processes]
        found = [each for each in specs if each.start.container is not None]
        found = [each for each in found if not shares_network(engine, each)]
        alone = shares_network(engine, process.spec) or len({each.name for each in found}) < 2
        return [] if alone else found

    async def _network(self, engine: Engine) -> str:
        """The network of the project. Raises: RpxError."""
        async with self._lock:
            if not self._networked:
                await trio.to_thread.run_sync(make_network, engine, self._household.naming)
                self._networked = True
            return self._household.naming.network

    async def _before(
        self, engine: Engine, process: Process, image: str
    ) -> Sequence[tuple[str, ...]]:
        """What is run before it: the image is built, or fetched where it isn't here."""
        container = process.spec.start.container
        assert container is not None  # noqa: S101 - the caller has looked
        if container.build is not None:
            return [build_words(container.build, image, container.platform)]
        if await trio.to_thread.run_sync(is_here, engine, image):
            return []
        self._registry.say(f"its image {image} is not here: pulling it", process)
        return [pull_words(image, container.platform)]

    def _cid_file(self, instance: str) -> Path:
        if self._folder is None:
            self._folder = self._household.folder or Path(tempfile.mkdtemp(prefix="rpx-"))
            self._folder.mkdir(parents=True, exist_ok=True)
            for old in self._folder.glob("*.cid"):  # of a run that was killed
                old.unlink(missing_ok=True)
        return self._folder / f"{instance}.cid"


class ContainerSign(Sign):
    """The sign of a container: it runs, and what is said of it in `ready`."""

    def __init__(
        self, process: Process, inside: Aside, claim: Claim, containers: Containers
    ) -> None:
        """`inside` runs a command of `ready`; `containers` know when it has begun."""
        super().__init__(process, inside, claim)
        self._containers = containers

    async def begun(self) -> None:
        """Wait until it runs, which may be after its image has come."""
        await self._containers.begun(self._process)


@dataclass(frozen=True, slots=True)
class InContainer:
    """Runs commands inside the container that a process is, by a client of the engine, which
    `instance` marks.
    """

    containers: Containers
    process: Process
    instance: str

    async def run(
        self, command: str | tuple[str, ...], *, within: float, **more: str
    ) -> str | None:
        """As `Aside` says, but that what takes too long goes on in the container."""
        run = self.containers.run_of(self.process)
        if run is None:
            return "its container does not run"
        words = (run.engine.program, *exec_words(run.name, command, more))
        return await client(self.process, self.instance).run(words, within=within)


def client(process: Process, instance: str) -> SideCommand:
    """Return how a client of the engine is run beside a container."""
    return SideCommand(process.spec.start, dict(os.environ), instance)


def _line(
    engine: Engine, before: Sequence[tuple[str, ...]], words: tuple[str, ...]
) -> str | tuple[str, ...]:
    """Return one command for what comes `before`, and then `words` in its place."""
    if not before:
        return words
    first = [shlex.join((engine.program, *each)) for each in before]
    return " && ".join((*first, f"exec {shlex.join(words)}"))
