"""The configuration as the rest of rpx sees it: frozen, complete, every shorthand written out.

Durations are seconds. `rpx.config` builds these from rpx.yaml and says what is wrong with a file;
whoever builds them by hand gets pydantic's own errors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Literal

from pydantic import Field

from rpx.model.address import Address, Location
from rpx.model.base import Model
from rpx.model.container import Container, EngineName
from rpx.model.own_settings import KeptRequests, Limits, Listen, Logs, Metrics, Timeouts
from rpx.model.route import Answerer, Route, Treatment

Reload = Literal["manual", "auto"]
Stdin = Literal["open", "null"]
Whom = Literal["group", "leader"]
Policy = Literal["no", "on-failure", "always"]
Condition = Literal["started", "healthy", "completed"]
Strategy = Literal["round-robin", "weighted-round-robin", "least-connections", "random", "ip-hash"]

ANY: Final = "*"  # the host of a `to` that has all which nobody else has
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class HealthCheck(Model):
    """An active check: a GET of `path`; a status outside `expect` or later than `timeout` fails.

    `host` is the Host of that GET where it isn't the address, `headers` are more of its fields.
    With a `command` or `tcp` it is no GET: that is run beside the process, or connected to. With
    `grpc` it is a call of grpc.health.v1: of that service, or "" for the server as a whole.
    Before `start_period` is over failures of a starting process don't count. None: they never do.
    """

    enabled: bool = True
    path: str = "/"
    host: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    tcp: Location | None = None
    command: str | tuple[str, ...] | None = None
    grpc: str | None = None
    interval: float = 5.0
    timeout: float = 2.0
    healthy_threshold: int = 1
    unhealthy_threshold: int = 3
    expect: tuple[tuple[int, int], ...] = ((200, 399),)
    start_period: float | None = None

    @property
    def by_get(self) -> bool:
        """Whether it is a GET."""
        return self.tcp is None and self.command is None and self.grpc is None


class Sticky(Model):
    """Keep a client at one backend: by a cookie of this name that it keeps for `ttl` seconds."""

    enabled: bool = True
    cookie: str = "server_id"
    ttl: float = 3600.0


class Backoff(Model):
    """The rest after the n-th crash in a row: `initial * factor ** (n - 1)`, at most `max`."""

    initial: float = 0.1
    factor: float = 2.0
    max: float = 30.0


class Restart(Model):
    """Restart policy. More than `max_restarts` within `window` seconds: the backend is `failed`."""

    policy: Policy = "on-failure"
    max_restarts: int = 5
    window: float = 60.0
    backoff: Backoff = Backoff()


class Web(Model):
    """What to GET. `address` None: the backend itself."""

    address: Location | None
    path: str


class Ready(Model):
    """How a started process shows that it is ready: at most one of the first five.

    `log` is a regular expression that a line of output is to match. Not ready within `timeout`
    seconds: it is replaced.
    """

    log: str | None = None
    tcp: Location | None = None
    http: Web | None = None
    command: str | tuple[str, ...] | None = None
    delay: float | None = None
    timeout: float | None = None


class ServicePort(Model):
    """Where else a process listens on this machine. It is known by the port `inside`, which is that
    of `address`, but for a container that has another one.

    `auto`: rpx chooses that of `address`, which is None until then.
    """

    inside: int
    address: Address | None = None
    auto: bool = False


class Start(Model):
    """A command to run. A string goes to `/bin/sh -c`, a tuple is executed as it is; where there is
    a `container`, it is run in that, and an empty one is that of its image.

    `env` is on top of rpx's own environment (None unsets); `env_later`, if it is there, gives it
    anew for each run, and raises ConfigError. `cwd` is absolute. A `oneshot` is to end
    and is never ready. `stdin` is a pipe that nobody writes to and that stays `open`, or "null": it
    ends at once. With a `tty` it is a terminal, as is where it prints. `user` is whom it
    runs as, `name` or `name:group`, also by number; None: as rpx. A change of a file that
    matches `watch` (policy.globs, relative to `cwd`) restarts it. `where` is the
    `file:line:column` of the command, for messages.
    """

    command: str | tuple[str, ...]
    cwd: Path
    env: dict[str, str | None] = Field(default_factory=dict)
    env_later: Callable[[], Mapping[str, str | None]] | None = None
    restart: Restart = Restart()
    restart_on_unhealthy: bool | None = None  # None: unless the policy is `no`
    success_exit_codes: tuple[int, ...] = (0,)
    oneshot: bool = False
    stdin: Stdin = "open"
    tty: bool = False
    user: str | None = None
    container: Container | None = None
    ports: tuple[ServicePort, ...] = ()
    ready: Ready | None = None
    stop_command: str | tuple[str, ...] | None = None
    stop_signal: int = 15
    stop_signal_to: Whom = "group"
    stop_grace_period: float = 10.0
    watch: tuple[str, ...] = ()
    where: str = ""

    @property
    def replaced_when_sick(self) -> bool:
        """Whether a process that stays unhealthy is restarted."""
        if self.restart_on_unhealthy is None:
            return self.restart.policy != "no"
        return self.restart_on_unhealthy


class Dependency(Model):
    """A proxy or process that must be `started`, `healthy` or `completed` before another starts.

    Not `required`: it is waited for as long as it may still come.
    """

    name: str
    condition: Condition
    required: bool = True


class Https(Model):
    """A host has TLS. `redirect`: who comes without it is sent there.

    `cert` and `key` are files of the user's own; None: the local authority makes them. `contents`
    differ where the files do. `late`: they may come into being while rpx runs.
    """

    enabled: bool = True
    cert: Path | None = None
    key: Path | None = None
    contents: str = ""
    late: bool = False
    redirect: bool = True


class Source(Model):
    """One entry of `from`: an address, and what starts the process behind it (None: external).

    `weight` is its share of the requests beside the others'; 0: no new ones. `served_by` is the
    index of an entry whose process serves this address, too.
    """

    address: Location
    start: Start | None = None
    weight: int = 1
    served_by: int | None = None


class PoolSpec(Model):
    """What the backends of one `to` have together; `https` also those of one host.

    `hold` is how many seconds a request waits while none of them is up, but one is to come back.
    """

    strategy: Strategy = "round-robin"
    sticky: Sticky | None = None
    hold: float = 10.0
    https: Https | None = None


class ProxyEntry(Model):
    """One entry of `proxies`: requests for `to` go to the backends of `from`, in its order.

    `to` is a host or host/path; the host may be `*.domain`, `*`, or an IPv6 literal in brackets.
    `also` are further ones that lead to the same. Without `from`, `replicas` copies of `start` are
    to get free ports, and `sources` is empty until then.

    `routes` are looked at in their order; what none of them takes is answered by `answerer` (None:
    the backends). The backends of a route are an entry of their own, which is not `reached` by its
    `to`: that is the host and the route's path, as users are told where it is.

    `where` is the `file:line:column` of its `to`, for messages.
    """

    to: str
    also: tuple[str, ...] = ()
    reached: bool = True
    name: str
    sources: tuple[Source, ...]
    profiles: tuple[str, ...] = ()
    autostart: bool = True
    replicas: int = 0
    start: Start | None = None
    health_check: HealthCheck | None = None
    pool: PoolSpec = PoolSpec()
    h2c: bool = False
    change_origin: bool = False
    depends_on: tuple[Dependency, ...] = ()
    routes: tuple[Route, ...] = ()
    answerer: Answerer | None = None
    treatment: Treatment = Treatment()
    where: str = ""

    @property
    def host(self) -> str:
        """`to` without its path, which may be an expression: `shop.localhost~/v[0-9]/.*`."""
        return self.to.partition("/")[0].partition("~")[0]

    @property
    def hosts(self) -> tuple[str, ...]:
        """All hosts that lead to it, that of `to` first; none where it isn't reached."""
        leading = (self.to, *self.also) if self.reached else ()
        return tuple(dict.fromkeys(to.partition("/")[0] for to in leading))


class ProcessEntry(Model):
    """Supervised like a backend, but nothing is routed to it."""

    name: str
    profiles: tuple[str, ...] = ()
    autostart: bool = True
    start: Start
    health_check: HealthCheck | None = None
    depends_on: tuple[Dependency, ...] = ()


class Config(Model):
    """One project. `file` is None where the configuration came from Python or the command line.

    `realm` is in the hosts of `proxies` already; "" is none.
    `env_files` are all that it has been looked for in, whether they are there or not. `named` are
    other files and folders, as they were written; everywhere else stands what their links lead to.
    `dashboard_host` is where this run has its dashboard, "" nowhere: a run says so, not a file.
    """

    name: str
    realm: str = ""
    root: Path
    file: Path | None = None
    env_files: tuple[Path, ...] = ()
    named: tuple[Path, ...] = ()
    listen: Listen = Listen()
    verbose: bool = False
    reload: Reload = "manual"
    timeouts: Timeouts = Timeouts()
    limits: Limits = Limits()
    containers: EngineName | None = None
    metrics: Metrics | None = None
    logs: Logs = Logs()
    requests: KeptRequests = KeptRequests()
    dashboard: bool = True
    dashboard_host: str = ""
    proxies: tuple[ProxyEntry, ...] = ()
    processes: tuple[ProcessEntry, ...] = ()

    @property
    def shares_ports(self) -> bool:
        """Clients come by the machine's door, and not by listeners of this project's own."""
        listen = self.listen
        chosen = 0 in (listen.http_port, listen.https_port) or listen.host not in _LOOPBACK
        return listen.door and not chosen

    @property
    def is_served(self) -> bool:
        """Clients can come: there is a proxy, or somebody has chosen a port for them."""
        return bool(self.proxies) or self.listen.http_port is not None

    @property
    def hosts(self) -> tuple[str, ...]:
        """All hosts that clients may ask for, in listed order, once each."""
        own = (self.dashboard_host,) if self.dashboard_host else ()
        return tuple(dict.fromkeys((*(h for proxy in self.proxies for h in proxy.hosts), *own)))

    @property
    def secured(self) -> dict[str, Https]:
        """The hosts that have TLS, in listed order.

        The dashboard has it beside a host whose certificate the local authority makes.
        """
        found = {
            host: proxy.pool.https
            for proxy in self.proxies
            for host in proxy.hosts
            if proxy.pool.https
        }
        if self.dashboard_host and not all(https.cert for https in found.values()):
            found.setdefault(self.dashboard_host, Https(redirect=False))
        return found

    @property
    def issued(self) -> tuple[str, ...]:
        """Those whose certificates the local authority makes; of a wildcard the domain.

        Of `*`, which is any, it is localhost: that is among those that can be certified anywhere.
        """
        hosts = (host for host, https in self.secured.items() if not https.cert)
        names = (host.removeprefix("*.") for host in hosts)
        return tuple(dict.fromkeys("localhost" if name == ANY else name for name in names))
