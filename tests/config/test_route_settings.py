"""What routes mean that are written: conditions, who answers, names, what holds for all."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

import pytest

from rpx.config.checks.profiles import Selection
from rpx.config.load import load_config
from rpx.model.config import Config, ProxyEntry
from rpx.model.late import mark
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
from rpx.policy.realm_ports import written_ports
from tests.config.support import describe, load, refused, undescribable


def routes(config: Config) -> dict[str, Route]:
    return {route.name: route for proxy in config.proxies for route in proxy.routes}


def entries(config: Config) -> dict[str, ProxyEntry]:
    return {proxy.name: proxy for proxy in config.proxies}


EXAMPLE = """
proxies:
  - to: [shop.localhost, www.shop.localhost]
    from: localhost:5173
    start: npm run dev -- --port $PORT --strictPort
    routes:
      - path: /api/*
        strip_prefix: /api
        from: [localhost:4000, localhost:4001]
        start: uvicorn api:app --port $PORT
        name: api
      - path: /search
        method: GET
        headers: {X-Beta: "1", Authorization: "*"}
        query: {v: "2"}
        proxy: search
      - path: /assets/*
        static: ./public
      - {path: /old/*, redirect: /new/$1}
      - {path: /healthz, respond: ok}
    headers:
      request: {set: {X-Env: dev, X-Tenant: $subdomain}, add: {}, remove: [Cookie]}
      response: {set: {Cache-Control: no-store}, remove: [Server]}
    cors: true
    auth: {basic: {ann: $ANN_PASSWORD}}
  - {to: "*", from: 3000}
  - {to: static.localhost, static: ./public}
  - {to: search.localhost, from: 3333}
"""


def test_the_example_means_what_it_says(tmp_path: Path) -> None:
    (tmp_path / "public").mkdir()
    config, warnings = load(tmp_path, EXAMPLE, environ={"ANN_PASSWORD": "s$host"})
    assert warnings == []
    shop, api, anybody, static, search = config.proxies
    assert (shop.to, shop.also, shop.name) == ("shop.localhost", ("www.shop.localhost",), "shop")
    treatment = Treatment(
        headers=(
            HeaderRules(
                request=FieldRules(
                    set=(("X-Env", "dev"), ("X-Tenant", "$subdomain")), remove=("cookie",)
                ),
                response=FieldRules(set=(("Cache-Control", "no-store"),), remove=("server",)),
            ),
        ),
        cors=Cors(),
        auth=BasicAuth(users=(("ann", "s$host"),)),
    )
    assert shop.treatment == treatment
    files = StaticFiles(folder=tmp_path / "public")
    ok = FixedAnswer(body=b"ok", headers=(("Content-Type", "text/plain; charset=utf-8"),))
    expected = {
        "api": (Conditions(paths=("/api/*",)), ToPool(pool="shop.localhost/api/*")),
        "shop-search": (
            Conditions(
                paths=("/search",),
                methods=("GET",),
                headers=(("x-beta", "1"), ("authorization", "*")),
                query=(("v", "2"),),
            ),
            ToPool(pool="search.localhost"),
        ),
        "shop-assets": (Conditions(paths=("/assets/*",)), files),
        "shop-old": (Conditions(paths=("/old/*",)), Redirect(to="/new/$1")),
        "shop-healthz": (Conditions(paths=("/healthz",)), ok),
    }
    assert {n: (r.conditions, r.answerer) for n, r in routes(config).items()} == expected
    assert {route.treatment == treatment for route in shop.routes} == {True}
    assert shop.routes[0].strip_prefix == "/api"
    assert shop.routes[1].where.endswith("rpx.yaml:12:9")
    assert (api.to, api.reached, api.hosts) == ("shop.localhost/api/*", False, ())
    assert [s.start is not None for s in api.sources] == [True, True]
    assert (anybody.to, static.answerer, static.sources) == ("*", files, ())
    assert config.hosts == ("shop.localhost", "www.shop.localhost", "*", "static.localhost",
                            "search.localhost")  # fmt: skip
    assert search.routes == ()


def test_names_and_places_that_nobody_has_written_are_unique(tmp_path: Path) -> None:
    described = [
        {"path": "/api/*", "from": 4000},
        {"path": "/api/*", "method": "POST", "from": 4001},
        {"path": "/users/:id/x.png", "from": 4002},
        {"path": r"~ ^/v[0-9]+/(.*)", "from": 4003},
        {"path": "~/.*", "method": "PUT", "from": 4004},
        {"method": "delete", "from": 4005},
        {"headers": {"X-A": "b"}, "from": 4006},
        {"path": "/", "respond": "x"},
        {"path": "/web", "from": 4007},
    ]
    config = describe(
        tmp_path,
        proxies=[
            {"to": "shop.localhost/v1", "from": 3000, "routes": described},
            {"to": "web.localhost", "from": 3001, "name": "shop-web"},
        ],
    )
    assert [route.name for route in config.proxies[0].routes] == [
        "shop-api", "shop-api-2", "shop-users-id-x-png", "shop-v", "shop-5", "shop-DELETE",
        "shop-7", "shop-8", "shop-web-2",
    ]  # fmt: skip
    assert [proxy.to for proxy in config.proxies[1:-1]] == [
        "shop.localhost/api/*", "shop.localhost/api/* (2)", "shop.localhost/users/:id/x.png",
        "shop.localhost~ ^/v[0-9]+/(.*)", "shop.localhost~/.*", "shop.localhost/*",
        "shop.localhost/* (2)", "shop.localhost/web",
    ]  # fmt: skip
    assert {proxy.host for proxy in config.proxies} == {"shop.localhost", "web.localhost"}


def test_backends_of_a_route_are_a_service_like_others(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        """
        defaults: {hold: 3s, health_check: {path: /up}}
        https: true
        proxies:
          - to: shop.localhost
            start: ./shop
            profiles: front
            depends_on: shop-api
            routes:
              - path: /api/*
                start: ./api
                replicas: 2
                sticky: true
                change_origin: true
                depends_on: {db: started}
              - {path: /files/*, proxy: shop-api}
        processes: {db: ./db}
        """,
        environ={"RPX_PROFILES": "front"},
    ).config
    shop, api = config.proxies
    assert (api.replicas, api.profiles, api.change_origin) == (2, ("front",), True)
    assert (api.pool.hold, api.pool.https, api.depends_on[0].name) == (3, shop.pool.https, "db")
    assert api.pool.sticky is not None
    assert api.health_check == shop.health_check
    assert shop.depends_on[0].name == "shop-api"
    assert shop.routes[1].answerer == ToPool(pool="shop.localhost/api/*")
    assert [p.name for p in load_config(tmp_path / "rpx.yaml", {}).proxies] == []


def test_services_are_told_where_the_backends_of_a_route_are(tmp_path: Path) -> None:
    config, warnings = load(
        tmp_path,
        """
        proxies:
          - to: shop.localhost
            start: {command: ./shop, env: {API: $RPX_SHOP_API_URL, FILES: $RPX_FILES_URL}}
            routes:
              - {path: /api/*, from: 4000}
              - {path: /files/*, start: ./files, name: files}
              - {path: /x, respond: x}
        """,
    )
    assert warnings == []
    start = config.proxies[0].start
    assert start is not None
    assert start.env == {"API": mark("RPX_SHOP_API_URL"), "FILES": mark("RPX_FILES_URL")}


def test_a_realm_moves_routes_and_where_they_lead(tmp_path: Path) -> None:
    (tmp_path / "rpx.yaml").write_text(
        dedent(
            """
            proxies:
              - to: shop.localhost
                from: 3000
                routes:
                  - {path: /api/*, from: 4000}
                  - {path: "~/v[0-9]/.*", from: 4001}
                  - {path: /search, proxy: search}
              - {to: search.localhost, from: 3001}
              - {to: "*", routes: [{path: /x, from: 4002}]}
            """
        )
    )
    config = load_config(tmp_path / "rpx.yaml", {}, realm="blue")
    assert [p.to for p in config.proxies if not p.reached] == [
        "shop.blue.localhost/api/*", "shop.blue.localhost~/v[0-9]/.*", "blue.localhost/x",
    ]  # fmt: skip
    pools = [r.answerer.pool for r in routes(config).values() if isinstance(r.answerer, ToPool)]
    assert pools == [
        "shop.blue.localhost/api/*", "shop.blue.localhost~/v[0-9]/.*", "search.blue.localhost",
        "blue.localhost/x",
    ]  # fmt: skip
    assert written_ports(config) is not None


def rule(value: str) -> HeaderRules:
    return HeaderRules(request=FieldRules(set=(("X-A", value),)))


def test_what_is_done_on_the_way_is_of_the_defaults_the_proxy_and_the_route(
    tmp_path: Path,
) -> None:
    config = load(
        tmp_path,
        """
        defaults:
          headers: {request: {set: {X-A: all}}}
          cors: {max_age: 1m}
          auth: {basic: {ann: a}}
        proxies:
          - to: shop.localhost
            from: 3000
            headers: {request: {set: {X-A: shop}}}
            auth: {basic: {bob: b}}
            routes:
              - {path: /a, respond: a, headers: {request: {set: {X-A: a}}, X-B: "1"}, cors: true}
              - {path: /b, respond: b, cors: false, auth: false}
          - {to: shop.localhost, from: 3001, cors: false, routes: [{path: /c, respond: c}]}
          - {to: web.localhost, from: 3002}
        """,
    ).config
    shop, more, web = config.proxies
    ann, bob = BasicAuth(users=(("ann", "a"),)), BasicAuth(users=(("bob", "b"),))
    assert shop.treatment == Treatment(headers=(rule("all"), rule("shop")), auth=bob)
    assert more.treatment == shop.treatment
    assert web.treatment == Treatment(headers=(rule("all"),), cors=Cors(max_age=60), auth=ann)
    a, b = shop.routes
    assert a.treatment == Treatment(
        headers=(rule("all"), rule("shop"), rule("a")), cors=Cors(), auth=bob
    )
    assert a.conditions.headers == (("x-b", "1"),)
    assert b.treatment == Treatment(headers=(rule("all"), rule("shop")))
    assert more.routes[0].treatment == shop.treatment


def test_dollars_are_of_the_request_the_path_or_the_environment(tmp_path: Path) -> None:
    config, warnings = load(
        tmp_path,
        """
        proxies:
          - to: shop.localhost
            from: 3000
            routes:
              - {path: "/u/:name/*", rewrite: "/$V/${1}x/$name?$query&$$", proxy: shop}
              - {path: "/r/*", redirect: "https://${HOST:-new.localhost}/$1"}
              - {path: "/s/*", redirect: {to: "$OLD/$1"}}
              - {path: /w, respond: {body: "$V$host", headers: {X-A: $V}}}
              - {path: /x, respond: {json: {"x-v": $V, healthCheck: [$V]}}}
            headers:
              request:
                set: {a: "$host-$V", b: "${host}s$V", c: "$host$V", d: $$host, e: $PRICE}
                add: {g: [$client, $V], h: "${NONE:-$path}", i: $RPX_SHOP_URL}
        """,
        environ={"V": "v1", "OLD": "/$old", "PRICE": "5$host", "host": "wrong", "name": "wrong"},
    )
    found = routes(config)
    assert found["shop-u-name"].rewrite == "/v1/${1}x/$name?$query&$$"
    assert found["shop-r"].answerer == Redirect(to="https://new.localhost/$1")
    assert found["shop-s"].answerer == Redirect(to="/$$old/$1")
    fixed, json = found["shop-w"].answerer, found["shop-x"].answerer
    assert isinstance(fixed, FixedAnswer)
    assert isinstance(json, FixedAnswer)
    assert (fixed.body, fixed.headers[1]) == (b"v1wrong", ("X-A", "v1"))
    assert json.body == b'{"x-v": "v1", "healthCheck": ["v1"]}'
    (rules,) = config.proxies[0].treatment.headers
    assert dict(rules.request.set) == {
        "a": "$host-v1", "b": "${host}sv1", "c": "${host}v1", "d": "$$host", "e": "5$$host",
    }  # fmt: skip
    assert rules.request.add == (
        ("g", "$client"), ("g", "v1"), ("h", "$path"), ("i", "$RPX_SHOP_URL"),
    )  # fmt: skip
    assert warnings == []


def fixed(body: str, kind: str) -> FixedAnswer:
    return FixedAnswer(body=body.encode(), headers=(("Content-Type", kind),))


@pytest.mark.parametrize(
    ("written", "answer"),
    [
        ("ok", fixed("ok", "text/plain; charset=utf-8")),
        (204, FixedAnswer(status=204)),
        ({"body": " <p>"}, fixed(" <p>", "text/html; charset=utf-8")),
        ({"json": [1, None]}, fixed("[1, null]", "application/json")),
        ({"json": '{"a": 1}'}, fixed('{"a": 1}', "application/json")),
        ({"json": "a"}, fixed('"a"', "application/json")),
        ({"body": "ü", "headers": {"content-type": "a/b"}}, fixed("ü", "a/b")),
    ],
)
def test_an_answer_is_written_in_several_ways(
    written: object, answer: FixedAnswer, tmp_path: Path
) -> None:
    found = describe(tmp_path, to="a.localhost", respond=written).proxies[0].answerer
    assert isinstance(found, FixedAnswer)
    lower = tuple((name.title(), value) for name, value in found.headers)
    assert found.model_copy(update={"headers": lower}) == answer


def test_a_single_proxy_has_routes_at_the_top_level_too(tmp_path: Path) -> None:
    (tmp_path / "index.html").touch()
    config = describe(
        tmp_path,
        to="app.localhost",
        static={"dir": ".", "spa": True, "max_age": "1h", "listing": False},
        routes=[{"path": ["/api/*", "/rpc"], "method": ["get", "POST"], "from": 3000}],
    )
    app, api = config.proxies
    files = StaticFiles(folder=tmp_path, spa=True, max_age=3600)
    assert app.answerer == files
    assert app.routes[0].conditions == Conditions(paths=("/api/*", "/rpc"), methods=("GET", "POST"))
    assert api.name == "app-api"
    (problem,) = undescribable(tmp_path, to="a.localhost", routes=[{"path": "x", "from": 3000}])
    assert problem.what == "`path` of route 1 does not begin with a `/`: `x`"


def test_what_looks_like_a_number_stays_as_it_is_written_where_texts_are_wanted(
    tmp_path: Path,
) -> None:
    config = load(
        tmp_path,
        """
        to: a.localhost
        from: 3000
        headers: {request: {set: {a: 1.10, b: 0755, c: yes, d: true, e: $V}, add: {f: [1e3]}}}
        auth: {basic: {ann: 007, bob: $V}}
        routes:
          - headers: {g: 1.0}
            query: {h: 2.0, debug: true}
            respond: {body: 1.10, headers: {i: 1.10}}
        """,
        environ={"V": "1e3"},
    ).config
    (proxy,) = config.proxies
    (rules,) = proxy.treatment.headers
    assert dict(rules.request.set) == {
        "a": "1.10",
        "b": "0755",
        "c": "yes",
        "d": "true",
        "e": "1e3",
    }
    assert rules.request.add == (("f", "1e3"),)
    assert proxy.treatment.auth == BasicAuth(users=(("ann", "007"), ("bob", "1e3")))
    (route,) = proxy.routes
    assert route.conditions.headers == (("g", "1.0"),)
    assert route.conditions.query == (("h", "2.0"), ("debug", "true"))
    assert isinstance(route.answerer, FixedAnswer)
    assert route.answerer.body == b"1.10"
    assert route.answerer.headers[1] == ("i", "1.10")


def test_what_json_cannot_hold_is_refused(tmp_path: Path) -> None:
    for value in (float("nan"), [{1}], object()):
        (problem,) = undescribable(tmp_path, to="a.localhost", respond={"json": value})
        assert "JSON cannot hold" in problem.what


def test_what_comes_after_a_oneshot_may_be_made_by_it(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        """
        proxies:
          - to: shop.localhost
            static: {dir: dist, spa: true}
            depends_on: build
          - to: web.localhost
            from: 3000
            routes: [{path: /api, start: {command: ./api, cwd: built}, depends_on: build}]
        processes: {build: {command: make, oneshot: true}}
        """,
    ).config
    assert isinstance(config.proxies[0].answerer, StaticFiles)
    assert config.proxies[2].depends_on[0].condition == "completed"


WARNED = """
proxies:
  - to: shop.localhost
    from: 3000
    routes:
      - {path: /api/*, proxy: shop}
      - {path: /api/v1, method: GET, proxy: shop, name: second}
      - {path: /x, method: POST, proxy: shop}
      - {path: /x, proxy: shop, name: wider}
  - {to: shop.localhost, from: 3001, routes: [{path: [/x, /api/a*b], respond: x, name: third}]}
  - {to: web.localhost/app, from: 3002, routes: [{path: /api/*, respond: x, name: outside}]}
  - {to: api.localhost, from: 3003, routes: [{path: [/v1, /v1/x/*], respond: x, name: longer}]}
  - {to: api.localhost/v1, from: 3004}
"""


def test_a_route_that_nothing_comes_to_is_warned_of_with_both_places(tmp_path: Path) -> None:
    warnings = load(tmp_path, WARNED).warnings
    file = tmp_path / "rpx.yaml"
    second, outside, longer = (each.replace(str(file), "rpx.yaml") for each in warnings)
    assert second == (
        "route `second` (rpx.yaml:7:9) never gets a request: `shop-api` (rpx.yaml:6:9) comes"
        " before it, and takes all that it is for"
    )
    assert outside == (
        "route `outside` (rpx.yaml:11:50) never gets a request: its proxy has only what begins"
        " with /app, and paths of routes are written in full"
    )
    assert longer == (
        "route `longer` (rpx.yaml:12:46) never gets a request: `api.localhost/v1` is a `to` of its"
        " own, and the longest one has what is below it"
    )


def test_an_unset_password_is_no_password(tmp_path: Path) -> None:
    (problem,) = refused(
        tmp_path, "{to: a.localhost, from: 3000, auth: {basic: {ann: $ANN_PASSWORD}}}"
    )
    assert "no password for `ann`" in problem.what


def test_a_route_to_what_does_not_belong_to_the_run_is_an_error(tmp_path: Path) -> None:
    text = """
        proxies:
          - {to: a.localhost, from: 3000, routes: [{path: /b, proxy: b}]}
          - {to: b.localhost, from: 3001, profiles: more}
        """
    (problem,) = refused(tmp_path, text)
    assert "whose profiles are not active" in problem.what
    config = load_config(tmp_path / "rpx.yaml", {}, None, Selection(("more",)))
    assert routes(config)["a-b"].answerer == ToPool(pool="b.localhost")


def test_pages_of_the_whole_web_with_passwords_are_probably_not_meant(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        """
        proxies:
          - to: shop.localhost
            from: 3000
            cors: {origins: "*", credentials: true}
            routes:
              - {path: /a, respond: a}
              - {path: /b, respond: b, cors: {origins: ["*", https://shop.example]}}
              - {path: /c, respond: c, cors: {origins: "*", credentials: true, max_age: 1m}}
              - {path: /d, respond: d, cors: {credentials: true}}
        """,
    )
    assert [each.partition(" lets")[0] for each in found.warnings] == [
        "`cors` of proxy `shop`",
        "`cors` of route `shop-c`",
    ]


def test_a_redirect_that_comes_back_to_itself_is_warned_of(tmp_path: Path) -> None:
    warnings = load(
        tmp_path,
        """
        proxies:
          - to: shop.localhost
            from: 3000
            routes:
              - {path: /post, method: POST, redirect: /post}
              - {path: /a/*, redirect: /a/b/$1}
              - {path: /b/*, redirect: "/$1?x#y"}
              - {path: /c/*, redirect: https://other.localhost/c/$1}
              - {path: "/d/:id", redirect: "/e/$id"}
              - {path: "/e/:id", redirect: "/d/${id}"}
          - {to: old.localhost, redirect: /new}
          - {to: new.localhost, redirect: /new, routes: [{path: /new, from: 4000}]}
        """,
    ).warnings
    assert [each.partition(" (")[0].partition(" redirects")[0] for each in warnings] == [
        "route `shop-a`",
        "proxy `old`",
    ]
    assert warnings[1].endswith("redirects to /new, which it redirects again, and so on for ever")


def test_every_mistake_of_a_rule_and_every_proxy_that_is_none_is_said_in_one_run(
    tmp_path: Path,
) -> None:
    problems = refused(
        tmp_path,
        """
        proxies:
          - to: a.localhost
            from: 3000
            headers:
              request:
                set: {"A B": x, Host: y, X-A: "a\\nb"}
                add: {Te: 1, "C D": 1}
                remove: ["*", Via]
            cors: {origins: [1, "b/c"], methods: ["A B", "C D"]}
            auth: {basic: {"a:b": x, ann: ""}}
            routes:
              - {path: /x/*, proxy: nobody}
              - {path: [y, "/z z"], method: [GTE, "A B"], query: {a: []}, proxy: lost}
              - {path: /r, headers: {Host: x, "A B": "1"}, respond: {headers: {"A B": x, Te: x}}}
              - {path: /broken, proxy: broken}
          - {to: broken.localhost, from: 3001, nonsense: 1, replicas: x}
          - {to: sound.localhost, from: 3002, routes: [{path: /x, proxy: no-one}]}
        """,
    )
    quoted = [re.findall("`([^`]+)`", problem.what)[-1] for problem in problems]
    of_rules = ["A B", "Host", "X-A", "Te", "C D", "a.localhost", "Via"]
    on_the_way = ["1", "b/c", "A B", "C D", "a:b", "ann"]
    of_routes = ["nobody", "y", "/z z", "GTE", "A B", "a", "lost", "Host", "A B", "A B", "Te"]
    assert quoted == [*of_rules, *on_the_way, *of_routes, "nonsense", "x", "no-one"]
