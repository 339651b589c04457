"""What good files mean, in depth."""

from __future__ import annotations

from pathlib import Path

import pytest

from rpx.backend.life import DRAIN
from rpx.config import load_config
from rpx.model.address import Address
from rpx.model.config import Backoff, Config, HealthCheck, ProcessEntry, ProxyEntry, Restart
from rpx.model.own_settings import Listen
from rpx.policy.restarts import JITTER, STABLE_AFTER

GOOD = Path(__file__).parents[2] / "fixtures" / "configs" / "good"


def good(name: str, **environ: str) -> Config:
    return load_config(GOOD / name, environ, realm="")  # this folder may be a worktree's


def test_shop_has_every_setting_in_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(GOOD)
    shop = good("shop.yaml")
    assert (shop.name, shop.verbose) == ("shop", True)
    assert shop.listen == Listen(host="localhost", http_port=8080)
    api, web = shop.proxies
    assert (api.to, api.name, api.pool.hold) == ("api.localhost", "api", 90.0)
    assert [str(source.address) for source in api.sources] == [
        "localhost:3000",
        "localhost:3001",
        "localhost:3002",
        "[::1]:3003",
        "127.0.0.1:3004",
    ]
    assert api.health_check == HealthCheck(
        path="/health",
        interval=5.0,
        timeout=2.0,
        unhealthy_threshold=2,
        expect=((200, 200), (204, 204), (300, 399)),
    )
    start = api.sources[0].start
    assert start is not None
    assert start.command == "python app.py --port $PORT"
    assert start.cwd == GOOD / "api"
    assert start.env == {
        "LOG_LEVEL": "debug",
        "DEBUG": "true",
        "RATIO": "1.10",
        "MODE": "0755",
        "ON": "yes",
        "GONE": None,
    }
    assert start.restart == Restart(policy="no")
    assert (start.stop_signal, start.stop_grace_period) == (2, 0.5)
    assert start.where == "shop.yaml:26:16"
    legacy = api.sources[4].start
    assert legacy is not None
    assert (legacy.command, legacy.cwd, legacy.env) == ("./legacy --port $PORT", GOOD, {})
    always = Restart(
        policy="always",
        max_restarts=3,
        window=60.0,
        backoff=Backoff(initial=0.2, factor=1.5, max=5),
    )
    assert legacy.restart == always
    assert (web.to, web.name, web.health_check, web.pool.hold) == (
        "web.localhost",
        "frontend",
        None,
        90.0,
    )
    assert [source.address.port for source in web.sources] == [5173, 5174]
    assert [source.start for source in web.sources] == [None, None]
    worker, clock, db, migrate = shop.processes
    assert (worker.name, worker.start.command, worker.start.restart) == (
        "worker",
        "python worker.py",
        always,
    )
    assert clock.start.command == ("python", "-m", "clock", "60")
    assert db.start.env == {"PGDATA": "data", "EMPTY": ""}
    assert db.start.restart == Restart(policy="on-failure")
    assert (db.start.restart_on_unhealthy, db.start.success_exit_codes) == (False, (143,))
    assert (migrate.start.oneshot, migrate.start.success_exit_codes) == (True, (0, 3))
    assert migrate.start.restart == Restart(policy="no")


def test_one_proxy_stands_at_top_level() -> None:
    config = good("one_proxy.yaml")
    assert config.name == "alone"
    (proxy,) = config.proxies
    assert (proxy.to, proxy.name, proxy.health_check) == ("api.localhost", "api", HealthCheck())
    assert [source.start is not None for source in proxy.sources] == [True, True]


def test_a_port_in_env_says_which_address_the_process_serves() -> None:
    first, second = good("service_discovery.yaml").proxies
    assert (first.to, first.name) == (second.to, second.name) == ("api.localhost", "api")
    owned = [source.start is not None for proxy in (first, second) for source in proxy.sources]
    assert owned == [True, False, True, False]
    start = first.sources[0].start
    assert start is not None
    assert (start.stop_grace_period, start.stop_signal, start.env) == (3.0, 15, {"PORT": "3000"})


def test_weights_and_strategies_are_where_they_were_written() -> None:
    api, more, web = good("weights.yaml").proxies
    assert [source.weight for proxy in (api, more) for source in proxy.sources] == [3, 1, 1, 0]
    strategies = [proxy.pool.strategy for proxy in (api, more, web)]
    assert strategies == ["least-connections", "least-connections", "ip-hash"]


def test_camel_case_is_accepted() -> None:
    (proxy,) = good("camel_case.yaml").proxies
    assert proxy.health_check == HealthCheck(
        path="/health", interval=5.0, timeout=2.0, healthy_threshold=2
    )


def test_variables_are_put_in_and_typed_by_yaml_again() -> None:
    config = good("variables.yaml", HTTP_PORT="8081", API_PORT2="3005", PASSWORD="a$b", COPY="12")
    assert (config.name, config.listen.http_port, config.verbose) == ("dev-shop", 8081, False)
    (proxy,) = config.proxies
    assert proxy.to == "api.localhost"
    assert [source.address for source in proxy.sources] == [
        Address("localhost", 3000),
        Address("localhost", 3005),
    ]
    start = proxy.sources[0].start
    assert start is not None
    assert start.command == "./api --price '$$5' --port $PORT"
    assert start.env == {"PRICE": "$5", "COPY": "12", "PASSWORD": "a$b"}


def test_anchors_and_merge_keys_work() -> None:
    first, second, web = good("anchors.yaml").proxies
    assert (first.to, second.to, first.pool.hold, second.pool.hold) == (
        "api.localhost",
        "api.localhost",
        10.0,
        10.0,
    )
    start = web.sources[0].start
    assert start is not None
    assert (start.command, start.cwd) == ("python app.py", GOOD / "api")


def test_what_a_service_gets_that_says_nothing_is_what_the_documents_say(tmp_path: Path) -> None:
    (tmp_path / "rpx.yaml").write_text("processes: {app: ./app}")
    (app,) = load_config(tmp_path / "rpx.yaml", {}).processes
    assert (app.start.stop_signal, app.start.stop_grace_period) == (15, 10)
    backoff = Backoff(initial=0.1, factor=2, max=30)
    assert app.start.restart == Restart(
        policy="on-failure", max_restarts=5, window=60, backoff=backoff
    )
    assert (JITTER, STABLE_AFTER, DRAIN) == (0.1, 10, 10)


def test_names_of_processes_and_variables_are_left_alone() -> None:
    config = good("other_pools.yaml")
    assert [process.name for process in config.processes] == ["3000", "env", "on"]
    assert config.processes[1].start.env == {"healthCheck": "1", "health_check": "2", "x-ray": "3"}


def test_what_a_dependency_has_to_be_follows_from_what_it_is() -> None:
    config = good("dependencies.yaml")
    services: list[ProxyEntry | ProcessEntry] = [*config.proxies[::2], *config.processes]
    written = {
        service.name: {each.name: each.condition for each in service.depends_on}
        for service in services
    }
    assert written == {
        "api": {"db": "healthy", "migrate": "completed"},
        "web": {"api": "started"},
        "db": {},
        "migrate": {"db": "healthy"},
        "worker": {"db": "healthy", "migrate": "completed", "api": "healthy"},
    }
    assert [each.name for each in config.proxies[1].depends_on] == ["db"]


def test_copies_without_addresses_wait_for_ports() -> None:
    api, web = good("replicas.yaml").proxies
    assert [(proxy.sources, proxy.replicas) for proxy in (api, web)] == [((), 3), ((), 1)]
    assert api.start is not None
    assert api.start.command == "./api"
