"""`rpx check`: prose in the table, facts in the JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from rpx.cli.main import main

Check = Callable[..., str]
TEXT = """\
{listen}
proxies:
  - {{to: api.localhost, from: 3000, start: [npm, run, "a b", "&&", x]}}
  - {{to: web.localhost/app, from: [3001, 3000]}}
processes: {{w: "sleep 5  &&  echo"}}
"""


@pytest.fixture
def check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Check:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    def run(listen: str, *options: str) -> str:
        (tmp_path / "rpx.yaml").write_text(TEXT.format(listen=listen))
        assert main(["check", *options]) == 0
        return capsys.readouterr().out

    return run


@pytest.mark.parametrize(
    ("listen", "url"),
    [
        ("", None),
        ("listen: {http_port: 0}", None),
        ("listen: {http_port: 8080}", "http://api.localhost:8080"),
        ("listen: {http_port: 80}", "http://api.localhost"),
    ],
)
def test_a_url_is_there_for_scripts_once_its_port_is_known(
    check: Check, listen: str, url: str | None
) -> None:
    first, *_ = json.loads(check(listen, "--json"))
    assert first["url"] == url
    assert (first["to"], first["https"]) == ("api.localhost", False)


def test_a_command_is_null_where_rpx_starts_nothing(check: Check) -> None:
    rows = json.loads(check("", "--json"))
    found = [(row["external"], row["served_by"], row["command"]) for row in rows]
    assert found == [
        (False, None, "npm run 'a b' '&&' x"),
        (True, None, None),
        (False, "api:3000", None),
        (False, None, "sleep 5  &&  echo"),
    ]


def test_the_table_says_the_same_in_words(check: Check) -> None:
    out = check("listen: {http_port: 0}")
    assert "http://api.localhost, with a free port" in out
    assert "npm run 'a b' '&&' x" in out  # as it is, and not as a shell would read it
    assert "(external)" in out
    assert "(that of api:3000)" in out
    assert "or with port 8080 and upward" in check("")


ROUTED = """\
proxies:
  - to: [shop.localhost, www.shop.localhost]
    from: 3000
    headers: {request: {remove: Cookie}}
    routes:
      - {path: [/api/*, /rpc], strip_prefix: /api, from: 4000, auth: {basic: {ann: a}}}
      - {path: /search, method: GET, headers: {X-Beta: "1"}, query: {v: "2"}, proxy: search}
      - {path: /old/*, redirect: /new/$1, cors: true}
  - {to: files.localhost, static: .}
  - {to: search.localhost/v1, from: 3333}
  - {to: only.localhost, routes: [{method: PUT, respond: 204}]}
"""


def test_a_second_table_says_which_requests_lead_where(check: Check, tmp_path: Path) -> None:
    check("")
    (tmp_path / "routed.yaml").write_text(ROUTED)
    out = check("", "-f", "routed.yaml")
    _, table = out.split("\n\n")
    both = "shop.localhost, www.shop.localhost"
    assert [[*filter(None, map(str.strip, line.split("  ")))] for line in table.splitlines()] == [
        ["HOST", "REQUESTS", "ON THE WAY", "ANSWERED BY", "ROUTE"],
        [both, "/api/* or /rpc", "strip /api, headers, password", "shop-api", "shop-api"],
        [both, "/search, GET, X-Beta: 1, ?v=2", "headers", "search", "shop-search"],
        [both, "/old/*", "headers, CORS", "redirect to /new/$1 (302)", "shop-old"],
        [both, "all others", "headers", "shop", "-"],
        ["files.localhost", "all", "-", f"files in {tmp_path}", "-"],
        ["search.localhost/v1", "all", "-", "search", "-"],
        ["only.localhost", "PUT", "-", "answer 204", "only-PUT"],
    ]
    rows = json.loads(check("", "-f", "routed.yaml", "--json"))
    routes = [row["route"] for row in rows if row["route"]]
    assert len(routes) == 7
    assert [row["name"] for row in rows if row["route"] is None] == ["shop", "shop-api", "search"]
    assert routes[1]["conditions"]["headers"] == [["x-beta", "1"]]
    assert (routes[3]["name"], routes[3]["proxy"]) == (None, "shop")


def test_without_routes_there_is_no_second_table(check: Check) -> None:
    assert "REQUESTS" not in check("")
