"""A balancer among the services: what it did for others becomes routes of rpx."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from rpx.errors import RpxError
from rpx.moving.draft import Draft, DraftService
from rpx.moving.given import Given, origin
from rpx.moving.service_names import fresh
from rpx.moving.sources.caddy.caddyfile_reader import read_caddyfile
from rpx.moving.sources.compose.compose_files import ComposeProject, project_name
from rpx.moving.sources.compose.compose_service import ComposeService
from rpx.moving.sources.compose.known_images import balancer
from rpx.moving.sources.compose.named_services import ServiceNames
from rpx.moving.sources.nginx.nginx_reader import read_nginx
from rpx.moving.starter import host_label

Resolve = Callable[[str, int], str | None]
ReadSites = Callable[[Path, Given, Resolve, Draft | None], Draft]
# By the kind of balancer: what reads its files. Traefik has none: its labels are the services'.
READERS: dict[str, ReadSites] = {"nginx": read_nginx, "caddy": read_caddyfile}
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
        self._given = given
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
                    reader(file, self._given, self._note, None)

    def _note(self, host: str, port: int) -> str | None:
        service = self._names.named(host)
        if service is not None:
            service.behind = True
            service.referenced[port] = True
        return None

    def _address(self, host: str, port: int) -> str | None:
        service = self._names.named(host)
        if service is None:
            return None
        return service.address if port == service.page else f"localhost:{port}"

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
        draft.also_read |= set(self.files)
        for file in self.files:
            try:
                found = reader(file, self._given, self._address, draft)
            except RpxError as error:
                what, where = f"{self.kind}: {file.name}", origin(file)
                draft.lost(service.new, what, str(error.problems[0].what), where)
                continue
            self._take(found, draft)

    def _take(self, found: Draft, draft: Draft) -> None:
        """Its sites, under names that no service has."""
        renamed: dict[str, str] = {}
        for each in found.services.values():
            before = each.name
            if each.settings["to"] == "*":  # it was asked for by no name: now it has one, too
                host = f"{self.host}.localhost"
                each.name = fresh(self.service.new, draft.services)
                each.settings = {"to": [host, "*"], "name": each.name, **each.settings}
                each.settings["to"] = [host, "*"]
            elif each.name in draft.services:
                each.name = fresh(f"{each.name}-{self.service.new}", draft.services)
                each.settings = {"to": each.settings["to"], **each.settings, "name": each.name}
            renamed[before] = each.name
        for each in found.services.values():
            for route in each.settings.get("routes", ()):
                if "proxy" in route:
                    route["proxy"] = renamed.get(route["proxy"], route["proxy"])
        draft.join(found)

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

    def _files(self) -> Iterator[Path]:
        """Files of its configuration, as far as they are of this machine."""
        patterns = _CONFIGURED.get(self.kind, ())
        for source, target in self._mounted():
            if target.startswith(_PAGES):
                continue
            if source.is_dir():
                yield from (file for each in patterns for file in sorted(source.glob(each)))
            elif any(source.match(each) for each in patterns) and source.is_file():
                yield source
        if folder := self.service.folder:
            yield from (file for each in patterns for file in sorted(folder.glob(each)))

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
        configs = self.service.get("configs")
        for item in configs.items if configs else ():
            top = self._project.top["configs"].get(self._project.filled(item.get("source") or item))
            if top and (file := top.get("file")):
                path = self._project.folder / self._project.filled(file)
                yield Path(os.path.normpath(path)), self._project.filled(item.get("target"))
