"""Projects to export, and what comes of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from rpx.export.compose_export import compose_files
from rpx.export.exporting import Exported, Writing, export_project, read_project
from rpx.export.fates import Target
from rpx.export.kubernetes_export import kubernetes_files
from rpx.export.systemd_export import systemd_files
from rpx.moving.remarks import Came

WRITERS: Mapping[Target, Writing] = {
    "compose": compose_files,
    "kubernetes": kubernetes_files,
    "systemd": systemd_files,
}
SHOP = """\
name: shop
env: {LOG_LEVEL: debug}
proxies:
  - to: api.localhost
    from: [{address: "localhost:3000", weight: 3}, "localhost:3001"]
    start:
      command: exec python app.py --port $PORT
      cwd: api
      env:
        DATABASE_URL: postgres://app:${DB_PASSWORD:-dev}@$RPX_DB_ADDRESS/app
        CACHE_URL: redis://localhost:6379/0
        MAIL_HOST: localhost
        MAIL_PORT: 1025
        PRICE: 5$$
      watch: [src/**/*.py, "!src/test.py"]
    health_check: {path: /health, interval: 1s}
    sticky: {cookie: who, ttl: 60}
    depends_on: {db: {condition: healthy}, migrate: {condition: completed}}
  - {to: many.localhost, start: node server.js, replicas: 3}
processes:
  db:
    image: postgres:16
    ports: [5432]
    volumes: ["data:/var/lib/postgresql/data", "./init:/docker-entrypoint-initdb.d:ro"]
    env: {POSTGRES_PASSWORD: "a$$b"}
    stop_signal: SIGINT
    container_options: [--memory, 1g, --cap-add=NET_ADMIN, --odd]
    health_check: {command: pg_isready -U app, unhealthy_threshold: 5}
  cache: {image: "redis:7", ports: ["6379:6379"], restart: always}
  mail: {command: [mailhog], ports: [1025], profiles: [extra]}
  migrate: {command: ./migrate, oneshot: true}
  css: {command: "npx tailwindcss --watch", autostart: false, stop_grace_period: 3s}
"""


def shop(folder: Path) -> Path:
    """A folder with what SHOP speaks of."""
    (folder / "api").mkdir()
    (folder / "api/Dockerfile").write_text("FROM python:3.12\n")
    (folder / "init").mkdir()
    (folder / "init/schema.sql").write_text("CREATE TABLE t (x int);\n")
    (folder / ".env").write_text("DB_PASSWORD=secret\n")
    return folder


def exported(folder: Path, text: str, target: Target = "compose") -> Exported:
    """What a rpx.yaml comes to for a tool."""
    path = folder / "rpx.yaml"
    path.write_text(text)
    return export_project(*read_project(path, {}, None, ()), target, WRITERS[target])


def composed(folder: Path, text: str) -> Any:  # noqa: ANN401 - YAML
    """A compose file, as YAML says it."""
    return yaml.safe_load(exported(folder, text).files["compose.yaml"])


def objects(found: Exported) -> dict[tuple[str, str], Any]:
    """The objects for a cluster, by kind and name."""
    (text,) = found.files.values()
    return {(each["kind"], each["metadata"]["name"]): each for each in yaml.safe_load_all(text)}


def caddyfile(compose: Any) -> str:  # noqa: ANN401 - YAML
    """The Caddyfile that is in a compose file."""
    content: str = compose["configs"]["caddyfile"]["content"]
    return content.replace("$$", "$")


def said(found: Exported, came: Came) -> dict[tuple[str, str], int]:
    """Services and what is said of them, with the line it stands at."""
    return {
        (remark.service, remark.what): remark.origin.line
        for remark in found.remarks
        if remark.came is came
    }
