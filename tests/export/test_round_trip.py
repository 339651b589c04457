"""A compose file that was moved in, exported and moved in again: the same services."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from rpx.cli.main import main
from rpx.config import load_config
from rpx.config.checks.profiles import Selection
from rpx.model.config import Config, HealthCheck, ProcessEntry, ProxyEntry, Start
from rpx.model.late import tells_of_services

TIERS = """\
services:
  web:
    build: ./web
    command: npm run dev -- --host 0.0.0.0
    ports: ["5173:5173"]
    environment: [VITE_API_URL=http://localhost:8000]
    depends_on: [api]
  api:
    build: {context: ./api, args: {V: "1"}}
    command: sh -c "alembic upgrade head && uvicorn app:app --port 8000"
    env_file: .env
    environment:
      DATABASE_URL: postgresql://app:${DB_PASSWORD:?set it in .env}@db:5432/app
      REDIS_URL: redis://cache:6379/0
    ports: ["127.0.0.1:${API_PORT:-8000}:8000"]
    healthcheck: {test: [CMD, curl, -f, "http://localhost:8000/health"], interval: 10s, retries: 4}
    depends_on:
      db: {condition: service_healthy}
      cache: {condition: service_started}
  worker:
    build: ./api
    command: ["celery", "-A", "app.jobs", "worker"]
    restart: on-failure:3
    stop_grace_period: 1m
    depends_on: [db, cache]
  db:
    image: postgres:16-alpine
    environment: {POSTGRES_USER: app, POSTGRES_PASSWORD: "${DB_PASSWORD}"}
    ports: ["5432:5432"]
    volumes: ["pg:/var/lib/postgresql/data"]
    healthcheck: {test: "pg_isready -U $$POSTGRES_USER", interval: 5s}
  cache: {image: "redis:7"}
volumes: {pg: {}}
"""
IMAGES = """\
x-common: &common {restart: unless-stopped}
services:
  search:
    <<: *common
    image: opensearchproject/opensearch:2
    ports: ["9200:9200"]
    environment: {discovery.type: single-node}
    ulimits: {memlock: {soft: -1, hard: -1}}
    mem_limit: 1g
    profiles: [full]
    stop_grace_period: 1m
  mail: {image: axllent/mailpit, ports: ["8025:8025", "1025:1025"]}
  queue:
    image: valkey/valkey:8-alpine
    command: [sh, -c, 'valkey-server --requirepass "$$REDIS_PASSWORD"']
    environment: {REDIS_PASSWORD:}
    healthcheck: {test: [CMD, valkey-cli, ping], start_period: 20s}
    tmpfs: /tmp
    cap_add: [SYS_NICE]
"""


@pytest.mark.parametrize("text", [TIERS, IMAGES], ids=["tiers", "images"])
def test_the_same_services_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    for folder in ("web", "api"):
        (tmp_path / folder).mkdir()
    (tmp_path / "api/Dockerfile").write_text("FROM python:3.12\n")
    (tmp_path / ".env").write_text("DB_PASSWORD=geheim\n")
    (tmp_path / "compose.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REDIS_PASSWORD", "x")
    assert main(["import", "compose.yaml"]) == 0
    first = config_at(tmp_path)
    assert main(["export", "compose", "-o", "exported.yaml"]) == 0
    (tmp_path / "rpx.yaml").unlink()
    assert main(["import", "exported.yaml"]) == 0
    assert services(config_at(tmp_path)) == services(first)


def config_at(folder: Path) -> Config:
    return load_config(
        folder / "rpx.yaml", {"REDIS_PASSWORD": "x"}, None, Selection(("*",)), realm=""
    )


def services(config: Config) -> dict[str, dict[str, object]]:
    """What each service is, but for the host that is asked for: that is the balancer's affair."""
    found = {each.name: process(each) for each in config.processes}
    return found | {each.name: proxy(each) for each in config.proxies if each.name != "balancer"}


def proxy(entry: ProxyEntry) -> dict[str, object]:
    start = entry.start or entry.sources[0].start
    assert start is not None
    return {
        **about(start),
        "ports": [source.address.port for source in entry.sources],
        "replicas": entry.replicas,
        "check": asked(entry.health_check),
        "depends_on": dependencies(entry),
        "profiles": entry.profiles,
    }


def process(entry: ProcessEntry) -> dict[str, object]:
    return {
        **about(entry.start),
        "check": asked(entry.health_check),
        "depends_on": dependencies(entry),
        "profiles": entry.profiles,
    }


def dependencies(entry: ProxyEntry | ProcessEntry) -> set[tuple[str, str]]:
    return {(each.name, each.condition) for each in entry.depends_on}


def about(start: Start) -> dict[str, object]:
    """A process without a Dockerfile has an image that nobody has: what it runs is the same."""
    command = start.command
    words = tuple(shlex.split(command)) if isinstance(command, str) else command
    if words[:2] == ("sh", "-c"):
        words = tuple(shlex.split(words[2]))
    container = start.container
    if container is not None and container.image.endswith(":dev"):
        container = None
    return {
        "command": words,
        "env": {name: text for name, text in start.env.items() if not tells_of_services(name)},
        "container": container and container.model_dump(exclude={"port"}),
        "more": [(port.inside, port.auto) for port in start.ports],
        "restart": start.restart,
        "stop": (start.stop_grace_period, start.stop_command, start.tty, start.oneshot),
    }


def asked(check: HealthCheck | None) -> object:
    """That its port takes a connection is what rpx waits for by itself."""
    return None if check is None or check.tcp is not None else check.model_dump()
