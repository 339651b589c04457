"""Where a backend listens: a host and a port, or the file of a unix socket."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Tls:
    """How a backend is spoken to with TLS. `ca` is the absolute path of a file with the authorities
    to believe, "" for those of the system.
    """

    verify: bool = True
    ca: str = ""


@dataclass(frozen=True, slots=True)
class Address:
    """`localhost` means ::1 and 127.0.0.1, whichever answers. `str()` gives `host:port`.

    `written` is the port by which it is known, where rpx has chosen another one to listen on.
    `h2c`: HTTP/2 is spoken there without TLS, and nothing else.
    """

    host: str
    port: int
    tls: Tls | None = None
    written: int | None = None
    h2c: bool = False

    @property
    def called(self) -> int:
        """The port by which it is known."""
        return self.port if self.written is None else self.written

    @property
    def as_written(self) -> Address | None:
        """Where it listens if it doesn't look at PORT; None where that says the same."""
        return None if self.written is None else replace(self, port=self.written, written=None)

    @property
    def origin(self) -> str:
        """Who it is to a browser that asks it directly: `http://localhost:3000`."""
        scheme, usual = ("http", 80) if self.tls is None else ("https", 443)
        return f"{scheme}://{self._name if self.port == usual else f'{self._name}:{self.port}'}"

    @property
    def _name(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def loopback(self) -> bool:
        """Whether who listens there does so on this machine, for this machine."""
        if self.host == "localhost" or self.host.endswith(".localhost"):
            return True
        try:
            address = ipaddress.ip_address(self.host)
        except ValueError:
            return False
        return address.is_loopback or address.is_unspecified

    @property
    def place(self) -> tuple[str, int]:
        """What two of our processes can't share, however it is written."""
        return "localhost" if self.loopback else self.host, self.port

    def __str__(self) -> str:
        return f"{self._name}:{self.called}"


@dataclass(frozen=True, slots=True)
class SocketFile:
    """A unix socket. `path` is absolute; `str()` gives `unix:` and the path as it was written.

    `h2c` is as of an `Address`.
    """

    path: str
    written: str
    h2c: bool = False
    loopback = True

    @property
    def origin(self) -> str:
        """It has no name of its own."""
        return "http://localhost"

    @property
    def port(self) -> None:
        """It has none."""

    @property
    def called(self) -> None:
        """It is known by its path."""

    @property
    def as_written(self) -> None:
        """It listens where it is to, or nowhere."""

    @property
    def place(self) -> tuple[str, None]:
        """As of an `Address`."""
        return self.path, None

    def __str__(self) -> str:
        return f"unix:{self.written}"


Location = Address | SocketFile


def both(host: str) -> tuple[str, ...]:
    """The addresses to listen on for `host`: one, or one of each family.

    `::` is all of this machine's, as for Caddy and Node: who wants all of IPv6 alone is rare.
    """
    match host:
        case "localhost":
            return "127.0.0.1", "::1"
        case "::":
            return "0.0.0.0", "::"  # noqa: S104 - it has been asked for
        case _:
            return (host,)
