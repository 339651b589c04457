"""A project as a compose file."""

from __future__ import annotations

from pathlib import Path

from rpx.moving.remarks import Came
from tests.export.support import SHOP, caddyfile, composed, exported, said, shop


def test_each_copy_with_an_address_of_its_own_is_a_service(tmp_path: Path) -> None:
    services = composed(shop(tmp_path), SHOP)["services"]
    assert [name for name in services if name.startswith("api")] == ["api-1", "api-2"]
    api = services["api-1"]
    assert api["build"] == "./api"
    assert api["command"] == ["sh", "-c", "exec python app.py --port $$PORT"]
    assert api["ports"] == ["127.0.0.1:3000:3000"]
    assert api["environment"]["PORT"] == "3000"
    assert services["api-2"]["environment"]["PORT"] == "3001"
    assert api["develop"]["watch"] == [
        {
            "path": "./api/src",
            "action": "rebuild",
            "include": ["**/*.py"],
            "ignore": ["src/test.py"],
        }
    ]
    assert services["many"]["deploy"] == {"replicas": 3}


def test_an_image_that_nobody_has_cannot_be_overlooked(tmp_path: Path) -> None:
    found = exported(shop(tmp_path), SHOP)
    assert (
        "image: shop-many:dev  # TODO: no Dockerfile in .: write one" in found.files["compose.yaml"]
    )
    assert said(found, Came.GUESSED)[("many", "image")] == 19


def test_services_meet_by_their_names_and_a_secret_stays_where_it_is(tmp_path: Path) -> None:
    found = exported(shop(tmp_path), SHOP)
    services = composed(tmp_path, SHOP)["services"]
    env = services["api-1"]["environment"]
    assert env["DATABASE_URL"] == "postgres://app:${DB_PASSWORD:-dev}@db:5432/app"
    assert env["CACHE_URL"] == "redis://cache:6379/0"
    assert (env["MAIL_HOST"], env["PRICE"], env["LOG_LEVEL"]) == ("mail", "5$$", "debug")
    assert env["RPX_DB_ADDRESS"] == "db:5432"
    assert env["RPX_API_URL"] == "http://api:80"
    assert services["api-1"]["env_file"] == [{"path": ".env", "required": False}]
    assert "secret" not in found.files["compose.yaml"]
    guessed = said(found, Came.GUESSED)
    assert (guessed["api", "CACHE_URL"], guessed["api", "MAIL_HOST"]) == (11, 12)


def test_an_image_keeps_what_a_container_has(tmp_path: Path) -> None:
    services = composed(shop(tmp_path), SHOP)["services"]
    assert services["db"] == {
        "image": "postgres:16",
        "volumes": ["data:/var/lib/postgresql/data", "./init:/docker-entrypoint-initdb.d:ro"],
        "mem_limit": "1g",
        "cap_add": ["NET_ADMIN"],
        "env_file": [{"path": ".env", "required": False}],
        "environment": {"LOG_LEVEL": "debug", "POSTGRES_PASSWORD": "a$$b"},
        "ports": ["127.0.0.1:5432:5432"],
        "healthcheck": {
            "test": ["CMD-SHELL", "pg_isready -U app"],
            "interval": "5s",
            "timeout": "10s",
            "retries": 5,
            "start_period": "3600s",
            "start_interval": "1s",
        },
        "restart": "on-failure",
        "stop_signal": "SIGINT",
    }
    lost = said(exported(tmp_path, SHOP), Came.LOST)
    assert ("db", "--odd") in lost


def test_order_profiles_and_ends_are_compose_s_own(tmp_path: Path) -> None:
    compose = composed(shop(tmp_path), SHOP)
    services = compose["services"]
    assert services["api-1"]["depends_on"] == {
        "db": {"condition": "service_healthy"},
        "migrate": {"condition": "service_completed_successfully"},
    }
    assert services["mail"]["profiles"] == ["extra"]
    assert services["css"]["profiles"] == ["css"]
    assert (services["css"]["stop_grace_period"], services["css"]["stdin_open"]) == ("3s", True)
    assert (services["migrate"]["restart"], services["cache"]["restart"]) == ("no", "always")
    assert compose["volumes"] == {"data": None, "caddy": None}


def test_the_balancer_has_weights_stickiness_and_checks(tmp_path: Path) -> None:
    compose = composed(shop(tmp_path), SHOP)
    lines = [line.strip() for line in caddyfile(compose).splitlines()]
    assert "http://api.localhost, http://api {" in lines
    assert "reverse_proxy api-1:3000 api-2:3001 {" in lines
    assert "fallback weighted_round_robin 3 1" in lines
    assert "lb_policy cookie who {" in lines
    assert "health_uri /health" in lines
    assert "dynamic a many 8080 {" in lines
    balancer = compose["services"]["balancer"]
    assert balancer["ports"] == ["127.0.0.1:80:80"]
    assert balancer["networks"] == {"default": {"aliases": ["api"]}}


def test_what_is_not_started_by_rpx_is_asked_for_on_this_machine(tmp_path: Path) -> None:
    text = "from: localhost:5000\nto: a.localhost\nprocesses: {w: sleep 1}\n"
    compose = composed(tmp_path, text)
    assert compose["services"]["balancer"]["extra_hosts"] == ["host.docker.internal:host-gateway"]
    assert "reverse_proxy host.docker.internal:5000 {" in caddyfile(compose)
    assert ("a", "localhost:5000") in said(exported(tmp_path, text), Came.GUESSED)


def test_without_proxies_there_is_no_balancer(tmp_path: Path) -> None:
    compose = composed(tmp_path, "processes: {w: sleep 1, db: {image: postgres}}\n")
    assert list(compose["services"]) == ["w", "db"]
    assert "configs" not in compose


def test_services_whose_profiles_exclude_each_other_are_named(tmp_path: Path) -> None:
    text = """\
proxies:
  - {to: a.localhost, from: 3000, start: one, profiles: one}
  - {to: a.localhost, from: 3000, start: two, profiles: two}
processes: {w: sleep 1}
"""
    found = exported(tmp_path, text)
    assert [each.what for each in found.losses] == ["profiles", "profiles"]


def test_the_balancer_speaks_http_2_with_who_speaks_nothing_else(tmp_path: Path) -> None:
    text = "name: shop\nproxies: [{to: a.localhost, start: serve, protocol: h2c}]\n"
    assert "versions h2c" in caddyfile(composed(shop(tmp_path), text))
