"""A balancer among the services: what it did for others becomes routes of rpx."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from rpx.errors import RpxError
from rpx.moving.draft import Draft, DraftService
from rpx.moving.given import Given, origin
from rpx.moving.lined import Lined
from rpx.moving.service_names import fresh
from rpx.moving.sources.caddy.caddyfile_reader import read_caddyfile
from rpx.moving.sources.compose.balanced_services import BalancedServices, copies_address
from rpx.moving.sources.compose.compose_files import ComposeProject, project_name
from rpx.moving.sources.compose.compose_service import ComposeService, copies_of
from rpx.moving.sources.compose.known_images import balancer
from rpx.moving.sources.compose.named_services import ServiceNames
from rpx.moving.sources.nginx.nginx_reader import read_nginx
from rpx.moving.starter import host_label

Resolve = Callable[[str, int], str | None]
ReadSites = Callable[[Path, Given, Resolve, Draft | None, str | None], Draft]


@dataclass(frozen=True, slots=True)
class Configuration:
    """A file that says what a balancer does. `within`: it is the text of one that stands in this
    file, below as many empty lines as it has before it.
    """

    path: Path
    within: str | None = None


def _read_nginx(
    path: Path, given: Given, resolve: Resolve, beside: Draft | None, within: str | None
) -> Draft:
    if within is not None:
        raise RpxError("nginx's configuration is read from a file, and not from `content`")
    return read_nginx(path, given, resolve, beside)


# By the kind of balancer: what reads its files. Traefik has none: its labels are the services'.
READERS: dict[str, ReadSites] = {"nginx": _read_nginx, "caddy": read_caddyfile}
_ENTRY = re.compile(r"--entrypoints\.[\w-]+\.address=[^:]*:(\d+)")
_CONFIGURED = {"nginx": ("*.conf", "*.template"), "caddy": ("Caddyfile*",)}
_PAGES = ("/usr/share/nginx/html", "/srv", "/var/www/html")


class Balancer:
    """One of them, with the files that say what it does."""

    def __init__(
        self, service: ComposeService, project: ComposeProject, names: ServiceNames, given: Given
    ) -> None:
        self.service = service
        self._project = project
        self._names = names
        self._given = replace(given, mounted={at: source for source, at in self._mounted()})
        base = service.dockerfile.base if service.dockerfile else ""
        self.kind = balancer(service.image) or balancer(base)
        self.host = host_label(project_name(project, given))
        self.files = list(self._files())

    @property
    def leaves_something(self) -> bool:
        """Whether its files say what it does, or which ones it sends."""
        return bool(self.files and self.kind in READERS) or any(True for _ in self._pages())

    def look(self) -> None:
        """See which services stand behind it: their ports have to be known."""
        if reader := READERS.get(self.kind):
            for file in self.files:
                with suppress(RpxError):  # it is said when the file is read in earnest
                    reader(file.path, self._given, self._note, None, file.within)

    def _note(self, host: str, port: int) -> str | None:
        service = self._names.named(host)
        if service is not None:
            # Copies have a free port each: they are reached as the proxy that they are.
            service.behind |= copies_of(service, self._project) <= 1
            service.referenced[port] = True
        return None

    def _address(self, host: str, port: int) -> str | None:
        service = self._names.named(host)
        if service is None:
            return None
        if port != service.page:
            return f"localhost:{port}"
        return service.address or copies_address(service)

    def add(self, draft: Draft) -> None:
        """Put its routes into the draft, and say what became of it."""
        if self.kind == "traefik":
            self._traefik(draft)
            return
        reader = READERS.get(self.kind)
        if reader is None or not self.files:
            self._without(draft, known=reader is not None)
        else:
            self._read(reader, draft)

    def _read(self, reader: ReadSites, draft: Draft) -> None:
        service = self.service
        why = f"{self.kind} isn't run any more: its sites are proxies of rpx"
        draft.carried(service.new, "the service", why, service.origin)
        draft.also_read |= {file.path for file in self.files if file.within is None}
        for file in self.files:
            try:
                found = reader(file.path, self._given, self._address, draft, file.within)
            except RpxError as error:
                problem = error.problems[0]
                line = (problem.where or "").rpartition(":")[2]
                where = origin(file.path, int(line) if line.isdigit() else 0)
                hint = f"{problem.hint}; then import again" if problem.hint else ""
                what = self.kind if file.within else f"{self.kind}: {file.path.name}"
                draft.lost(service.new, what, str(problem.what), where, hint)
                continue
            self._take(found, draft)

    def _take(self, found: Draft, draft: Draft) -> None:
        """Its sites, under names that no service has."""
        balanced = BalancedServices(draft, self._names.services.values(), self._own_names)
        renamed = balanced.renamed
        for each in list(found.services.values()):
            before = each.name
            balanced.only_for_browsers(each)
            if balanced.take(each):
                del found.services[before]
                continue
            if each.settings["to"] == "*":  # it was asked for by no name: now it has one, too
                host = f"{self.host}.localhost"
                each.name = fresh(self.service.new, draft.services)
                each.settings = {"to": [host, "*"], "name": each.name, **each.settings}
                each.settings["to"] = [host, "*"]
            elif each.name in draft.services:
                each.name = fresh(f"{each.name}-{self.service.new}", draft.services)
                each.settings = {"to": each.settings["to"], **each.settings, "name": each.name}
            renamed[before] = each.name
        balanced.lead(found)
        draft.join(found)
        balanced.tell()

    def _without(self, draft: Draft, *, known: bool) -> None:
        service = self.service
        folder = next(iter(self._pages()), None)
        if folder is not None:
            why = f"{self.kind} isn't run any more: rpx sends the files itself"
            draft.carried(service.new, "the service", why, service.origin)
            settings = {"to": "", "static": self._given.below_root(folder)}
            draft.add(DraftService(service.new, settings, service.origin))
            return
        why = f"{self.kind} isn't run, and rpx doesn't know what it did"
        if known:
            why += ": its configuration isn't beside this file"
        hint = "write its `routes` by hand; each service has a host of its own"
        draft.lost(service.new, "the service", why, service.origin, hint)

    def _traefik(self, draft: Draft) -> None:
        service = self.service
        why = "Traefik isn't run any more: what it was told by labels are routes of rpx"
        draft.carried(service.new, "the service", why, service.origin)
        written = service.get("command")
        texts = [item.text for item in written.items] or [written.text] if written else []
        entries = {int(port) for text in texts for port in _ENTRY.findall(text)} | {80, 443}
        for port in service.published:
            if port.inside not in entries:
                why = "Traefik's dashboard has no equivalent"
                what = f"ports: {port.here or ''}:{port.inside}"
                draft.lost(service.new, what, why, port.origin, "`rpx ps` and `rpx top` show more")
        for text in texts:
            if "providers.file" in text:
                why = "routes of Traefik's files aren't read"
                draft.lost(service.new, text, why, service.at("command"), "write them as `routes`")

    @property
    def _own_names(self) -> set[str]:
        return {self.service.name, *self.service.calls}

    def _files(self) -> Iterator[Configuration]:
        """Files of its configuration, as far as they are of this machine."""
        patterns = _CONFIGURED.get(self.kind, ())
        for source, target in self._mounted():
            if target.startswith(_PAGES):
                continue
            if source.is_dir():
                yield from self._in(source)
            elif source.is_file() and any(
                source.match(each) or Path(target).match(each) for each in patterns
            ):
                yield Configuration(source)
        for content, target in self._contents():
            if target.startswith("/etc/") or any(Path(target).match(each) for each in patterns):
                text = self._project.filled(content)
                within = "\n" * content.origin.line + text
                yield Configuration(Path(content.origin.file).absolute(), within)
        if folder := self.service.folder:
            yield from self._in(folder)

    def _in(self, folder: Path) -> Iterator[Configuration]:
        for pattern in _CONFIGURED.get(self.kind, ()):
            yield from map(Configuration, sorted(folder.glob(pattern)))

    def _pages(self) -> Iterator[Path]:
        for source, target in self._mounted():
            if source.is_dir() and target.startswith(_PAGES):
                yield source

    def _mounted(self) -> Iterator[tuple[Path, str]]:
        volumes = self.service.get("volumes")
        items = list(volumes.items) if volumes else []
        for item in items:
            source, target = self._project.filled(item.get("source")), item.get("target")
            place = self._project.filled(target)
            if not item.mapping:
                source, _, rest = self._project.filled(item).partition(":")
                place = rest.partition(":")[0]
            if source.startswith((".", "/", "~")):
                path = self._project.folder / os.path.expanduser(source)
                yield Path(os.path.normpath(path)), place
        for top, inside in self._configs():
            if written := top.get("file"):
                path = self._project.folder / self._project.filled(written)
                yield Path(os.path.normpath(path)), inside

    def _contents(self) -> Iterator[tuple[Lined, str]]:
        for top, target in self._configs():
            if content := top.get("content"):
                yield content, target

    def _configs(self) -> Iterator[tuple[Lined, str]]:
        """What stands at the top of the file for the service's `configs`, and its place inside."""
        configs = self.service.get("configs")
        for item in configs.items if configs else ():
            name = self._project.filled(item.get("source") or item)
            if (top := self._project.top["configs"].get(name)) is not None:
                yield top, self._project.filled(item.get("target")) or f"/{name}"
