"""What is looked for where no framework was found: a Dockerfile, then a page."""

from __future__ import annotations

import re

from rpx.moving.sources.manifests.runnable import Runnable
from rpx.moving.sources.manifests.source_folder import SourceFolder

_BUILT = ("dist", "build", "public", "_site", "site", "out", "www", "htdocs")


def image_of(folder: SourceFolder) -> Runnable | None:
    """What a Dockerfile builds, as a container."""
    name = folder.has("Dockerfile", "Containerfile", "dockerfile")
    if not name:
        return None
    build: object = "."
    if name != "Dockerfile":
        build = {"context": build, "dockerfile": name}
    # The last stage is what is run.
    last = folder.text(name).rpartition("\nFROM ")[2]
    ports = [int(port) for port in re.findall(r"^EXPOSE\s+(\d+)(?:/tcp)?\s*$", last, re.MULTILINE)]
    settings: dict[str, object] = {"build": build}
    if ports:
        settings["port"] = ports[0]
        origin = folder.line_of(name, f"EXPOSE {ports[0]}")
        return Runnable("web", "", origin, usual=ports[0], settings=settings)
    image = Runnable("web", "", folder.at(name), settings=settings)
    return image.guessed("port", "it has no EXPOSE: it is told to listen at PORT", folder.at(name),
                         "if it listens elsewhere inside, write `port`")  # fmt: skip


def pages_of(folder: SourceFolder) -> Runnable | None:
    """Files that need no program: rpx sends them itself."""
    for name in ("", *_BUILT):
        page = f"{name}/index.html" if name else "index.html"
        if (folder.path / page).is_file():
            return Runnable("web", "", folder.at(page), settings={"static": name or "."})
    return None
