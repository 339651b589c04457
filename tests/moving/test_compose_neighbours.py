"""What a compose file says of volumes, hosts without ports, mounted pages and one-off commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from rpx.moving.remarks import Came
from tests.moving.support import moved


def test_a_volume_with_a_name_of_its_own_is_the_one_that_is_mounted(tmp_path: Path) -> None:
    text = """\
services:
  db:
    image: postgres:16
    volumes: [pg:/var/lib/postgresql/data, own:/own, usual:/usual, old:/old:ro]
volumes:
  pg: {external: true, name: shop_pg}
  own: {name: mine}
  usual: {driver: local}
  old: {external: true}
"""
    found = moved(tmp_path, {"compose.yaml": text})
    settings = found.draft.services["db"].settings
    assert settings["volumes"] == ["usual:/usual"]
    assert settings["container_options"] == [
        *("-v", "shop_pg:/var/lib/postgresql/data"),
        *("-v", "mine:/own"),
        *("-v", "old:/old:ro"),
    ]
    assert not found.said(Came.LOST)
    assert found.said(Came.CARRIED)["db", "volumes: pg"] == 4


def test_a_database_that_is_named_without_a_port_has_its_usual_one(tmp_path: Path) -> None:
    text = """\
services:
  web:
    build: .
    command: node web.js
    environment:
      REDIS_HOST: cache
      DB_HOST: db
      DB_PORT: 3306
      PGHOST: pg
  cache: {image: redis}
  db: {image: mysql}
  pg:
    image: postgres
    ports: ["5433:5432"]
"""
    found = moved(tmp_path, {"compose.yaml": text})
    services = found.draft.services
    assert services["cache"].settings["ports"] == [6379]
    assert services["db"].settings["ports"] == ["auto:3306"]  # DB_PORT is told
    assert services["web"].settings["env"]["PGHOST"] == "$RPX_PG_HOST"
    guessed = found.said(Came.GUESSED)
    assert guessed["cache", "ports: 6379"] == 10
    assert guessed["pg", "ports: 5432"] == 12
    assert ("db", "ports: 3306") not in guessed


@pytest.mark.parametrize(
    ("restart", "command", "ends"),
    [
        ('"no"', "npm run migrate", True),
        ("no", "bin/rails db:prepare", True),
        ('"no"', 'sh -c "alembic upgrade head && uvicorn main:app"', False),
        ('"no"', "node worker.js", False),
        ("always", "npm run migrate", False),
    ],
)
def test_what_is_not_restarted_and_ends_by_its_command_is_a_oneshot(
    tmp_path: Path, restart: str, command: str, ends: bool
) -> None:
    text = f"""\
services:
  web: {{build: ., command: node a.js, depends_on: [once]}}
  once:
    build: .
    command: {command}
    restart: {restart}
"""
    found = moved(tmp_path, {"compose.yaml": text})
    assert found.start("once").oneshot is ends
    assert found.said(Came.GUESSED).get(("once", "oneshot")) == (6 if ends else None)


def test_pages_that_are_mounted_into_a_balancer_are_those_of_this_machine(tmp_path: Path) -> None:
    text = """\
services:
  front:
    image: nginx
    volumes: ["./site.conf:/etc/nginx/conf.d/default.conf", "./client/dist:/srv/pages"]
  api: {build: ./api, command: node a.js, ports: ["4000:4000"]}
"""
    site = "server { listen 80; root /srv/pages; location /api/ { proxy_pass http://api:4000; } }"
    files = {"compose.yaml": text, "site.conf": site, "client/dist/index.html": "here"}
    found = moved(tmp_path, files)
    assert found.draft.services["front"].settings["static"] == "./client/dist"


def test_source_that_is_mounted_where_the_image_works_is_where_it_runs(tmp_path: Path) -> None:
    text = """\
services:
  laravel.test:
    build: ./vendor/runtime
    ports: ["${APP_PORT:-80}:80"]
    volumes: [".:/var/www/html"]
"""
    image = 'FROM ubuntu\nWORKDIR /var/www/html\nENTRYPOINT ["start-container"]\n'
    package = '{"scripts": {"dev": "vite"}}'
    files = {"compose.yaml": text, "vendor/runtime/Dockerfile": image, "artisan": ""}
    found = moved(tmp_path, {**files, "package.json": package})
    start = found.draft.services["laravel-test"].settings["start"]
    assert start == "php artisan serve --port=$PORT"


def test_expressions_and_checks_of_traefik_come_over_or_are_said(tmp_path: Path) -> None:
    text = r"""
services:
  admin:
    image: me/admin
    labels:
      - "traefik.http.routers.a.rule=HostRegexp(`^.+\\.admin\\.shop\\.test$$`)"
      - traefik.http.services.a.loadbalancer.server.port=4000
      - traefik.http.services.a.loadbalancer.healthcheck.path=/ping
      - traefik.http.services.a.loadbalancer.healthcheck.interval=10s
  odd:
    image: me/odd
    labels: ["traefik.http.routers.o.rule=HostRegexp(`^.+\\.(a|b)\\.test$$`)"]
"""
    found = moved(tmp_path, {"compose.yaml": text})
    admin = found.proxy("admin")
    assert admin.to == "*.admin.shop.test"
    assert admin.health_check is not None
    assert (admin.health_check.path, admin.health_check.interval) == ("/ping", 10)
    assert found.said(Came.LOST) == {("odd", "labels: rule"): 12}


def test_a_oneshot_that_others_wait_for_to_end_is_no_guess(tmp_path: Path) -> None:
    text = """\
services:
  web:
    build: .
    command: node a.js
    depends_on: {once: {condition: service_completed_successfully}}
  once: {build: ., command: npm run migrate, restart: "no"}
"""
    found = moved(tmp_path, {"compose.yaml": text})
    assert found.start("once").oneshot
    assert not found.said(Came.GUESSED)
