"""A real database as an image: Redis, its root made of Debian's packages, its data in a volume."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.test_containers import name_of, row, write
from tests.support.engine import podman
from tests.support.load import Load
from tests.support.project import Project, until

pytestmark = [pytest.mark.real, pytest.mark.engine, pytest.mark.thorough]
IMAGE = "localhost/rpx-test-redis:1"


def make_image(folder: Path) -> None:
    """Unpack redis-server and all that it depends on. Skips the test where nothing comes."""
    if podman("images", "-q", IMAGE):
        return
    if shutil.which("apt-get") is None:
        pytest.skip("no apt-get to make the root with")
    needed = subprocess.run(
        ("apt-cache", "depends", "--recurse", "--no-recommends", "--no-suggests", "--no-conflicts",
         "--no-breaks", "--no-replaces", "--no-enhances", "redis-server"),
        capture_output=True, text=True, check=False,
    ).stdout  # fmt: skip
    left_out = {"debconf", "cdebconf", "perl-base", "procps", "adduser", "lsb-base", "passwd"}
    packages = sorted({
        line.strip() for line in needed.splitlines() if line[:1].isalnum()
    } - left_out)  # fmt: skip
    fetched = subprocess.run(
        ("apt-get", "download", *packages, "busybox-static"),
        cwd=folder, capture_output=True, check=False, timeout=120,
    )  # fmt: skip
    if fetched.returncode:
        pytest.skip("the packages of Redis can't be fetched here")
    root = folder / "root"
    for package in folder.glob("*.deb"):
        subprocess.run(("dpkg", "-x", package, root), check=True)
    for name in ("tmp", "data", "proc", "sys", "dev"):
        (root / name).mkdir(exist_ok=True)
    shell = root / "bin" / "sh"
    shell.unlink(missing_ok=True)
    shell.symlink_to("busybox")
    tar = subprocess.run(("tar", "-C", root, "-c", "."), capture_output=True, check=True).stdout
    server = '["/usr/bin/redis-server", "--bind", "0.0.0.0", "--protected-mode", "no"]'
    changes = (f"CMD {server}", "WORKDIR /data", "VOLUME /data", "STOPSIGNAL SIGINT")
    flags = [word for change in changes for word in ("--change", change)]
    podman("import", "-q", *flags, "-", IMAGE, stdin=tar)


SERVICE = """\
import http.server, os, socket
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        host, _, port = os.environ["CACHE"].rpartition(":")
        with socket.create_connection((host, int(port))) as sock:
            sock.sendall(b"INCR visits\\r\\n")
            count = sock.makefile().readline().strip(":\\r\\n")
        body = b'{"port": %d}' % int(count)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


def test_redis_keeps_its_data_in_a_volume_and_serves_what_depends_on_it(
    shop: Project, tmp_path: Path
) -> None:
    made = tmp_path / "made"
    made.mkdir()
    make_image(made)
    (shop.folder / "service.py").write_text(SERVICE)
    write(
        shop,
        """
  - to: web.localhost
    start: {command: PYTHON service.py, env: {CACHE: $RPX_CACHE_ADDRESS}}
    depends_on: [cache]
""",
        """
  cache:
    image: REDIS
    ports: "auto:6379"
    volumes: [data:/data]
    command: redis-server --bind 0.0.0.0 --protected-mode no --appendonly yes
    health_check: {command: "redis-cli ping | grep -q PONG", interval: 1s}
""",
    )
    file = shop.folder / "rpx.yaml"
    file.write_text(file.read_text().replace("REDIS", IMAGE))
    volume = f"{shop.folder.name}_data".lower()
    try:
        with shop.up():
            with Load(shop.http_port, "web.localhost", count=2) as load:
                load.wait_for(50)
            assert not load.failures
            counted = max(load.answers)
            assert shop.rpx("run", "cache", "redis-cli get visits").stdout.strip() == str(counted)
            assert shop.rpx("kill-backend", "cache").returncode == 0
            until(lambda: row(shop, "cache")["restarts"] == 1, "restarted")
            until(shop.all_ready, "ready again")
            assert shop.get("web.localhost").json()["port"] == counted + 1
            assert shop.rpx("stop", "cache").returncode == 0
            shop.until_said("Received SIGINT scheduling shutdown")  # what its image says
        with shop.up():
            assert shop.get("web.localhost").json()["port"] == counted + 2
            assert "Up" in podman("ps", "--filter", f"name={name_of(shop, 'cache')}")
    finally:
        podman("volume", "rm", "-f", volume, check=False)
        assert os.path.exists(file)
