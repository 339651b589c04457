"""A real rpx that sends files, asked by curl in each version of HTTP."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.support.large_file import ROOM, growth
from tests.support.project import Project, free_ports, project_in, supervisor, until

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here"),
]
TEXT = """
name: files
https: {redirect: false}
listen: {http_port: HTTP_PORT, https_port: HTTPS_PORT}
proxies:
  - to: files.localhost
    static: {dir: ./public, max_age: 1h, listing: true}
    routes:
      - {path: /app/*, strip_prefix: /app, static: {dir: ./public, spa: true}}
"""
LARGE = int(os.environ.get("LARGE_FILE", "200000000"))  # bytes; `make soak-file` has 5 GB
WAYS = ("http1.1", "tls", "http2")
SECRET = "SECRET=not-for-everybody"


class Site:
    """A project that runs, and what it takes to ask it."""

    def __init__(self, project: Project, rpx: psutil.Process) -> None:
        self.project = project
        self.rpx = rpx
        self.authority = project.rpx("trust", "--print-ca-path").stdout.strip()

    def curl(self, way: str, path: str, *words: str) -> str:
        """What curl says."""
        project = self.project
        tls = way != "http1.1"
        port = project.https_port if tls else project.http_port
        version = "--http2" if way == "http2" else "--http1.1"
        url = f"{'https' if tls else 'http'}://files.localhost:{port}{path}"
        common = ("curl", "-sS", "--noproxy", "*", "--path-as-is", "--cacert", self.authority)
        resolved = ("--connect-to", f"::127.0.0.1:{port}")
        done = subprocess.run(
            (*common, *resolved, version, *words, url),
            capture_output=True,
            timeout=120 + LARGE / 5e6,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.decode()

    def status(self, way: str, path: str, *words: str) -> str:
        """The status, and the version of HTTP that it came by."""
        written = "%{http_code} %{http_version}"
        return self.curl(way, path, "-o", os.devnull, "-w", written, *words)


def answers(project: Project) -> bool:
    try:
        return project.get("files.localhost").status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with project_in(tmp_path_factory.mktemp("files")) as project:
        project.environment["XDG_DATA_HOME"] = str(project.folder / "data")
        public = project.folder / "public"
        (public / "docs").mkdir(parents=True)
        (public / "guide").mkdir()
        (public / "guide" / "index.html").write_text("guide")
        (project.folder / ".env").write_text(SECRET)
        (public / ".env").write_text(SECRET)
        (public / "out").symlink_to("../.env")
        (public / "index.html").write_text("home")
        (public / "docs" / "a.txt").write_text("0123456789")
        (public / "app.js").write_text("let a = 1")
        (public / "app.js.gz").write_bytes(gzip.compress(b"let a = 1"))
        with (public / "large.bin").open("wb") as file:
            file.truncate(LARGE)
        project.https_port = free_ports(1)[0]
        project.write(TEXT, HTTPS_PORT=str(project.https_port))
        with project.up(ready=False) as process:
            until(lambda: answers(project), "it answers")
            yield Site(project, supervisor(process))


@pytest.mark.parametrize("way", WAYS)
def test_curl_gets_files_and_parts_of_them(site: Site, way: str, tmp_path: Path) -> None:
    assert site.curl(way, "/") == site.curl(way, "/app/some/page") == "home"
    assert site.curl(way, "/docs/a.txt", "-r", "2-4") == "234"
    several = site.curl(way, "/docs/a.txt", "-r", "0-1,-2")
    assert "Content-Range: bytes 8-9/10\r\n\r\n89\r\n" in several
    assert site.status(way, "/docs/a.txt", "-r", "10-").startswith("416 ")
    assert site.status(way, "/docs").startswith("301 ")
    place = site.curl(way, "/app/guide?a=b", "-o", os.devnull, "-w", "%{redirect_url}")
    assert place.endswith("/app/guide/?a=b")
    assert site.curl(way, "/app.js", "--compressed") == "let a = 1"
    half = tmp_path / "half"
    half.write_text("01234")
    site.curl(way, "/docs/a.txt", "-C", "-", "-o", str(half))
    assert half.read_text() == "0123456789"
    tag = tmp_path / "tag"
    assert site.curl(way, "/docs/a.txt", "--etag-save", str(tag)) == "0123456789"
    assert site.status(way, "/docs/a.txt", "--etag-compare", str(tag)).startswith("304 ")
    head = site.curl(way, "/docs/a.txt", "-I").lower()
    assert "content-length: 10\r\n" in head
    assert "cache-control: max-age=3600\r\n" in head
    assert site.curl(way, "/docs/") == "a.txt\n"
    assert site.status(way, "/docs/a.txt", "-d", "x").startswith("405 ")


@pytest.mark.parametrize("way", WAYS)
def test_no_path_leads_out_of_the_folder(site: Site, way: str) -> None:
    version = "2" if way == "http2" else "1.1"
    for path in (
        "/.env", "/../.env", "/%2e%2e/.env", "/..%2f.env", "/..%5c.env", "/..\\.env",
        "/docs/../.env", "/%252e%252e/.env", "/%c0%ae%c0%ae/.env", "/.env%00.txt", "/out",
        "//../.env", "/app/../.env", "/app/%2e%2e/%2e%2e/.env", "/app/.env", "/app/out",
    ):  # fmt: skip
        said = site.curl(way, path, "-w", "\n%{http_code} %{http_version}")
        assert said.endswith(f"\n404 {version}"), path
        assert SECRET not in said, path


@pytest.mark.parametrize("way", WAYS)
def test_a_large_file_needs_little_memory(site: Site, way: str) -> None:
    with growth(site.rpx) as grown:
        size = site.curl(way, "/large.bin", "-o", os.devnull, "-w", "%{size_download}")
        assert int(size) == LARGE
    assert grown.megabytes < ROOM
