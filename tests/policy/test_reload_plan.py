"""The plan of a reload: applied to what runs it gives what is wanted, and touches the fewest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from rpx.model.address import Address, SocketFile
from rpx.model.config import (
    Config,
    HealthCheck,
    PoolSpec,
    ProcessEntry,
    ProxyEntry,
    Source,
    Start,
    Sticky,
)
from rpx.model.own_settings import Limits, Listen
from rpx.model.ports import Ports
from rpx.model.specs import BackendSpec, endpoints_of, processes_of
from rpx.policy.plan import plan_backends
from rpx.policy.reload_plan import AT_ONCE, NEXT_RUN, ReloadPlan, at_port, compare, in_effect
from rpx.policy.reload_report import advice, report, sentences
from tests.support.examples import times

ROOT = Path("/srv/shop")


def start(command: str = "python app.py", **settings: Any) -> Start:  # noqa: ANN401 - of a Start
    return Start(command=command, cwd=ROOT, **settings)


def proxy(
    name: str,
    *ports: int,
    run: Start | None = None,
    weight: int = 1,
    **settings: Any,  # noqa: ANN401 - of a ProxyEntry
) -> ProxyEntry:
    sources = tuple(
        Source(address=Address("localhost", port), start=run, weight=weight) for port in ports
    )
    return ProxyEntry.model_validate(
        {"to": f"{name}.localhost", "name": name, "sources": sources, **settings}
    )


def shop(*proxies: ProxyEntry, **settings: Any) -> Config:  # noqa: ANN401 - of a Config
    return Config(name="shop", root=ROOT, proxies=proxies, **settings)


def way(before: Config, after: Config) -> ReloadPlan:
    return compare(
        plan_backends(before, Ports(8080)),
        plan_backends(after, Ports(8080)),
        before,
        after,
        tls=bool(before.secured),
    )


def said(before: Config, after: Config) -> list[str]:
    return sentences(way(before, after))


# ---- the property

starts = some.one_of(
    some.none(),
    some.builds(
        start,
        some.sampled_from(["a", "b"]),
        env=some.dictionaries(some.sampled_from("XY"), some.sampled_from(["1", None])),
        stop_grace_period=some.sampled_from([1.0, 10.0]),
    ),
)
locations = some.one_of(
    some.builds(Address, some.just("localhost"), some.integers(3000, 3005)),
    some.sampled_from([SocketFile(f"/run/{name}.sock", f"{name}.sock") for name in "abc"]),
)
checks = some.one_of(some.none(), some.builds(HealthCheck, path=some.sampled_from(["/", "/up"])))


@some.composite
def configs(draw: some.DrawFn) -> Config:
    """Projects without the conflicts that config errors are for."""
    addresses = draw(some.lists(locations, unique=True, max_size=6))
    proxies: list[ProxyEntry] = []
    for name in ("api", "web", "db"):
        count = draw(some.integers(0, 3))
        own, addresses = addresses[:count], addresses[count:]
        run = draw(starts)
        if own:
            sources = tuple(Source(address=address, start=run) for address in own)
            host = draw(some.sampled_from([f"{name}.localhost", f"{name}.test"]))
            proxies.append(
                ProxyEntry(to=host, name=name, sources=sources, health_check=draw(checks))
            )
    shared = [source.address for each in proxies for source in each.sources if source.start]
    two_hosts = draw(some.booleans())
    if two_hosts and shared:
        other = Source(address=draw(some.sampled_from(shared)))
        proxies.append(ProxyEntry(to="apex.localhost", name="apex", sources=(other,)))
    processes = [
        ProcessEntry(name=name, start=run) for name in ("worker", "cron") if (run := draw(starts))
    ]
    order = draw(some.permutations(proxies))
    return Config(name="shop", root=ROOT, proxies=tuple(order), processes=tuple(processes))


def applied(running: list[BackendSpec], plan: ReloadPlan) -> list[BackendSpec]:
    """What runs after the plan has been carried out step by step."""
    there = {spec.label: spec for spec in running}
    for spec in plan.removed:
        del there[spec.label]
    pairs = [*plan.kept, *plan.adjusted, *plan.anew]
    moved = {pair.before.label: pair.after for pair in pairs}
    there = {spec.label: spec for spec in (moved.pop(label) for label in list(there))}
    assert not moved, "a pair of somebody who isn't there"
    for spec in plan.added:
        assert spec.label not in there
        there[spec.label] = spec
    return [there.pop(spec.label) for spec in plan.wanted] + list(there.values())


@times(1.2)
@given(configs(), configs())
def test_the_plan_applied_to_what_runs_gives_what_is_wanted(before: Config, after: Config) -> None:
    running, wanted = plan_backends(before, Ports(8080)), plan_backends(after, Ports(8080))
    assert applied(running, compare(running, wanted, before, after, tls=False)) == wanted


@times(0.8)
@given(configs())
def test_who_serves_an_address_is_a_process_of_the_plan_and_its_own_is_told_of_it(
    config: Config,
) -> None:
    specs = plan_backends(config, Ports(8080))
    processes = {process.label: process for process in processes_of(specs)}
    assert {endpoint.process for endpoint in endpoints_of(specs)} <= {*processes, ""}
    for spec in specs:
        endpoint, process = spec.endpoint, spec.process
        own = endpoint is not None and endpoint.own
        assert own == (endpoint is not None and process is not None)
        if endpoint is not None and process is not None:
            assert endpoint.process == process.label == endpoint.label == spec.label
            assert (endpoint.address, endpoint.health_check) == (
                process.address,
                process.health_check,
            )


@times(0.8)
@given(configs())
def test_what_is_the_same_is_left_alone(config: Config) -> None:
    plan = way(config, config)
    assert plan.nothing
    assert [pair.after for pair in plan.kept] == plan_backends(config, Ports(8080))


@times(1.2)
@given(configs(), configs())
def test_nobody_is_replaced_whose_process_would_be_the_same(before: Config, after: Config) -> None:
    for pair in way(before, after).replaced:
        old, new = pair.before, pair.after
        was, will = old.process, new.process
        assert (
            (was and was.start.command, was and was.start.env, old.name)
            != (will and will.start.command, will and will.start.env, new.name)
            or old.host != new.host
            or old.address != new.address
        )


@times(1.2)
@given(configs(), configs())
def test_one_that_stands_until_another_is_there_has_a_label_of_its_own(
    before: Config, after: Config
) -> None:
    plan = way(before, after)
    labels = {spec.label for spec in plan.wanted}
    moving = [pair for pair in plan.anew if pair.moves]
    assert not {each.before.label for each in moving} & labels


@times(1.2)
@given(configs(), configs())
def test_a_plan_can_be_said(before: Config, after: Config) -> None:
    plan = way(before, after)
    assert sentences(plan)
    shown = report(plan).plan
    counted = (shown.add, shown.replace, shown.restart, shown.change, shown.untouched)
    assert sum(map(len, counted)) == len(plan.wanted)


# ---- in particular

API = proxy("api", 3000, 3001, run=start())


def test_one_backend_more_touches_nobody_else() -> None:
    after = shop(proxy("api", 3000, 3001, 3002, run=start()), proxy("web", 4000, run=start()))
    assert said(shop(API), after) == ["add api:3002", "add web:4000", "leave 2 backends alone"]


def test_the_first_of_several_goes_and_the_others_stay() -> None:
    assert said(shop(API), shop(proxy("api", 3001, run=start()))) == [
        "remove api:3000",
        "leave 1 backend alone",
    ]


def test_lines_that_have_moved_are_no_change() -> None:
    after = shop(proxy("api", 3000, 3001, run=start(where="rpx.yaml:9:1")))
    assert way(shop(API), after).nothing


@pytest.mark.parametrize(
    ("run", "differs"),
    [
        (start("python other.py"), "command"),
        (start(env={"LOG_LEVEL": "debug"}), "env LOG_LEVEL"),
        (start(env={"LOG_LEVEL": None}), "env LOG_LEVEL"),
        (Start(command="python app.py", cwd=Path("/elsewhere")), "cwd"),
    ],
)
def test_what_a_process_was_told_takes_another_process(run: Start, differs: str) -> None:
    assert said(shop(API), shop(proxy("api", 3000, 3001, run=run))) == [
        f"restart api:3000: {differs}",
        f"restart api:3001: {differs}",
    ]


def test_what_only_rpx_looks_at_changes_in_place() -> None:
    after = proxy("api", 3000, 3001, run=start(watch=("*.py",)), weight=2, change_origin=True)
    after = after.model_copy(update={"health_check": HealthCheck()})
    assert said(shop(API), shop(after))[0] == (
        "change api:3000: weight, health_check, change_origin, watch"
    )


def test_how_a_process_is_stopped_holds_from_its_next_start() -> None:
    after = shop(proxy("api", 3000, 3001, run=start(stop_grace_period=1.0)))
    assert said(shop(API), after)[0] == ("change api:3000: stop_grace_period (from its next start)")


def test_what_a_pool_has_once_is_said_once() -> None:
    after = shop(API.model_copy(update={"pool": PoolSpec(sticky=Sticky(), hold=3.0)}))
    assert said(shop(API), after) == [
        "change api.localhost: sticky, hold",
        "leave 2 backends alone",
    ]


def test_another_host_is_news_to_the_process() -> None:
    after = shop(API.model_copy(update={"to": "shop.localhost"}))
    assert said(shop(API), after) == ["restart api:3000: to", "restart api:3001: to"]


def test_another_name_at_the_same_port_is_the_same_backend() -> None:
    after = shop(API.model_copy(update={"name": "shop"}))
    assert said(shop(API), after) == [
        "restart api:3000, now shop:3000: name",
        "restart api:3001, now shop:3001: name",
    ]


def test_a_copy_at_another_port_takes_over_from_the_one_that_goes() -> None:
    after = shop(proxy("api", 3000, 3005, run=start()))
    assert said(shop(API), after) == [
        "replace api:3001 by api:3005: address",
        "leave 1 backend alone",
    ]


def test_what_a_process_serves_for_another_host_moves_with_it() -> None:
    def at(port: int) -> Config:
        return shop(proxy("api", port, run=start()), proxy("apex", port), proxy("web", port))

    plan = way(at(3000), at(3005))
    assert sentences(plan) == [
        "replace api:3000 by api:3005: address",
        "replace apex:3000 by apex:3005: address",
        "replace web:3000 by web:3005: address",
    ]
    assert report(plan).plan.replace[1].differs == ("address",)


def test_a_process_that_keeps_an_address_has_no_successor_beside_it() -> None:
    def at(*ports: int) -> Config:
        first, *others = (Source(address=Address("localhost", port)) for port in ports)
        own = first.model_copy(update={"start": start()})
        served = (other.model_copy(update={"served_by": 0}) for other in others)
        return shop(proxy("api").model_copy(update={"sources": (own, *served)}))

    assert said(at(3000, 3001), at(3005, 3001)) == [
        "restart api:3000, now api:3005: address",
        "leave 1 backend alone",
    ]
    assert said(at(3000, 3001), at(3005, 3006)) == [
        "replace api:3000 by api:3005: address",
        "replace api:3001 by api:3006: address",
    ]


def test_an_address_that_somebody_else_serves_from_now_on_is_another_backend() -> None:
    assert said(shop(API), shop(proxy("api", 3000, 3001))) == [
        "add api:3000",
        "add api:3001",
        "remove api:3000",
        "remove api:3001",
    ]


def test_a_copy_whose_name_is_taken_by_somebody_else_is_not_waited_for() -> None:
    after = shop(
        proxy("api", 3002, run=start()),
        proxy("api", 3000, to="api.localhost"),
    )
    assert said(shop(proxy("api", 3000, run=start())), after) == [
        "add api:3002",
        "add api:3000",
        "remove api:3000",
    ]


def test_sockets_change_their_numbers_and_keep_their_processes() -> None:
    def sockets(*names: str) -> Config:
        sources = tuple(
            Source(address=SocketFile(f"/run/{name}", name), start=start()) for name in names
        )
        return shop(ProxyEntry(to="api.localhost", name="api", sources=sources))

    plan = way(sockets("a", "b", "c"), sockets("b", "c"))
    assert [spec.label for spec in plan.removed] == ["api:1"]
    assert [(p.before.label, p.after.label) for p in plan.kept] == [
        ("api:2", "api:1"),
        ("api:3", "api:2"),
    ]
    assert not way(sockets("a", "b"), sockets("a", "c")).replaced[0].moves


def test_settings_of_the_project_hold_at_once_or_with_the_next_run() -> None:
    after = shop(API, limits=Limits(held=1), verbose=True, listen=Listen(http_port=1234))
    plan = way(shop(API), after)
    assert sentences(plan) == ["change verbose, limits", "leave 2 backends alone"]
    assert advice(plan) == ["`listen` can't change while rpx runs: `rpx down`, then `rpx up`"]
    now = in_effect(shop(API), after, tls=False)
    assert (now.limits.held, now.listen.http_port) == (1, None)
    assert advice(way(now, after)), "it is said again the next time"


def test_a_copy_at_another_port_is_told_so() -> None:
    config = shop(proxy("api", run=None, replicas=1, change_origin=True))
    source = Source(address=Address("localhost", 20000), start=start())
    [spec] = plan_backends(
        shop(config.proxies[0].model_copy(update={"sources": (source,)})), Ports(8080)
    )
    moved = at_port(spec, 20007)
    assert moved.label == "api:20007"
    assert moved.process is not None
    assert moved.endpoint is not None
    assert dict(moved.process.environment)["PORT"] == "20007"
    assert moved.endpoint.change_origin == b"http://localhost:20007"
    assert (moved.process.label, moved.endpoint.process) == ("api:20007", "api:20007")
    assert (moved.process.address, moved.endpoint.own) == (moved.endpoint.address, True)


def test_every_setting_of_a_project_holds_at_once_or_from_the_next_run() -> None:
    places = {"root", "file", "env_files", "named"}  # another place is another project
    places |= {"dashboard_host"}  # of the run
    services = {"proxies", "processes"}  # compared one by one
    assert {*AT_ONCE, *NEXT_RUN} == Config.model_fields.keys() - places - services
