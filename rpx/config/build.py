"""What was written, with its defaults, as the nouns of rpx.model.config."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from rpx.config.addresses import default_name
from rpx.config.checks.own_certificates import with_contents
from rpx.config.schema import (
    DefaultsWritten,
    HttpsWritten,
    ProxyWritten,
)
from rpx.config.start_schema import (
    DependencyWritten,
    ProcessWritten,
    RestartWritten,
    StartWritten,
)
from rpx.config.values import (
    Written,
)
from rpx.config.variables.env_files import EnvFiles
from rpx.config.wording import shown
from rpx.config.yaml.document import Document, Steps
from rpx.model.address import Location
from rpx.model.config import (
    Backoff,
    Dependency,
    HealthCheck,
    Https,
    PoolSpec,
    Process,
    Proxy,
    Ready,
    Restart,
    Source,
    Start,
    Sticky,
)
from rpx.model.suggest import choices

S = TypeVar("S", HealthCheck, Sticky, Https)

# A process behind an address gets these from rpx, each its own; one .env cannot know them.
_PER_ADDRESS = ("HOST", "PORT", "RPX_NAME", "RPX_REPLICA", "RPX_SOCKET", "RPX_URL")


# Settings of a start that mean what they say.
_AS_WRITTEN = (
    "restart_on_unhealthy",
    "success_exit_codes",
    "oneshot",
    "stdin",
    "stop_command",
    "stop_signal",
    "stop_signal_to",
    "stop_grace_period",
    "watch",
)


@dataclass(frozen=True, slots=True)
class Builder:
    """What every noun of one file is built with. `outer`: the variables that all processes get."""

    document: Document
    files: EnvFiles
    outer: Mapping[str, str]
    defaults: DefaultsWritten = field(default_factory=DefaultsWritten)
    https: HttpsWritten | None = None
    oneshots: frozenset[str] = frozenset()
    shared: frozenset[str] = frozenset()  # hosts whose paths go to several pools
    late: frozenset[Steps] = frozenset()  # where services stand that come after a oneshot

    def proxy(self, written: ProxyWritten, at: Steps) -> Proxy:
        """A proxy with its sources, each with the Start of the process behind it, if any."""
        settings: dict[str, Any] = {}
        for setting in ("hold", "strategy"):
            own, default = getattr(written, setting), getattr(self.defaults, setting)
            if own is not None or default is not None:
                settings[setting] = default if own is None else own
        return Proxy(
            to=written.to,
            name=written.name or default_name(written.to, self.shared),
            sources=self._sources(written, at),
            **self._copies(written, at),
            health_check=_merged(HealthCheck, self.defaults.health_check, written.health_check),
            pool=PoolSpec(
                sticky=_merged(Sticky, self.defaults.sticky, written.sticky),
                https=with_contents(self._https(written, at)),
                **settings,
            ),
            change_origin=bool(written.change_origin),
            depends_on=self._depends_on(written.depends_on),
            profiles=written.profiles or (),
        )

    def process(self, name: str, written: ProcessWritten, at: Steps) -> Process:
        """A process that serves no address."""
        if written.ready and written.ready.http and written.ready.http.address is None:
            self.document.report(
                f"`http` of process {shown(name)} is only a path, and a process has no address",
                (*at, "ready", "http"),
                f"write a URL: http://localhost:3000{written.ready.http.path}",
            )
        return Process(
            name=name,
            start=self._start(written, at, (), late=at in self.late),
            depends_on=self._depends_on(written.depends_on),
            profiles=written.profiles or (),
        )

    def _depends_on(self, written: dict[str, DependencyWritten] | None) -> tuple[Dependency, ...]:
        """Without a condition: a oneshot is to complete, everything else to be ready."""
        return tuple(
            Dependency(
                name=name,
                condition=each.condition or ("completed" if name in self.oneshots else "healthy"),
            )
            for name, each in (written or {}).items()
        )

    def _sources(self, written: ProxyWritten, at: Steps) -> tuple[Source, ...]:
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
            sources.append(
                Source(address=source.located, start=start, weight=weight, served_by=shares)
            )
        return tuple(sources)

    def _copies(self, written: ProxyWritten, at: Steps) -> dict[str, Any]:
        """What there is instead of sources while nobody has chosen the ports."""
        if written.from_ or written.start is None:
            return {}
        return {"start": self._shared(written.start, at), "replicas": written.replicas or 1}

    def _shared(self, start: StartWritten, at: Steps) -> Start:
        """The `start` of a whole proxy."""
        return self._start(start, (*at, "start"), _PER_ADDRESS, late=at in self.late)

    def _https(self, written: ProxyWritten, at: Steps) -> Https | None:
        default = self.https
        if default is not None and written.https is not None and written.https.alone:
            names = default.model_fields_set - {"cert", "key"}
            default = HttpsWritten.model_construct(**{n: getattr(default, n) for n in names})
        https = _merged(Https, default, written.https)
        own = written.https is not None and written.https.cert is not None
        if https is None or not own or at not in self.late:
            return https
        return https.model_copy(update={"late": True})

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

    def _start(
        self, written: StartWritten, at: Steps, reserved: Container[str], *, late: bool
    ) -> Start:
        """What runs a command. No file sets what is `reserved`: it would be the same for all.

        `late`: it comes after a oneshot, which may write its files.
        """
        files = {**self.outer, **self.files.read(written.env_file, at, late=late)}
        outer = {key: text for key, text in files.items() if key not in reserved}
        below = {key: text for key, text in self.outer.items() if key not in reserved}
        given = written.written()
        settings = {key: given[key] for key in _AS_WRITTEN if key in given}
        if settings.get("oneshot"):  # on an open pipe, one that reads would never end
            settings.setdefault("stdin", "null")
        default = RestartWritten(policy="no") if settings.get("oneshot") else self.defaults.restart
        return Start(
            command=written.command,
            cwd=written.cwd or self.files.root,
            env={**outer, **(above := written.env or {})},
            env_later=self.files.later(
                written.env_file if late else None,
                at,
                below=below,
                above=above,
                reserved=reserved,
            ),
            restart=_restart(written.restart or default),
            ready=Ready(**dict(written.ready)) if written.ready else None,
            where=self.document.where((*at, "command")),
            **settings,
        )


def _restart(written: RestartWritten | None) -> Restart:
    given = written.written() if written is not None else {}
    if "backoff" in given:
        given["backoff"] = Backoff(**given["backoff"])
    return Restart(**given)


def _merged(noun: type[S], default: Written | None, written: Written | None) -> S | None:
    """What can be switched on and off: what the proxy says over what `defaults` says."""
    if default is None and written is None:
        return None
    below = default.written() if default is not None else {}
    above = written.written() if written is not None else {}
    if above and below == {"enabled": False}:
        below = {}  # `health_check: false` for all: a proxy that describes its own has one
    merged = noun(**{**below, **above})
    return merged if merged.enabled else None
