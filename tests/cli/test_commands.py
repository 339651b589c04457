"""The commands that look at and steer a running project, against the real API and fake lives."""

from __future__ import annotations

import json
import os
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import trio

from rpx.cli.main import main
from rpx.control.api import Control
from rpx.hub.shutdown import Shutdown
from rpx.journal.files import Files
from rpx.journal.form import written
from rpx.model.answers import ChangeReport, Outcome
from rpx.model.own_settings import Logs
from rpx.model.status import Printed, State
from rpx.runs.held import take
from rpx.runs.lease import Identity, Lease
from rpx.runs.paths import journal_folder
from tests.orders.fake_life import Fleet
from tests.support.bench import external, process_of, registry, spec


class Shop:
    """A running project named shop; commands run in its folder."""

    def __init__(self, fleet: Fleet, shutdown: Shutdown, out: pytest.CaptureFixture[str]) -> None:
        self.fleet, self.shutdown, self._capture = fleet, shutdown, out
        self.out = self.err = ""

    async def rpx(self, *arguments: str) -> int:
        code = await trio.to_thread.run_sync(main, arguments)
        self.out, self.err = self._capture.readouterr()
        return code


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "run").mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "shop" / "deep").mkdir(parents=True)
    (tmp_path / "shop" / "rpx.yaml").touch()
    monkeypatch.chdir(tmp_path / "shop" / "deep")
    return tmp_path / "shop"


@pytest.fixture
async def shop(
    folder: Path, nursery: trio.Nursery, capsys: pytest.CaptureFixture[str]
) -> AsyncIterator[Shop]:
    fleet, shutdown = Fleet(registry(spec(3000), spec(3001), external(3005))), Shutdown()
    me = Identity.of(os.getpid())
    with take(Lease(me, me, "run", "shop", folder / "rpx.yaml")) as hold:
        await nursery.start(Control(hold.lease.socket), fleet.registry, shutdown)
        await fleet.start(nursery)
        yield Shop(fleet, shutdown, capsys)
        nursery.cancel_scope.cancel()


async def test_a_reload_asks_once_and_shows_the_plan_that_is_carried_out(
    shop: Shop, nursery: trio.Nursery
) -> None:
    """The file changes all the time: whoever asked twice would be told of two files."""
    asked: list[bool] = []

    async def carry_out() -> None:
        async for order in shop.fleet.registry.mailbox.orders:
            asked.append(order.dry)
            label = f"web:{len(asked)}"
            plan = replace(ChangeReport.of({}), sentences=(f"add {label}",))
            outcome = Outcome(label, State.READY, None, 7, f"{label} ready")
            order.report = plan if order.dry else replace(plan, outcomes=(outcome,))
            order.planned.set()
            order.done.set()

    nursery.start_soon(carry_out)
    assert await shop.rpx("reload") == 0
    assert shop.out.splitlines() == ["add web:1", "web:1 ready"]
    assert await shop.rpx("scale", "web=2", "--dry-run") == 0
    assert shop.out.splitlines() == ["add web:2"]
    assert await shop.rpx("reload", "--json") == 0
    assert json.loads(shop.out)["outcomes"][0]["label"] == "web:3"
    assert asked == [False, True, False]


async def test_ps_is_a_table(shop: Shop) -> None:
    assert await shop.rpx("ps") == 0
    header, first, _, last = shop.out.splitlines()
    assert header.split() == [
        *("NAME", "BACKEND", "STATE", "PID", "CPU", "TIME", "MEMORY", "RESTARTS", "SINCE"),
        *("ROTATION", "URL"),
    ]
    words = first.split()
    assert words[:7] == ["api", "localhost:3000", "ready", "1001", "-", "-", "0"]
    assert words[8:] == ["in", "http://api.localhost:8080"]
    assert last.split()[:5] == ["api", "localhost:3005", "unhealthy", "(external)", "-"]


async def test_ps_as_json_is_a_list_of_rows(shop: Shop) -> None:
    assert await shop.rpx("ps", "--json") == 0
    rows = json.loads(shop.out)
    assert [row["backend"] for row in rows] == [
        *("localhost:3000", "localhost:3001", "localhost:3005")
    ]


async def test_why_explains_the_state_of_each_backend(shop: Shop) -> None:
    shop.fleet.lives["api:3000"].broken = True
    await shop.rpx("restart", "api:3000")
    backend = shop.fleet.registry.endpoint("api:3000")
    shop.fleet.registry.print(process_of(backend), b"\x1b[31mno such table\x1b[0m\n")
    assert await shop.rpx("why", "api:1", "3005") == 0
    failed, external = shop.out.split("\n\n")
    assert failed.startswith("api:3000 failed for ")
    assert failed.splitlines()[0].endswith(": exited with status 1")
    assert failed.splitlines()[1:] == [
        "  restarts    1",
        "  last lines",
        "    no such table",
        "hint: `rpx start api:3000` starts it",
    ]
    assert external.startswith("api:3005 unhealthy for ")
    assert "nothing answers there; rpx asks again" in external
    assert await shop.rpx("why", "api", "--json") == 0
    assert [row["state"] for row in json.loads(shop.out)] == ["failed", "ready", "unhealthy"]
    assert await shop.rpx("why", "nope") == 2


async def test_stats_are_a_table_or_json(shop: Shop) -> None:
    counts = shop.fleet.registry.endpoint("api:3000").counts
    for _ in range(150):
        counts.answered(200, 0.0451)
    counts.errors = 2
    assert await shop.rpx("stats", "--json") == 0
    row = json.loads(shop.out)["api.localhost"]["localhost:3000"]
    assert (row["requests"], row["errors"], row["avgLatency"]) == (150, 2, 45.1)
    assert await shop.rpx("stats") == 0
    assert shop.out.splitlines()[0].split() == [
        *("HOST", "BACKEND", "REQUESTS", "ERRORS", "AVG", "ms", "P50", "P90", "P99", "NOW", "2XX"),
        *("IN", "OUT"),
    ]
    assert shop.out.splitlines()[1].split() == [
        *("api.localhost", "localhost:3000", "150", "2", "45.1", "45.4", "45.4", "45.4", "0"),
        *("150", "0", "0"),
    ]


@pytest.mark.parametrize(("color", "escaped"), [("always", True), ("never", False)])
async def test_tables_are_coloured_when_asked_to(shop: Shop, color: str, escaped: bool) -> None:
    assert await shop.rpx("ps", "--color", color) == 0
    assert ("\x1b[" in shop.out) is escaped


async def test_kill_backend_says_what_it_did(shop: Shop) -> None:
    assert await shop.rpx("kill-backend", "3001", "--down-for", "1m30s") == 0
    assert shop.out == "api:3001: SIGKILL to pid 2001, out of rotation, restart in 90 s\n"


async def test_kill_backend_as_json(shop: Shop) -> None:
    assert await shop.rpx("kill-backend", "api:2", "--signal", "9", "--no-restart", "--json") == 0
    kill = json.loads(shop.out)
    assert (kill["pid"], kill["signal"], kill["state"]) == (2001, "SIGKILL", "stopped")


async def test_kill_backend_of_a_foreign_port_names_ours(shop: Shop) -> None:
    assert await shop.rpx("kill-backend", "3005") == 2
    assert shop.out == ""
    assert shop.err == (
        "error: rpx does not run `api:3005`: its process was started by somebody else\n"
        "hint: rpx runs api:3000, api:3001\n"
    )


async def test_orders_print_a_sentence_for_each_backend(shop: Shop) -> None:
    assert await shop.rpx("restart", "api") == 0
    assert re.sub(r"after 0\.\d s", "after 0.0 s", shop.out) == (
        "api:3000 restarted, pid 1001 → 1002, ready after 0.0 s\n"
        "api:3001 restarted, pid 2001 → 2002, ready after 0.0 s\n"
    )
    assert await shop.rpx("stop", "3000", "3001") == 0
    assert shop.out.splitlines()[1] == "api:3001 stopped (it was pid 2002)"
    assert await shop.rpx("start", "3000", "--json") == 0
    assert [(o["label"], o["state"]) for o in json.loads(shop.out)] == [("api:3000", "ready")]


async def test_an_order_that_came_to_nothing_has_an_exit_code(shop: Shop) -> None:
    shop.fleet.lives["api:3000"].broken = True
    assert await shop.rpx("restart", "3000") == 1
    assert "failed" in shop.out


async def test_logs_have_the_prefixes_of_the_console(shop: Shop) -> None:
    hub = shop.fleet.registry
    hub.print(process_of(hub.endpoint("api:3000")), b"\x1b[31mone\n")
    hub.print(process_of(hub.endpoint("api:3001")), "two\u2028\n".encode())
    assert await shop.rpx("logs") == 0
    assert shop.out == "api:3000 | one\napi:3001 | two\u2028\n"
    assert await shop.rpx("logs", "--tail", "0") == 0
    assert shop.out == ""


async def test_logs_as_json_are_one_object_a_line(shop: Shop) -> None:
    hub = shop.fleet.registry
    for label in ("api:3000", "api:3001"):
        hub.print(hub.process(label), b"hello\n")
    assert await shop.rpx("logs", "--json", "3001") == 0
    line = json.loads(shop.out)
    assert (line["label"], line["text"]) == ("api:3001", "hello")


async def test_logs_of_rpx_are_what_it_has_said(shop: Shop) -> None:
    shop.fleet.registry.tell(b"api is up\n")
    assert await shop.rpx("logs") == 0
    assert shop.out == ""
    assert await shop.rpx("logs", "rpx") == 0
    assert shop.out == "rpx      | api is up\n"


async def test_logs_begin_with_what_only_the_files_still_have(shop: Shop, folder: Path) -> None:
    hub, backend = shop.fleet.registry, shop.fleet.registry.endpoint("api:3000")
    hub.print(process_of(backend), b"1\n2\n3\n")
    [chunk] = process_of(backend).lines.chunks()
    files = Files(journal_folder(folder / "rpx.yaml"), Logs())
    files.begin("shop", folder / "rpx.yaml", 0.0)
    older = Printed("api:3000", chunk.at - 1e-6, b"-1\n0\n")
    files.append("api", [written(older), written(chunk)])
    assert await shop.rpx("logs", "--tail", "4", "3000") == 0
    assert [line.split()[-1] for line in shop.out.splitlines()] == ["0", "1", "2", "3"]


async def test_logs_as_json_have_no_colours_unless_asked_for(shop: Shop) -> None:
    hub = shop.fleet.registry
    hub.print(process_of(hub.endpoint("api:3000")), b"\x1b[31mred\nand more\n")
    assert await shop.rpx("logs", "--json") == 0
    assert [json.loads(line)["text"] for line in shop.out.splitlines()] == ["red", "and more"]
    assert await shop.rpx("logs", "--json", "--color", "always") == 0
    assert json.loads(shop.out.splitlines()[0])["text"] == "\x1b[31mred"


@pytest.fixture
def ended(folder: Path) -> Path:
    """The project after two runs, the last one long ago."""
    files = Files(journal_folder(folder / "rpx.yaml"), Logs())
    for day in (1.0, 2.0):
        at = day * 86400
        files.begin("shop", folder / "rpx.yaml", at)
        for service, label in (("api", "api:3000"), ("api", "api:3001"), ("rpx", "rpx")):
            at += 1
            files.append(service, [written(Printed(label, at, b"day %d\n" % day))])
    return folder


LONG_AGO = "1970-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        ([], ["api:3000 | day 2", "api:3001 | day 2"]),
        (["api:3001"], ["api:3001 | day 2"]),
        (["3001"], ["api:3001 | day 2"]),
        (["rpx"], ["rpx | day 2"]),
        (["rpx", "3001"], ["api:3001 | day 2", "rpx      | day 2"]),
        (["rpx", "api"], ["api:3000 | day 2", "api:3001 | day 2", "rpx      | day 2"]),
        (["api", "--since", LONG_AGO, "--tail=1"], ["api:3000 | day 2", "api:3001 | day 2"]),
        (["3000", "--since", LONG_AGO], ["api:3000 | day 1", "api:3000 | day 2"]),
        (["--since", "10m"], []),
        (["--tail", "all", "api:1"], ["api:3000 | day 2"]),
    ],
)  # fmt: skip
def test_logs_of_an_ended_project_are_those_of_its_last_run(
    ended: Path, words: list[str], lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["logs", *words]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == lines
    assert err == ""


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["--since", "yesterday"], "error: `--since` is neither a duration nor a time: yesterday"),
        (["--tail", "-3"], "error: `--tail` is neither a number nor `all`: -3"),
        (["web"], "error: there is no service `web` here"),
    ],
)
def test_logs_say_what_is_wrong(
    ended: Path, words: list[str], error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["logs", *words]) == 2
    assert capsys.readouterr().err.startswith(f"{error}\nhint: ")


def test_logs_of_what_has_never_run_are_exit_code_3(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["logs"]) == 3
    assert capsys.readouterr().err == (
        f"error: {folder.name} is not running, and there are no logs of an earlier run "
        f"({os.path.relpath(folder / 'rpx.yaml')})\n"
        "hint: start it: `rpx up`\n"
    )


@pytest.mark.parametrize("command", ["ps", "stats", "down"])
def test_a_look_at_what_does_not_run_is_exit_code_3(
    folder: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    where = os.path.relpath(folder / "rpx.yaml")
    assert err == f"error: {folder.name} is not running ({where})\nhint: start it: `rpx up`\n"


def test_down_all_says_what_is_wrong_with_each_project(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    me = Identity.of(os.getpid())
    swept = Lease(me, me, "run", "started since", folder / "rpx.yaml")
    lease = Lease(me, me, "run", "just starting", folder / "other.yaml")
    monkeypatch.setattr("rpx.cli.commands.down._everything", lambda: ([lease], [swept]))
    with take(swept):
        assert main(["down", "--all"]) == 1
    first, second = capsys.readouterr().err.split("\n\n")
    assert first.startswith("error: `started since` is already running")
    assert second.startswith("error: `just starting` (pid ")


def test_check_shows_what_would_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "rpx.yaml").write_text(
        "listen: {http_port: 8080}\n"
        "proxies: [{to: api.localhost, from: [':3000', ':3001'], start: './run [x]'}]\n"
        "processes: {worker: [./work, fast]}\n"
    )
    assert main(["check"]) == 0
    out, err = capsys.readouterr()
    assert [line.split() for line in out.splitlines()] == [
        ["NAME", "BACKEND", "URL", "COMMAND"],
        ["api", "localhost:3000", "http://api.localhost:8080", "./run", "[x]"],
        ["api", "localhost:3001", "http://api.localhost:8080", "./run", "[x]"],
        ["worker", "-", "-", "./work", "fast"],
    ]
    assert err == f"{folder}/rpx.yaml is in order\n"


def test_check_says_what_is_wrong(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "rpx.yaml").write_text("proxis: []\n")
    assert main(["check", "-f", "../rpx.yaml"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "`proxis`" in err
    assert "hint: did you mean `proxies`" in err
