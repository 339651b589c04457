"""Ports in a realm: others for what rpx starts, by the names of those that are written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rpx.backend.environment import child_environment
from rpx.errors import UsageError
from rpx.model.address import Address, SocketFile, Tls
from rpx.model.config import Config, ProcessEntry, ProxyEntry, Ready, Source, Start, Web
from rpx.model.own_settings import Metrics
from rpx.model.ports import Ports
from rpx.model.specs import BackendSpec
from rpx.policy.naming import names_of, select
from rpx.policy.plan import plan_backends, routes_only
from rpx.policy.realm_ports import chosen_for, own_ports, port_variables, with_own_ports
from rpx.policy.reload_plan import compare

ROOT = Path("/srv/shop")


def start(**settings: Any) -> Start:  # noqa: ANN401 - of a Start
    return Start(command="x", cwd=ROOT, **settings)


def source(port: int, host: str = "localhost", **settings: Any) -> Source:  # noqa: ANN401 - of a Source
    return Source(address=Address(host, port), **settings)


def proxy(name: str, *sources: Source, **settings: Any) -> ProxyEntry:  # noqa: ANN401 - of a ProxyEntry
    return ProxyEntry(to=f"{name}.localhost", name=name, sources=sources, **settings)


def shop(realm: str = "login", more: ProxyEntry | None = None) -> Config:
    """What there is in a file: the same port for two hosts, and addresses of others."""
    readies = Ready(http=Web(address=Address("127.0.0.1", 3009), path="/up"))
    db = start(ready=Ready(tcp=Address("localhost", 5433)))
    proxies = [
        proxy("api", source(3001, start=start()), source(3002, start=start(ready=readies))),
        proxy("web", source(3001, "127.0.0.1"), source(9000), source(3001, "10.0.0.9")),
        proxy("one", source(3005, start=start(env={"PORT": "3005"})), source(3006, served_by=0)),
        proxy("far", source(3007, "10.0.0.9", start=start())),
        proxy("file", Source(address=SocketFile("/run/x", "x"), start=start())),
        proxy("copies", replicas=2, start=start(ready=Ready(tcp=Address("localhost", 3010)))),
        *([more] if more else ()),
    ]
    remote = start(ready=Ready(tcp=Address("db.example.com", 5432)))
    return Config(
        name="shop",
        realm=realm,
        root=ROOT,
        metrics=Metrics(port=9180),
        proxies=tuple(proxies),
        processes=(ProcessEntry(name="db", start=db), ProcessEntry(name="ssh", start=remote)),
    )


WRITTEN = [3001, 3002, 3005, 3006, 3009, 3010, 5433]  # of services; 9180 is of rpx itself

# All that a plan has: it has no copies yet.
WRITTEN_KEYS = {f":{port}" for port in WRITTEN if port != 3010}


def chosen(config: Config) -> dict[str, list[int]]:
    return {key: [int(key[1:]) + 20_000] for key in own_ports(config)}


def planned(config: Config) -> list[BackendSpec]:
    return plan_backends(with_own_ports(config, chosen(config)), Ports(80))


def test_all_that_rpx_starts_on_this_machine_gets_a_port_of_its_own() -> None:
    assert own_ports(shop()) == {f":{port}": 1 for port in (*WRITTEN, 9180)}


def test_without_a_realm_nothing_changes() -> None:
    config = shop(realm="")
    assert not own_ports(config)
    assert not port_variables(config)
    assert with_own_ports(config, {}) is config
    assert chosen_for(plan_backends(config, Ports(80))) == {}


def test_what_rpx_does_not_start_is_where_it_is_written() -> None:
    assert own_ports(routes_only(shop())) == {":9180": 1}
    rows = {(names.label, names.port) for names in map(names_of, planned(shop()))}
    assert {("web:9000", 9000), ("web:3", 3001), ("far:3007", 3007)} <= rows


def test_labels_and_messages_keep_what_is_written() -> None:
    here, there = plan_backends(shop(), Ports(80)), planned(shop())
    assert [spec.label for spec in there] == [spec.label for spec in here]
    assert [str(spec.address) for spec in there] == [str(spec.address) for spec in here]
    assert [spec.server for spec in there] == [spec.server for spec in here]
    api = there[0].address
    assert isinstance(api, Address)
    assert (api.port, api.written, api.origin) == (23001, 3001, "http://localhost:23001")
    assert api.as_written == Address("localhost", 3001)
    assert Address("localhost", 4000, Tls(), 443).origin == "https://localhost:4000"


def test_every_process_is_told_the_ports_that_there_are() -> None:
    specs = planned(shop())
    told = {f"RPX_PORT_{port}": str(port + 20_000) for port in WRITTEN}
    for process in [spec.process for spec in specs if spec.process is not None]:
        assert told.items() <= dict(process.environment).items()
        seen = child_environment(process, colour=False)
        if isinstance(process.address, Address):
            assert seen["PORT"] == str(process.address.port)  # also where `env` has the other
    one = next(spec.process for spec in specs if spec.label == "one:3005")
    assert one is not None
    assert child_environment(one, colour=False)["PORT"] == "23005"


def test_where_it_shows_that_it_is_ready_goes_along() -> None:
    config = with_own_ports(shop(), chosen(shop()))
    ready = {process.name: process.start.ready for process in config.processes}
    assert ready["db"] == Ready(tcp=Address("localhost", 25433, written=5433))
    assert ready["ssh"] == Ready(tcp=Address("db.example.com", 5432))
    second = config.proxies[0].sources[1].start
    assert second is not None
    where = Address("127.0.0.1", 23009, written=3009)
    assert second.ready == Ready(http=Web(address=where, path="/up"))


def test_where_rpx_itself_listens_for_prometheus_is_another_port_too() -> None:
    assert with_own_ports(shop(), chosen(shop())).metrics == Metrics(port=29180)
    free = shop().model_copy(update={"metrics": Metrics(port=0)})
    assert with_own_ports(free, chosen(free)).metrics == Metrics(port=0)


def test_a_backend_is_named_by_either_port() -> None:
    rows = [names_of(spec) for spec in planned(shop())]
    for target in ("3002", "23002", "localhost:3002", "api:3002", ":23002", "api:23002", "api:2"):
        assert [row.label for row in select(rows, target)] == ["api:3002"]
    assert [row.label for row in select(rows, "3001", one=True)] == ["api:3001"]
    with pytest.raises(UsageError, match="there is no backend `3008` here"):
        select(rows, "3008")


def test_a_plan_tells_what_was_chosen_so_that_it_stays() -> None:
    config = shop()
    running = {key: ports for key, ports in chosen(config).items() if key in WRITTEN_KEYS}
    assert chosen_for(planned(config)) == running


def test_a_service_that_is_new_restarts_nobody_for_the_variable_of_its_port() -> None:
    before = shop()
    after = shop(more=proxy("new", source(3020, start=start())))
    plan = compare(planned(before), planned(after), before, after, tls=False)
    assert [spec.label for spec in plan.added] == ["new:3020"]
    assert not [*plan.replaced, *plan.adjusted, *plan.removed]
