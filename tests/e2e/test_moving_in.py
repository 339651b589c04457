"""From a folder with files of other tools to a running project, by `rpx init --yes`."""

from __future__ import annotations

import sys

import pytest

from tests.support.engine import IMAGE
from tests.support.project import Project, free_ports, until

pytestmark = pytest.mark.real

# A page that shows what its two backends answer.
APP = """\
import http.server, os, urllib.request
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        found = [urllib.request.urlopen(os.environ[each]).read() for each in ("API", "STORE")]
        body = b"web: " + b" ".join(found) + os.environ["GREETING"].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
COMPOSE = """\
services:
  gate:
    image: nginx:1.27
    ports: ["80:80"]
    volumes: ["./nginx.conf:/etc/nginx/nginx.conf:ro"]
    depends_on: [web]
  web:
    build: ./web
    command: PYTHON app.py
    ports: ["3000:WEB"]
    environment:
      API: http://api/
      STORE: "http://store:6379"
      GREETING: "${GREETING:-hello}"
    depends_on:
      migrate: {condition: service_completed_successfully}
      api: {condition: service_healthy}
      store: {condition: service_started}
  api:
    image: IMAGE
    expose: ["80"]
    healthcheck: {test: ["CMD", "wget", "-q", "-O-", "http://localhost/"], interval: 1s}
  store:
    image: IMAGE
    command: [httpd, -f, -p, "6379", -h, /srv]
    restart: unless-stopped
  migrate:
    image: IMAGE
    command: sh -c 'test "$$WORD" = done'
    environment: {WORD: done}
"""
NGINX = """\
events {}
http {
  server {
    listen 80;
    location / { proxy_pass http://web:WEB; }
    location /api/ { proxy_pass http://api:80/; }
  }
}
"""


@pytest.mark.engine
def test_a_stack_of_compose_runs_within_one_line(shop: Project) -> None:
    [web] = free_ports(1)

    def write(name: str, text: str) -> None:
        for word, value in (("WEB", str(web)), ("IMAGE", IMAGE), ("PYTHON", sys.executable)):
            text = text.replace(word, value)
        (shop.folder / name).write_text(text)

    (shop.folder / "web").mkdir()
    write("web/app.py", APP)
    write("compose.yaml", COMPOSE)
    write("nginx.conf", NGINX)
    done = shop.rpx("init", "--yes")
    assert done.returncode == 0, done.stderr
    assert "not in rpx.yaml" not in done.stdout
    file = shop.folder / "rpx.yaml"
    file.write_text(f"listen: {{http_port: {shop.http_port}}}\n{file.read_text()}")
    with shop.up():
        for host in ("a-stack.of-compose", f"gate.{shop.folder.name}.localhost"):
            assert shop.get(host).text == "web: here\n here\nhello"
            assert shop.get(host, "/api/").text == "here\n"


def test_a_folder_without_anything_has_a_page(project: Project) -> None:
    done = project.rpx("init", "--yes")
    assert done.returncode == 0, done.stderr
    file = project.folder / "rpx.yaml"
    file.write_text(f"listen: {{http_port: {project.http_port}}}\n{file.read_text()}")
    host = file.read_text().split("to: ")[1].split()[0]
    with project.up(ready=False):
        until(lambda: "answer 200" in project.said(), "that it is there")
        assert project.get(host).status_code == 200
