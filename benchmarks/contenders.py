"""The proxies: each in its own words, but told to do the same.

One worker or thread, keep-alive to the backends, round robin, no access log, X-Forwarded-For,
-Proto and -Host set, WebSockets allowed, no active health checks. What else a user gets by default
stays as it is.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.machine import find
from benchmarks.origin import write_files, write_nginx
from benchmarks.processes import HOST, running
from rpx.certificates.authority import open_authority
from rpx.certificates.leaves import Leaves

Command = tuple[str, ...]
RPX = (sys.executable, "-m", "rpx")
ROOT = Path(__file__).parent.parent


def rpx(folder: Path, port: int, backends: Sequence[int], pem: Path | None) -> Command:
    """JSON is YAML: nothing else is needed to write the file."""
    own = {"cert": str(pem), "key": str(pem)} if pem else False
    ports = {"http_port": 0, "https_port": port} if pem else {"http_port": port}
    config = {
        "https": own,
        "listen": {"host": "127.0.0.1", **ports},
        "to": HOST,
        "from": [f"127.0.0.1:{backend}" for backend in backends],
    }
    file = folder / "rpx.yaml"
    file.write_text(json.dumps(config))
    return (*RPX, "up", "-f", str(file))


def rpx_with_routes(
    count: int, folder: Path, port: int, backends: Sequence[int], pem: Path | None
) -> Command:
    """The same with so many routes; the last is for what is measured, and has the backends."""
    command = rpx(folder, port, backends, pem)
    file = folder / "rpx.yaml"
    config = json.loads(file.read_text())
    routes = [{"path": f"/r{n}/*", "redirect": "/$1"} for n in range(count - 1)]
    routes.append({"path": "/*", "name": "measured", "from": config.pop("from")})
    entry = {"to": config.pop("to"), "https": config.pop("https"), "routes": routes}
    file.write_text(json.dumps({**config, "proxies": [entry]}))
    return command


def nginx(folder: Path, port: int, backends: Sequence[int], pem: Path | None) -> Command:
    """No temporary files: a client that is slower than the origin must not cost disk."""
    servers = " ".join(f"server 127.0.0.1:{backend};" for backend in backends)
    tls = f"ssl_certificate {pem}; ssl_certificate_key {pem};" if pem else ""
    inside = f"""
      upstream backends {{
        {servers} keepalive 1024; keepalive_requests 1000000000;
      }}
      map $http_upgrade $connection_up {{ default upgrade; '' ''; }}
      server {{
        listen 127.0.0.1:{port} {"ssl http2" if pem else ""} backlog=4096; {tls}
        client_max_body_size 0; proxy_request_buffering off;
        location / {{
          proxy_pass http://backends; proxy_http_version 1.1; proxy_max_temp_file_size 0;
          proxy_set_header Host $http_host;
          proxy_set_header Connection $connection_up;
          proxy_set_header Upgrade $http_upgrade;
          proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
          proxy_set_header X-Forwarded-Proto $scheme;
          proxy_set_header X-Forwarded-Host $http_host;
        }}
      }}"""
    return write_nginx(folder, inside)


def haproxy(folder: Path, port: int, backends: Sequence[int], pem: Path | None) -> Command:
    """Its own defaults for buffers; splicing stays off, as it is unless asked for."""
    servers = "\n".join(f"  server s{b} 127.0.0.1:{b}" for b in backends)
    file = folder / "haproxy.cfg"
    file.write_text(f"""
global
  maxconn 8000
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 300s
  timeout server 300s
  timeout tunnel 300s
  http-reuse always
  option forwardfor
frontend door
  bind 127.0.0.1:{port} backlog 4096 {f"ssl crt {pem}" if pem else ""}
  http-request set-header X-Forwarded-Proto {"https" if pem else "http"}
  http-request set-header X-Forwarded-Host %[req.hdr(Host)]
  default_backend backends
backend backends
  balance roundrobin
{servers}
""")
    return (str(find("haproxy")), "-db", "-q", "-f", str(file))


def caddy(folder: Path, port: int, backends: Sequence[int], pem: Path | None) -> Command:
    """With more than the 32 idle connections per backend that it keeps unless told otherwise."""
    more = "transport http {\n      keepalive_idle_conns_per_host 1024\n    }"
    return _caddy(folder, port, backends, pem, more)


def caddy_defaults(folder: Path, port: int, backends: Sequence[int], pem: Path | None) -> Command:
    """As its documentation shows it: `reverse_proxy` and the backends."""
    return _caddy(folder, port, backends, pem, "")


def _caddy(
    folder: Path, port: int, backends: Sequence[int], pem: Path | None, more: str
) -> Command:
    to = " ".join(f"127.0.0.1:{backend}" for backend in backends)
    file = folder / "Caddyfile"
    file.write_text(f"""{{
  admin off
  auto_https off
  {f"default_sni {HOST}" if pem else ""}
}}
{"https" if pem else "http"}://:{port} {{
  bind 127.0.0.1
  {f"tls {pem} {pem}" if pem else ""}
  reverse_proxy {to} {{
    lb_policy round_robin
    {more}
  }}
}}
""")
    return (str(find("caddy")), "run", "--adapter", "caddyfile", "--config", str(file))


CONTENDERS: dict[str, Callable[[Path, int, Sequence[int], Path | None], Command]] = {
    "rpx": rpx,
    "rpx-10-routes": partial(rpx_with_routes, 10),
    "rpx-1000-routes": partial(rpx_with_routes, 1000),
    "nginx": nginx,
    "haproxy": haproxy,
    "caddy": caddy,
    "caddy-defaults": caddy_defaults,
}


def rpx_files(folder: Path, port: int, _: Sequence[int], pem: Path | None) -> Command:
    """Files of a folder, and no backend."""
    ports = {"http_port": 0, "https_port": port} if pem else {"http_port": port}
    config = {
        "https": {"cert": str(pem), "key": str(pem)} if pem else False,
        "listen": {"host": "127.0.0.1", **ports},
        "to": HOST,
        "static": str(write_files(folder / "files")),
    }
    file = folder / "rpx.yaml"
    file.write_text(json.dumps(config))
    return (*RPX, "up", "-f", str(file))


def nginx_files(folder: Path, port: int, _: Sequence[int], pem: Path | None) -> Command:
    """As Debian has it: sendfile and tcp_nopush, and no cache of open files."""
    tls = f"ssl_certificate {pem}; ssl_certificate_key {pem};" if pem else ""
    inside = f"""
      sendfile on; tcp_nopush on;
      server {{
        listen 127.0.0.1:{port} {"ssl" if pem else ""} backlog=4096; {tls}
        root {write_files(folder / "files")};
      }}"""
    return write_nginx(folder, inside)


# What serves files by itself.
SERVERS: dict[str, Callable[[Path, int, Sequence[int], Path | None], Command]] = {
    "rpx-files": rpx_files,
    "nginx-files": nginx_files,
}


@contextmanager
def proxy(
    name: str, folder: Path, port: int, backends: Sequence[int], *, tls: bool = False
) -> Iterator[int]:
    """Run a contender in a folder of its own; the pid, once it answers."""
    folder.mkdir()
    pem = Leaves(open_authority(folder / "authority")).get(HOST).path if tls else None
    command = {**CONTENDERS, **SERVERS}[name](folder, port, backends, pem)
    with running(command, port, folder / "log", environment(folder), tls=tls) as pid:
        yield pid


def environment(folder: Path) -> dict[str, str]:
    """What a process in `folder` sees: nothing of the user's own files, one core for Go."""
    private = folder / "private"
    private.mkdir(mode=0o700, exist_ok=True)
    path = str(private)
    return {
        **os.environ,
        "PYTHONDONTWRITEBYTECODE": "",  # an installed rpx has its bytecode
        "HOME": path,
        "XDG_RUNTIME_DIR": path,
        "XDG_STATE_HOME": path,
        "XDG_DATA_HOME": path,
        "XDG_CONFIG_HOME": path,
        "PYTHONPATH": str(ROOT),
        "GOMAXPROCS": "1",
    }
