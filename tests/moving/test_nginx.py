"""nginx's files: what their directives come to, and what is said of those that don't come over.

That requests are answered the same, tests/e2e/test_moved_sites.py asks nginx itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rpx.config import load_config
from rpx.errors import RpxError
from rpx.moving.draft import Draft, DraftService
from rpx.moving.given import Given
from rpx.moving.remarks import Origin
from rpx.moving.sources.nginx.nginx_reader import NGINX, read_nginx
from rpx.moving.writing import text_of


def draft_of(folder: Path, text: str, name: str = "site.conf") -> Draft:
    """The draft; rpx takes it as it is."""
    (folder / name).write_text(text)
    draft = NGINX.read(Given((folder / name,), folder, {}))
    load_config(folder / "rpx.yaml", {}, text=text_of(draft))
    return draft


def one(draft: Draft) -> dict[str, Any]:
    """The settings of the only service."""
    (service,) = draft.services.values()
    return service.settings


def server(body: str, before: str = "") -> str:
    return f"{before}\nserver {{\nlisten 80;\nserver_name a.localhost;\n{body}\n}}\n"


def lost(draft: Draft) -> list[str]:
    return [f"{remark.origin.line}: {remark.what}" for remark in draft.losses]


def test_upstreams_have_weights_and_strategies_and_pools_are_written_once(tmp_path: Path) -> None:
    pool = (
        "upstream p { least_conn; server localhost:1111 weight=3 max_fails=2; server [::1]:1112;"
        " server localhost:1113 down;\nserver localhost:1114 backup; keepalive 8; }"
    )
    draft = draft_of(
        tmp_path,
        server("location /a/ { proxy_pass http://p; }\nlocation / { proxy_pass http://p/; }", pool),
    )
    assert one(draft) == {
        "to": "a.localhost",
        "from": [{"address": "localhost:1111", "weight": 3}, "[::1]:1112"],
        "strategy": "least-connections",
        "routes": [
            {"path": "/a", "redirect": {"to": "/a/", "status": 301}},
            {"path": "/a/*", "proxy": "a"},
        ],
    }
    assert lost(draft) == ["2: server localhost:1114 backup"]


@pytest.mark.parametrize(
    ("directive", "settings"),
    [
        ("ip_hash;", {"strategy": "ip-hash"}),
        ("hash $remote_addr consistent;", {"strategy": "ip-hash"}),
        ("random two least_conn;", {"strategy": "random"}),
        ("sticky cookie sid expires=1h;", {"sticky": {"cookie": "sid", "ttl": "3600s"}}),
        ("hash $uri;", {}),
    ],
)
def test_turns_are_taken_as_nginx_says(
    tmp_path: Path, directive: str, settings: dict[str, Any]
) -> None:
    pool = f"upstream p {{ {directive} server localhost:1111; }}"
    draft = draft_of(tmp_path, server("location / { proxy_pass http://p; }", pool))
    assert one(draft) == {"to": "a.localhost", "from": "localhost:1111", **settings}
    assert bool(lost(draft)) is (settings == {})


def test_names_of_containers_are_guessed_and_who_knows_them_is_asked(tmp_path: Path) -> None:
    text = server("location / { proxy_pass http://api:8000; }")
    draft = draft_of(tmp_path, text)
    assert one(draft)["from"] == "localhost:8000"
    assert any("`api`" in remark.why for remark in draft.remarks)
    known = read_nginx(
        tmp_path / "site.conf",
        Given((), tmp_path, {}),
        lambda host, port: {("api", 8000): "localhost:4711"}.get((host, port)),
    )
    assert one(known)["from"] == "localhost:4711"


def test_services_beside_keep_their_names_and_get_their_requests(tmp_path: Path) -> None:
    beside = Draft()
    settings: dict[str, Any] = {"to": "api.localhost", "from": "localhost:8000", "start": "./api"}
    beside.add(DraftService("api", settings, Origin("compose.yaml", 3)))
    before = "upstream api { server api:8000; } upstream other { server x:1; }"
    (tmp_path / "site.conf").write_text(
        server(
            "location /api/ { proxy_pass http://api/; } location /o/ { proxy_pass http://other; }"
            "location / { proxy_pass http://localhost:1234; }",
            before.replace("other", "api-o"),
        ).replace("http://other", "http://api-o")
    )
    routes = one(read_nginx(tmp_path / "site.conf", Given((), tmp_path, {}), None, beside))[
        "routes"
    ]
    assert [route.get("proxy", route.get("name")) for route in routes] == [
        None,
        "api",
        None,
        "api-o",
    ]


def test_a_backend_elsewhere_is_told_its_own_name(tmp_path: Path) -> None:
    settings = one(draft_of(tmp_path, server("location / { proxy_pass https://api.example.com; }")))
    assert settings["from"] == {"url": "https://api.example.com:443", "verify": False}
    assert settings["change_origin"] is True


def test_hosts_ports_and_certificates(tmp_path: Path) -> None:
    draft = draft_of(
        tmp_path,
        "server { listen 8080; server_name .shop.test; return 301 https://$host$request_uri; }\n"
        "server { listen 8443 ssl; server_name .shop.test ~^x; ssl_certificate /no/such.pem;\n"
        "location / { proxy_pass http://localhost:1; } }\n"
        "server { listen 8081; location / { proxy_pass http://localhost:2; } }\n"
        "server { listen 8082; location / { proxy_pass http://localhost:3; } }\n",
    )
    assert draft.top["listen"] == {"http_port": 8080, "https_port": 8443}
    hosts = {
        name: (s.settings["to"], s.settings.get("https")) for name, s in draft.services.items()
    }
    assert hosts == {
        "shop": (["shop.test", "*.shop.test"], True),
        "any": ("*", None),
        "port-8082": ("port-8082.localhost", None),
    }
    assert lost(draft) == ["2: server_name .shop.test ~^x", "4: listen"]


def test_sizes_and_times_are_of_the_whole_project(tmp_path: Path) -> None:
    draft = draft_of(
        tmp_path,
        server(
            "client_max_body_size 20m; proxy_connect_timeout 500ms;\n"
            "location / { proxy_pass http://localhost:1; proxy_read_timeout 90; }\n"
            "location /up/ { proxy_pass http://localhost:1; client_max_body_size 1g;"
            " proxy_read_timeout 1m30s; }"
        ),
    )
    assert draft.top == {
        "limits": {"body": "1gb"},
        "timeouts": {"answer": "90s", "connect": "500ms"},
    }


def test_fields_of_a_location_take_the_place_of_those_around_it(tmp_path: Path) -> None:
    draft = draft_of(
        tmp_path,
        server(
            'add_header A "x y" always; add_header B b;\n'
            "location / { proxy_pass http://localhost:1; proxy_set_header X-Real-IP $remote_addr;"
            ' proxy_set_header Accept-Encoding ""; proxy_set_header X-No $http_foo; }\n'
            "location /b { proxy_pass http://localhost:1; add_header B b; add_header B c; }"
        ),
    )
    settings = one(draft)
    last = settings["routes"][-1]
    assert last["headers"] == {
        "request": {"set": {"X-Real-IP": "$client"}, "remove": ["Accept-Encoding"]},
        "response": {"set": {"A": "x y", "B": "b"}},
    }
    assert settings["routes"][0]["headers"] == {
        "request": {"set": {"X-Real-IP": "$client"}},  # which nobody minds
        "response": {"add": {"B": ["b", "c"]}},
    }
    assert lost(draft) == ["6: proxy_set_header X-No $http_foo"]


def test_cors_is_one_word_and_the_if_for_preflights_is_a_part_of_it(tmp_path: Path) -> None:
    draft = draft_of(
        tmp_path,
        server(
            "location / { if ($request_method = 'OPTIONS') { add_header A b; return 204; }\n"
            "add_header Access-Control-Allow-Origin $http_origin;\n"
            "add_header Access-Control-Allow-Methods 'GET, POST';\n"
            "add_header Access-Control-Max-Age 600;\n"
            "proxy_pass http://localhost:1; }"
        ),
    )
    assert one(draft)["cors"] == {"origins": ["*"], "methods": ["GET", "POST"], "max_age": "600s"}
    assert not lost(draft)


def test_folders_are_looked_for_here_and_a_missing_one_is_said_in_the_answer(
    tmp_path: Path,
) -> None:
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "home.html").touch()
    draft = draft_of(
        tmp_path,
        server(
            "root /srv/dist; index home.html; expires 1h;\n"
            "location / { try_files $uri $uri/ /home.html; }\n"
            "location /m/ { alias /nowhere/media/; autoindex on; }\n"
            "location /php/ { fastcgi_pass php:9000; fastcgi_index index.php; }\n"
        ),
    )
    settings = one(draft)
    assert settings["static"] == {
        "dir": "./dist",
        "index": "home.html",
        "spa": True,
        "max_age": "1h",
    }
    media, php = settings["routes"]
    assert (media["path"], media["respond"]["status"]) == ("/m/*", 501)
    assert php["respond"]["status"] == 501
    assert lost(draft) == ["7: alias /nowhere/media/", "8: fastcgi_pass php:9000"]


def test_passwords_are_new_ones_under_the_names_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "users").write_text("# us\nann:$apr1$x\nbob-b:y\n")
    body = (
        "auth_basic here; auth_basic_user_file users;\n"
        "location / { proxy_pass http://localhost:1; }\n"
        "location /open/ { auth_basic off; proxy_pass http://localhost:1; }"
    )
    draft = draft_of(tmp_path, server(body))
    settings = one(draft)
    users = settings["auth"]["basic"]
    assert users["ann"].startswith("${ANN_PASSWORD:-")
    assert users["bob-b"].startswith("${BOB_B_PASSWORD:-")
    assert settings["routes"][1]["auth"] is False
    assert lost(draft) == ["5: auth_basic here"]


def test_includes_are_followed_and_missing_ones_said(tmp_path: Path) -> None:
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "a.conf").write_text("proxy_set_header X-A a;\nlimit_req zone=x;\n")
    draft = draft_of(
        tmp_path,
        "http { include mime.types; include gone.conf;\n"
        "server { location / { include conf.d/*.conf; proxy_pass http://localhost:1; } } }",
        "nginx.conf",
    )
    assert one(draft)["headers"] == {"request": {"set": {"X-A": "a"}}}
    assert [(r.origin.file[-6:], r.origin.line, r.what) for r in draft.losses] == [
        ("x.conf", 1, "include gone.conf"),
        ("a.conf", 2, "limit_req zone=x"),
    ]


def test_who_answers_nothing_says_so_and_paths_are_as_browsers_send_them(tmp_path: Path) -> None:
    assert one(draft_of(tmp_path, server("")))["respond"] == 404
    draft = draft_of(
        tmp_path,
        server("location /ü/ { proxy_pass http://localhost:1; }\nlocation odd { return 200; }"),
    )
    assert [route["path"] for route in one(draft)["routes"]] == ["/%C3%BC", "/%C3%BC/*"]
    assert lost(draft) == ["6: location odd"]


def test_every_directive_that_nobody_took_is_said(tmp_path: Path) -> None:
    draft = draft_of(
        tmp_path,
        "worker_processes 1; stream { server { listen 1; } }\n"
        "http { map $http_upgrade $u { default x; } map $a $b { default 1; } sendfile on;\n"
        "server { listen 80; gzip on; error_page 502 /x.html; unheard_of 1;\n"
        "location / { proxy_pass http://localhost:1; if ($a) { return 403; } } } }",
        "nginx.conf",
    )
    assert lost(draft) == [
        "1: stream",
        "2: map $a $b",
        "3: gzip on",
        "3: error_page 502 /x.html",
        "3: unheard_of 1",
        "4: if $a",
    ]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("server { listen 80;\n", "site.conf:1"),
        ("server {\nlisten 80 }\n}", "site.conf:"),
        ("server {\n location / { proxy_pass; } }", "site.conf:2"),
        ("server {\n location / {\n proxy_pass http://x } }", "site.conf:3"),
        ('server { location / { return 200 "x; } }', "site.conf"),
        ("upstream x { server a; }", "site.conf"),
        ("", "site.conf"),
        ("server {\n location /a /b { return 200; } }", "site.conf:2"),
        ("server { include site.conf; }", "site.conf:1"),
    ],
)
def test_a_broken_file_is_refused_with_its_line(tmp_path: Path, text: str, where: str) -> None:
    (tmp_path / "site.conf").write_text(text)
    with pytest.raises(RpxError) as refused:
        NGINX.read(Given((tmp_path / "site.conf",), tmp_path, {}))
    assert where in refused.value.problems[0].where


@pytest.mark.parametrize(
    ("target", "where"),
    [
        ("grpc://localhost:50051", {"url": "h2c://localhost:50051"}),
        ("localhost:50051", {"url": "h2c://localhost:50051"}),
        ("calls", {"url": "h2c://localhost:50052"}),
        ("grpcs://localhost:50051", {"url": "https://localhost:50051", "verify": False}),
    ],
)
def test_what_nginx_asks_by_grpc_is_asked_by_http_2(
    tmp_path: Path, target: str, where: dict[str, object]
) -> None:
    pool = "upstream calls { server localhost:50052; }"
    draft = draft_of(tmp_path, server(f"location / {{ grpc_pass {target}; }}", pool))
    assert one(draft)["from"] == where


def test_grpc_by_a_unix_socket_is_said_beside_it(tmp_path: Path) -> None:
    draft = draft_of(tmp_path, server("location / { grpc_pass unix:/run/a.sock; }"))
    assert one(draft) == {"to": "a.localhost", "from": "unix:/run/a.sock", "protocol": "h2c"}
