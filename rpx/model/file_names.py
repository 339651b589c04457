"""What files are called: that of a project, for who reads it and for who only looks who runs it;
and those of other tools, by which a folder without one shows what is in it.
"""

from __future__ import annotations

from typing import Final

PROJECT_FILES: Final = ("rpx.yaml", "rpx.yml")  # the first that is there counts

# Files that say what to run, or what leads where, and what they are.
OF_OTHERS: Final = {
    "compose.yaml": "a file of docker compose",
    "compose.yml": "a file of docker compose",
    "docker-compose.yml": "a file of docker compose",
    "docker-compose.yaml": "a file of docker compose",
    "compose.override.yaml": "a file of docker compose",
    "compose.override.yml": "a file of docker compose",
    "docker-compose.override.yml": "a file of docker compose",
    "docker-compose.override.yaml": "a file of docker compose",
    "Procfile.dev": "a Procfile",
    "Procfile": "a Procfile",
    "process-compose.yaml": "a file of process-compose",
    "process-compose.yml": "a file of process-compose",
    "mprocs.yaml": "a file of mprocs",
    "Caddyfile": "a Caddyfile",
    "nginx.conf": "an nginx.conf",
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
    "composer.json",
    "go.mod",
    "Cargo.toml",
    "mix.exs",
    "Dockerfile",
    "index.html",
)
