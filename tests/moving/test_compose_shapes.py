"""Compose files of the shapes that are met most: what comes over, and what is said of the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from rpx.moving.remarks import Came
from tests.moving.support import Moved, moved

LOST, GUESSED, CARRIED = Came.LOST, Came.GUESSED, Came.CARRIED

TIERS = """\
services:
  shop:
    build: {context: ./front, target: dev}
    command: npm run dev -- --host 0.0.0.0
    stdin_open: true
    ports: ["5173:5173"]
    environment:
      - VITE_API_URL=http://localhost:8000
      - POLLING
    volumes:
      - ./front:/app
      - /app/node_modules
    depends_on: [api]
  api:
    build:
      context: ./back
      args: {PYTHON: "3.12"}
    command: sh -c "migrate up && uvicorn main:app --port 8000"
    ports: ["127.0.0.1:${API_PORT:-8000}:8000"]
    env_file: .env
    environment:
      DATABASE_URL: postgresql://app:${PASSWORD:?set it in .env}@store:5432/app
      QUEUE: redis://cache:6379/0
    volumes: ["./back:/code:delegated"]
    healthcheck:
      test: ["CMD", "curl", "-f", "http://localhost:8000/api/health"]
      interval: 10s
      retries: 4
      start_period: 20s
    depends_on:
      store: {condition: service_healthy, restart: true}
      cache: {condition: service_started}
  jobs:
    build: ./back
    command: ["celery", "-A", "jobs", "worker"]
    environment: {QUEUE: "redis://cache:6379/0"}
    depends_on: [store, cache]
    restart: on-failure:3
  store:
    image: postgres:16-alpine
    environment: {POSTGRES_USER: app, POSTGRES_PASSWORD: "${PASSWORD}"}
    ports: ["5432:5432"]
    volumes: ["pg:/var/lib/postgresql/data"]
    healthcheck: {test: ["CMD-SHELL", "pg_isready -U $$POSTGRES_USER"], interval: 5s}
  cache:
    image: redis:7
volumes: {pg: {}}
"""


@pytest.fixture
def tiers(tmp_path: Path) -> Moved:
    files = {"compose.yaml": TIERS, ".env": "PASSWORD=s3cret\n", "front/a": "", "back/a": ""}
    return moved(tmp_path, files)


def test_services_with_source_run_in_its_folder_and_images_as_containers(tiers: Moved) -> None:
    assert [proxy.name for proxy in tiers.config.proxies] == ["shop", "api"]
    assert [process.name for process in tiers.config.processes] == ["jobs", "store", "cache"]
    assert tiers.start("shop").command == "npm run dev -- --host 0.0.0.0"
    assert tiers.start("shop").cwd.name == "front"
    assert tiers.start("jobs").command == ("celery", "-A", "jobs", "worker")
    assert tiers.start("jobs").restart.max_restarts == 3
    container = tiers.start("store").container
    assert container is not None
    assert container.image == "postgres:16-alpine"
    assert [str(volume.source) for volume in container.volumes] == ["pg"]
    assert "'127.0.0.1:${API_PORT:-8000}'" in tiers.text


def test_names_of_services_in_variables_become_addresses_of_rpx(tiers: Moved) -> None:
    assert "postgresql://app:${PASSWORD:?set it in .env}@$RPX_STORE_ADDRESS/app" in tiers.text
    assert "redis://$RPX_CACHE_ADDRESS/0" in tiers.text
    [port] = tiers.start("cache").ports  # nothing was published
    assert (port.auto, port.inside) == (True, 6379)
    assert tiers.said(CARRIED)["api", "environment: QUEUE"] == 23
    assert not tiers.warnings


def test_a_check_by_http_asks_for_a_path_and_another_one_runs_its_command(tiers: Moved) -> None:
    check = tiers.proxy("api").health_check
    assert check is not None
    assert (check.path, check.interval, check.unhealthy_threshold) == ("/api/health", 10, 4)
    check = tiers.process("store").health_check
    assert check is not None
    assert check.command == "pg_isready -U $POSTGRES_USER"
    waits = {each.name: each.condition for each in tiers.proxy("api").depends_on}
    assert waits == {"store": "healthy", "cache": "started"}


def test_what_a_process_can_t_have_is_said_with_its_line(tiers: Moved) -> None:
    assert tiers.said(LOST) == {
        ("shop", "build.target"): 3,
        ("shop", "volumes: /app/node_modules"): 12,
        ("api", "build.args"): 17,
        ("api", "depends_on: store.restart"): 31,
    }
    assert tiers.said(CARRIED)["shop", "environment: POLLING"] == 9
    assert tiers.said(CARRIED)["", "$PASSWORD"] == 22
    assert "environment: POLLING: no value" in tiers.text  # also for who has no report any more


def test_images_are_published_where_they_were_and_pages_get_hosts(tmp_path: Path) -> None:
    text = """\
version: '3.8'
services:
  db:
    image: postgres:15
    container_name: orders-db
    environment: {POSTGRES_PASSWORD: orders}
    ports: ["5433:5432"]
    volumes: [db_data:/var/lib/postgresql/data]
    healthcheck: {test: ["CMD-SHELL", "pg_isready"], interval: 10s, timeout: 5s, retries: 5}
    restart: unless-stopped
  mail:
    image: axllent/mailpit
    ports: ["1025:1025", "8025:8025"]
  admin:
    image: dpage/pgadmin4:latest
    ports: ["5051:80"]
    depends_on: {db: {condition: service_healthy}}
volumes: {db_data: }
"""
    found = moved(tmp_path, {"docker-compose.dev.yml": text})
    [port] = found.start("db").ports
    assert port.address is not None
    assert (port.address.port, port.inside) == (5433, 5432)
    assert [str(each.address) for each in found.proxy("mail").sources] == ["localhost:8025"]
    assert [port.inside for port in found.start("mail").ports] == [1025]
    container = found.start("admin").container
    assert container is not None
    assert container.port == 80
    assert [each.name for each in found.proxy("admin").depends_on] == ["db"]
    assert found.said(LOST) == {("db", "container_name"): 5}
    assert found.said(CARRIED)["db", "volumes: db_data"] == 8


ANCHORS = """\
name: ledger
x-app: &app
  build: {context: .}
  env_file:
    - .env.shared
    - {path: .env.local, required: false}
  volumes: [".:/srv", "gems:/bundle"]
  tty: true
  restart: unless-stopped
x-check: &check {interval: 30s, timeout: 10s}
services:
  web:
    <<: *app
    command: bin/rails s -p 3000
    ports: ["3000:3000", "3035:3035"]
    environment: {RAILS_ENV: , REDIS_URL: "redis://queue:6379", VITE_HOST: vite}
    healthcheck:
      <<: *check
      test: curl --fail --silent http://localhost:3000/up || exit 1
    depends_on:
      migrate: {condition: service_completed_successfully}
      search: {condition: service_started, required: false}
  migrate:
    <<: *app
    restart: "no"
    tty: false
    command: bin/rails db:prepare
  vite: {<<: *app, command: bin/vite dev, ports: ["3036:3036"]}
  queue:
    image: valkey/valkey:8
    command: ["sh", "-c", "valkey-server --requirepass \\"$$PASSWORD\\""]
    environment: [PASSWORD]
  search:
    image: opensearchproject/opensearch:2
    profiles: [full, search]
    ulimits: {memlock: {soft: -1, hard: -1}}
    ports: ["9200:9200"]
    stop_grace_period: 1m
  rails.console:
    <<: *app
    profiles: [tools]
    entrypoint: ["bin/rails", "console"]
volumes: {gems: {}}
"""


def test_anchors_profiles_and_second_ports_come_over(tmp_path: Path) -> None:
    found = moved(tmp_path, {"compose.yaml": ANCHORS, "bin/rails": "", "bin/vite": ""})
    assert found.config.name == "ledger"
    assert found.start("migrate").oneshot
    assert [port.inside for port in found.start("web").ports] == [3035]
    check = found.proxy("web").health_check
    assert check is not None
    assert (check.path, check.timeout) == ("/up", 10)
    assert found.process("rails-console").profiles == ("tools",)
    assert found.start("rails-console").tty
    assert not found.start("migrate").tty
    assert found.start("search").stop_grace_period == 60
    command = found.start("queue").command
    assert command[-1] == 'valkey-server --requirepass "$PASSWORD"'
    assert "RAILS_ENV" not in found.start("web").env  # rpx's own goes through
    assert found.said(CARRIED)["web", "environment: RAILS_ENV"] == 16
    assert found.said(CARRIED)["search", "ulimits"] == 36
    assert found.said(CARRIED)["web", "tty"] == 8
    assert found.said(CARRIED)["web", "depends_on: search.required: false"] == 22
    assert found.said(CARRIED)["rails-console", "the name `rails.console`"] == 39
    assert found.said(LOST)["web", "volumes: gems:/bundle"] == 7


LABELS = """\
services:
  gate:
    image: traefik:v3.1
    command: ["--providers.docker=true", "--entrypoints.web.address=:80"]
    ports: ["80:80", "8090:8080"]
    volumes: ["/var/run/docker.sock:/var/run/docker.sock:ro"]
  site:
    build: ./site
    depends_on: [gate]
    labels:
      - traefik.enable=true
      - traefik.http.routers.site.rule=Host(`shop.localhost`)
      - traefik.http.services.site.loadbalancer.server.port=3000
  api:
    build: ./api
    deploy: {replicas: 2}
    labels:
      traefik.http.routers.api.rule: "Host(`shop.localhost`) && PathPrefix(`/api`)"
      traefik.http.routers.api.middlewares: api-cut
      traefik.http.middlewares.api-cut.stripprefix.prefixes: /api
      traefik.http.services.api.loadbalancer.server.port: "8000"
  who:
    image: traefik/whoami
    labels: ["traefik.http.routers.who.rule=Host(`who.localhost`) || Host(`me.localhost`)"]
"""


def test_labels_of_traefik_become_hosts_and_routes(tmp_path: Path) -> None:
    files = {
        "compose.yaml": LABELS,
        "site/package.json": '{\n  "name": "site",\n  "scripts": {\n    "dev": "next"\n  }\n}',
        "api/Dockerfile": 'FROM python:3.12\nCMD ["fastapi", "run", "--port", "8000"]\n',
    }
    found = moved(tmp_path, files)
    site = found.proxy("site")
    assert site.to == "shop.localhost"
    [route] = site.routes
    assert route.conditions.paths == ("/api/*",)
    assert "strip_prefix: /api\n        proxy: api" in found.text
    assert found.proxy("api").replicas == 2
    assert found.start("api").command == "fastapi run --port $PORT"
    who = found.proxy("who")
    assert (who.to, who.also) == ("who.localhost", ("me.localhost",))
    assert found.said(GUESSED)["site", "command"] == 4  # of package.json
    assert ("api", 2) in found.lines(GUESSED)  # of the Dockerfile
    assert found.said(LOST) == {("gate", "ports: 8090:8080"): 5}
    assert found.said(CARRIED)["site", "depends_on: gate"] == 9


@pytest.mark.parametrize(
    ("service", "said"),
    [
        ("{build: ./gone, command: ./run}", "build.context"),
        ("{build: ./app}", "command"),
        ("{command: ./run, user: '1000'}", "user"),
    ],
)
def test_what_can_t_run_here_is_said_and_the_file_loads(
    tmp_path: Path, service: str, said: str
) -> None:
    found = moved(tmp_path, {"compose.yaml": f"services:\n  it: {service}\n", "app/x": ""})
    assert ("it", said) in found.said(LOST)
    assert found.process("it").name == "it"


def test_a_service_without_a_command_fails_with_a_sentence(tmp_path: Path) -> None:
    found = moved(tmp_path, {"compose.yaml": "services: {it: {build: .}}", "Dockerfile": "FROM x"})
    start = found.start("it")
    assert start.command == (
        "echo 'it: rpx found no command for it; write one in rpx.yaml' >&2; exit 1"
    )
    assert start.restart.policy == "no"


def test_an_nginx_among_the_services_becomes_routes_to_them(tmp_path: Path) -> None:
    files = {
        "compose.yaml": """\
services:
  one: {build: ./app, ports: ["81:5000"], hostname: one}
  two: {build: ./app, ports: ["82:5000"], depends_on: [front]}
  front:
    image: nginx:1.27-alpine
    ports: ["80:80"]
    volumes: ["./front.conf:/etc/nginx/conf.d/default.conf:ro"]
    depends_on: [one, two]
""",
        "front.conf": """\
upstream pool { server one:5000 weight=3; server two:5000; }
server {
  listen 80;
  client_max_body_size 20m;
  location / { proxy_pass http://pool; proxy_read_timeout 90s; }
}
""",
        "app/Dockerfile": 'FROM node\nCMD ["npm", "start"]\n',
    }
    found = moved(tmp_path, files, ("compose.yaml",))
    front = found.proxy("front")
    assert front.also == ("*",)
    served = [(str(each.address), each.weight, each.served_by) for each in front.sources]
    assert [each[:2] for each in served] == [("localhost:5000", 3), ("localhost:5001", 1)]
    assert found.start("one").command == "npm start"
    assert found.config.limits.body == 20 * 1024 * 1024
    assert found.config.timeouts.answer == 90
    assert not found.proxy("two").depends_on
    assert ("two", 3) in found.lines(GUESSED)  # another port than the first one's
    assert found.said(LOST) == {("one", "hostname"): 2}


def test_of_two_in_one_profile_the_second_has_another_port_though_the_first_is_apart(
    tmp_path: Path,
) -> None:
    text = "services:\n" + "".join(
        f"  {name}: {{build: ., command: run it, ports: ['8000:80'], profiles: [{profile}]}}\n"
        for name, profile in (("one", "a"), ("two", "b"), ("three", "b"))
    )
    found = moved(tmp_path, {"compose.yaml": text}, profiles=("b",))
    written = {name: service.settings for name, service in found.draft.services.items()}
    assert "from" not in written["three"] or written["three"]["from"] != written["two"]["from"]
