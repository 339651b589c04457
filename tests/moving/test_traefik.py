"""Traefik's files: routers, services and middlewares; what their rules mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rpx.config import load_config
from rpx.errors import RpxError
from rpx.moving.draft import Draft
from rpx.moving.given import Given
from rpx.moving.sources.traefik.traefik_reader import TRAEFIK
from rpx.moving.sources.traefik.traefik_rules import NoSuchRule, parts_of
from rpx.moving.writing import text_of

DYNAMIC = """\
http:
  routers:
    site: {rule: "Host(`shop.localhost`)", service: site, tls: {}}
    api:
      rule: "Host(`shop.localhost`) && PathPrefix(`/api`)"
      middlewares: [all@file]
      service: api
      tls: {}
    who: {rule: "(Host(`a.localhost`) || Host(`b.localhost`)) && Method(`GET`)", service: who}
    dash: {rule: "Host(`t.localhost`)", service: api@internal}
    no: {rule: "!Host(`x`)", service: who}
    red: {rule: "Host(`shop.localhost`)", middlewares: [tohttps], service: site}
    wild: {rule: "HostRegexp(`{sub:[a-z]+}.t.localhost`)", middlewares: [in, add], service: w}
  middlewares:
    all: {chain: {middlewares: [cut, hdr, limit]}}
    cut: {stripPrefix: {prefixes: [/api]}}
    hdr:
      headers:
        customRequestHeaders: {X-A: b, X-B: ""}
        accessControlAllowOriginList: ["*"]
        frameDeny: true
    limit: {rateLimit: {average: 1}}
    tohttps: {redirectScheme: {scheme: https}}
    in: {basicAuth: {users: ["ann:$apr1$x"]}}
    add: {addPrefix: {prefix: /v1}}
  services:
    site: {loadBalancer: {servers: [{url: "http://localhost:5173"}]}}
    api:
      loadBalancer:
        servers: [{url: "http://api:8000"}, {url: "https://localhost:8001", weight: 2}]
        healthCheck: {path: /h, interval: 5s, mode: grpc}
        sticky: {cookie: {name: sid}}
    who: {loadBalancer: {servers: [{url: "http://localhost:9000/"}], passHostHeader: false}}
    w: {weighted: {services: [{name: site, weight: 3}, {name: who}]}}
tcp: {}
"""


def draft_of(folder: Path, text: str, name: str = "dynamic.yml") -> Draft:
    """The draft; rpx takes it as it is."""
    (folder / name).write_text(text)
    draft = TRAEFIK.read(Given((folder / name,), folder, {}))
    load_config(folder / "rpx.yaml", {}, text=text_of(draft))
    return draft


def test_routers_are_proxies_and_routes(tmp_path: Path) -> None:
    draft = draft_of(tmp_path, DYNAMIC)
    found: dict[str, dict[str, Any]] = {n: s.settings for n, s in draft.services.items()}
    assert found["shop"] == {
        "to": "shop.localhost",
        "from": "localhost:5173",
        "https": True,
        "routes": [
            {
                "path": "/api/*",
                "strip_prefix": "/api",
                "from": ["localhost:8000", {"url": "https://localhost:8001", "weight": 2}],
                "health_check": {"path": "/h", "interval": "5s"},
                "sticky": {"cookie": "sid"},
                "name": "api",
                "headers": {"request": {"set": {"X-A": "b"}, "remove": ["X-B"]}},
                "cors": {"origins": ["*"]},
            }
        ],
    }
    assert found["a"]["to"] == ["a.localhost", "b.localhost"]
    assert (found["a"]["routes"][0]["method"], found["a"]["routes"][0]["change_origin"]) == (
        "GET",
        True,
    )
    wild = found["t"]["routes"][0]
    assert (wild["path"], wild["rewrite"], wild["auth"]["basic"].keys()) == (
        "/*",
        "/v1/$1",
        {"ann"},
    )
    assert [upstream["weight"] for upstream in wild["from"]] == [3, 1]
    assert sorted((r.origin.line, r.what) for r in draft.losses) == [
        (10, "api@internal"),
        (11, "no: rule"),
        (21, "framedeny"),
        (22, "limit: ratelimit"),
        (24, "in: basicAuth"),
        (31, "api: healthCheck mode"),
        (35, "tcp"),
    ]


def test_a_static_file_leads_to_those_that_it_names(tmp_path: Path) -> None:
    (tmp_path / "dynamic.yml").write_text(DYNAMIC)
    static = (
        "entryPoints: {web: {address: ':80'}}\nproviders: {file: {filename: /etc/x/dynamic.yml}}\n"
    )
    assert "shop" in draft_of(tmp_path, static, "traefik.yml").services
    assert TRAEFIK.files_in(tmp_path) == (tmp_path / "traefik.yml",)
    with pytest.raises(RpxError, match="no routers"):
        draft_of(tmp_path, "log: {level: DEBUG}\n", "traefik.yml")


@pytest.mark.parametrize(
    "rule", ["Host(`a`", "Host(`a`) Path(`/b`)", "&&", "(Host(`a`)", "Odd(`a`)"]
)
def test_a_rule_that_cannot_be_said_is_refused(rule: str) -> None:
    with pytest.raises(NoSuchRule):
        parts_of(rule)


def test_rules_come_to_what_has_to_hold() -> None:
    (one, two) = parts_of("Host(`A`) && (Path(`/x`) || PathRegexp(`^/y/[0-9]+$`))")
    assert (one.hosts, one.paths, two.paths) == (["a"], ["/x"], ["~/y/[0-9]+"])
    (rule,) = parts_of("Query(`v=2`) && Header(`X`, `y`) && (PathPrefix(`/`))")
    assert rule.conditions == {"query": {"v": "2"}, "headers": {"X": "y"}}
    assert rule.paths == []


def test_h2c_stays_what_is_spoken(tmp_path: Path) -> None:
    text = """
http:
  routers: {a: {rule: "Host(`a.localhost`)", service: a}}
  services: {a: {loadBalancer: {servers: [{url: "h2c://localhost:50051"}]}}}
"""
    (service,) = draft_of(tmp_path, text).services.values()
    assert service.settings["from"] == {"url": "h2c://localhost:50051"}
