"""A service of compose on its way into a draft: what it is, and what has been found out so far."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path

from rpx.moving.lined import Lined
from rpx.moving.remarks import Origin
from rpx.moving.sources.compose.compose_files import ComposeProject
from rpx.moving.sources.compose.dockerfile import Dockerfile, read_dockerfile
from rpx.moving.sources.compose.known_images import DATABASES, LANGUAGES, PAGES, balancer, base_name
from rpx.moving.sources.compose.ports_of import LostPort, PublishedPort, exposed, published


class Becomes(Enum):
    """What a service is in rpx.yaml."""

    PROCESS = auto()  # of this machine
    CONTAINER = auto()
    ROUTES = auto()  # a balancer


@dataclass(slots=True)
class ComposeService:
    """`name` is compose's, `new` that in rpx.yaml. `page` is the port inside for which it gets a
    host, `address` where that is on this machine ("" for a free port), `ports` what else it listens
    at, as rpx.yaml writes it. `calls` are the other names that compose's network has for it.
    """

    name: str
    new: str
    written: Lined
    becomes: Becomes
    image: str
    folder: Path | None  # of its source
    dockerfile: Dockerfile | None
    published: list[PublishedPort]
    lost_ports: list[LostPort]
    exposed: list[int]
    calls: list[str]
    referenced: dict[int, bool] = field(default_factory=dict)  # ports; whether as those of HTTP
    bare: str = ""  # a variable of a process that names it, with its port nowhere
    behind: bool = False  # of a balancer, which has to know its address
    page: int | None = None
    address: str = ""
    ports: dict[int, object] = field(default_factory=dict)  # inside, and what is written

    @property
    def origin(self) -> Origin:
        """Where its name stands."""
        return self.written.origin

    @property
    def is_process(self) -> bool:
        """Whether it runs from source on this machine."""
        return self.becomes is Becomes.PROCESS

    def get(self, key: str) -> Lined | None:
        """A setting; None where there is none, or nothing in it."""
        found = self.written.get(key)
        return None if found is None or found.value is None else found

    def at(self, key: str) -> Origin:
        """Where a setting stands."""
        return self.written.at(key)


def service_from(name: str, new: str, written: Lined, project: ComposeProject) -> ComposeService:
    """What can be seen from the service alone."""
    image = project.filled(written.get("image"))
    build = written.get("build")
    context = build_context(build, project) if build else None
    dockerfile = read_dockerfile(context, build, project) if context and build else None
    ports = list(published(written, project))
    becomes, folder = _becomes(image, context, dockerfile, written, project)
    return ComposeService(
        name,
        new,
        written,
        becomes,
        image,
        folder,
        dockerfile,
        [port for port in ports if isinstance(port, PublishedPort)],
        [port for port in ports if isinstance(port, LostPort)],
        exposed(written, project),
        list(_calls(written, project)),
    )


def copies_of(service: ComposeService, project: ComposeProject) -> int:
    """How many of it compose starts."""
    deploy = service.get("deploy")
    written = (deploy.get("replicas") if deploy else None) or service.get("scale")
    text = project.filled(written)
    return int(text) if text.isdigit() else 1


def build_context(build: Lined, project: ComposeProject) -> Path | None:
    """The folder that an image is built of; None for one that isn't of this machine."""
    text = project.filled(build.get("context") or build) or "."
    if build.mapping and not build.get("context"):
        text = "."
    if "://" in text or text.startswith("git@"):
        return None
    return Path(os.path.normpath(project.folder / os.path.expanduser(text)))


def _becomes(
    image: str,
    context: Path | None,
    dockerfile: Dockerfile | None,
    written: Lined,
    project: ComposeProject,
) -> tuple[Becomes, Path | None]:
    has_command = bool(written.get("command") or written.get("entrypoint"))
    folder = _working_folder(written, dockerfile, project)
    if "build" in written.mapping:
        if dockerfile and not has_command:
            becomes = _of_its_base(dockerfile)
            return becomes, context if becomes is not Becomes.PROCESS else folder or context
        return Becomes.PROCESS, folder or context
    if balancer(image):
        return Becomes.ROUTES, None
    if not image:
        return Becomes.PROCESS, project.folder if has_command else None
    if base_name(image) in LANGUAGES and has_command and folder is not None:
        return Becomes.PROCESS, folder
    return Becomes.CONTAINER, None


def _of_its_base(dockerfile: Dockerfile) -> Becomes:
    """What is built without a command of its own: it runs what its base runs."""
    if dockerfile.command:
        return Becomes.PROCESS
    if balancer(dockerfile.base) and dockerfile.says_proxy_pass:
        return Becomes.ROUTES
    name = base_name(dockerfile.base)
    return Becomes.CONTAINER if name in DATABASES or name in PAGES else Becomes.PROCESS


def _working_folder(
    written: Lined, dockerfile: Dockerfile | None, project: ComposeProject
) -> Path | None:
    """The folder of this machine that a container works in, where its source is mounted."""
    inside = project.filled(written.get("working_dir"))
    inside = inside or (dockerfile.workdir if dockerfile else "")
    for source, target in _binds(written, project):
        path = Path(os.path.normpath(project.folder / os.path.expanduser(source)))
        if not path.is_dir():
            continue
        if inside and (inside + "/").startswith(target.rstrip("/") + "/"):
            return path / posixpath.relpath(inside, target)
        if not inside and "image" in written.mapping and "build" not in written.mapping:
            return path
    return None


def _binds(written: Lined, project: ComposeProject) -> Iterator[tuple[str, str]]:
    volumes = written.get("volumes")
    for item in volumes.items if volumes else ():
        if item.mapping:
            source, target = project.filled(item.get("source")), project.filled(item.get("target"))
        else:
            source, _, rest = project.filled(item).partition(":")
            target = rest.partition(":")[0]
        if source.startswith((".", "/", "~")) and target:
            yield source, target


def _calls(written: Lined, project: ComposeProject) -> Iterator[str]:
    for key in ("container_name", "hostname"):
        if name := project.filled(written.get(key)):
            yield name
    networks = written.get("networks")
    for network in networks.mapping.values() if networks else ():
        aliases = network.get("aliases")
        yield from (project.filled(item) for item in (aliases.items if aliases else ()))
