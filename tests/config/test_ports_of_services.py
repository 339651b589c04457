"""`ports` of services: what is told of them, where checks look, whose a `from` is that has one."""

from __future__ import annotations

from pathlib import Path

from rpx.backend.environment import child_environment
from rpx.backend.free_ports import choose_ports
from rpx.model.address import Address
from rpx.model.config import Config
from rpx.model.ports import Ports
from rpx.model.specs import BackendSpec, processes_of
from rpx.policy.plan import plan_backends
from rpx.policy.reload_plan import compare
from tests.config.support import load

SHOP = """\
processes:
  my-db: {command: x, ports: ["auto:5432", 9187], health_check: {tcp: 5432}, ready: {tcp: 9187}}
  mail: {command: x, ports: [1025, 8025]}
  app:
    command: "run --cache $RPX_CACHE_ADDRESS"
    env:
      DB: postgres://u@$RPX_MY_DB_ADDRESS/shop
      METRICS: $RPX_MY_DB_HOST:${RPX_MY_DB_PORT_9187}
      API: "$RPX_API_HOST:$RPX_API_PORT"
      OWN: $RPX_WEB_PORT_3035
  cache: {command: x, ports: 6379}
proxies:
  - {to: mail.localhost, from: 8025, name: inbox}
  - {to: api.localhost, from: 3000, start: ./api}
  - {to: web.localhost, from: 3001, start: {command: ./web, ports: 3035}}
"""
LISTENING = Ports(8080, services={"RPX_API_URL": 20_001})


def planned(config: Config, file: Path | None = None) -> dict[str, BackendSpec]:
    specs = plan_backends(choose_ports(config, file), LISTENING)
    return {spec.label: spec for spec in specs}


def seen(spec: BackendSpec) -> dict[str, str]:
    assert spec.process is not None
    return child_environment(spec.process, colour=False)


def test_all_services_are_told_where_each_is_by_host_port_and_both(tmp_path: Path) -> None:
    config, warnings = load(tmp_path, SHOP)
    there = planned(config, tmp_path / "kept.json")
    assert warnings == []
    [[database]] = [[p.port for p in there["my-db"].ports if p.known == 5432]]
    app = seen(there["app"])
    assert app["DB"] == f"postgres://u@127.0.0.1:{database}/shop"
    assert app["METRICS"] == "127.0.0.1:9187"
    assert app["API"] == "127.0.0.1:20001"
    assert app["OWN"] == "3035"
    assert (app["RPX_MY_DB_PORT"], app["RPX_MY_DB_PORT_5432"]) == (str(database), str(database))
    assert app["RPX_CACHE_ADDRESS"] == "127.0.0.1:6379"
    own = seen(there["my-db"])
    assert (own["PORT"], own["HOST"]) == (str(database), "localhost")
    assert (own["RPX_MY_DB_ADDRESS"], seen(there["web:3001"])["PORT"]) == (
        f"127.0.0.1:{database}",
        "3001",
    )


def test_a_free_port_is_kept_and_checks_look_at_it_by_what_it_is_known_by(tmp_path: Path) -> None:
    config, _ = load(tmp_path, SHOP)
    first, second = (planned(config, tmp_path / "kept.json")["my-db"] for _ in range(2))
    assert first == second
    process = first.process
    assert process is not None
    assert process.health_check is not None
    assert process.start.ready is not None
    [database, figures] = [port.port for port in first.ports]
    assert process.health_check.tcp == Address("localhost", database)
    assert process.start.ready.tcp == Address("localhost", figures) == Address("localhost", 9187)
    assert process.listens == Address("localhost", database)


def test_a_proxy_without_a_start_is_served_by_the_process_that_has_its_port(tmp_path: Path) -> None:
    config, _ = load(tmp_path, SHOP)
    there = planned(config)
    assert (there["inbox:8025"].server, there["inbox:8025"].external) == ("mail", False)


def test_in_a_realm_they_are_others_which_the_same_variables_tell(tmp_path: Path) -> None:
    config, warnings = load(tmp_path, f"realm: two\n{SHOP}")
    there = planned(config)
    [cache] = there["cache"].ports
    assert (cache.known, cache.port != 6379) == (6379, True)
    app = seen(there["app"])
    assert app["RPX_CACHE_ADDRESS"] == f"127.0.0.1:{cache.port}"
    assert app["RPX_PORT_6379"] == str(cache.port)
    assert seen(there["cache"])["PORT"] == str(cache.port)
    mail = there["mail"].ports[1].port
    inbox = there["inbox:8025"].address
    assert isinstance(inbox, Address)
    assert (inbox.port, there["inbox:8025"].server) == (mail, "mail")
    figures = there["my-db"].ports[1].port
    process = there["my-db"].process
    assert process is not None
    assert process.start.ready is not None
    assert process.start.ready.tcp == Address("localhost", figures, written=9187)
    assert warnings == []


def test_who_is_known_to_use_an_address_that_changes_is_replaced_and_nobody_else(
    tmp_path: Path,
) -> None:
    before, _ = load(tmp_path, SHOP)
    changed = SHOP.replace("ports: 6379", "ports: 6380").replace("9187]", "9188]")
    after, _ = load(tmp_path, changed.replace("ready: {tcp: 9187}", "ready: {tcp: 9188}"))
    old, new = (
        list(planned(config, tmp_path / "kept.json").values()) for config in (before, after)
    )
    plan = compare(old, new, before, after, tls=False)
    assert {pair.after.label: pair.differs for pair in plan.replaced} == {
        "my-db": ("ports", "ready"),
        "app": ("env METRICS", "env RPX_CACHE_ADDRESS"),
        "cache": ("ports",),
    }
    assert not plan.adjusted


def test_a_variable_of_a_service_without_ports_is_warned_of(tmp_path: Path) -> None:
    _, warnings = load(tmp_path, SHOP.replace("$RPX_MY_DB_HOST", "$RPX_MY_DV_HOST"))
    [warning] = warnings
    assert warning.startswith("`RPX_MY_DV_HOST` is not set")
    assert warning.endswith(
        "no proxy, and no process with `ports`, has that name; did you mean `RPX_MY_DB_HOST`?"
    )


def test_no_file_says_which_port_a_process_with_ports_has(tmp_path: Path) -> None:
    config, _ = load(tmp_path, SHOP, "PORT=9\nHOST=x\n")
    there = planned(config)
    assert seen(there["cache"])["PORT"] == "6379"
    assert processes_of([there["app"]])[0].start.env["PORT"] == "9"


def test_the_name_of_a_file_variable_may_be_in_a_dotenv(tmp_path: Path) -> None:
    config, warnings = load(tmp_path, SHOP, "ALL=redis://$RPX_CACHE_ADDRESS\n")
    assert seen(planned(config)["app"])["ALL"] == "redis://127.0.0.1:6379"
    assert warnings == []
