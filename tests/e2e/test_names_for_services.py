"""Services in several languages call each other by RPX_API_URL, as it is in their environment.

The system need not know any name, and nobody but rpx has the certificates.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.project import Project, free_ports, project_in, until

pytestmark = pytest.mark.real
WORDS = {
    "curl": ("curl", "sh curl.sh"),
    "urllib": (sys.executable, "PYTHON by_urllib.py"),
    "httpx": (sys.executable, "PYTHON by_httpx.py"),
    "websockets": (sys.executable, "PYTHON by_websockets.py"),
    "node": ("node", "node by_node.mjs"),
    "ruby": ("ruby", "ruby by_ruby.rb"),
    "java": ("javac", "java -Xshare:auto -XX:TieredStopAtLevel=1 ByJava.java"),
}
OF_PYTHON = ("curl", "urllib", "httpx", "websockets")
# Each asks until there is a file `stop`, and writes a line for each answer, or what went wrong.
FILES = {
    "curl.sh": """\
until test -e stop; do
  curl -sS --fail-with-body "$RPX_API_URL/who" >>curl.log 2>&1 || echo "exit $?" >>curl.log
  sleep 0.05
done
""",
    "by_urllib.py": """\
import os, time, urllib.request
with open("urllib.log", "w", buffering=1) as log:
    while not os.path.exists("stop"):
        time.sleep(0.05)
        try:
            log.write(urllib.request.urlopen(os.environ["RPX_API_URL"] + "/who").read().decode())
        except OSError as error:
            log.write(f"{error!r}\\n")
""",
    "by_httpx.py": """\
import os, time, httpx
with open("httpx.log", "w", buffering=1) as log, httpx.Client(timeout=60) as client:
    while not os.path.exists("stop"):
        time.sleep(0.05)
        try:
            log.write(client.get(os.environ["RPX_API_URL"] + "/who").text)
        except httpx.HTTPError as error:
            log.write(f"{error!r}\\n")
""",
    "by_websockets.py": """\
import os, time
from websockets.sync.client import connect
url = os.environ["RPX_ECHO_URL"].replace("http:", "ws:")
with open("websockets.log", "w", buffering=1) as log:
    while not os.path.exists("stop"):
        time.sleep(0.05)
        with connect(url, origin=os.environ["RPX_ECHO_URL"], open_timeout=60) as websocket:
            websocket.send(os.environ["RPX_API_PUBLIC_URL"])
            log.write(websocket.recv().replace("://", " ") + "\\n")
""",
    "by_node.mjs": """\
import fs from "node:fs"
while (!fs.existsSync("stop")) {
  let line
  try {
    line = await (await fetch(process.env.RPX_API_URL + "/who")).text()
  } catch (error) {
    line = `${error} ${error.cause}\\n`
  }
  fs.appendFileSync("node.log", line)
  await new Promise((resolve) => setTimeout(resolve, 50))
}
""",
    "by_ruby.rb": """\
require "net/http"
File.open("ruby.log", "w") do |log|
  log.sync = true
  until File.exist?("stop")
    sleep 0.05
    begin
      log.write(Net::HTTP.get(URI(ENV["RPX_API_URL"] + "/who")))
    rescue => error
      log.puts(error.inspect)
    end
  end
end
""",
    "ByJava.java": """\
import java.io.*;
import java.net.*;
import java.net.http.*;

public class ByJava {
    public static void main(String[] words) throws Exception {
        HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
        URI url = URI.create(System.getenv("RPX_API_URL") + "/who");
        try (FileWriter log = new FileWriter("java.log")) {
            while (!new File("stop").exists()) {
                Thread.sleep(50);
                try {
                    HttpRequest request = HttpRequest.newBuilder(url).build();
                    log.write(client.send(request, HttpResponse.BodyHandlers.ofString()).body());
                } catch (IOException error) {
                    log.write(error + "\\n");
                }
                log.flush();
            }
        }
    }
}
""",
    "api.py": """\
import os, signal, socketserver, sys
class Api(socketserver.StreamRequestHandler):
    def handle(self):
        while line := self.rfile.readline():
            fields = {}
            while field := self.rfile.readline().decode().strip():
                name, _, value = field.partition(": ")
                fields[name.lower()] = value
            host, proto = fields["x-forwarded-host"], fields["x-forwarded-proto"]
            body = f"{proto} {host}\\n" if fields["host"] == host else f"{fields}\\n"
            self.wfile.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body))
            self.wfile.write(body.encode())
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    request_queue_size = 64
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
Server(("127.0.0.1", int(os.environ["PORT"])), Api).serve_forever()
""",
}
PROJECT = """\
name: shop
https: true
listen: {http_port: HTTP_PORT, https_port: HTTPS_PORT}
proxies:
  - {to: api.localhost, from: [A, B], start: PYTHON api.py, hold: 30s}
  - {to: echo.localhost, from: C, start: PYTHON APPS/ws_echo.py}
processes:
"""


@pytest.fixture(
    params=[
        pytest.param(OF_PYTHON, id="python"),
        pytest.param(tuple(WORDS), id="all", marks=pytest.mark.programs),
    ]
)
def callers(request: pytest.FixtureRequest) -> dict[str, str]:
    """Who calls, and its command: those of these that are here."""
    return {name: WORDS[name][1] for name in request.param if shutil.which(WORDS[name][0])}


@pytest.fixture
def shop(tmp_path: Path, callers: dict[str, str]) -> Iterator[Project]:
    """An api of two copies and a process for each language, all with TLS; it is yet to run."""
    with project_in(tmp_path) as project:
        project.environment["XDG_DATA_HOME"] = str(project.folder / "data")
        for name, text in FILES.items():
            (project.folder / name).write_text(text)
        project.https_port, *ports = free_ports(4)
        text = PROJECT.replace("HTTPS_PORT", str(project.https_port))
        for name, port in zip("ABC", ports, strict=True):
            text = text.replace(f"{name},", f"{port},").replace(f" {name}]", f" {port}]")
        processes = [
            f"  {name}: {{command: {words}, depends_on: [api, echo], restart: no}}\n"
            for name, words in callers.items()
        ]
        project.write(text + "".join(processes))
        yield project


def lines(project: Project, name: str) -> list[str]:
    """What a caller has got so far."""
    file = project.folder / f"{name}.log"
    return file.read_text().splitlines() if file.exists() else []


def test_each_gets_an_answer_to_every_call_through_restarts_of_whom_it_calls(
    shop: Project, callers: dict[str, str]
) -> None:
    public = f"https://api.localhost:{shop.https_port}"

    def more(count: int) -> None:
        """Wait until each caller has so many more lines."""
        least = {name: len(lines(shop, name)) + count for name in callers}
        until(lambda: all(len(lines(shop, name)) >= least[name] for name in callers), str(least))

    with shop.up():
        more(3)
        rows = {row["name"]: row for row in shop.ps()}
        assert rows["api"]["url"] == public
        internal = rows["api"]["internal_url"]
        assert internal.startswith("http://127.0.0.1:")
        assert shop.rpx("restart", "api").returncode == 0
        more(2)
        for label in [row["label"] for row in shop.ps() if row["name"] == "api"]:
            assert shop.rpx("kill-backend", label).returncode == 0
        more(2)
        answer = "" if "curl" not in callers else f"https api.localhost:{shop.https_port}\n"
        words = ("run", "api", "echo $RPX_API_PUBLIC_URL; curl -sS $RPX_API_URL/who")
        assert shop.rpx(*words).stdout == f"{public}\n{answer}"
        (shop.folder / "stop").touch()
        until(lambda: all(not row["pid"] for row in shop.ps() if row["name"] in callers), "the end")
    for name in callers:
        assert set(lines(shop, name)) == {f"https api.localhost:{shop.https_port}"}, name
    # Where nothing runs it is what it will be.
    assert shop.rpx("run", "api", "echo $RPX_API_URL").stdout == f"{internal}\n"
