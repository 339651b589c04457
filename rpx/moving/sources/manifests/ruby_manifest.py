"""Ruby: Rails, what has a config.ru, Sinatra, and Sidekiq beside them."""

from __future__ import annotations

from rpx.moving.sources.manifests.runnable import Runnable
from rpx.moving.sources.manifests.source_folder import SourceFolder


def ruby_programs(folder: SourceFolder) -> list[Runnable]:
    """The server of a folder, and its Sidekiq."""
    web = _rails(folder) or _rack(folder) or _classic(folder)
    if web is None:
        return []
    sidekiq = folder.find("Gemfile", r"""^\s*gem\s*\(?\s*['"]sidekiq['"]""")
    if not sidekiq:
        return [web]
    return [web, Runnable("sidekiq", "bundle exec sidekiq", sidekiq.origin, server=False)]


def _rails(folder: SourceFolder) -> Runnable | None:
    gem = folder.find("Gemfile", r"""^\s*gem\s*\(?\s*['"]rails['"]""")
    if not gem and not folder.has("bin/rails"):
        return None
    start = "bin/rails" if folder.has("bin/rails") else "bundle exec rails"
    origin = gem.origin if gem else folder.at("bin/rails")
    web = Runnable("web", f"{start} server -p $PORT", origin, usual=3000)
    hosts = folder.find(
        "config/environments/development.rb", r"^\s*config\.hosts\s*=(?!.*localhost)"
    )
    if hosts:
        web = web.guessed("config.hosts", "it answers other hosts with 403", hosts.origin,
                          'add `config.hosts << ".localhost"`')  # fmt: skip
    return web


def _rack(folder: SourceFolder) -> Runnable | None:
    if not folder.has("config.ru"):
        return None
    gemfile = folder.text("Gemfile")
    bundled = "bundle exec " if gemfile else ""
    puma = not gemfile or "puma" in gemfile
    server = "puma -p $PORT" if puma else "rackup -p $PORT"
    return Runnable("web", bundled + server, folder.at("config.ru"), usual=9292)


def _classic(folder: SourceFolder) -> Runnable | None:
    """Sinatra's classic style: the file is the program."""
    names = ["app.rb", "main.rb", "server.rb", "web.rb"]
    found = folder.find_in(names, r"""^\s*require\s*\(?\s*['"]sinatra['"]""")
    if not found:
        return None
    bundled = "bundle exec " if folder.has("Gemfile") else ""
    return Runnable("web", f"{bundled}ruby {found.name} -p $PORT", found.origin, usual=4567)
