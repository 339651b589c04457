"""Files of a folder: `root`, `alias`, `index`, `try_files`, `expires`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rpx.moving.draft import Written
from rpx.moving.given import Given
from rpx.moving.sites.folders_here import folder_here
from rpx.moving.sources.nginx.directive_scope import Scope
from rpx.moving.sources.nginx.directives import Directive
from rpx.moving.sources.nginx.fixed_answers import refusal
from rpx.moving.sources.nginx.location_order import Location, LocationKind
from rpx.moving.sources.nginx.sizes_and_times import duration, seconds

_OF_PHP = (".php",)


@dataclass(frozen=True, slots=True)
class SentFiles:
    """What answers (`static`, or `respond` where the folder isn't here), what becomes of the path,
    and the named location that has what is no file, or "".
    """

    answer: Written
    change: Written
    otherwise: str = ""


def files_of(location: Location, scope: Scope, beside: Path, given: Given) -> SentFiles | None:
    """The files of a location; None if it has no folder."""
    alias = scope.own("alias")
    root = alias or scope.last("root")
    tried = scope.last("try_files")
    last = tried.args[-1] if tried and tried.args else ""
    if last.startswith("@"):
        return SentFiles({}, {}, last)
    if root is None or not root.args:
        return None
    written, change = root.args[0], Written()
    if alias is not None:
        written, change = _of_alias(written, location)
    options = _options(tried, location, scope)
    there = folder_here(written, beside, given)
    if there is None:
        words = ", ".join(f"{word}: {value}".lower() for word, value in options.items())
        static = f"{{dir: FOLDER, {words}}}" if options else "FOLDER"
        hint = f"write `static: {static}` in the place of `respond`"
        scope.lost(root, f"the folder {written} isn't on this machine", hint)
        return SentFiles(refusal(f"Here nginx sent files of {written}, which isn't here."), {})
    folder, guess = there
    if guess:
        scope.guessed(root, f"taken for {folder}, since that folder isn't on this machine")
    index = str(options.get("index", "index.html"))
    if tried is not None and "spa" in options and not (given.root / folder / index).is_file():
        del options["spa"]
        hint = f"build it, and write `static: {{dir: {folder}, spa: true}}`"
        scope.lost(tried, f"{folder} has no {index} yet", hint)
    return SentFiles({"static": {"dir": folder, **options} if options else folder}, change)


def _of_alias(written: str, location: Location) -> tuple[str, Written]:
    """The folder, and what becomes of the path: it takes the place of the location."""
    is_file = not written.endswith("/") and "." in PurePosixPath(written).name
    if location.kind is LocationKind.EXACT or is_file:
        path = PurePosixPath(written)
        return str(path.parent), {"rewrite": f"/{path.name}"}
    base = location.text.rstrip("/")
    return written, {"strip_prefix": base} if base else {}


def _options(tried: Directive | None, location: Location, scope: Scope) -> Written:
    options: Written = {**_index(scope), **_tried(tried, location, scope)}
    if scope.on("autoindex"):
        options["listing"] = True
    if age := _age(scope):
        options["max_age"] = age
    return options


def _index(scope: Scope) -> Written:
    index = scope.last("index")
    names = [] if index is None else [name for name in index.args if not name.endswith(_OF_PHP)]
    if index is not None and len(names) < len(index.args):
        scope.lost(index, "rpx runs no PHP itself", "`start: php -S localhost:$PORT`")
    if index is not None and names and names[0].startswith("/"):
        scope.lost(index, "an index is the name of a file in each folder")
        return {}
    return {} if not names or names[0] == "index.html" else {"index": names[0]}


def _tried(tried: Directive | None, location: Location, scope: Scope) -> Written:
    """What a path gets that is no file."""
    if tried is None:
        return {}
    last = tried.args[-1] if tried.args else ""
    path = last.partition("?")[0]
    if last.startswith("=") or last in {"$uri", "$uri/"}:
        return {}
    index = PurePosixPath(path).name
    if path.endswith(_OF_PHP):
        scope.lost(tried, "rpx runs no PHP itself", "`start: php -S localhost:$PORT index.php`")
        return {}
    if "$" in path or not path.startswith("/"):
        scope.lost(tried, "rpx tries a file, and then the index of the folder")
        return {}
    base = location.text.rstrip("/") if location.kind is not LocationKind.EXACT else ""
    if path.removeprefix(base).count("/") > 1:
        scope.lost(tried, f"only the index of the folder itself can take its place, not {path}")
        return {}
    hint = "a path with a suffix that isn't there is a 404, though"
    scope.carried(tried, "is `spa: true`", hint)
    return {"spa": True} if index == "index.html" else {"spa": True, "index": index}


def _age(scope: Scope) -> str:
    """How long browsers keep a file."""
    expires = scope.last("expires")
    if expires is None or not expires.args:
        return ""
    said = expires.args[-1]
    if said in {"off", "epoch", "-1"}:
        return ""
    if said == "max":
        return "87600h"
    amount = seconds(said)
    if amount is None:
        scope.lost(expires, "rpx has a duration there")
        return ""
    return duration(amount) if amount % 3600 else f"{amount // 3600:.0f}h"
