"""The server behind all proxies: nginx with one worker, on as many ports as there are backends."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.machine import find
from benchmarks.processes import running

SMALL = '{"message":"hello","number":42,"list":[1,2,3],"ok":true}'
FILES = {"16k": 16 * 1024, "1m": 1024 * 1024, "10m": 10 * 1024 * 1024, "100m": 100 * 1024 * 1024}
BACKENDS = 100

# What both nginx have in common, the origin and the proxy.
NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log error;
{user}
worker_rlimit_nofile 16384;
events {{ worker_connections 8192; }}
http {{
  access_log off; server_tokens off; default_type application/json;
  keepalive_requests 1000000000; keepalive_timeout 300s;
  client_body_temp_path {folder}/tmp; proxy_temp_path {folder}/tmp; fastcgi_temp_path {folder}/tmp;
  uwsgi_temp_path {folder}/tmp; scgi_temp_path {folder}/tmp;
  {inside}
}}
"""


def write_nginx(folder: Path, inside: str) -> tuple[str, ...]:
    """Write nginx.conf; return the command that runs it."""
    user = "user root;" if os.geteuid() == 0 else ""  # else it could not read our folder
    file = folder / "nginx.conf"
    file.write_text(NGINX.format(folder=folder, user=user, inside=inside))
    return (str(find("nginx")), "-p", str(folder), "-c", str(file), "-e", f"{folder}/start.log")


def write_files(folder: Path) -> Path:
    """Make a folder with FILES, and with what shows that a server answers; return it."""
    folder.mkdir()
    (folder / "small").write_text(SMALL)
    for name, size in FILES.items():
        with (folder / name).open("wb") as file:
            file.truncate(size)  # sparse: takes no room on the disk, only in the page cache
    return folder


@contextmanager
def origin(folder: Path, ports: Sequence[int]) -> Iterator[int]:
    """Serve `/small` and `/varied` from memory and FILES from a folder; the pid.

    `/up` answers when a body has come whole.
    """
    folder.mkdir()
    files = write_files(folder / "files")
    listens = " ".join(f"listen 127.0.0.1:{port} backlog=4096;" for port in ports)
    inside = f"""
      sendfile on; tcp_nopush on; open_file_cache max=10 inactive=1h; open_file_cache_valid 1h;
      server {{ {listens}
        location = /small {{ return 200 '{SMALL}'; }}
        location = /up {{
          client_max_body_size 0; client_body_buffer_size 32m;
          proxy_pass http://127.0.0.1:{ports[0]}/small; proxy_method GET; proxy_set_body '';
        }}
        location = /varied {{ return 200 '{{"message":"$arg_n"}}'; }}
        location / {{ root {files}; }}
      }}"""
    with running(write_nginx(folder, inside), ports[0], folder / "log") as pid:
        yield pid
