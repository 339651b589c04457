"""Which services get a host, and where everything listens on this machine.

In compose each service has a network address of its own, so that two may listen at one port. Here
they share this machine's: the first one has the port, another one gets a free one and is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from rpx.model.late import port_of_variable
from rpx.moving.draft import Draft
from rpx.moving.lined import Lined
from rpx.moving.sources.compose.compose_service import Becomes, ComposeService
from rpx.moving.sources.compose.known_images import DATABASES, base_name, may_speak_http, page_of
from rpx.moving.sources.compose.named_services import usual_port
from rpx.moving.sources.compose.ports_of import PublishedPort

_FIRST = 8000  # 8080 for 80
LOWEST = 1024  # below it root alone may listen, and 80 and 443 are rpx's own


def plan_ports(services: Iterable[ComposeService], ending: set[str], draft: Draft) -> None:
    """Decide for all, containers first: what they publish is what people have in their heads.

    `ending`: the names of those that are meant to end, and get no host.
    """
    plan = _Plan(draft, ending)
    rest = [service for service in services if service.becomes is not Becomes.ROUTES]
    for service in rest:
        if not service.is_process:
            plan.container(service)
    for service in rest:
        if not service.is_process:
            plan.free_ports(service)
    for service in rest:
        if service.is_process:
            plan.process(service)


class _Plan:
    def __init__(self, draft: Draft, ending: set[str]) -> None:
        self._draft = draft
        self._ending = ending
        self._taken: dict[int, list[ComposeService]] = {}

    def container(self, service: ComposeService) -> None:
        """What is published, and a free port for what others call."""
        service.page = self._page_of_image(service)
        for port in service.published:
            free = port.here is not None and self._take(port.here, service)
            if port.inside == service.page and not service.address:
                service.address = self._page_address(port, service, free=free)
            elif port.inside not in service.ports and port.inside != service.page:
                service.ports[port.inside] = self._published(port, service, free=free)
        if service.behind and service.page is not None and not service.address:
            first = service.page if service.page >= LOWEST else _FIRST + service.page
            service.address = f"localhost:{self._next(first, service)}"
        for lost in service.lost_ports:
            self._draft.lost(service.new, f"ports: {lost.written}", lost.why, lost.origin)

    def free_ports(self, service: ComposeService) -> None:
        """Publish what others call, and what it is known for, though nothing was published."""
        known = usual_port(service)
        if known and service.bare:
            self._usual(known, service)
        for inside in [*([known] if known else []), *service.referenced]:
            if inside != service.page:
                service.ports.setdefault(inside, f"auto:{inside}")
        if known in service.ports:  # others know it by its first port
            service.ports = {known: service.ports.pop(known), **service.ports}

    def _usual(self, known: int, service: ComposeService) -> None:
        """A process that is told only the host looks at the port that everybody has."""
        why = f"`{service.bare}` names it without a port"
        hint = f"`{port_of_variable(service.new)}` has it, if programs can be told"
        there = service.ports.get(known)
        if there is None and self._take(known, service):
            service.ports[known] = known
            why += f": it is at {known} of this machine, where its programs look for it"
        elif there != known:
            why += f": here it has {there or 'a free one'}, and its programs look at {known}"
        else:
            return
        self._draft.guessed(service.new, f"ports: {known}", why, service.origin, hint)

    def _page_of_image(self, service: ComposeService) -> int | None:
        if service.name in self._ending:
            return None
        insides = [port.inside for port in service.published]
        known = [*insides, *service.exposed, *service.referenced]
        page = page_of(service.image, known)
        if service.behind:
            return page or next(iter(known), 80)
        return page if page in insides or service.referenced.get(page or 0) else None

    def _page_address(self, port: PublishedPort, service: ComposeService, *, free: bool) -> str:
        if port.here is not None and port.here >= LOWEST and free:
            return f"{port.loopback or 'localhost'}:{port.written or port.here}"
        if port.here is not None:
            why = "taken by another service" if port.here >= LOWEST else "a port of rpx itself"
            self._draft.carried(
                service.new,
                f"ports: {port.here}:{port.inside}",
                f"{port.here} is {why}: it gets a free one, and is reached by its host",
                port.origin,
            )
        return ""

    def _published(self, port: PublishedPort, service: ComposeService, *, free: bool) -> object:
        if port.here is None:
            return f"auto:{port.inside}"
        if not free:
            others = " and ".join(f"`{s.new}`" for s in self._taken[port.here] if s is not service)
            why = f"{others or 'another of its ports'} has {port.here}, too: it gets a free one"
            self._draft.guessed(service.new, f"ports: {port.here}", why, port.origin)
            return f"auto:{port.inside}"
        if "$" in port.written:
            return f"{port.written}:{port.inside}"
        return port.inside if port.here == port.inside else f"{port.here}:{port.inside}"

    def process(self, service: ComposeService) -> None:
        """It listens itself, at the port inside: nobody maps it to another one any more."""
        service.page = self._page(service) if service.name not in self._ending else None
        by_inside = {port.inside: port for port in service.published}
        if service.page is not None:
            service.address = self._own_address(service, service.page, by_inside.get(service.page))
        others = [*by_inside, *(p for p in service.referenced if p not in by_inside)]
        for inside in others:
            if inside == service.page:
                continue
            port = by_inside.get(inside)
            if self._take(inside, service):
                service.ports[inside] = inside
                if port is not None and port.here not in {None, inside}:
                    why = (
                        f"it listens at {inside} itself; compose had published that as {port.here}"
                    )
                    self._draft.carried(
                        service.new, f"ports: {port.here}:{inside}", why, port.origin
                    )
            else:
                names = " and ".join(f"`{each.new}`" for each in self._taken[inside])
                why = f"{names} has that port of this machine"
                hint = "give it another one, in its settings and in `ports`"
                where = port.origin if port else service.origin
                self._draft.lost(service.new, f"ports: {inside}", why, where, hint)
        for lost in service.lost_ports:
            self._draft.lost(service.new, f"ports: {lost.written}", lost.why, lost.origin)

    def _page(self, service: ComposeService) -> int | None:
        published = [p.inside for p in service.published if may_speak_http(p.inside)]
        called = [port for port, http in service.referenced.items() if http]
        if published:
            return published[0]
        if service.behind or called:
            return next(iter([*called, *service.exposed, *service.referenced]), None)
        own = own_port_of(service)
        exposed = [port for port in service.exposed if may_speak_http(port)]
        if exposed and not service.referenced:
            return exposed[0]
        says = own is not None and may_speak_http(own)
        if says and base_name(service.image) not in DATABASES:
            return own
        command = service.get("command") or service.get("entrypoint")
        if command is None and service.dockerfile:
            return next((p for p in service.dockerfile.ports if may_speak_http(p)), None)
        return None

    def _own_address(self, service: ComposeService, inside: int, port: PublishedPort | None) -> str:
        if inside >= LOWEST and self._take(inside, service):
            if port is None or port.here in {None, inside}:
                written = port.written if port and "$" in port.written else inside
                if port is not None and written == port.written and says_number(service, inside):
                    why = f"its command says {inside} itself: with another value, change it there"
                    self._draft.guessed(service.new, f"ports: {port.written}", why, port.origin)
                return f"{(port and port.loopback) or 'localhost'}:{written}"
            why = f"it listens at {inside} itself; compose had published that as {port.here}"
            self._draft.carried(service.new, f"ports: {port.here}:{inside}", why, port.origin)
            return f"localhost:{inside}"
        where = port.origin if port else service.origin
        whose = " and ".join(f"`{s.new}`" for s in self._taken.get(inside, []) if s is not service)
        why = f"{whose} has {inside}" if whose else f"{inside} is for root alone"
        if not service.behind:
            told = "it gets a free port in PORT"
        else:
            inside = self._next(max(inside, LOWEST), service)
            told = f"it gets {inside} in PORT"
        hint = "see that it listens at $PORT"
        self._draft.guessed(service.new, "ports", f"{why}: {told}", where, hint)
        return f"localhost:{inside}" if service.behind else ""

    def _next(self, first: int, service: ComposeService) -> int:
        """The first port from there that nobody has."""
        return next(port for port in range(first, 65536) if self._take(port, service))

    def _take(self, port: int, service: ComposeService) -> bool:
        """Whether nobody has the port who may run together with this one."""
        there = self._taken.setdefault(port, [])
        if any(_together(service, other) for other in there):
            return False
        there.append(service)
        return True


def _together(one: ComposeService, other: ComposeService) -> bool:
    """Whether both may run at once: profiles of their own keep them apart."""
    ours, theirs = _profiles(one), _profiles(other)
    return not ours or not theirs or bool(ours & theirs)


def _profiles(service: ComposeService) -> set[str]:
    written = service.get("profiles")
    return {item.text for item in written.items} if written else set()


def own_port_of(service: ComposeService) -> int | None:
    """What the service is told by PORT."""
    environment = service.get("environment")
    for value in environment.items if environment else ():
        name, _, text = value.text.partition("=")
        if name == "PORT":
            return _default(Lined(text, value.origin))
    found = environment.get("PORT") if environment else None
    return _default(found) if found else None


def _default(value: Lined) -> int | None:
    found = re.fullmatch(r"(?:\$\{\w+:?-)?(\d{2,5})\}?", value.text)
    return int(found[1]) if found else None


def says_number(service: ComposeService, number: int) -> bool:
    """Whether its command has the port in it."""
    for key in ("command", "entrypoint"):
        written = service.get(key)
        texts = [written.text, *(item.text for item in written.items)] if written else []
        if any(re.search(rf"(?<![\d.]){number}(?!\d)", text) for text in texts):
            return True
    return False
