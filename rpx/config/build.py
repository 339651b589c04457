"""What was written, with its defaults, as the nouns of rpx.model.config.

Most settings become a field of the same name. Here is what depends on the rest of the file.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from rpx.config.settings.backends import SourcesWritten
from rpx.config.settings.container_settings import container_of, words
from rpx.config.settings.depends import dependencies
from rpx.config.settings.health_check import merged
from rpx.config.settings.host_names import default_name
from rpx.config.settings.https import HttpsWritten, https_of
from rpx.config.settings.pool_settings import DefaultsWritten
from rpx.config.settings.proxy import ProxyWritten
from rpx.config.settings.restart_policy import RestartWritten
from rpx.config.settings.route_entry import RouteWritten
from rpx.config.settings.start_settings import ProcessWritten, StartWritten
from rpx.config.variables.env_files import EnvFiles
from rpx.config.wording import shown
from rpx.config.yaml.document import Document, Steps
from rpx.model.address import Location
from rpx.model.config import HealthCheck, PoolSpec, ProcessEntry, ProxyEntry, Source, Start
from rpx.model.suggest import choices

# A process behind an address gets these from rpx, each its own; one .env cannot know them.
_PER_ADDRESS = ("HOST", "PORT", "RPX_NAME", "RPX_REPLICA", "RPX_SOCKET", "RPX_URL")


_WITH_PORTS = ("HOST", "PORT")  # as a process with `ports` does


def report_own_of_each(document: Document, env: Iterable[str]) -> None:
    """Add to a document's problems what an `env` for all processes says, and each has its own of.

    But for HOST, which may well be the same for all.
    """
    for name in env:
        if name in _PER_ADDRESS and name != "HOST":
            document.report(
                f"`{name}` would be the same for all processes, and each has its own",
                ("env", name),
                "leave it out: rpx says it; or write it in the `env` of one service",
            )


@dataclass(frozen=True, slots=True)
class Builder:
    """What every noun of one file is built with. All processes get variables of files, `outer`, and
    over them those of `env`; None takes one away.
    """

    document: Document
    files: EnvFiles
    outer: Mapping[str, str]
    env: Mapping[str, str | None]
    defaults: DefaultsWritten = field(default_factory=DefaultsWritten)
    https: HttpsWritten | None = None
    oneshots: frozenset[str] = frozenset()
    shared: frozenset[str] = frozenset()  # hosts whose paths go to several pools
    late: frozenset[Steps] = frozenset()  # where services stand that come after a oneshot

    def proxy(self, written: ProxyWritten, at: Steps) -> ProxyEntry:
        """A proxy with its backends, but for its routes and what answers without backends."""
        https = https_of(written.https, self.https, late=at in self.late)
        settings = self.backends(written, at)
        settings["pool"] = settings["pool"].model_copy(update={"https": https})
        settings |= {
            "to": written.to[0],
            "also": written.to[1:],
            "where": self.document.where((*at, "to")),
            "name": self.name_of(written),
            "profiles": written.profiles or (),
            "autostart": written.autostart is not False,
        }
        return ProxyEntry(**settings)

    def name_of(self, written: ProxyWritten) -> str:
        """What a proxy is called."""
        return written.name or default_name(written.to[0], self.shared)

    def backends(self, written: ProxyWritten | RouteWritten, at: Steps) -> dict[str, Any]:
        """What a proxy or a route says of its backends, as settings of a ProxyEntry: sources, each
        with the Start of the process behind it, if any.
        """
        return {
            **self._copies(written, at),
            "sources": self._sources(written, at),
            "health_check": merged(self.defaults.health_check, written.health_check),
            "pool": PoolSpec(**written.over(self.defaults)),
            "h2c": written.h2c,
            "change_origin": bool(written.change_origin),
            "depends_on": dependencies(written.depends_on, self.oneshots),
        }

    def process(self, name: str, written: ProcessWritten, at: Steps) -> ProcessEntry:
        """A process that serves no address."""
        web = written.ready.http if written.ready else None
        if web is not None and web.address is None and not written.ports:
            self.document.report(
                f"`http` of process {shown(name)} is only a path, and a process has no address",
                (*at, "ready", "http"),
                f"write a URL: http://localhost:3000{web.path}, or give it `ports`",
            )
        return ProcessEntry(
            name=name,
            start=self._start(
                written, at, _WITH_PORTS if written.ports else (), late=at in self.late
            ),
            health_check=self._check_of(name, written, at),
            depends_on=dependencies(written.depends_on, self.oneshots),
            profiles=written.profiles or (),
            autostart=written.autostart is not False,
        )

    def _check_of(self, name: str, written: ProcessWritten, at: Steps) -> HealthCheck | None:
        """What a process is asked, which has no address. That of `defaults` is for proxies."""
        check = merged(None, written.health_check)
        asks = check is not None and (check.by_get or check.grpc is not None)
        if check is None or not asks or written.ports:
            return check
        how = "a GET" if check.by_get else "a call"
        self.document.report(
            f"`health_check` of process {shown(name)} is {how}, and a process has no address",
            (*at, "health_check"),
            "write `tcp: 5432` or `command: …` in it, or give the process `ports`",
        )
        return None

    def _sources(self, written: SourcesWritten, at: Steps) -> tuple[Source, ...]:
        addresses = [source.located for source in written.from_]
        owner, served_by = None, None
        if written.start is not None:
            owner = self._owner(written.start, (*at, "start"), addresses)
            if written.one_process:
                served_by = owner = owner or 0
        sources = []
        for index, source in enumerate(written.from_):
            start, shares = None, served_by
            if source.start is not None:
                shares = None
                own = (*at, "from", index, "start")
                self._owner(source.start, own, [source.located])
                start = self._start(source.start, own, _PER_ADDRESS, late=at in self.late)
            elif written.start is not None and owner in {None, index}:
                start, shares = self._shared(written.start, at), None
            weight = 1 if source.weight is None else source.weight
            there = replace(source.located, h2c=True) if written.h2c else source.located
            sources.append(Source(address=there, start=start, weight=weight, served_by=shares))
        return tuple(sources)

    def _copies(self, written: SourcesWritten, at: Steps) -> dict[str, Any]:
        """What there is instead of sources while nobody has chosen the ports."""
        if written.from_ or written.start is None:
            return {"start": None, "replicas": 0}
        return {"start": self._shared(written.start, at), "replicas": written.replicas or 1}

    def _shared(self, start: StartWritten, at: Steps) -> Start:
        """The `start` of a whole proxy."""
        return self._start(start, (*at, "start"), _PER_ADDRESS, late=at in self.late)

    def _owner(self, start: StartWritten, at: Steps, addresses: list[Location]) -> int | None:
        """Which address the process serves if `env` gives it one PORT; None: a process for each."""
        port = (start.env or {}).get("PORT")
        if port is None:
            return None
        serves = [index for index, address in enumerate(addresses) if str(address.port) == port]
        if not serves:
            hint = "remove it: RPX_SOCKET tells a process the path of its socket"
            if not addresses:
                hint = "remove it, and find the port that rpx has chosen in it; or write a `from`"
            if ports := dict.fromkeys(str(a.port) for a in addresses if a.port is not None):
                hint = "without it each process gets the port of its own address"
                hint = f"set it to {choices(ports)}; {hint}"
            self.document.report(
                f"`PORT` is {shown(port)}, which is no port of this entry",
                (*at, "env", "PORT"),
                hint,
            )
            return None
        return min(serves, key=lambda index: not addresses[index].loopback)

    def _refuse_mapped(self, written: StartWritten, at: Steps) -> None:
        """What runs on this machine listens there itself: nobody leads from port to port."""
        for index, port in enumerate(() if written.is_container else written.ports or ()):
            if port.address is not None and port.address.port != port.inside:
                self.document.report(
                    f"`{port.address.port}:{port.inside}` leads from one port to another, which is"
                    " for containers",
                    (*at, "ports", index),
                    f"write the port at which it listens: {port.address.port}",
                )

    def _start(
        self, written: StartWritten, at: Steps, reserved: Container[str], *, late: bool
    ) -> Start:
        """What runs a command. No file sets what is `reserved`: it would be the same for all.

        `late`: it comes after a oneshot, which may write its files.
        """
        self._refuse_mapped(written, at)
        outer = {key: text for key, text in self.outer.items() if key not in reserved}
        below = {**outer, **self.env}
        files = self.files.read(written.env_file, at, late=late)
        own = {key: text for key, text in files.items() if key not in reserved}
        above = written.env or {}
        settings = written.written_for(Start)
        if written.is_container:
            settings["container"] = container_of(written, settings.get("stop_signal"))
            settings["command"] = words(written.command)
        default = self.defaults.restart
        if settings.get("oneshot"):
            settings.setdefault("stdin", "null")  # on an open pipe, one that reads would never end
            default = RestartWritten(policy="no")
        if restart := written.restart or default:
            settings["restart"] = restart.written()
        settings |= {
            "cwd": written.cwd or self.files.root,
            "env": {**below, **own, **above},
            "env_later": self.files.later(
                written.env_file if late else None,
                at,
                below=below,
                above=above,
                reserved=reserved,
            ),
            "where": self.document.where((*at, "command")),
        }
        return Start(**settings)
