"""A real rpx with TLS: curl, WebSockets, large bodies both ways, and a browser."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rpx.certificates.authority import open_authority, replace_authority
from tests.support.project import Project, free_ports, project_in, until

pytestmark = pytest.mark.real
BIG = 20_000_000
TLS = "name: shop\nhttps: true\nlisten: {http_port: HTTP_PORT, https_port: 0}\n"

BACKEND = """
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class App(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        size = int(self.path[1:]) if self.path[1:].isdigit() else 0
        url = f"<p>{os.environ['RPX_URL']} {self.headers['X-Forwarded-Proto']}</p>".encode()
        if self.path == "/whom":
            return self.answer(os.environ["NODE_EXTRA_CA_CERTS"].encode())
        self.answer(b"x" * size if size else url)

    def do_POST(self):
        self.answer(b"%d" % len(self.rfile.read(int(self.headers["Content-Length"]))))

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), App).serve_forever()
"""


@contextmanager
def with_tls(folder: Path) -> Iterator[Project]:
    """A project with TLS that runs; its authority is its own."""
    with project_in(folder) as project:
        project.environment.pop("NODE_EXTRA_CA_CERTS", None)
        project.environment["XDG_DATA_HOME"] = str(project.folder / "data")
        (project.folder / "app.py").write_text(BACKEND)
        project.https_port = free_ports(1)[0]
        project.write(
            "https: true\nlisten: {http_port: HTTP_PORT, https_port: HTTPS_PORT}\n"
            "to: api.localhost\nstart: PYTHON app.py\n",
            HTTPS_PORT=str(project.https_port),
        )
        with project.up():
            yield project


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """One for all that only ask."""
    with with_tls(tmp_path_factory.mktemp("tls")) as project:
        yield project


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Project]:
    """One that a test may change or end."""
    with with_tls(tmp_path) as project:
        yield project


def authority(project: Project) -> str:
    return project.rpx("trust", "--print-ca-path").stdout.strip()


def curl(project: Project, *words: str) -> str:
    done = subprocess.run(
        ("curl", "-sS", "--noproxy", "*", "--cacert", authority(project), *words),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout + done.stderr


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here")
def test_curl_gets_its_answers_and_sends_its_bodies(running: Project, tmp_path: Path) -> None:
    url = f"https://api.localhost:{running.https_port}"
    assert [row["url"] for row in running.ps()] == [url]
    assert curl(running, url) == f"<p>{url} https</p>"
    plain = f"http://api.localhost:{running.http_port}/?a=b"
    seen = curl(running, "-o", os.devnull, "-w", "%{http_code} %{redirect_url}", plain)
    assert seen == f"308 {url}/?a=b"
    size = curl(running, "-o", os.devnull, "-w", "%{size_download}", f"{url}/{BIG}")
    assert size == str(BIG)
    big = tmp_path / "big"
    big.write_bytes(b"y" * BIG)
    assert curl(running, "--data-binary", f"@{big}", url) == str(BIG)
    port = running.https_port
    assert "404 Unknown host" in curl(running, f"https://x.localhost:{port}")
    there = ("--resolve", f"x.example:{port}:127.0.0.1")  # a name that may be somebody's
    assert "unrecognized name" in curl(running, *there, f"https://x.example:{port}")
    line = running.until_said("x.example")
    assert line.endswith(
        "a client asked for x.example with TLS: no proxy with `https` has that host"
    )


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here")
def test_services_and_commands_are_told_whom_to_trust(running: Project) -> None:
    page = f"https://api.localhost:{running.https_port}/whom"
    assert curl(running, page) == authority(running)
    done = running.rpx("run", "api", "echo $NODE_EXTRA_CA_CERTS")
    assert done.stdout.strip() == authority(running)


def test_doctor_asks_the_running_project_and_a_reload_mends_what_it_finds(own: Project) -> None:
    data = Path(authority(own)).parent
    good = "ok       api.localhost: the running project shows a good certificate"
    assert good in own.rpx("doctor").stdout
    replace_authority(open_authority(data), open_authority(data).allowed)
    said = own.rpx("doctor").stdout
    assert (
        "problem  api.localhost: programs that trust the authority refuse the certificate" in said
    )
    assert "show certificates of another authority" in own.rpx("reload").stdout
    assert good in own.rpx("doctor").stdout


def test_rpx_down_sends_a_close_notify_to_idle_clients(own: Project) -> None:
    context = ssl.create_default_context(cafile=authority(own))
    with (
        socket.create_connection(("127.0.0.1", own.https_port), timeout=10) as sock,
        context.wrap_socket(sock, server_hostname="api.localhost") as tls,
    ):
        tls.sendall(b"GET / HTTP/1.1\r\nHost: api.localhost\r\n\r\n")
        assert tls.recv(65536)
        assert own.rpx("down").returncode == 0
        while tls.recv(65536):  # raises SSLEOFError if the end is only a FIN
            pass


@pytest.mark.programs
@pytest.mark.skipif(
    None in (shutil.which("chromium"), shutil.which("certutil")), reason="no browser is here"
)
def test_chromium_opens_the_page_without_a_warning(running: Project) -> None:
    url = f"https://api.localhost:{running.https_port}"
    home = running.folder / "browser"
    database = home / ".pki/nssdb"
    database.mkdir(parents=True)
    for words in (
        ("-N", "--empty-password"),
        ("-A", "-t", "C,,", "-n", "rpx", "-i", authority(running)),
    ):
        subprocess.run(("certutil", "-d", f"sql:{database}", *words), check=True, timeout=30)

    def page() -> bool:
        done = subprocess.run(
            (
                *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-proxy-server"),
                *("--disable-dev-shm-usage", f"--user-data-dir={home}/profile", "--dump-dom", url),
            ),
            env={**os.environ, "HOME": str(home)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return f"<p>{url} https</p>" in done.stdout

    until(page, "the page", within=60)


def test_a_host_that_cannot_be_certified_is_said_before_anything_is_begun(
    project: Project,
) -> None:
    data = project.folder / "data"
    project.environment["XDG_DATA_HOME"] = str(data)
    inside = f"{TLS}to: api.localhost\nstart: PYTHON APPS/ok.py\n"
    outside = f"{TLS}proxies: [{{to: shop.dev, from: 1}}, {{to: '*.eg.dev', from: 2}}]\n"
    project.write(outside)
    said = [project.rpx(*words) for words in (("check",), ("check", "--json"), ("up",))]
    assert not data.exists()
    project.write(inside)
    with project.up():
        project.write(outside)
        said += [project.rpx(*words) for words in (("reload", "--dry-run"), ("reload",))]
        assert project.rpx("ps").stdout.count("api.localhost") == 1
    for done in said:
        assert (done.returncode, done.stdout) == (1, "")
        told = "error: the local authority may not certify `shop.dev`, `eg.dev`, only localhost,"
        assert told in done.stderr
        assert "hint: `rpx trust --allow shop.dev --allow eg.dev` makes one that may" in done.stderr


def test_a_key_that_others_could_read_is_put_right_and_spoken_of(project: Project) -> None:
    project.environment["XDG_DATA_HOME"] = str(project.folder / "data")
    key = Path(project.rpx("trust", "--print-ca-path").stdout.strip()).with_name("authority.pem")
    key.chmod(0o644)
    project.write(f"{TLS}to: a.test\nstart: PYTHON APPS/ok.py\n")
    with project.up():
        assert key.stat().st_mode & 0o777 == 0o600
    told = "other users could read the key of your certificate authority until now"
    assert project.output.read_text().count(told) == 1
    key.chmod(0o644)
    assert told in project.rpx("trust", "--print-ca-path").stderr
    assert key.stat().st_mode & 0o777 == 0o600
