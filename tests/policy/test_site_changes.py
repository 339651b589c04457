"""What a reload says of routes, and of what answers beside backends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rpx.model.address import Address
from rpx.model.config import Config, Https, PoolSpec, ProxyEntry, Source, Start, Sticky
from rpx.model.ports import Ports
from rpx.model.route import (
    BasicAuth,
    Conditions,
    Cors,
    FieldRules,
    FixedAnswer,
    HeaderRules,
    Redirect,
    Route,
    StaticFiles,
    ToPool,
    Treatment,
)
from rpx.policy.plan import plan_backends
from rpx.policy.reload_plan import ReloadPlan, compare
from rpx.policy.reload_report import report, sentences

ROOT = Path("/srv/shop")
RULES = Treatment(headers=(HeaderRules(request=FieldRules(remove=("cookie",))),))
START = Start(command="python app.py", cwd=ROOT)


def proxy(
    to: str,
    *ports: int,
    run: Start | None = None,
    **keys: Any,  # noqa: ANN401 - of a ProxyEntry
) -> ProxyEntry:
    sources = tuple(Source(address=Address("localhost", port), start=run) for port in ports)
    return ProxyEntry.model_validate({"to": to, "name": "shop", "sources": sources, **keys})


def route(name: str, path: str, answerer: object = None, **keys: object) -> Route:
    return Route.model_validate(
        {
            "name": name,
            "conditions": Conditions(paths=(path,)),
            "answerer": answerer or FixedAnswer(),
            **keys,
        }
    )


def plan(before: list[ProxyEntry], after: list[ProxyEntry]) -> ReloadPlan:
    old, new = (Config(name="shop", root=ROOT, proxies=tuple(each)) for each in (before, after))
    running, wanted = (plan_backends(config, Ports(8080)) for config in (old, new))
    return compare(running, wanted, old, new, tls=False)


A, B = route("a", "/a"), route("b", "/b")
SHOP = proxy("shop.localhost", 3000, routes=(A, B))


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ({"routes": (A, B)}, None),
        ({"routes": (A,)}, "routes (route b removed)"),
        ({"routes": (A, B, route("c", "/c"))}, "routes (route c added)"),
        ({"routes": (B, A)}, "routes (another order)"),
        ({"routes": (route("a", "/x", Redirect(to="/y")), B)},
         "routes (route a: path, respond, redirect)"),
        ({"routes": (route("a", "/a", strip_prefix="/a", treatment=RULES), B)},
         "routes (route a: strip_prefix, headers)"),
        ({"routes": (A, B), "also": ("www.shop.localhost",)}, "to"),
        ({"routes": (A, B), "pool": PoolSpec(sticky=Sticky())}, "sticky"),
        ({"routes": (A, B), "treatment": Treatment(cors=Cors())}, "cors"),
        ({"routes": (A, B), "treatment": Treatment(auth=BasicAuth(users=()))}, "auth"),
        ({"routes": tuple(each.model_copy(update={"treatment": RULES}) for each in (A, B)),
          "treatment": RULES}, "headers"),
        ({"routes": ()}, "routes (route a removed; route b removed)"),
        ({"routes": tuple(route(f"r{n}", f"/{n}") for n in range(1000))},
         ("routes (route r0 added; route r1 added; route r2 added; route r3 added; route r4 added"
         " and 997 more)")),
    ],
)  # fmt: skip
def test_a_change_is_told_by_the_settings_that_differ(
    after: dict[str, Any], said: str | None
) -> None:
    found = plan([SHOP], [proxy("shop.localhost", 3000, **after)])
    change = "nothing to change" if said is None else f"change shop.localhost: {said}"
    assert sentences(found)[0] == change
    assert found.nothing is (said is None)
    assert not (found.replaced)
    assert not (found.adjusted)
    assert not (found.added)
    assert not (found.removed)


def test_programs_have_the_routes_beside_the_names_of_settings() -> None:
    found = report(plan([SHOP], [proxy("shop.localhost", 3000, routes=(A,), treatment=RULES)])).plan
    assert found.hosts == {"shop.localhost": ("headers", "routes")}
    assert found.routes == {"shop.localhost": ("route b removed",)}


def test_a_proxy_becomes_files_and_comes_back() -> None:
    files = proxy("shop.localhost", answerer=StaticFiles(folder=ROOT))
    backend = proxy("shop.localhost", 3000)
    gone = ["remove shop:3000", "change shop.localhost: from, static"]
    assert sentences(plan([backend], [files])) == gone
    back = ["add shop:3000", "change shop.localhost: static, from"]
    assert sentences(plan([files], [backend])) == back


def test_what_has_no_backends_comes_changes_and_goes() -> None:
    files = proxy("shop.localhost", answerer=StaticFiles(folder=ROOT))
    assert sentences(plan([], [files])) == ["add shop.localhost"]
    assert sentences(plan([files], [])) == ["remove shop.localhost"]
    other = proxy("shop.localhost", answerer=StaticFiles(folder=ROOT / "dist"))
    assert sentences(plan([files], [other])) == ["change shop.localhost: static"]
    secured = proxy(
        "shop.localhost", answerer=StaticFiles(folder=ROOT), pool=PoolSpec(https=Https())
    )
    assert sentences(plan([files], [secured])) == ["change shop.localhost: https"]
    assert sentences(plan([], [proxy("shop.localhost", 3000)])) == ["add shop:3000"]


def _with_api(path: str, *ports: int) -> list[ProxyEntry]:
    to = f"shop.localhost{path}"
    api = proxy(to, *ports, name="api", reached=False, run=START)
    return [proxy("shop.localhost", 5173, routes=(route("api", path, ToPool(pool=to)),)), api]


def test_backends_of_a_route_come_and_go_like_those_of_a_proxy() -> None:
    before = _with_api("/api/*", 4000)
    assert sentences(plan(before, _with_api("/api/*", 4000, 4001))) == [
        "add api:4001",
        "leave 2 backends alone",
    ]
    assert sentences(plan(before, [proxy("shop.localhost", 5173)])) == [
        "remove api:4000",
        "change shop.localhost: routes (route api removed)",
        "leave 1 backend alone",
    ]


def test_another_path_restarts_the_process_of_a_route_only_where_its_url_is_another() -> None:
    before = _with_api("/api/*", 4000)
    changed = "change shop.localhost: routes (route api: path)"
    same = plan(before, _with_api("/api/:id/*", 4000))
    assert sentences(same) == ["change api:4000: to", changed, "leave 1 backend alone"]
    other = plan(before, _with_api("/v2/*", 4000))
    assert sentences(other) == ["restart api:4000: to", changed, "leave 1 backend alone"]


def test_a_route_to_another_entry_is_told_by_its_setting() -> None:
    entries = [proxy("a.localhost", 1, name="a"), proxy("b.localhost", 2, name="b")]
    shops = [
        proxy("shop.localhost", 3000, routes=(route("x", "/x", ToPool(pool=to)),))
        for to in ("a.localhost", "b.localhost")
    ]
    assert sentences(plan([shops[0], *entries], [shops[1], *entries]))[0] == (
        "change shop.localhost: routes (route x: proxy)"
    )
