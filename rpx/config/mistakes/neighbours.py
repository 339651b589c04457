"""The words of other tools' files, and what they are in rpx.yaml.

They come from docker compose, process-compose, pm2, supervisord, nginx, Caddy, HAProxy and
Kubernetes. A word means nothing where rpx.yaml has a setting of that name.
"""

from __future__ import annotations

from typing import Final

# Ours → theirs. Of several of ours that one word may be, the first that can stand there is meant.
_OURS: Final = {
    "env": "environment environments envs env_vars variables vars environment_variables",
    "cwd": "working_dir workdir working_directory work_dir dir directory chdir folder",
    "command": "cmd run exec start script entrypoint program exe execute commandline shell",
    "start": "command cmd run exec script entrypoint program execute process commandline",
    "restart": "restart_policy autorestart respawn availability auto_restart",
    "policy": "condition",
    "backoff": "delay backoff_seconds restart_delay",
    "max_restarts": "retries max_retries max_attempts attempts startretries",
    "depends_on": "depends requires needs after links dependencies wait_for wants",
    "stop_grace_period": "stop_timeout kill_timeout grace_period shutdown_timeout stopwaitsecs",
    "stop_signal": "signal kill_signal stopsignal",
    "stop_command": "stop shutdown shutdown_command exec_stop",
    "replicas": "scale numprocs copies count instances_count",
    "watch": "watch_files watch_paths file_watch watches",
    "env_file": "env_files dotenv envfile envfiles env_from",
    "success_exit_codes": "exit_codes exitcodes success_exit_status",
    "name": "container_name service title label id project project_name app",
    "profiles": "profile namespace groups group tags",
    # checks
    "health_check": "healthcheck health health_checks check probe liveness_probe readiness_probe",
    "ready": "healthcheck health health_check readiness_probe liveness_probe ready_log_line",
    "unhealthy_threshold": "retries fall failure_threshold max_fails fails",
    "healthy_threshold": "rise success_threshold passes",
    "interval": "period period_seconds every check_interval health_interval",
    "timeout": "timeout_seconds health_timeout",
    "start_period": "initial_delay initial_delay_seconds",
    "path": "uri url endpoint health_path health_uri http_get paths",
    "tty": "is_tty",
    "expect": "status expect_status expected_status status_code statuses expected_codes",
    # routes
    "to": "host hosts hostname domain domains server_name server site virtual_host vhost url fqdn",
    "from": "port ports expose target_port container_port backend backends upstream upstreams "
    "target targets proxy_pass reverse_proxy forward forward_to dial origin address addr "
    "destination servers endpoints proxy addresses",
    "address": "host port addr server target upstream",
    "weight": "priority ratio",
    "strategy": "balance balancer lb lb_policy load_balancing load_balancer algorithm policy",
    "sticky": "stickiness sticky_sessions session_affinity affinity sticky_session persistence",
    "https": "tls ssl secure certificate",
    "cert": "certificate ssl_certificate certfile cert_file tls_cert",
    "key": "ssl_certificate_key keyfile key_file private_key tls_key",
    "routes": "route",
    "method": "methods",
    "strip_prefix": "strip_path uri_strip_prefix stripprefix replace_prefix",
    "rewrite": "rewrites uri_rewrite replace_path",
    "redirect": "redir redirects",
    "respond": "return",
    "auth": "basic_auth basicauth auth_basic",
    "spa": "fallback single",
    # the whole
    "http_port": "port http listen_port",
    "https_port": "https tls_port ssl_port",
    "proxies": "sites vhosts frontends hosts",
    "processes": "jobs workers procs programs commands tasks daemons scripts process",
    "defaults": "default globals global common",
    "verbose": "debug access_log log_level",
    "logs": "logging log log_location",
    "metrics": "prometheus",
    "answer": "proxy_read_timeout read_timeout response_timeout",
    "connect": "proxy_connect_timeout connect_timeout dial_timeout",
    "idle": "keepalive_timeout idle_timeout keep_alive",
    "connections": "max_connections worker_connections max_conns",
    "max_size": "rotate_size max_file_size",
}

_OF_CONTAINERS: Final = (
    "it is an option of `docker run`: beside an `image`, write it in `container_options`"
)
_NOT_DONE: Final = "rpx has nothing like it: leave it out"
_BY_ITSELF: Final = "leave it out: it is so anyway"
_OF_A_WINDOW: Final = "it is about the window of another tool: leave it out"
_HEADERS: Final = (
    "what backends get is `headers: {request: {set: {X-Env: dev}}}`, what clients get `response`;"
    " `change_origin: true` sends the backend's own name as Host"
)
_FILES: Final = (
    "files of a folder are `static: ./public`; for some paths in a route:"
    " `routes: [{path: /assets/*, static: ./public}]`"
)
_ROUTES: Final = (
    "a path is a part of `to`, as in `to: shop.localhost/api`, or a route:"
    " `routes: [{path: /api/*, from: 3000}]`"
)
_ROUTED: Final = (
    "requests go to entries of `proxies` only: move it there, with `to`, `from`, `start`"
)
_NOTES: Final = {
    "networks network_mode privileged cap_add cap_drop devices security_opt ulimits dns"
    " pull_policy ipc sysctls read_only secrets configs mem_limit cpus runtime": _OF_CONTAINERS,
    "labels annotations": "rpx reads no labels: the host stands in `to`",
    "deploy": "`replicas` is a setting of a proxy, and `restart` one of its `start`",
    "extends": "anchors do that: `x-base: &base` at the top, `<<: *base` here",
    "include": "rpx.yaml is one file: write here what that one says",
    "version": "rpx.yaml has no version: remove the line",
    "services": "this is docker compose's word: what serves a host is an entry of `proxies`, any"
    " other program one of `processes`",
    "apps": "what serves a host is an entry of `proxies`, any other program one of `processes`",
    "header_up header_down add_header proxy_set_header request_headers response_headers"
    " preserve_host pass_host_header host_header": _HEADERS,
    "root file_server try_files public document_root alias": _FILES,
    "location locations handle handle_path prefix path_prefix": _ROUTES,
    "matchers match": "what is chosen by path, method, header or query is a route:"
    " `routes: [{path: /api/*, method: GET, from: 3000}]`",
    "gzip compress compression encode cache rate_limit limit_req firewall max_memory_restart"
    " cron_restart cron schedule": _NOT_DONE,
    "stdin_open init proxy_buffering buffering websocket websockets proxy_http_version": _BY_ITSELF,
    "is_strict hide_keymap_window keymap_procs keymap_copy keymap_term scrollback"
    " proc_list_width mouse_scroll_speed": _OF_A_WINDOW,
    "is_daemon daemon": "leave it out, and start it so that it stays in front",
    "exit_on_end exit_on_failure exit_on_skipped": "it is an option: `rpx up --abort-on-exit`, or"
    " `--exit-code-from NAME`",
    "startsecs min_uptime": "leave it out: who has been up for ten seconds has started well",
    "ignore_watch watch_ignore": "it is a pattern of `watch`, with a `!`:"
    ' `watch: [src, "!src/tmp"]`',
    "develop": "files whose changes restart it are `watch: [src/**/*.py]`",
    "exec_mode": "copies are `replicas` of a proxy, or addresses in its `from`",
    "env_cmds": "a shell does that: `command: VERSION=$(git describe) ./run`",
    "add_path": "write it into `env`: `PATH: ./bin:$PATH`",
    "rule rules": "a host is `to` of a proxy; paths, methods and headers are those of a route:"
    " `routes: [{path: /api/*, from: 3000}]`",
    "entry_points entrypoints": "where clients connect is `listen: {http_port: 8080}`, at the top"
    " level",
    "middlewares middleware plugins": "what is done on the way is `headers`, `cors`, `auth` of a"
    " proxy, and `strip_prefix`, `rewrite`, `redirect` of a route",
    "cert_resolver certificates_resolvers acme": "`https: true` has certificates of rpx's own"
    " authority",
    "client_max_body_size max_body_size request_body": "how much may be sent is"
    " `limits: {body: 10mb}`, at the top level",
    "expires cache_control": "how long browsers keep files is `max_age` of `static`; any answer:"
    " `headers: {response: {set: {Cache-Control: no-store}}}`",
    "fail_duration fail_timeout unhealthy_latency": "a backend that takes no connection is passed"
    " by anyway; `health_check` asks it",
    "description comment": "write it as a comment: `# …`",
    "disabled": "write `autostart: false`, which `rpx start` starts; `profiles: [more]` keeps it"
    " out of a run",
    "stdout_logfile stderr_logfile log_driver": "`rpx logs` shows what it prints; `logs` at the top"
    " level says how much is kept",
}
# What is particular to one mapping, by the setting whose mapping it is.
_NOTES_AT: Final = {
    "proxies": {
        "ports": "where requests go is `from: 3000`; where else its process listens is `ports` of"
        " its `start`",
        "path paths": "the path of a check belongs in `health_check`; paths that go elsewhere are"
        " routes: `routes: [{path: /api/*, from: 3000}]`, and all below one may be in `to`:"
        " shop.localhost/api",
    },
    "start": {
        "port host expose": "rpx tells it its PORT; where it listens is `from` of the proxy, and"
        " where else `ports`",
    },
    "processes": {
        "name": "the key that it stands below is its name already",
        "from to url urls": _ROUTED,
        "port expose": "`ports: [5432]` says where it listens; requests go to entries of `proxies`"
        " only",
        "enabled": "`autostart: false` starts it only when `rpx start` asks for it",
        "replicas instances scale numprocs": "only what has an address has copies: give each a"
        " name of its own, or make it an entry of `proxies`",
    },
    "ready": {
        "path url host": "a URL is `http: http://localhost:3000/health`, a path on the backend"
        " itself `http: /health`",
        "port address": "a port is `tcp: 5432`",
    },
    "routes": {
        "location prefix path_prefix handle handle_path match matcher rule": "which paths it is for"
        " is `path: /api/*`",
        "root alias file_server": "files of a folder are `static: ./public`",
    },
    "metrics": {"path": "the figures are at `/metrics`: leave it out"},
    "depends_on": {
        "restart": "a service is not restarted with what it depends on: leave it out",
    },
    "health_check": {
        "test": "Compose's `test` is `command` here, without CMD or CMD-SHELL",
        "disable disabled": "write `enabled: false`",
        "start_interval": "leave it out: what is starting is asked at short intervals anyway",
        "port": "a check asks the backend where it listens: leave it out; another port is"
        " `tcp: 5432`",
        "method": "a check is a GET: leave it out",
    },
    "": {
        "port ports": "where clients connect is `listen: {http_port: 8080}`; where a backend"
        " listens is `from` of its proxy",
        "host hostname": "the address to listen at is `listen: {host: localhost}`; what clients ask"
        " for is `to` of a proxy",
        "http": "where clients connect is `listen: {http_port: 8080}`",
        "volumes": "leave it out: a volume is there once a service names it",
        "networks secrets configs": "leave it out: services find each other by `RPX_DB_ADDRESS` and"
        " its like, and files where they are",
        "server location": "a host is an entry of `proxies`: `to: api.localhost` and"
        " `from: localhost:3000`",
    },
}


def _by_word(table: dict[str, str]) -> dict[str, str]:
    return {word: text for words, text in table.items() for word in words.split()}


_NOTE: Final = _by_word(_NOTES)
_NOTE_AT: Final = {place: _by_word(table) for place, table in _NOTES_AT.items()}


def note_on(word: str, value: str, place: str) -> str:
    """What to do about a word that is no setting by another name; `` if there is nothing to say.

    `value` is what it is given, `place` the setting whose mapping it stands in: `proxies`,
    `health_check`, or `` at the top.
    """
    note = _NOTE_AT.get(place, {}).get(word) or _NOTE.get(word, "")
    return note.replace("{value}", value)


def ours(word: str) -> list[str]:
    """What it may be called in rpx.yaml, the likeliest first."""
    return [name for name, theirs in _OURS.items() if word in theirs.split()]
