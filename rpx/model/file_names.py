"""What files are called: that of a project, for who reads it and for who only looks who runs it;
and those of other tools, by which a folder without one shows what is in it.
"""

from __future__ import annotations

from typing import Final

PROJECT_FILES: Final = ("rpx.yaml", "rpx.yml")  # the first that is there counts

_COMPOSE: Final = [
    f"{name}{part}.{ending}"
    for part in ("", ".override", ".dev", ".local")
    for name in ("compose", "docker-compose")
    for ending in ("yaml", "yml")
]
# Files that say what to run, or what leads where, and what they are.
OF_OTHERS: Final = {
    **dict.fromkeys(_COMPOSE, "a file of docker compose"),
    "Procfile.dev": "a Procfile",
    "Procfile.local": "a Procfile",
    "Procfile.development": "a Procfile",
    "Procfile": "a Procfile",
    "process-compose.yaml": "a file of process-compose",
    "process-compose.yml": "a file of process-compose",
    "process-compose.dev.yaml": "a file of process-compose",
    "mprocs.yaml": "a file of mprocs",
    "mprocs.yml": "a file of mprocs",
    "mprocs.json": "a file of mprocs",
    "Caddyfile": "a Caddyfile",
    "Caddyfile.dev": "a Caddyfile",
    "caddy.json": "a configuration of Caddy",
    "nginx.conf": "a file of nginx",
    "nginx.dev.conf": "a file of nginx",
    "default.conf": "a file of nginx",
    **dict.fromkeys(
        ("traefik.yml", "traefik.yaml", "dynamic.yml", "dynamic.yaml", "dynamic_conf.yml"),
        "a file of Traefik",
    ),
}
# Files by which a framework or a language is known, and what to run for it.
OF_FRAMEWORKS: Final = (
    "package.json",
    "manage.py",
    "pyproject.toml",
    "requirements.txt",
    "Gemfile",
    "config.ru",
    "artisan",
    "index.php",
    "composer.json",
    "go.mod",
    "Cargo.toml",
    "mix.exs",
    "Dockerfile",
    "index.html",
)
