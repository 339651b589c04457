"""Where a backend listens: a host and a port, or the file of a unix socket."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """`localhost` means ::1 and 127.0.0.1, whichever answers. `str()` gives `host:port`."""

    host: str
    port: int

    @property
    def authority(self) -> str:
        """What Host says to it when nobody else has a say."""
        return str(self)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class SocketFile:
    """A unix socket. `path` is absolute; `str()` gives `unix:` and the path as it was written."""

    path: str
    written: str

    @property
    def authority(self) -> str:
        """What Host says to it when nobody else has a say."""
        return "localhost"

    @property
    def port(self) -> None:
        """It has none."""

    def __str__(self) -> str:
        return f"unix:{self.written}"


Location = Address | SocketFile
