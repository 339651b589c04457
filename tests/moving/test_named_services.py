"""Names of services in values of others, as compose's network knows them."""

from __future__ import annotations

from pathlib import Path

import pytest

from rpx.moving.remarks import Came
from tests.moving.support import moved

SERVICES = """\
services:
  db: {{image: "postgres:16"}}
  redis: {{image: "redis:7", ports: ["6380:6379"]}}
  kafka-1: {{image: bitnami/kafka}}
  api: {{build: ., command: ./api.sh, ports: ["8000:8000"]}}
  mail: {{image: axllent/mailpit, container_name: shop-mail}}
  web:
    build: .
    command: ./web.sh
    environment:
      {key}: {value!r}
"""


@pytest.mark.parametrize(
    ("key", "value", "becomes"),
    [
        ("URL", "postgres://me:pw@db:5432/db", "postgres://me:pw@$RPX_DB_ADDRESS/db"),
        ("URL", "postgres://db:db@db/db", "postgres://db:db@$RPX_DB_ADDRESS/db"),
        ("URL", "jdbc:postgresql://db:5432/x", "jdbc:postgresql://$RPX_DB_ADDRESS/x"),
        ("URL", "redis://redis", "redis://$RPX_REDIS_ADDRESS"),
        ("URL", "redis://redis:6379/0?a=redis", "redis://$RPX_REDIS_ADDRESS/0?a=redis"),
        ("BROKERS", "kafka-1:9092,kafka-1:9092", "$RPX_KAFKA_1_ADDRESS,$RPX_KAFKA_1_ADDRESS"),
        ("API", "http://api:8000/v1", "$RPX_API_URL/v1"),
        ("API", "http://api:8000", "$RPX_API_URL"),
        ("API", "ws://api:8000/x", "ws://$RPX_API_HOST:$RPX_API_PORT/x"),
        ("API", "http://u:p@api:8000", "http://u:p@$RPX_API_HOST:$RPX_API_PORT"),
        ("SMTP", "smtp://shop-mail:1025", "smtp://$RPX_MAIL_ADDRESS"),
        ("REDIS_HOST", "redis", "$RPX_REDIS_HOST"),
        ("DB_HOST", "${DB_HOST:-db}", "${DB_HOST:-$RPX_DB_HOST}"),
        ("DSN", "host=db port=5432", "host=$RPX_DB_HOST port=$RPX_DB_PORT"),
        ("MODE", "api", "api"),
        ("POSTGRES_DB", "db", "db"),
        ("TEXT", "the db: 5432 and db-5432 and my.db:5432", None),
        ("URL", "https://db.example.com:5432/redis", None),
        ("URL", "https://example.com/db:5432", None),
    ],
)
def test_a_name_becomes_an_address_where_it_is_a_host(
    tmp_path: Path, key: str, value: str, becomes: str | None
) -> None:
    found = moved(tmp_path, {"compose.yaml": SERVICES.format(key=key, value=value)})
    settings = found.draft.services["web"].settings
    start = settings.get("start", settings)
    assert start["env"] == {key: value if becomes is None else becomes}
    assert not found.warnings


def test_a_port_beside_a_host_is_that_of_this_machine(tmp_path: Path) -> None:
    text = """\
services:
  cache: {image: "redis:7", ports: ["6380:6379"]}
  web: {build: ., command: ./web.sh, environment: {CACHE_HOST: cache, CACHE_PORT: 6379}}
"""
    found = moved(tmp_path, {"compose.yaml": text})
    env = {"CACHE_HOST": "$RPX_CACHE_HOST", "CACHE_PORT": "$RPX_CACHE_PORT"}
    assert found.draft.services["web"].settings["env"] == env


def test_variables_of_a_file_that_name_a_service_are_written_over(tmp_path: Path) -> None:
    files = {
        "compose.yaml": """\
services:
  db: {image: "postgres:16"}
  web: {build: ., command: "./wait db:5432 && ./web", env_file: web.env}
""",
        "web.env": "LEVEL=info\nDATABASE_URL=postgres://db:5432/app\n",
    }
    found = moved(tmp_path, files)
    settings = found.draft.services["web"].settings
    assert settings["env"] == {"DATABASE_URL": "postgres://$RPX_DB_ADDRESS/app"}
    assert settings["env_file"] == "web.env"
    assert settings["command"] == "./wait $RPX_DB_ADDRESS && ./web"
    places = [(r.what, r.origin.file[-7:], r.origin.line) for r in found.draft.remarks]
    assert ("env_file: DATABASE_URL", "web.env", 2) in places


def test_a_container_that_calls_a_process_of_this_machine_is_named(tmp_path: Path) -> None:
    text = """\
services:
  api: {build: ., command: ./api.sh, ports: ["8000:8000"]}
  hook: {image: example/hook, environment: {API: "http://api:8000"}}
"""
    found = moved(tmp_path, {"compose.yaml": text})
    assert found.said(Came.GUESSED) == {("hook", "environment: API"): 3}
