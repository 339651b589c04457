"""The names of a project, for who is typing one: as it runs, else as its file has them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rpx.config.find import find_config
from rpx.errors import RpxError
from rpx.runs.quick_rows import quick_rows

if TYPE_CHECKING:
    from rpx.config.glance import Glance

Offer = tuple[str, str]  # a word, and what it is


@dataclass(frozen=True)
class Known:
    """A project that may run; `file` None: the one found from here upward."""

    file: Path | None
    incomplete: str

    @cached_property
    def at(self) -> Path | None:
        """Its file."""
        try:
            return self.file or find_config()
        except RpxError:
            return None

    @cached_property
    def rows(self) -> list[Mapping[str, Any]]:
        """What `rpx ps` has; empty where it doesn't run."""
        return quick_rows(self.at) if self.at is not None else []

    @cached_property
    def written(self) -> Glance:
        """What its file names."""
        from rpx.config.glance import Glance, glance  # noqa: PLC0415 - YAML, for who needs it

        return glance(self.at) if self.at is not None else Glance()

    def services(self) -> Iterator[Offer]:
        """What runs by name; single copies and ports, once they are meant."""
        rows = [row for row in self.rows if row.get("does") is None]
        yield from self._names(rows)
        if ":" in self.incomplete or self.incomplete[:1].isdigit():
            yield from self._copies(rows)

    def backends(self) -> Iterator[Offer]:
        """What is one process: copies by their labels, others by name."""
        rows = [row for row in self.rows if row.get("does") is None]
        if rows:
            yield from ((str(row["label"]), str(row["state"])) for row in rows)
        else:
            yield from ((label, "") for label in self.written.labels)
        if self.incomplete[:1].isdigit():
            yield from self._copies(rows)

    def every_row(self) -> Iterator[Offer]:
        """Routes that have no backends, too."""
        yield from self._names(self.rows)
        if ":" in self.incomplete or self.incomplete[:1].isdigit():
            yield from self._copies(self.rows)

    def places(self) -> Iterator[Offer]:
        """Those, and URLs once one is begun."""
        if self.incomplete.startswith("ht"):
            urls = [url for row in self.rows for url in (row.get("url"), *row["other_urls"]) if url]
            yield from ((str(url), "") for url in urls)
            if not urls:
                yield from ((f"http://{host}/", "") for host in self.written.hosts)
        else:
            yield from self.every_row()

    def started(self) -> Iterator[Offer]:
        """What a run may have: what runs, and what the file has beside it."""
        running = [row for row in self.rows if row.get("command")]
        names = {row["name"] for row in running}
        yield from self._names(running, ())
        yield from ((name, "") for name in self.written.started if name not in names)

    def scaled(self) -> Iterator[Offer]:
        """Names with a `=` behind them."""
        yield from ((f"{name}=", "") for name in self.written.scaled)

    def proxies(self) -> Iterator[Offer]:
        """By name, and by host once there is a dot."""
        rows = [row for row in self.rows if row.get("url")]
        yield from self._names(rows, [name for name, _ in self.written.proxies])
        if "." in self.incomplete:
            yield from ((host, "") for host in self.written.hosts)

    def profiles(self) -> Iterator[Offer]:
        """Those that the file names, and all."""
        yield from ((name, "") for name in self.written.profiles)

    def hosts(self) -> Iterator[Offer]:
        """Those that browsers don't know by themselves."""
        yield from ((h, "") for h in self.written.hosts if not f".{h}".endswith(".localhost"))

    def _names(
        self, rows: Iterable[Mapping[str, Any]], otherwise: Iterable[str] | None = None
    ) -> Iterator[Offer]:
        if self.rows:
            counted = Counter(str(row["name"]) for row in rows)
            states = {str(row["name"]): str(row["state"]) for row in rows}
            for name, copies in counted.items():
                yield name, f"{copies} copies" if copies > 1 else states[name]
        else:
            yield from ((n, "") for n in (self.written.names if otherwise is None else otherwise))

    def _copies(self, rows: Iterable[Mapping[str, Any]]) -> Iterator[Offer]:
        by_port = self.incomplete[:1].isdigit()
        if not self.rows:
            labels = [label.rpartition(":") for label in self.written.labels if ":" in label]
            yield from ((port if by_port else f"{n}:{port}", n) for n, _, port in labels)
        for row in rows:
            ports = [row.get("port"), *(each.get("port") for each in row.get("ports", ()))]
            words = [str(p) for p in ports if p] if by_port else [str(row["label"])]
            yield from ((word, f"{row['label']}, {row['state']}") for word in words)


KINDS: Final[dict[str, Callable[[Known], Iterator[Offer]]]] = {
    "services": Known.services,
    "backends": Known.backends,
    "rows": Known.every_row,
    "places": Known.places,
    "started": Known.started,
    "scaled": Known.scaled,
    "proxies": Known.proxies,
    "profiles": Known.profiles,
    "hosts": Known.hosts,
}
