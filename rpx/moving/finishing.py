"""What holds for a draft whatever it was read from: nobody waits for what isn't there, and no two
services have one port.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

from rpx.errors import Exit, RpxError
from rpx.moving.draft import Draft, DraftService
from rpx.moving.sources_joined import start_of


def finish(draft: Draft) -> Draft:
    """The draft, with nothing in it that rpx.yaml would refuse for what another source has said.

    Raises: RpxError for services that wait for each other in a circle.
    """
    for service in draft.services.values():
        waits = service.settings.get("depends_on")
        gone = [name for name in waits or () if name not in draft.services]
        for name in gone:
            why = f"there is no service `{name}` in rpx.yaml"
            draft.lost(service.name, "depends_on", why, service.origin)
        if isinstance(waits, dict):
            kept: object = {name: how for name, how in waits.items() if name not in gone}
        else:
            kept = [name for name in waits or () if name not in gone]
        if kept:
            service.settings["depends_on"] = kept
        else:
            service.settings.pop("depends_on", None)
    _refuse_circles(draft)
    _free_from(draft)
    _part(draft)
    return draft


def _refuse_circles(draft: Draft) -> None:
    waits = {
        name: list(service.settings.get("depends_on", ()))
        for name, service in draft.services.items()
    }
    try:
        TopologicalSorter(waits).prepare()
    except CycleError as error:
        names = list(reversed(error.args[1]))
        raise RpxError(
            f"`{names[0]}` waits for itself: {' → '.join(names)}",
            where=str(draft.services[names[0]].origin),
            hint="remove one of these dependencies",
            exit_code=Exit.USAGE,
        ) from None


def _free_from(draft: Draft) -> None:
    """Let the second of two that would listen at one port listen at a free one."""
    taken = defaultdict[str, list[DraftService]](list)
    for service in draft.services.values():
        if "start" not in service.settings:
            continue
        ports = list(_numbers(service.settings.get("from")))
        other = next((each for port in ports for each in _beside(service, taken[port])), None)
        if other is None:
            for port in ports:
                taken[port].append(service)
            continue
        del service.settings["from"]
        why = f"`{other.name}` of {other.origin} has {ports[0]}: it is given a free one in PORT"
        hint = "see that it listens at $PORT"
        draft.lost(service.name, "port", why, service.origin, hint)


def _part(draft: Draft) -> None:
    """Give a free port to who would have one that another service has, of another file mostly."""
    taken = defaultdict[str, list[DraftService]](list)
    for service in draft.services.values():
        started = "start" in service.settings  # else somebody else listens there, with `ports`
        for port in _numbers(service.settings.get("from")) if started else ():
            taken[port].append(service)
    for service in draft.services.values():
        start = start_of(service)
        written = start.get("ports")
        for at, each in enumerate(written if isinstance(written, list) else ()):
            here, _, inside = str(each).rpartition(":")
            number = here or inside
            other = next(_beside(service, taken[number]), None) if number.isdigit() else None
            if other is not None and isinstance(written, list):
                written[at] = f"auto:{inside}"
                why = f"`{other.name}` of {other.origin} has it: it gets a free one"
                draft.guessed(service.name, f"ports: {each}", why, service.origin)
            else:
                taken[number].append(service)


def _beside(service: DraftService, others: list[DraftService]) -> Iterator[DraftService]:
    """Those of the others that may run together with it."""
    return (each for each in others if each is not service and not _apart(service, each))


def _apart(one: DraftService, other: DraftService) -> bool:
    """Whether profiles keep them from running together."""
    ours, theirs = one.settings.get("profiles"), other.settings.get("profiles")
    return bool(ours and theirs and not set(ours) & set(theirs))


def _numbers(written: object) -> Iterator[str]:
    for each in written if isinstance(written, list) else [written]:
        address = each.get("address") if isinstance(each, dict) else each
        if isinstance(address, int | str):
            yield str(address).rpartition(":")[2]
