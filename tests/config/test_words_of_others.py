"""Settings of other tools, and ours at a wrong place: hints that say what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from rpx.config import load_config
from rpx.config.mistakes import neighbours
from rpx.config.settings.places import all_settings
from rpx.errors import ConfigError, Problem
from rpx.model.file_names import OF_FRAMEWORKS, OF_OTHERS
from rpx.model.suggest import camel


def problems(tmp_path: Path, text: str) -> dict[str, Problem]:
    """What is wrong with a file, by the last word that the message quotes."""
    path = tmp_path / "rpx.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(path, {})
    return {
        problem.what.rpartition(" `")[2].strip("`"): problem for problem in caught.value.problems
    }


PROXY = "proxies:\n  - to: api.localhost\n    from: 3000\n    {}\n"
ROUTE = "proxies:\n  - to: a.localhost\n    routes:\n    - from: 3000\n      {}\n"
START = "proxies:\n  - to: api.localhost\n    from: 3000\n    start:\n      command: x\n      {}\n"
CHECK = "proxies:\n  - to: api.localhost\n    from: 3000\n    health_check:\n      {}\n"
PROCESS = "processes:\n  db:\n    command: x\n    {}\n"
TOP = "{}\nproxies: [{{to: api.localhost, from: 3000}}]\n"
STARTED = "proxies:\n  - to: api.localhost\n    start: x\n    {}\n"
READY = "processes:\n  db:\n    command: x\n    ready:\n      {}\n"
DEPENDENCY = "processes:\n  a: x\n  b:\n    command: x\n    depends_on:\n      a:\n        {}\n"
LISTEN = "listen:\n  {}\nproxies: [{{to: api.localhost, from: 3000}}]\n"
METRICS = "metrics:\n  port: 9180\n  {}\nproxies: [{{to: api.localhost, from: 3000}}]\n"

SAID = [
    (PROXY, "environment: {A: b}", "`env` here, which belongs in `start`"),
    (PROCESS, "environment: {A: b}", "did you mean `env`?"),
    (START, "working_dir: .", "did you mean `cwd`?"),
    (PROXY, "healthcheck: {}", "did you mean `health_check`?"),
    (PROCESS, "healthcheck: {}", "did you mean `health_check`?"),
    (CHECK, "retries: 3", "did you mean `unhealthy_threshold`?"),
    (CHECK, "test: [CMD, curl, localhost]", "`command` here, without CMD or CMD-SHELL"),
    (PROXY, "command: npm start", "did you mean `start`?"),
    (PROXY, "container_name: api", "did you mean `name`?"),
    (PROXY, "image: redis:7", "`image` belongs in `start`"),
    (PROCESS, "privileged: true", "`container_options`"),
    (PROCESS, "expose: 6379", "`ports: [5432]` says where it listens"),
    (TOP, "port: 80", "`listen: {http_port: 8080}`"),
    (TOP, "version: 3", "remove the line"),
    (TOP, "services: []", "docker compose"),
    (TOP, "worker: python worker.py", "`processes:`"),
    (TOP, "worker: {command: python worker.py}", "`processes:`"),
    (PROXY, "server_name: x", "did you mean `to`?"),
    (PROXY, "root: ./public", "`static: ./public`"),
    (PROXY, "env: {A: b}", "`env` belongs in `start`"),
    (PROXY, "restart: always", "`restart` belongs in `start`"),
    (PROXY, "watch: x", "`watch` belongs in `start`"),
    (PROXY, "weight: 3", "`from: [{address: 3000, weight: …}]`"),
    (PROXY, "interval: 3s", "belongs in `health_check`"),
    (PROXY, "cert: x", "belongs in `https`"),
    (PROXY, "http_port: 80", "belongs in `listen`"),
    (PROXY, "ttl: 3", "belongs in `sticky`"),
    (START, "depends_on: [db]", "belongs in the proxy, beside `to`"),
    (START, "max_restarts: 3", "belongs in `restart`"),
    (START, "tcp: 3", "belongs in `ready`"),
    (CHECK, "log: up", "belongs in `ready`"),
    (PROCESS, "sticky: true", "belongs in a proxy"),
    (PROCESS, "verbose: true", "belongs at the top level of the file"),
    (PROXY, "restarts: 3", "did you mean `restart`, which belongs in `start`?"),
    (PROXY, "stop: 3", "`stop_command` here"),
    (START, "expose: 3000", "`from` of the proxy"),
    (PROCESS, "start: x", "did you mean `command`?"),
    (PROCESS, "name: x", "the key that it stands below"),
    (TOP, "weight: 3", "belongs in an entry of `from`"),
    (TOP, "cwd: .", "belongs in `start` or a process"),
    (STARTED, "strat: random", "did you mean `strategy`?"),
    (PROXY, "change: true", "did you mean `change_origin`?"),
    (TOP, "body: 3", "`body` belongs in `timeouts`, `limits` or `respond`"),
    (PROXY, "body: 3", "`body` belongs in `respond`"),
    (PROXY, "strip_prefix: /api", "`strip_prefix` belongs in a route"),
    (PROXY, "method: GET", "`method` belongs in a route"),
    (PROXY, "path: /api", "`routes: [{path: /api/*, from: 3000}]`"),
    (PROXY, "location: /api", "or a route"),
    (PROXY, "basic_auth: ann", "did you mean `auth`?"),
    (PROXY, "header_up: x", "`headers: {request:"),
    (ROUTE, "uri_strip_prefix: /api", "did you mean `strip_prefix`?"),
    (ROUTE, "https: true", "`https` belongs in the proxy, beside `to`"),
    (ROUTE, "to: x.localhost", "`to` belongs in `redirect` or the proxy"),
    (ROUTE, "methods: GET", "did you mean `method`?"),
    (ROUTE, "spa: true", "`spa` belongs in `static`"),
    (ROUTE, "cwd: .", "`cwd` belongs in `start`"),
    (PROXY, "listen: {http_port: 80}", "`listen` belongs at the top level of the file"),
    (PROXY, "url: http://localhost:3000", "`url` belongs in an entry of `from`"),
    (START, "health_check: {path: /}", "`health_check` belongs in the proxy, beside `to`"),
    (START, "to: x.localhost", "`to` belongs in the proxy"),
    (STARTED, "command: x", "`command` belongs in `start`"),
    (READY, "path: /health", "`http: /health`"),
    (READY, "port: 5432", "`tcp: 5432`"),
    (DEPENDENCY, "restart: true", "leave it out"),
    (LISTEN, "env: {A: b}", "`env` belongs at the top level"),
    (METRICS, "path: /m", "the figures are at `/metrics`"),
    (PROCESS, "is_tty: true", "did you mean `tty`?"),
    (PROCESS, "stdin_open: true", "it is so anyway"),
    (PROCESS, "shell: x", "did you mean `command`?"),
    (PROCESS, "exit_on_end: true", "`rpx up --abort-on-exit`"),
    (PROCESS, "develop: {watch: []}", "`watch: [src/**/*.py]`"),
    (PROCESS, "ignore_watch: x", '"!src/tmp"'),
    (PROCESS, "availability: {restart: always}", "did you mean `restart`?"),
    (CHECK, "failure_threshold: 3", "did you mean `unhealthy_threshold`?"),
    (CHECK, "health_uri: /up", "did you mean `path`?"),
    (PROXY, "client_max_body_size: 10m", "`limits: {body: 10mb}`"),
    (PROXY, "rule: Host(`a`)", "a host is `to` of a proxy"),
    (PROXY, "entry_points: [web]", "`listen: {http_port: 8080}`"),
    (PROXY, "middlewares: [x]", "`strip_prefix`"),
    (PROXY, "cert_resolver: x", "`https: true`"),
    (PROXY, "expires: 1d", "`max_age` of `static`"),
    (PROXY, "return: 204", "did you mean `respond`?"),
    (PROXY, "websocket: true", "it is so anyway"),
    (ROUTE, "location: /api", "`path: /api/*`"),
    (ROUTE, "alias: ./public", "`static: ./public`"),
    (TOP, "volumes: {data: {}}", "once a service names it"),
    (TOP, "networks: {a: {}}", "`RPX_DB_ADDRESS`"),
    (TOP, "hide_keymap_window: true", "the window of another tool"),
]


@pytest.mark.parametrize(("shape", "line", "hint"), SAID, ids=[line for _, line, _ in SAID])
def test_a_word_of_another_tool_or_place_gets_a_hint_that_leads_on(
    shape: str, line: str, hint: str, tmp_path: Path
) -> None:
    word = line.partition(":")[0]
    found = problems(tmp_path, shape.format(line))
    assert hint in found[word].hint
    if "_" in word:
        assert (
            hint
            in problems(tmp_path, shape.format(line.replace(word, camel(word))))[
                camel(word) if word not in all_settings() else word
            ].hint
        )


def test_one_slip_is_a_slip_even_where_another_place_has_that_word(tmp_path: Path) -> None:
    found = problems(tmp_path, PROCESS.format("ready: {logs: up}"))
    assert found["logs"].hint == "did you mean `log`?"


def test_a_unix_socket_is_no_url_to_get(tmp_path: Path) -> None:
    [found] = problems(tmp_path, PROCESS.format("ready: {http: 'http://unix:/tmp/s'}")).values()
    assert found.what.endswith("is a URL of a unix socket: `http://unix:/tmp/s`")
    assert "tcp: unix:PATH" in found.hint


def test_the_list_of_settings_is_printed_once(tmp_path: Path) -> None:
    text = "proxies:\n" + "".join(
        f"  - {{to: {name}.localhost, from: 300{i}, colour: red, size: 3}}\n"
        for i, name in enumerate("abc")
    )
    path = tmp_path / "rpx.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(path, {})
    assert str(caught.value).count("it may have: to, from, name") == 1
    assert str(caught.value).count("what it may have is listed above") == 5


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Procfile", "web: npm start\n"),
        ("Procfile", "# dev\nweb: bin/rails s\n\nlog: tail -f log/dev.log\n"),
        ("file of docker compose", "services:\n  web: {image: nginx}\n"),
        ("nginx.conf", "events {\n  worker_connections 4;\n}\nhttp {\n}\n"),
        ("Caddyfile", "{\n\tadmin off\n}\n:80 {\n\treverse_proxy :3000\n}\n"),
        ("Caddyfile", "localhost\nreverse_proxy :3000\n"),
        ("Caddyfile", "(common) {\n  encode gzip\n}\nexample.com {\n  import common\n}\n"),
        ("Caddyfile", "{$HOST:api}:8443, www.localhost {\n  respond hi\n}\n"),
        ("nginx.conf", "user www-data;\nworker_processes 1;\n\nevents { }\n"),
        ("nginx.conf", "map $http_upgrade $upgrade {\n  default upgrade;\n}\nserver {\n}\n"),
        ("nginx.conf", "upstream a { # two\n  server one:5000 weight=3;\n}\n"),
        ("haproxy.cfg", "global\n    maxconn 4096\nfrontend web\n    bind *:80\n"),
        ("INI or TOML file", "[program:web]\ncommand=npm start\n"),
        ("Procfile", "web: ./run\ndb: postgres\n"),
        ("Procfile", 'web: puma -p $PORT\nsay: echo "a: b"\n  odd\nlast: bin/clock'),
        ("package.json", '{\n  "name": "x",\n  "scripts": {"dev": "vite"}\n}\n'),
        ("ecosystem file of pm2", '{"apps": [{"name": "api", "script": "app.js"}]}\n'),
        ("manifest of Kubernetes", "apiVersion: v1\nkind: Service\nmetadata: {name: x}\n"),
        ("file of docker compose", "web:\n  build: .\ndb:\n  image: postgres\n"),
        (
            "file of process-compose",
            "version: '0.5'\nprocesses:\n  a: {command: x, readiness_probe: {}}\n",
        ),
        ("file of mprocs", "procs:\n  a: {shell: x}\n"),
        ("file of Traefik", "http:\n  routers:\n    a: {rule: Host(`a`), service: b}\n"),
    ],
)
def test_a_file_of_another_tool_is_called_by_its_name(name: str, text: str, tmp_path: Path) -> None:
    for own, way in (("rpx.yaml", "`rpx init`"), ("their file", "`rpx import '")):
        path = tmp_path / own
        path.write_text(text)
        with pytest.raises(ConfigError) as caught:
            load_config(path, {})
        (problem,) = caught.value.problems
        assert f"{name}, not an rpx.yaml" in problem.what
        assert way in problem.hint or "`proxies" in problem.hint


@pytest.mark.parametrize("name", [*OF_OTHERS, *OF_FRAMEWORKS])
def test_a_file_that_has_the_name_of_another_tools_is_not_even_looked_into(
    name: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text("processes: {a: b}")
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / name, {})
    (problem,) = caught.value.problems
    assert "rpx.yaml" in problem.what
    assert "`rpx import " in problem.hint or "`rpx init`" in problem.hint


@pytest.mark.parametrize("text", ["nmae: my shop\n", "frmo: a b\nto: api.localhost\n"])
def test_our_own_files_are_not_taken_for_those_of_others(text: str, tmp_path: Path) -> None:
    assert "did you mean" in problems(tmp_path, text).popitem()[1].hint


@pytest.mark.parametrize(
    "text",
    [
        '{\n  "to": "api.localhost",\n  "from": "localhost:3000"\n}\n',
        "{\n  to: api.localhost,\n  from: 3000,\n}\n",
        '{"proxies":[{\n"to":"api.localhost","from":"3000"}]}\n',
        "# a { comment }\n---\nto: api.localhost\nfrom: 3000\n",
        "proxies: [{\n  to: api.localhost, from: 3000}]\n",
    ],
)
def test_json_and_flow_mappings_are_an_rpx_yaml(text: str, tmp_path: Path) -> None:
    path = tmp_path / "rpx.yaml"
    path.write_text(text)
    assert load_config(path, {}).proxies[0].to == "api.localhost"


def test_one_proxy_of_our_own_is_no_procfile(tmp_path: Path) -> None:
    path = tmp_path / "rpx.yaml"
    path.write_text("start: python app.py --port $PORT\nto: api.localhost\n")
    assert load_config(path, {}).proxies[0].to == "api.localhost"


def test_what_a_word_is_translated_into_exists() -> None:
    assert set(neighbours._OURS) <= all_settings()
