"""What a change of files means: a reload, or new processes for the services that watch them."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Collection
from functools import lru_cache
from itertools import chain
from typing import Final

import trio

from rpx.changes.lookout import Lookout, WatchedFiles, links_on
from rpx.changes.project import Project
from rpx.changes.transition import AS_IT_IS
from rpx.hub.mailbox import ProjectOrder
from rpx.hub.registry import Registry
from rpx.orders import verbs
from rpx.policy.bursts import Bursts
from rpx.policy.globs import Globs

LOOK: Final = 0.1  # seconds between looks at whether a burst of changes is over
LONGER: Final = 1.0  # seconds that a restart still has when there is another change
GONE: Final = 1.0  # and that a file may be missing: some editors remove it first


class Watching:
    """Listens to the files of a project. It costs nothing as long as none is watched."""

    def __init__(self, registry: Registry, project: Project) -> None:
        self._registry = registry
        self._project = project
        self._stale = ""  # the file of the project that has changed
        self._woken = trio.Event()
        self._dirty: dict[str, set[str]] = defaultdict(set)  # labels by service
        self._why: dict[str, str] = {}  # the file that has changed, by service
        self._bursts: dict[str, Bursts] = defaultdict(Bursts)  # of changes, by service
        self._rolls: dict[str, trio.CancelScope] = {}  # that are under way
        self._busy: set[str] = set()  # services that are restarted, or soon will be
        self._nursery: trio.Nursery | None = None
        self.lookout = Lookout(self._watched, self._hear, registry.say)

    async def run(self) -> None:
        """Act on changes until cancelled."""
        async with trio.open_nursery() as self._nursery:
            self._nursery.start_soon(self._reload)
            self._nursery.start_soon(self.lookout.run)
            while True:
                await self._project.changed.wait()
                self.lookout.look_again()

    def _watched(self) -> WatchedFiles:
        services = {
            (process.spec.start.watch, str(process.spec.start.cwd))
            for process in self._registry.processes
            if process.spec.start.watch
        }
        return WatchedFiles(self._own_files(), tuple(_globs(*service) for service in services))

    def _own_files(self) -> frozenset[str]:
        config = self._project.config
        if not self._project.follows_file or config.file is None:
            return frozenset()
        own = [(each.cert, each.key) for each in config.secured.values() if each.cert and each.key]
        files = [str(file) for file in (config.file, *config.env_files, *chain.from_iterable(own))]
        links = chain.from_iterable(links_on(str(path)) for path in (*files, *config.named))
        aside = str(config.root)  # who changes a link above the project moves all of it
        ours = (link for link in links if not f"{aside}/".startswith(f"{link}/"))
        return frozenset(chain(files, map(os.path.realpath, files), ours))

    def _hear(self, paths: Collection[str]) -> None:
        own = self._own_files()
        for path in sorted(paths):
            if path in own:
                self._stale = path
                self._woken.set()
            for process in self._registry.processes:
                start, name = process.spec.start, process.spec.name
                if start.watch and _globs(start.watch, str(start.cwd)).match(path):
                    self._dirty[name].add(process.label)
                    self._why[name] = path
                    self._bursts[name].change(path, trio.current_time())
        for name in list(self._dirty):
            self._begin(name)

    # ---- rpx.yaml

    async def _reload(self) -> None:
        while True:
            await self._woken.wait()
            self._woken = trio.Event()
            if not await trio.to_thread.run_sync(os.path.exists, self._stale):
                with trio.move_on_after(GONE):
                    await self._woken.wait()
                self._woken = trio.Event()
            order = ProjectOrder(why=f"{self._shown(self._stale)} has changed")
            await self._registry.mailbox.give.send(order)
            await order.taken.wait()  # not until it is done: what changes then may mend it

    # ---- services

    def _begin(self, name: str) -> None:
        if under_way := self._rolls.get(name):
            deadline = trio.current_time() + LONGER
            under_way.deadline = min(under_way.deadline, deadline)
        if name not in self._busy and self._nursery is not None:
            self._busy.add(name)
            self._nursery.start_soon(self._restart, name)

    async def _restart(self, name: str) -> None:
        """One copy after the other; what changes meanwhile means once more, not once for each."""
        bursts = self._bursts[name]
        while name in self._dirty:
            while pause := bursts.pause(trio.current_time()):  # noqa: ASYNC110 - it is about time
                await trio.sleep(min(pause, LOOK))  # more may come meanwhile
            labels = self._dirty.pop(name)
            if own := bursts.begin():
                self._registry.say(self._circle(name, own))
            with trio.CancelScope() as scope:
                self._rolls[name] = scope
                await self._roll(name, labels)
            del self._rolls[name]
            if scope.cancelled_caught:
                self._dirty[name] |= labels  # some may not have had their turn
            bursts.over(trio.current_time())
        self._busy.discard(name)

    async def _roll(self, name: str, labels: Collection[str]) -> None:
        due = [
            process.label
            for process in self._registry.processes
            if process.label in labels and process.state not in AS_IT_IS
        ]
        if not due:
            return
        self._registry.say(f"{self._shown(self._why[name])} changed: restart {', '.join(due)}")
        for outcome in await verbs.restart(self._registry, due):
            if outcome.exit_code:
                self._registry.say(outcome.sentence)

    def _circle(self, name: str, path: str) -> str:
        named = self._registry.named(name)
        folders = [each.own.spec.start.cwd for each in named if each.own is not None]
        pattern = os.path.relpath(path, folders[0]) if folders else path
        return (
            f"{name} is restarted again and again, each time as soon as it runs: it seems to change"
            f" {self._shown(path)} itself. Restarts for that come more slowly now;"
            f' "!{pattern}" in its `watch` ends them'
        )

    def _shown(self, path: str) -> str:
        """Return the path as short as it can be said."""
        inside = os.path.relpath(path, self._project.config.root)
        return path if inside.startswith("..") else inside


@lru_cache(256)
def _globs(patterns: tuple[str, ...], folder: str) -> Globs:
    return Globs(patterns, folder)
