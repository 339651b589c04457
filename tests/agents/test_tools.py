"""The tools of `rpx mcp`, called as its server calls them, of a real project."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trio
from jsonschema import Draft202012Validator

from rpx.agents.bounded import text_of
from rpx.agents.toolbox import TOOLS, tool_named, tools
from rpx.agents.which_project import Where
from rpx.errors import NotRunning, RpxError, UsageError
from rpx.model.suggest import nearest
from tests.support.project import Project, free_ports, project_in

APP = """\
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print("INFO", self.path, flush=True)
        body, kind, status = b"fine", "text/plain", 200
        if self.path == "/boom":
            print("ERROR it went wrong", flush=True)
            status = 500
        elif self.path == "/large":
            body = b"x" * 10_000_000
        elif self.path == "/picture":
            body, kind = bytes(range(256)) * 9, "image/png"
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Set-Cookie", "session=secret")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.path != "/endless":
            self.wfile.write(body)
        else:
            import time
            time.sleep(60)
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(201)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


class Agent:
    """Whoever calls the tools from the folder of a project."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.told: list[str] = []

    async def calls(self, name: str, /, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401 - as JSON
        tool = tool_named(name, read_only=False)
        answer = await tool.call(arguments, Where(self.project.folder), self.hears)
        Draft202012Validator(tool.output_schema()).validate(answer)
        assert len(text_of(answer)) <= arguments.get("max_chars", 10_000)
        return answer

    async def hears(self, progress: float, total: float | None, message: str) -> None:
        self.told.append(f"{progress:g} of {total}: {message}")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    with project_in(tmp_path) as project:
        for name in ("XDG_RUNTIME_DIR", "XDG_STATE_HOME", "HOME"):
            monkeypatch.setenv(name, project.environment[name])
        yield project


@pytest.fixture
def agent(project: Project) -> Agent:
    return Agent(project)


def test_there_are_few_and_each_says_what_it_is_in_little() -> None:
    assert [tool.name for tool in TOOLS] == [
        *("status", "why", "logs", "requests", "request", "send", "wait", "do", "drill")
    ]
    for tool in TOOLS:
        assert len(tool.says) < 300
        Draft202012Validator.check_schema(tool.input_schema())
        Draft202012Validator.check_schema(tool.output_schema())
        assert {"project", "max_chars"} <= set(tool.input_schema()["properties"])
    assert len(json.dumps([tool.input_schema() for tool in TOOLS])) < 9_000
    assert [tool.name for tool in TOOLS if tool.destroys] == ["do", "drill"]


def test_who_only_looks_is_offered_nothing_that_changes() -> None:
    offered = [tool.name for tool in tools(read_only=True)]
    assert offered == ["status", "why", "logs", "requests", "request", "wait"]
    with pytest.raises(UsageError, match="only looks"):
        tool_named("do", read_only=True)
    with pytest.raises(UsageError, match="no tool"):
        tool_named("staus", read_only=True)
    assert nearest("staus", offered) == "status"


async def test_of_a_project_that_does_not_run_each_says_what_starts_it(agent: Agent) -> None:
    needs: dict[str, dict[str, Any]] = {
        "request": {"id": "1"},
        "send": {"url": "/"},
        "do": {"action": "restart"},
        "drill": {"name": "api"},
    }
    agent.project.copies(1)
    for tool in TOOLS:
        with pytest.raises(NotRunning) as caught:
            await agent.calls(tool.name, **needs.get(tool.name, {}))
        assert f"cd {agent.project.folder} && rpx up --wait" in str(caught.value)
    with pytest.raises(UsageError, match="no running project is called"):
        await agent.calls("status", project="nobody")


async def test_what_does_not_fit_is_said_with_what_does(agent: Agent) -> None:
    for name, arguments, what in (
        ("status", {"nmes": "api"}, "did you mean `names`"),
        ("status", {"max_chars": 5}, "`max_chars`: input should be greater"),
        ("request", {}, "`id` is missing"),
        ("do", {"action": "explode"}, "`action`"),
        ("do", {"action": "stop"}, "needs `names`"),
        ("do", {"action": "restart", "copies": {"api": 2}}, "takes no `copies`"),
    ):
        with pytest.raises(UsageError) as caught:
            await agent.calls(name, **arguments)
        assert what in str(caught.value), name


@pytest.mark.real
async def test_an_agent_looks_sends_waits_and_acts(agent: Agent) -> None:
    project = agent.project
    (project.folder / "app.py").write_text(APP)
    one, two = free_ports(2)
    project.write(
        "name: shop\nlisten: {http_port: HTTP_PORT}\nproxies:\n"
        f"  - {{to: api.localhost, from: [localhost:{one}, localhost:{two}],"
        " start: PYTHON app.py}\n"
        "processes:\n  bad: {command: 'echo level=error no database; exit 3', restart: 'no'}\n"
        "requests: {bodies: 64kb}\n"
    )
    with project.up(ready=False):
        failed: dict[str, Any] = {}
        while not failed.get("failed"):  # it is just starting at first
            try:
                failed = await agent.calls("wait", timeout=30)
            except RpxError:
                await trio.sleep(0.1)
        assert failed["outcome"] == "failed"
        assert failed["failed"][0]["last_lines"] == ["level=error no database"]
        ready = await agent.calls("wait", names=["api"], timeout=30)
        assert ready["outcome"] == "ready"

        status = await agent.calls("status")
        assert status["counts"] == {"ready": 2, "failed": 1}
        assert status["backends"][0]["label"] == "bad"
        assert status["next"] == "`why` bad"
        elsewhere = Where(project.folder.parent)
        for name in ("shop", str(project.folder), f"{project.folder.name}/rpx.yaml"):
            told = await TOOLS[0].call({"project": name}, elsewhere, agent.hears)
            assert told["project"] == "shop"
        first = await agent.calls("status", max_chars=300)
        assert first["cursor"] == "1"
        rest = await agent.calls("status", cursor="1", names="api")
        assert len(rest["backends"]) == 1
        (why,) = (await agent.calls("why"))["backends"]
        assert "exited with status 3" in why["because"]
        way = (await agent.calls("why", url="api.localhost/x"))["url"]
        assert (way["outcome"], way["service"]) == ("backend", "api")

        sent = await agent.calls("send", url="/boom", headers={"Cookie": "a=secret"})
        assert sent["status"] == 500
        assert sent["backend"] in {f"api:{one}", f"api:{two}"}
        assert sent["lines"] == ["INFO /boom", "ERROR it went wrong"]
        assert "secret" not in text_of(sent)
        large = await agent.calls("send", url="api.localhost/large", max_chars=1500)
        assert large["response"]["size"] == 10_000_000
        assert large["response"]["not_shown"].endswith("more bytes")
        picture = await agent.calls("send", url=f"http://api.localhost:{project.http_port}/picture")
        assert picture["response"]["not_shown"] == "binary"
        assert "body" not in picture["response"]
        endless = await agent.calls("send", url="/endless", timeout=0.5)
        assert "not read to its end" in endless["response"]["not_shown"]
        posted = await agent.calls("send", url="/", method="post", json={"a": 1})
        assert (posted["status"], posted["response"]["body"]) == (201, '{"a": 1}')
        with pytest.raises(UsageError, match="no proxy has the host evil"):
            await agent.calls("send", url="http://evil.test/")
        with pytest.raises(UsageError, match="proxy of this project is not at"):
            await agent.calls("send", url=f"http://api.localhost:{one}/")

        whole, cursor = 0, ""
        while whole == 0 or cursor:
            part = await agent.calls("request", id=large["id"], cursor=cursor, max_chars=50_000)
            whole, cursor = whole + len(part["response"]["body"]), part.get("cursor", "")
        assert whole == 64 << 10
        passed = await agent.calls("requests", filter=["status:5xx"])
        assert [row["id"] for row in passed["requests"]] == [sent["id"]]
        assert (await agent.calls("requests", cursor=passed["cursor"]))["requests"] == []
        behind = await agent.calls("requests", cursor=f"{passed['cursor'].partition('.')[0]}.0")
        assert [row["id"] for row in behind["requests"]] == [
            row["id"] for row in (await agent.calls("requests"))["requests"]
        ]
        told = await agent.calls("request", id=sent["id"])
        assert told["response"]["body"] == "fine"
        assert ["cookie", "•••"] in [[n.lower(), v] for n, v in told["request"]["headers"]]
        assert (await agent.calls("request", id=picture["id"]))["response"]["not_shown"] == "binary"

        with pytest.raises(UsageError, match="neither a duration nor a time"):
            await agent.calls("logs", since="soon")
        logs = await agent.calls("logs", level="error")
        assert {"level=error no database", "ERROR it went wrong"} <= {
            line["text"] for line in logs["lines"]
        }
        assert (await agent.calls("logs", cursor=logs["cursor"]))["lines"] == []
        assert (await agent.calls("logs", since=logs["cursor"]))["lines"] == []
        quiet = await agent.calls("wait", until="quiet", names=["api"], quiet_for=0.3, timeout=30)
        assert quiet["outcome"] == "quiet"

        done = await agent.calls("do", action="restart", names=[one])
        assert (done["done"], done["outcomes"][0]["label"]) == (True, f"api:{one}")
        killed = await agent.calls("do", action="kill", names=[two], down_for=60)
        assert killed["killed"]["gone"]
        waited = await agent.calls("wait", names=["api"], timeout=1.2)
        assert waited["outcome"] == "timeout"
        assert any(f"waiting for api:{two}" in each for each in agent.told)
        assert (await agent.calls("do", action="start", names=[two]))["done"]
        plan = await agent.calls("do", action="reload", dry_run=True)
        assert (plan["done"], plan["sentences"]) == (False, ["nothing to change"])
        with pytest.raises(RpxError, match="rpx can't add any"):
            await agent.calls("do", action="scale", copies={"api": 3})
    last = await agent.calls("logs", search="DATABASE")
    assert [line["text"] for line in last["lines"]] == ["level=error no database"]
    assert "rpx up --wait" in last["next"]


@pytest.mark.real
def test_without_the_extra_it_says_how_to_install_it(project: Project, tmp_path: Path) -> None:
    hidden = (
        "import sys; from importlib import metadata\n"
        "def gone(name): raise metadata.PackageNotFoundError(name)\n"
        "metadata.version = gone\n"
        "from rpx.__main__ import main; sys.exit(main())"
    )
    done = subprocess.run(
        (sys.executable, "-c", hidden, "mcp"),
        cwd=project.folder,
        env=project.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "pip install 'rpx-dev[mcp]'" in done.stderr
