"""`profiles`: which services belong to a run, by the rules of Compose."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from rpx.config.yaml.document import Document
from rpx.errors import UsageError
from rpx.model.config import ProcessEntry, ProxyEntry
from rpx.model.suggest import nearest

VARIABLE = "RPX_PROFILES"
ALL = "*"


@dataclass(frozen=True, slots=True)
class Selection:
    """What a run is asked for: `profiles` by name or `*`, and `names`, which bring theirs along."""

    profiles: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


def active_profiles(
    asked: Selection, services: Iterable[ProxyEntry | ProcessEntry], environ: Mapping[str, str]
) -> frozenset[str]:
    """The profiles of a run. Raises: UsageError for one that nothing belongs to.

    In the variable such a one is no mistake: it may be set for several projects.
    """
    services = list(services)
    known = dict.fromkeys(profile for service in services for profile in service.profiles)
    for profile in asked.profiles:
        if profile != ALL and profile not in known:
            near = nearest(profile, known)
            hint = f"there are {', '.join(known)}" if known else "no service has `profiles`"
            raise UsageError(
                f"there is no profile `{profile}`", hint=f"did you mean `{near}`?" if near else hint
            )
    # `api:3000` and `api:2` are of `api`; a bare port names what runs in any case.
    named = {name.partition(":")[0] for name in asked.names}
    brought = {each for service in services if service.name in named for each in service.profiles}
    variable = {part.strip() for part in environ.get(VARIABLE, "").split(",")} - {""}
    return frozenset({*asked.profiles, *brought, *variable})


def is_active(service: ProxyEntry | ProcessEntry, profiles: Collection[str]) -> bool:
    """Whether a service belongs to a run with these profiles."""
    return not service.profiles or ALL in profiles or not set(service.profiles).isdisjoint(profiles)


def report_nothing_left(document: Document, services: Iterable[ProxyEntry | ProcessEntry]) -> None:
    """Say so when every service of a file belongs to profiles, and none of them is active."""
    known = list(dict.fromkeys(profile for service in services for profile in service.profiles))
    document.report(
        f"{document.label} has nothing outside its profiles: there is nothing to do",
        (),
        f"choose one: `--profile {known[0]}`" if known else "",
    )
