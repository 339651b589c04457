"""PHP: Laravel by its artisan, everything else by PHP's own server."""

from __future__ import annotations

from rpx.moving.sources.manifests.runnable import Runnable
from rpx.moving.sources.manifests.source_folder import SourceFolder

_PUBLIC = ("public", "web", "www", "htdocs", "webroot", "html")


def php_programs(folder: SourceFolder) -> list[Runnable]:
    """The server of a folder, and Laravel's queue."""
    if folder.has("artisan"):
        return _laravel(folder)
    public = next((name for name in _PUBLIC if folder.has(f"{name}/index.php")), "")
    if public:
        origin, documents = folder.at(f"{public}/index.php"), f" -t {public}"
    elif folder.has("index.php"):
        origin, documents = folder.at("index.php"), ""
    else:
        return []
    # A file as its last word would get the requests for files, too; without, it sends these itself.
    web = Runnable("web", f"php -S localhost:$PORT{documents}", origin, usual=8000,
                   settings={"env": {"PHP_CLI_SERVER_WORKERS": 4}})  # fmt: skip
    return [_installed(folder, web)]


def _laravel(folder: SourceFolder) -> list[Runnable]:
    web = Runnable("web", "php artisan serve --port=$PORT", folder.at("artisan"), usual=8000)
    found = [_installed(folder, web)]
    queue = folder.find(".env", r"^QUEUE_CONNECTION=(?!sync\b)\w+") or folder.find(
        ".env.example", r"^QUEUE_CONNECTION=(?!sync\b)\w+"
    )
    if queue:
        command = "php artisan queue:listen --tries=1"
        found.append(Runnable("queue", command, queue.origin, server=False))
    return found


def _installed(folder: SourceFolder, web: Runnable) -> Runnable:
    needs = folder.find("composer.json", r'^\s*"require"\s*:\s*\{\s*"(?!php")')
    if not needs or folder.has("vendor"):
        return web
    return web.guessed("vendor", "its packages aren't installed yet", folder.at("composer.json"),
                       "run `composer install` first")  # fmt: skip
