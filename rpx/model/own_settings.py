"""What a project says of rpx itself: where it listens, how long it waits, how much it takes."""

from __future__ import annotations

from rpx.model.base import Model


class Listen(Model):
    """Where clients connect. `http_port` None: 80, else 8080 and upward, and nowhere without a
    proxy; 0: any free port.

    `https_port` None: 443, else 8443 and upward. It is there when a proxy has `https`. `door`: they
    come by the machine's door, behind which other projects have the same ports.
    """

    host: str = "localhost"
    http_port: int | None = None
    https_port: int | None = None
    door: bool = True
    trusted_proxies: tuple[str, ...] = ()  # addresses and networks (CIDR)


class Timeouts(Model):
    """How long the proxy waits for whom. `answer` None: for ever, somebody may be debugging."""

    head: float = 10.0  # for a client's request head to come in whole
    idle: float = 75.0  # for a client's next request
    body: float = 75.0  # for a client that is silent within a body
    send: float = 300.0  # for a client that takes nothing of its answer
    connect: float = 5.0  # for a backend to take a connection
    answer: float | None = None  # for the head of a backend's answer
    upstream_idle: float = 4.0  # until an idle connection to a backend is closed


class Limits(Model):
    """How much the proxy takes. Sizes are bytes; `body` None: any."""

    head: int = 65536  # of a request or an answer; beyond it 431 or 502
    head_lines: int = 100
    target: int = 16384  # beyond it 414
    body: int | None = None  # beyond it 413
    connections: int = 10_000  # of clients; beyond it 503
    requests_per_backend: int = 1000  # at the same time; when all have so many: 503
    held: int = 1000  # requests that wait for a backend, per host; beyond it 503


class Metrics(Model):
    """Where Prometheus may look. `port` 0: any free one."""

    port: int


class Logs(Model):
    """The file of each service: at most `max_size` bytes, and `keep` predecessors."""

    max_size: int = 10 << 20
    keep: int = 3


class KeptRequests(Model):
    """What is remembered of the last requests. `keep` 0: nothing. `bodies`: bytes of each, also
    while nobody looks. `redact`: names of fields, in lower case, whose values are hidden.
    """

    keep: int = 2000
    bodies: int = 0
    redact: tuple[str, ...] = ()
