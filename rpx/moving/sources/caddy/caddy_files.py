"""Folders that Caddy sends files of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rpx.moving.draft import Written
from rpx.moving.given import Given
from rpx.moving.sites.folders_here import folder_here
from rpx.moving.sources.caddy.adapting import Json
from rpx.moving.sources.caddy.caddy_handlers import Sayings


@dataclass(frozen=True, slots=True)
class Folders:
    """Where relative paths of a Caddyfile begin."""

    beside: Path
    given: Given

    def files(
        self, handler: Json, root: str, index: str, change: Written, told: Sayings
    ) -> tuple[Written, Written]:
        """Who answers for a `file_server`, and what becomes of the path."""
        written = handler.get("root") or root or "."
        options: Written = {}
        names = handler.get("index_names") or []
        if names and names[0] != "index.html":
            options["index"] = names[0]
        if "browse" in handler:
            options["listing"] = True
        if index:
            options["spa"] = True
            if index != "index.html":
                options["index"] = index
        there = folder_here(written, self.beside, self.given)
        if there is None:
            words = ", ".join(f"{word}: {value}".lower() for word, value in options.items())
            static = f"{{dir: FOLDER, {words}}}" if words else "FOLDER"
            hint = f"write `static: {static}` in the place of `respond`"
            told.say("lost", "root", f"the folder {written} isn't on this machine", hint)
            body = f"Here Caddy sent files of {written}, which isn't here.\n".replace("$", "$$")
            return {"respond": {"status": 501, "body": body}}, {}
        folder, guess = there
        if guess:
            told.say("guessed", "root", f"{written} isn't on this machine: taken for {folder}")
        file = str(options.get("index", "index.html"))
        if "spa" in options and not (self.given.root / folder / file).is_file():
            del options["spa"]
            hint = f"build it, and write `static: {{dir: {folder}, spa: true}}`"
            told.say("lost", "try_files", f"{folder} has no {file} yet", hint)
        return {"static": {"dir": folder, **options} if options else folder}, change


def index_of(matcher: Json) -> str | None:
    """The file that `try_files` ends with, if the path itself is tried before."""
    tried = matcher.get("try_files") or []
    if not tried or "{http.request.uri.path}" not in tried[0]:
        return None
    last = tried[-1].partition("?")[0]
    if last.startswith("/") and last.count("/") == 1 and "{" not in last:
        return str(last[1:])
    return "" if "{http.request.uri.path}" in last else None
