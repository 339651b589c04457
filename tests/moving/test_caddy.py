"""Caddyfiles: what caddy's JSON comes to, with the lines of the Caddyfile.

That requests are answered the same, tests/e2e/test_moved_sites.py asks Caddy itself.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from rpx.config import load_config
from rpx.errors import RpxError
from rpx.moving.draft import Draft
from rpx.moving.given import Given
from rpx.moving.sites.path_sets import Mixed, both
from rpx.moving.sources.caddy.caddyfile_reader import CADDY, read_caddyfile
from rpx.moving.sources.caddy.matchers import paths_of
from rpx.moving.writing import text_of

needs_caddy = pytest.mark.skipif(not shutil.which("caddy"), reason="there is no Caddy here")


def draft_of(folder: Path, text: str, name: str = "Caddyfile", **environ: str) -> Draft:
    """The draft; rpx takes it as it is."""
    (folder / name).write_text(text)
    given = Given((folder / name,), folder, {"PATH": os.environ["PATH"], **environ})
    draft = CADDY.read(given)
    load_config(folder / "rpx.yaml", {}, text=text_of(draft))
    return draft


def entries(draft: Draft) -> dict[str, dict[str, Any]]:
    return {name: service.settings for name, service in draft.services.items()}


def server(*routes: dict[str, Any], listen: str = ":80") -> str:
    return json.dumps(
        {"apps": {"http": {"servers": {"srv0": {"listen": [listen], "routes": routes}}}}}
    )


def proxy(dial: str, **more: object) -> dict[str, Any]:
    return {"handler": "reverse_proxy", "upstreams": [{"dial": dial}], **more}


@needs_caddy
@pytest.mark.programs
def test_sites_routes_and_what_is_lost_have_their_lines(tmp_path: Path) -> None:
    (tmp_path / "public").mkdir()
    draft = draft_of(
        tmp_path,
        """{
	admin off
	auto_https disable_redirects
}
{$HOST:shop.localhost}:8443 {
	tls internal
	encode gzip
	handle_path /api/* {
		reverse_proxy localhost:3001 localhost:3002 {
			lb_policy least_conn
			health_uri /health
			health_interval 500ms
			header_up Host {upstream_hostport}
		}
	}
	@ws header Upgrade websocket
	reverse_proxy @ws localhost:4000
	@notapi not path /x/*
	respond @notapi "none" 404
	reverse_proxy /x/* app:5000
}
:8888 {
	root * ./public
	file_server browse
	handle_errors {
		respond "no"
	}
}
""",
        HOST="my.localhost",
    )  # fmt: skip
    my, other = entries(draft).values()
    assert (my["to"], my["https"]) == ("my.localhost", {"redirect": False})
    assert (other["to"], other["static"]) == ("*", {"dir": "./public", "listing": True})
    assert draft.top["listen"] == {"http_port": 8888, "https_port": 8443}
    routes = {str(route.get("path")): route for route in my["routes"]}
    api = routes["/api/*"]
    assert (api["strip_prefix"], api["change_origin"], api["strategy"]) == (
        "/api",
        True,
        "least-connections",
    )
    assert api["health_check"] == {"path": "/health", "interval": "500ms"}
    assert routes["/x/*"]["from"] == "localhost:5000"
    assert my["respond"] == {"status": 404, "body": "none"}
    lines = {remark.what: remark.origin.line for remark in draft.remarks}
    assert (lines["encode"], lines["app:5000"], lines["handle_errors"]) == (7, 20, 25)
    assert lines["{$HOST:shop.localhost}:8443 {"] == 5


@needs_caddy
@pytest.mark.programs
@pytest.mark.parametrize("text", [":80 {\n  unheard_of\n}\n", ":80 {\n  reverse_proxy {\n", ""])
def test_what_caddy_refuses_is_refused_in_its_words(tmp_path: Path, text: str) -> None:
    with pytest.raises(RpxError) as refused:
        draft_of(tmp_path, text)
    assert "Caddyfile" in refused.value.problems[0].where


def test_without_caddy_one_is_told_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rpx.programs.SYSTEM_PATH", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "Caddyfile").write_text(":80 {\n respond ok\n}\n")
    assert CADDY.files_in(tmp_path) == ()
    with pytest.raises(RpxError, match="only with caddy") as refused:
        CADDY.read(Given((tmp_path / "Caddyfile",), tmp_path, {}))
    assert "caddy.json" in refused.value.problems[0].hint


def test_the_json_of_caddy_needs_no_caddy(tmp_path: Path) -> None:
    text = server(
        {"match": [{"host": ["a.localhost"]}], "handle": [proxy("unix//run/a.sock")]},
        {"match": [{"host": ["b.localhost"]}], "handle": [proxy("10.0.0.1:81")], "terminal": True},
    )
    assert CADDY.is_like(text)
    draft = draft_of(tmp_path, text, "caddy.json")
    assert entries(draft) == {
        "a": {"to": "a.localhost", "from": "unix:/run/a.sock"},
        "b": {"to": "b.localhost", "from": "10.0.0.1:81"},
    }
    known = read_caddyfile(
        tmp_path / "caddy.json", Given((), tmp_path, {}), lambda host, _: f"localhost:{len(host)}"
    )
    assert entries(known)["b"]["from"] == "localhost:8"


def test_what_is_changed_for_some_paths_holds_for_the_routes_behind_it(tmp_path: Path) -> None:
    draft = draft_of(
        tmp_path,
        server(
            {
                "match": [{"path": ["/a/*"]}],
                "handle": [{"handler": "headers", "response": {"set": {"X-A": ["$1"]}}}],
            },
            {"match": [{"path": ["/a/b/*"]}], "handle": [proxy("localhost:1")]},
            {"match": [{"path": ["/c"]}], "handle": [{"handler": "error", "status_code": 403}]},
            {"handle": [proxy("localhost:2")]},
        ),
        "caddy.json",
    )
    (settings,) = entries(draft).values()
    fields = {"headers": {"response": {"set": {"X-A": "$$1"}}}}
    first, second, *rest = settings["routes"]
    assert (first["path"], first["from"]) == ("/a/b/*", "localhost:1")
    assert (second["path"], {"headers": second["headers"]}) == ("/a/*", fields)
    assert [route["path"] for route in rest] == ["/a/b/*", "/c"]
    assert settings["from"] == "localhost:2" or second["proxy"]


def test_conditions_without_words_are_lost_and_passwords_are_new_ones(tmp_path: Path) -> None:
    accounts = [{"username": "ann", "password": "$2a$x"}]
    draft = draft_of(
        tmp_path,
        server(
            {"match": [{"remote_ip": {"ranges": ["10.0.0.0/8"]}}], "handle": [proxy("a:1")]},
            {"match": [{"header": {"X": ["a*"]}}], "handle": [proxy("a:1")]},
            {
                "handle": [
                    {
                        "handler": "authentication",
                        "providers": {"http_basic": {"accounts": accounts}},
                    },
                    {"handler": "request_body", "max_size": 1000},
                    proxy("localhost:1", transport={"protocol": "fastcgi"}),
                ]
            },
        ),
        "caddy.json",
    )
    (settings,) = entries(draft).values()
    assert settings["respond"]["status"] == 501
    assert settings["auth"]["basic"]["ann"].startswith("${ANN_PASSWORD:-")
    assert draft.top["limits"] == {"body": 1000}
    assert [remark.what for remark in draft.losses] == [
        "matcher remote_ip",
        "matcher header",
        "basic_auth",
        "transport fastcgi",
    ]


@pytest.mark.parametrize(
    ("caddys", "ours"),
    [
        ("/a", "/a"),
        ("/a/*", "/a/*"),
        ("/a*", "~/a.*"),
        ("/v*/users", "/v*/users"),
        ("*.php", r"~/.*\.php"),
        ("/a/*.js", "/a/*.js"),
    ],
)
def test_patterns_of_paths_mean_the_same(caddys: str, ours: str) -> None:
    assert paths_of([caddys], "") == (ours,)
    assert paths_of(["*"], "") is None


def test_paths_have_those_in_common_that_are_in_both() -> None:
    assert both(None, ("/a",)) == ("/a",)
    assert both(("/a/*",), ("/a/b/*", "/c")) == ("/a/b/*",)
    assert both(("/a/*",), ("/b/*",)) == ()
    assert both(("/a/*",), ("~/a/x.*",)) == ("~/a/x.*",)
    assert both(("~/x.*",), ("/a/*", "/xy")) == ("/xy",)
    with pytest.raises(Mixed):
        both(("~/.*x",), ("/a/*",))


def test_h2c_stays_what_is_spoken(tmp_path: Path) -> None:
    transport = {"protocol": "http", "versions": ["h2c", "2"]}
    routes = [
        {"match": [{"host": [host]}], "handle": [proxy(dial, transport=transport)]}
        for host, dial in (("a.localhost", "localhost:50051"), ("b.localhost", "unix//run/b.sock"))
    ]
    found = entries(draft_of(tmp_path, server(*routes), "caddy.json"))
    assert found["a"]["from"] == {"url": "h2c://localhost:50051"}
    assert (found["b"]["from"], found["b"]["protocol"]) == ("unix:/run/b.sock", "h2c")
