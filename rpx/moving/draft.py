"""An rpx.yaml that is to be: its services, as they will be written, and what there is to say."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rpx.moving.remarks import Came, Origin, Remark

# What rpx.yaml writes: texts, numbers, booleans, None, lists and mappings of these.
Written = dict[str, Any]


@dataclass(slots=True)
class DraftService:
    """One service.

    `settings` are the words of rpx.yaml below its name in `processes`, or those of its entry of
    `proxies` (a `to` makes it one). `origin` is where it was read.
    """

    name: str
    settings: Written
    origin: Origin

    @property
    def is_proxy(self) -> bool:
        """Whether it has a host, and so belongs to `proxies`."""
        return "to" in self.settings


@dataclass(slots=True)
class Draft:
    """The services in the order of their source, what is written on top, and the remarks.

    `is_guess`: nobody has written down that these run; a source in which somebody has says more.
    """

    services: dict[str, DraftService] = field(default_factory=dict)
    top: Written = field(default_factory=dict)  # `env`, `env_file` and other words on top
    remarks: list[Remark] = field(default_factory=list)
    is_guess: bool = False
    also_read: set[Path] = field(default_factory=set)  # files that its own ones have led to

    def add(self, service: DraftService) -> None:
        """Take a service in. One of that name that is there stays, and the other one is lost."""
        there = self.services.setdefault(service.name, service)
        if there is not service:
            self.lost(
                service.name,
                "a second one of this name",
                f"the first one stands in {there.origin}",
                service.origin,
                "give one of them another name",
            )

    def carried(
        self,
        service: str,
        what: str,
        why: str,
        origin: Origin,
        hint: str = "",
        *,
        kept: bool = False,
    ) -> None:
        """Say that something came over in another way than one may think. `kept`: also in rpx.yaml,
        where nothing else shows it.
        """
        self.remarks.append(Remark(Came.CARRIED, service, what, why, origin, hint, kept))

    def guessed(self, service: str, what: str, why: str, origin: Origin, hint: str = "") -> None:
        """Say that something is likely, and from where it was read."""
        self.remarks.append(Remark(Came.GUESSED, service, what, why, origin, hint))

    def lost(self, service: str, what: str, why: str, origin: Origin, hint: str = "") -> None:
        """Say that something is not in rpx.yaml."""
        self.remarks.append(Remark(Came.LOST, service, what, why, origin, hint))

    def join(self, other: Draft) -> None:
        """Take in what another source of the same folder has; what is here comes first."""
        for service in other.services.values():
            self.add(service)
        for word, written in other.top.items():
            here = self.top.setdefault(word, written)
            if here is not written and isinstance(here, dict) and isinstance(written, dict):
                self.top[word] = {**written, **here}
        self.remarks += other.remarks

    @property
    def by_service(self) -> dict[str, list[Remark]]:
        """The remarks on each service, and with "" those on the whole."""
        found: dict[str, list[Remark]] = {"": []}
        for remark in self.remarks:
            found.setdefault(remark.service, []).append(remark)
        return found

    @property
    def losses(self) -> list[Remark]:
        """What is not in rpx.yaml."""
        return [remark for remark in self.remarks if remark.came is Came.LOST]
