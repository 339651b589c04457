"""All that a folder and those below it have to run, each with the folder that it runs in."""

from __future__ import annotations

from collections.abc import Iterator

from rpx.moving.sources.manifests.compiled_manifests import (
    elixir_programs,
    go_programs,
    rust_programs,
)
from rpx.moving.sources.manifests.last_resorts import image_of, pages_of
from rpx.moving.sources.manifests.node_manifest import node_programs
from rpx.moving.sources.manifests.node_package import package_of
from rpx.moving.sources.manifests.php_manifest import php_programs
from rpx.moving.sources.manifests.python_manifest import python_programs
from rpx.moving.sources.manifests.ruby_manifest import ruby_programs
from rpx.moving.sources.manifests.runnable import Runnable
from rpx.moving.sources.manifests.source_folder import SourceFolder

Located = tuple[SourceFolder, Runnable]

# The first that finds anything has the folder. Node's comes beside: half of all web projects
# in other languages have a package.json for their assets.
_LANGUAGES = (
    ruby_programs,
    php_programs,
    elixir_programs,
    python_programs,
    go_programs,
    rust_programs,
)
# Folders in which the parts of a repository lie, one below.
_GROUPS = frozenset({
    "apps", "services", "packages", "projects", "crates",
})  # fmt: skip
# What these have is run by nobody who works on the project.
_ASIDE = frozenset({
    "docs", "doc", "examples", "example", "samples", "scripts", "infra", "deploy", "terraform",
    "helm", "k8s", "tools", "ci", "e2e", "fixtures", "benchmarks", "bench", "templates",
    "cypress", "playwright", "storybook", "sdk", "static", "assets",
})  # fmt: skip
# Parts that are looked for below a folder that has a server of its own.
PAGES = ("web", "frontend", "front", "front-end", "client", "ui", "webapp", "site", "www", "app")
_PARTS = frozenset(
    (*PAGES, *_GROUPS, "backend", "back", "back-end", "server", "api", "admin", "worker",
     "workers", "dashboard")
)  # fmt: skip


def programs_in(folder: SourceFolder) -> list[Runnable]:
    """What one folder has to run; [] where it is of no framework that rpx knows."""
    found = next((own for find in _LANGUAGES if (own := find(folder))), [])
    # Who is called `web` sends the pages, so what bundles their scripts has no host of its own.
    sends_pages = any(each.server and each.name == "web" for each in found)
    return found + node_programs(folder, for_assets=sends_pages)


def all_programs(root: SourceFolder) -> list[Located]:
    """What a folder and its parts have to run, the root's first."""
    own = programs_in(root)
    found = [(root, each) for each in own]
    serves = any(each.server for each in own)
    for part in _parts(root):
        if not serves or part.path.name in _PARTS or part.path.parent.name in _GROUPS:
            found += [(part, each) for each in programs_in(part)]
    if any(program.server for _, program in found):
        return found
    return found + _last_resorts(root)


def _parts(root: SourceFolder) -> Iterator[SourceFolder]:
    """The folders that may be parts of the project, the workspaces of Node among them."""
    package = package_of(root)
    members = package.members() if package else []
    yield from members
    known = {member.path for member in members}
    for folder in root.folders():
        if folder.path.name in _ASIDE or folder.path in known:
            continue
        if folder.is_part or folder.has("index.php"):
            yield folder
        elif folder.path.name in _GROUPS:
            yield from (each for each in folder.folders() if each.path not in known)


def _last_resorts(root: SourceFolder) -> list[Located]:
    if image := image_of(root):
        return [(root, image)]
    parts = [part for part in root.folders() if part.path.name not in _ASIDE]
    images = [(part, image) for part in parts if (image := image_of(part))]
    page = pages_of(root)
    return images or ([(root, page)] if page else [])
