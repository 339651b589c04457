"""Names of services in values of others: `postgres://db:5432/app` becomes `$RPX_DB_ADDRESS`.

In compose's network `db` is a host. Here each service listens on this machine, and its address is a
variable that rpx fills in: also where the port is another one, or in the network of containers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from rpx.model.late import address_variable, host_variable, port_of_variable, url_variable
from rpx.moving.sources.compose.compose_service import Becomes, ComposeService
from rpx.moving.sources.compose.known_images import DATABASES, base_name

_HTTP = {"http", "https"}
# Variables of these names have a host as their value; another word may be a name by chance.
_OF_HOSTS = re.compile(
    r"(?:^|[_.-]|PG|DB|REDIS|MYSQL|MONGO)(?:HOSTS?|HOSTNAME|SERVERS?|ADDR(?:ESS)?|ENDPOINT|UPSTREAM|BROKERS?|URL|URI|NODES?"
    r"|BOOTSTRAP_SERVERS|DOMAIN)$",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(?:[^/@\s]*@)?$")
_DEFAULT = re.compile(r"\$\{(\w+):-$")
_PORT_WORD = re.compile(r"(?i)(?<=[\s;,])(port=)\d+(?!\d)")
_PORT_KEY = re.compile(r"(?i)(.*?)(HOST|HOSTNAME|SERVER|ADDR|ADDRESS)$")


@dataclass(frozen=True, slots=True)
class _Found:
    """A name in a text: from where to where, whose, its port if one is written."""

    start: int
    end: int
    service: ComposeService
    port: int | None
    scheme: str  # "http" of `http://api`, "" where no scheme stands before it
    scheme_start: int
    plain: bool  # no user stands between scheme and name


@dataclass(slots=True)
class ServiceNames:
    """All services by every name that compose's network has for them."""

    services: Mapping[str, ComposeService]
    _by_name: dict[str, ComposeService] = field(init=False)
    _pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        """Look which names there are. A service's own name goes before what others are called."""
        self._by_name = {
            call: service for service in self.services.values() for call in service.calls
        }
        self._by_name |= self.services
        names = sorted(map(re.escape, self._by_name), key=len, reverse=True)
        self._pattern = re.compile(
            rf"(?:(?<=:-)|(?<![\w.$-]))(?<!\$\{{)(?P<name>{'|'.join(names)})"
            r"(?::(?P<port>\d{2,5}|\$\{\w+:?-\d+\}))?(?![\w@-])(?!\.\w)(?!:\w)"
            if names
            else r"(?!)"
        )

    def named(self, name: str) -> ComposeService | None:
        """The service that a host of compose's network is."""
        return self._by_name.get(name)

    def note(self, key: str, text: str, of: ComposeService) -> None:
        """Remember at which ports services are called."""
        for found in self._in(key, text, of):
            if found.port is not None:
                http = found.scheme in _HTTP
                known = found.service.referenced.get(found.port, False)
                found.service.referenced[found.port] = http or known

    def note_bare(self, texts: Mapping[str, str], of: ComposeService) -> None:
        """Remember whom a process calls by a host alone: it looks at the usual port."""
        if not of.is_process:
            return
        for key, text in texts.items():
            words = _PORT_KEY.match(key)
            if key and not (words and any(_beside(words, other) for other in texts)):
                for found in self._in(key, text, of):
                    if found.port is None and not found.scheme:
                        found.service.bare = found.service.bare or key

    def rewritten(self, key: str, text: str, of: ComposeService) -> tuple[str, list[str]]:
        """The text with addresses of rpx, and the names of the services whose they are."""
        done, at, names = "", 0, []
        for found in self._in(key, text, of):
            if found.service.becomes is Becomes.ROUTES:
                continue
            start, new = _new(found)
            if new is None:
                continue
            after = text[found.end : found.end + 1]
            if after.isalnum() or after == "_":
                new = re.sub(r"\$(\w+)\Z", r"${\1}", new)
            done += text[at:start] + new
            at = found.end
            names.append(found.service.new)
        new = done + text[at:]
        if len(names) == 1 and _PORT_WORD.search(new):  # `host=db port=5432`
            new = _PORT_WORD.sub(rf"\1${port_of_variable(names[0])}", new)
        return new, names

    def port_beside(
        self, key: str, text: str, siblings: Mapping[str, str | None], of: ComposeService
    ) -> tuple[str, str] | None:
        """For `DB_HOST: db` the `DB_PORT` that stands beside it, and what it becomes."""
        service = self._by_name.get(text)
        found = _PORT_KEY.match(key)
        if service is None or service is of or found is None:
            return None
        other = next((each for each in siblings if _beside(found, each)), "")
        if not (siblings.get(other) or "").isdigit():
            return None
        return other, _address(service, int(siblings[other] or 0), "PORT")

    def _in(self, key: str, text: str, of: ComposeService) -> Iterator[_Found]:
        for match in self._pattern.finditer(text):
            service = self._by_name[match["name"]]
            before = text[: match.start()]
            scheme = _SCHEME.search(before)
            port = _number(match["port"])
            after = text[match.end() :]
            if before.endswith("/") and not before.endswith("//"):
                continue  # of a path
            if before.endswith("//") and "@" in re.split(r"[/\s?]", after, maxsplit=1)[0]:
                continue  # a user's name
            if service is of:
                continue
            if default := _DEFAULT.search(before):
                if not (_OF_HOSTS.search(default[1]) or _OF_HOSTS.search(key)):
                    continue
                port = scheme = None
            elif port is None and scheme is None and not _is_host(key, text, before):
                continue
            yield _Found(
                match.start(),
                match.end(),
                service,
                port,
                scheme[1].lower() if scheme else "",
                scheme.start() if scheme else match.start(),
                scheme is not None and "@" not in scheme[0],
            )


def _beside(host: re.Match[str], other: str) -> bool:
    """Whether that is `DB_PORT`, for what `_PORT_KEY` found in `DB_HOST`."""
    return other == f"{host[1]}{'port' if host[2].islower() else 'PORT'}"


def _is_host(key: str, text: str, before: str) -> bool:
    """Whether a bare name stands where a host does: alone, in a list, or behind `host=`."""
    if re.search(r"(?i)(?:host|server|hostname|addr|address)=$", before):
        return True
    return bool(_OF_HOSTS.search(key)) and re.fullmatch(r"[\w.,: -]+", text) is not None


def _number(written: str | None) -> int | None:
    """A port, also as the default of a variable."""
    found = re.search(r"(\d+)\}?\Z", written) if written else None
    return int(found[1]) if found else None


def _new(found: _Found) -> tuple[int, str | None]:
    """Where the replaced text begins, and what stands there instead."""
    service = found.service
    of_page = service.page is not None and found.port in {None, service.page}
    if of_page and found.scheme in _HTTP and found.plain:
        return found.scheme_start, f"${url_variable(service.new)}"
    if found.port is None and not found.scheme:
        return found.start, f"${host_variable(service.new)}"
    if found.port is None and service.page is None and not service.ports:
        return found.start, None
    return found.start, _address(service, found.port, "ADDRESS")


def _address(service: ComposeService, port: int | None, what: str) -> str:
    """`$RPX_DB_ADDRESS`, or host and port where it isn't the first port."""
    name = service.new
    main = service.page if service.page is not None else next(iter(service.ports), None)
    own = port_of_variable(name)
    if port is not None and port != main and port in service.ports:
        own = port_of_variable(name, port)
    elif service.page is None and what == "ADDRESS":
        return f"${address_variable(name)}"
    return f"${own}" if what == "PORT" else f"${host_variable(name)}:${own}"


def usual_port(service: ComposeService) -> int | None:
    """Where an image of a database listens if nobody says otherwise."""
    base = service.image or (service.dockerfile.base if service.dockerfile else "")
    return DATABASES.get(base_name(base))
