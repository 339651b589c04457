"""What stands between a backend and its start: those that it depends on and that aren't there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Protocol

from rpx.model.config import Dependency
from rpx.model.specs import BackendSpec, ProcessSpec
from rpx.model.status import Obstacle, State


class Copy(Protocol):
    """One backend of a service, as far as others may depend on it."""

    @property
    def state(self) -> State: ...
    @property
    def about_to_start(self) -> bool: ...
    @property
    def has_run(self) -> bool: ...
    @property
    def last_error(self) -> str: ...
    @property
    def obstacles(self) -> tuple[Obstacle, ...]: ...


def obstacles(
    dependencies: Iterable[Dependency],
    copies: Callable[[str], Sequence[Copy]],
    changing: Collection[str] = (),
) -> tuple[Obstacle, ...]:
    """Return what is missing; nothing, if the start may begin. `copies` gives those of a name.

    Those that are `changing` are missing whatever their state: it is that of old processes.
    """
    dependencies = list(dependencies)
    required = {each.name for each in dependencies if each.required}
    missing = _missing(dependencies, copies, changing)
    return tuple(each for each in missing if each.name in required or not each.hopeless)


def done_without(
    dependencies: Iterable[Dependency], copies: Callable[[str], Sequence[Copy]]
) -> tuple[Obstacle, ...]:
    """Return what is missing and isn't waited for, since it isn't required."""
    optional = [each for each in dependencies if not each.required]
    return tuple(each for each in _missing(optional, copies, ()) if each.hopeless)


def _missing(
    dependencies: Iterable[Dependency],
    copies: Callable[[str], Sequence[Copy]],
    changing: Collection[str],
) -> list[Obstacle]:
    return [
        _obstacle(dependency, found, changing=dependency.name in changing)
        for dependency in dependencies
        if not _met(dependency, found := copies(dependency.name)) or dependency.name in changing
    ]


def begun_unasked(specs: Sequence[BackendSpec]) -> set[str]:
    """Return the labels of those that a run begins if nobody names any: all but those without
    `autostart`, and what only such a process serves.
    """
    waits = {spec.label for spec in specs if not _autostarts(spec)}
    return {spec.label for spec in specs if not waits & {spec.label, spec.server}}


def with_dependencies(specs: Sequence[BackendSpec], labels: Collection[str]) -> set[str]:
    """Return the labels of these backends and of all that they need, near and far: what they depend
    on, and whose process serves them.

    What isn't required is no reason to start one that doesn't by itself.
    """
    found: set[str] = set()
    left = [spec for spec in specs if spec.label in labels]
    while left:
        spec = left.pop()
        if spec.label not in found:
            found.add(spec.label)
            needs = spec.process.depends_on if spec.process is not None else ()
            required = {each.name: each.required for each in needs}
            left += [
                each
                for each in specs
                if (each.name in required and (required[each.name] or _autostarts(each)))
                or each.label == spec.server
            ]
    return found


def _autostarts(spec: BackendSpec) -> bool:
    return spec.process is None or spec.process.autostart


def after_oneshots(processes: Iterable[ProcessSpec], done: Collection[str] = ()) -> set[str]:
    """Return the labels of those that depend, near or far, on a oneshot that isn't `done` (a name):
    what they need may come into being only by it.
    """
    processes = list(processes)
    late = {process.name for process in processes if process.start.oneshot} - set(done)
    found: set[str] = set()
    while new := [
        process
        for process in processes
        if process.label not in found and any(each.name in late for each in process.depends_on)
    ]:
        found.update(process.label for process in new)
        late.update(process.name for process in new)
    return found


def sentence(missing: Iterable[Obstacle]) -> str:
    """Say what is waited for: "for db (starting: connection refused) and migrate (failed)"."""
    return "for " + " and ".join(f"{each.name} ({each.why})" for each in missing)


def hopeless(missing: Iterable[Obstacle]) -> str:
    """Name those that will not come unless somebody starts them: "db migrate"."""
    return " ".join(dict.fromkeys(each.name for each in missing if each.hopeless))


def _met(dependency: Dependency, copies: Sequence[Copy]) -> bool:
    """One copy is enough to be healthy: it takes the requests. Who has completed has done well."""
    match dependency.condition:
        case "started":
            return any(copy.has_run for copy in copies)
        case "healthy":
            return any(copy.state in (State.READY, State.COMPLETED) for copy in copies)
        case "completed":
            return bool(copies) and all(copy.state is State.COMPLETED for copy in copies)


def _obstacle(dependency: Dependency, copies: Sequence[Copy], *, changing: bool) -> Obstacle:
    if changing:
        return Obstacle(dependency.name, dependency.condition, "being changed", hopeless=False)
    moving = [copy for copy in copies if not _stuck(copy)]
    best = next(iter(moving or copies), None)
    return Obstacle(
        name=dependency.name,
        condition=dependency.condition,
        why="not a part of this run" if best is None else _why(best),
        hopeless=not moving,
    )


def _stuck(copy: Copy) -> bool:
    """Whether it stays as it is until somebody gives an order."""
    if copy.state is State.WAITING:
        return any(each.hopeless for each in copy.obstacles)
    return copy.state in (State.STOPPED, State.FAILED) and not copy.about_to_start


def _why(copy: Copy) -> str:
    if copy.about_to_start:
        return "about to start"
    if copy.state is State.WAITING and copy.obstacles:
        return f"waiting for {' and '.join(each.name for each in copy.obstacles)}"
    return f"{copy.state.value}: {copy.last_error}" if copy.last_error else copy.state.value
