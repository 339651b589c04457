"""The screen of `rpx top`: what it makes of figures, lines and keys, without a project."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import pytest

from rpx.cli.screen.actions import Action, Reply, action_of, carried_out, scaling
from rpx.cli.screen.columns import COLUMNS, SortOrder, matches, placed
from rpx.cli.screen.printed_lines import ALL, KEPT, LONGEST, SIZE, SPEAKERS, PrintedLines
from rpx.cli.screen.seen import CopySeen, Meter, Seen
from rpx.errors import RpxError
from rpx.model.answers import ChangeReport, Kill, Outcome, Ps, read
from rpx.model.figures import Figures

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from rpx.cli.screen.top_app import TopApp


def row(label: str, state: str = "ready", **more: object) -> Ps:
    name, _, port = label.partition(":")
    known: dict[str, object] = {"name": name, "label": label, "state": state, "pid": 4711}
    if port:
        known |= {"backend": f"localhost:{port}", "place": f"{name}.localhost", "in_rotation": True}
    return read(Ps, known | more)


def figures(requests: int = 0, **more: int) -> Figures:
    zero: Figures = {
        "requests": requests,
        "errors": 0,
        "avgLatency": 0.0,
        "p50": 1.5,
        "p90": 2.0,
        "p99": 250.4,
        "inFlight": 0,
        "retries": 0,
        "held": 0,
        "abandoned": 0,
        "bytesIn": 0,
        "bytesOut": 0,
        "statuses": {},
    }
    return {**zero, **more}  # type: ignore[typeddict-item]


def seen(at: float, requests: int = 0, cpu: float = 0.0, pid: int = 1) -> Seen:
    stats = {"api.localhost": {"localhost:3000": figures(requests, errors=2, inFlight=1)}}
    return Seen("shop", (row("api:3000", cpu=cpu, pid=pid),), stats, at)


# --- figures


def test_a_rate_is_the_mean_of_the_last_seconds_and_a_share_of_a_cpu_that_since_the_last_one() -> (
    None
):
    meter = Meter()
    first, _ = meter.take(seen(100.0, 10, 1.0))
    assert (first[0].rate, first[0].cpu) == (0.0, None)
    for second in range(1, 8):
        meter.take(seen(100.0 + second, 10 + 20 * second, 1.0 + second / 4))
    copies, totals = meter.take(seen(108.0, 170, 3.0))
    assert copies[0].rate == totals.rate == 20.0
    assert copies[0].cpu == totals.cpu == 25.0
    assert (totals.errors, totals.in_flight, totals.ready) == (2, 1, 1)
    assert max(copies[0].minute) == 20.0


def test_another_process_or_another_run_begins_anew() -> None:
    meter = Meter()
    meter.take(seen(100.0, 500, 9.0, pid=1))
    copies, _ = meter.take(seen(102.0, 510, 0.1, pid=2))
    assert copies[0].cpu is None
    assert copies[0].rate == 5.0
    copies, totals = meter.take(seen(104.0, 3, 0.2, pid=3))
    assert (copies[0].rate, totals.rate) == (0.0, 0.0)


# --- columns


def test_columns_go_by_rank_and_none_becomes_narrower() -> None:
    copies = [CopySeen(row("api:3000"), figures()), CopySeen(row("worker"), None)]
    shown = {
        width: [each.column.heading for each in placed(copies, width, {})]
        for width in (20, 80, 120, 300)
    }
    assert shown[20] == ["NAME", "STATE"]
    assert set(shown[80]) > {
        "NAME",
        "STATE",
        "SINCE",
        "REQ/S",
        "P99 ms",
        "ERRORS",
        "CPU %",
        "MEMORY",
    }
    assert set(shown[80]) < set(shown[120]) < set(shown[300])
    assert shown[300] == [column.heading for column in COLUMNS]
    for width in (60, 80, 120):
        used = placed(copies, width, {})
        assert sum(each.width for each in used) + 2 * (len(used) - 1) <= width
    (name, *_) = placed(copies, 80, {"NAME": 33})
    assert name.width == 33


def test_a_cell_is_one_line_that_steers_nothing() -> None:
    evil = CopySeen(row("api:3000", state="ready\x1b[2J\n"), None)
    texts = [column.shown(evil, short=False) for column in COLUMNS]
    assert not any(set(text) & set("\x1b\n\t") for text in texts)


def test_the_order_goes_from_column_to_column_and_round() -> None:
    copies = [
        CopySeen(row("b:1"), figures(errors=1)),
        CopySeen(row("c"), None),
        CopySeen(row("a:1"), figures(errors=7)),
    ]

    def labels(order: SortOrder) -> list[str]:
        return [copy.row.label for copy in order.of(copies)]

    assert labels(SortOrder()) == ["b:1", "c", "a:1"]
    assert labels(SortOrder().by("ERRORS")) == ["a:1", "b:1", "c"]
    assert labels(SortOrder().by("ERRORS").by("ERRORS")) == ["c", "b:1", "a:1"]
    assert labels(SortOrder().moved(1)) == ["a:1", "b:1", "c"]
    assert SortOrder().moved(1).moved(-1) == SortOrder()
    assert SortOrder().moved(-1).heading == COLUMNS[-1].heading


def test_a_filter_has_words_and_words_that_must_not_be_there() -> None:
    copy = CopySeen(row("api:3000", state="failed"), None)
    assert matches(copy, [])
    assert matches(copy, ["api", "failed"])
    assert not matches(copy, ["api", "-failed"])


# --- lines


def test_lines_are_bounded_however_many_come_and_however_long_they_are() -> None:
    lines = PrintedLines()
    for number in range(KEPT + 10):
        lines.put("flood", 1.0, f"{number}")
    lines.put("long", 1.0, "x" * (2 * LONGEST))
    lines.look()
    assert [line.text for line in lines.after("flood", 0)][:: KEPT - 1] == ["10", f"{KEPT + 9}"]
    (long,) = lines.after("long", 0)
    assert len(long.text) == LONGEST
    for _ in range(SIZE // LONGEST + 10):
        lines.put("long", 1.0, "y" * LONGEST)
    lines.look()
    assert sum(len(line.text) for line in lines.after("long", 0)) <= SIZE
    for number in range(SPEAKERS):
        lines.put(f"copy:{number}", 1.0, "hello")
    lines.look()
    assert not lines.after("flood", 0)
    assert lines.after("copy:0", 0)
    assert lines.first("flood") > lines.after(ALL, 0)[-1].number


def test_who_looks_gets_what_has_come_since_the_last_time() -> None:
    lines = PrintedLines()
    lines.put("api", 1.0, "one\ntwo")
    assert not lines.after("api", 0)
    lines.look()
    found = lines.after("api", 0)
    assert [line.text for line in found] == ["one", "two"]
    lines.put("web", 1.0, "three")
    lines.put("api", 1.0, "four")
    lines.look()
    assert [line.text for line in lines.after("api", found[-1].number)] == ["four"]
    assert [line.text for line in lines.after(ALL, found[-1].number)] == ["three", "four"]


# --- keys


class FakeClient:
    """Notes what it is asked for."""

    def __init__(self, problem: RpxError | None = None) -> None:
        self.asked: list[object] = []
        self._problem = problem

    def order(self, verb: str, names: Sequence[str]) -> list[Outcome]:
        self.asked.append((verb, *names))
        if self._problem:
            raise self._problem
        given = {"state": "failed", "exit_code": 1, "sentence": "it died", "label": names[0]}
        return [Outcome.of(given)]

    def kill_backend(self, target: str, *, signal: str, down_for: float, restart: bool) -> Kill:
        self.asked.append((target, signal, down_for, restart))
        return Kill.of({"state": "backoff", "sentence": f"{target} killed"})

    def scale(
        self, services: Mapping[str, int], planned: Callable[[ChangeReport], None]
    ) -> ChangeReport:
        self.asked.append(dict(services))
        return ChangeReport.of({"sentences": ["api: nothing is different"], "advice": ["mind it"]})


def test_each_key_is_the_order_that_its_command_is() -> None:
    up, down, paused = row("api:1"), row("api:2", "stopped"), row("api:3", "paused")
    assert action_of("restart", [up]) == Action("restart", ("api:1",))
    assert action_of("restart", [up]).command == "rpx restart api:1"
    assert action_of("stop", [up]).question == ""
    assert action_of("stop", [down]).verb == "start"
    assert action_of("stop", [up, down]).verb == "stop"
    assert "2 copies" in action_of("stop", [up, down]).question
    assert action_of("pause-backend", [up]).verb == "pause-backend"
    assert action_of("pause-backend", [paused]).verb == "resume-backend"
    killed = action_of("kill-backend", [up])
    assert "pid 4711" in killed.question
    assert killed.command == "rpx kill-backend api:1"
    assert not action_of("kill-backend", [row("api:1", pid=None)]).question
    assert scaling(up, [up, down, row("web:1")], 1, None).command == "rpx scale api=3"
    assert scaling(up, [up, down], 1, 3).copies == 4


def test_what_comes_of_an_order_is_told_in_its_sentences() -> None:
    client = FakeClient()
    told = list(carried_out(client, action_of("restart", [row("api:1")])))
    assert told == [Reply("it died", failed=True, hint="`rpx why api:1` says more")]
    killed = carried_out(client, action_of("kill-backend", [row("api:1"), row("api:2")]))
    assert [each.text for each in killed] == ["api:1 killed", "api:2 killed"]
    scaled = list(carried_out(client, scaling(row("api:1"), [row("api:1")], 1, None)))
    assert [each.text for each in scaled] == ["mind it", "api: nothing is different"]
    assert client.asked == [
        ("restart", "api:1"),
        ("api:1", "KILL", 0.0, True),
        ("api:2", "KILL", 0.0, True),
        {"api": 2},
    ]
    refused = FakeClient(RpxError("no such thing", hint="look again"))
    told = list(carried_out(refused, action_of("restart", [row("api:1")])))
    assert told == [Reply("no such thing", failed=True, hint="look again")]


# --- the screen itself


class FakeWatched:
    """What the threads would have found."""

    def __init__(self, rows: Sequence[Ps]) -> None:
        self.seen = Seen("shop", tuple(rows), at=1.0)
        self.printed = PrintedLines()
        self.news: deque[Reply] = deque()
        self.waits = ""
        self.under_way = 0
        self.error: BaseException | None = None
        self.given: list[str] = []

    def begin(self) -> None:
        pass

    def order(self, action: Action) -> None:
        self.given.append(action.command)


def on_screen(
    watched: FakeWatched,
    story: Callable[[TopApp, Pilot[int]], Awaitable[None]],
    *,
    size: tuple[int, int] = (80, 24),
    colour: bool = True,
) -> TopApp:
    pytest.importorskip("textual", reason="the extra `tui` is not installed")
    from rpx.cli.screen.top_app import TopApp

    app = TopApp(watched, colour=colour)

    async def told() -> None:
        async with app.run_test(size=size) as pilot:
            await story(app, pilot)

    asyncio.run(told())
    return app


def shown(app: TopApp) -> str:
    """The screen as text."""
    width, height = app.size
    rows = app.screen._compositor.render_strips()
    assert len(rows) == height
    assert all(strip.cell_length <= width for strip in rows)
    return "\n".join(strip.text.rstrip() for strip in rows)


def test_keys_steer_what_is_chosen_and_questions_come_first() -> None:
    watched = FakeWatched(
        [row("api:3000"), row("api:3001", "stopped", pid=None), row("worker"), row("web:1")]
    )

    async def story(app: TopApp, pilot: Pilot[int]) -> None:
        await pilot.press("r", "down", "s", "p")
        assert watched.given == [
            "rpx restart api:3000",
            "rpx start api:3001",
            "rpx pause-backend api:3001",
        ]
        watched.given.clear()
        await pilot.press("up", "k")
        assert "Kill api:3000 (pid 4711)" in shown(app)
        await pilot.press("n")
        assert not watched.given
        assert "nothing was done" in shown(app)
        await pilot.press("k", "y")
        await pilot.press("space", "space", "s")  # two are marked
        assert "Stop 2 copies?" in shown(app)
        await pilot.press("y", "end", "plus", "plus", "minus")
        await pilot.pause(1.0)  # as long as presses are counted together
        assert watched.given == [
            "rpx kill-backend api:3000",
            "rpx stop api:3000 api:3001",
            "rpx scale web=2",
        ]
        await pilot.click("#keys", offset=(2, 0))  # as its key
        assert watched.given.pop() == "rpx restart web:1"
        await pilot.press("question_mark")
        assert "restart, each when the one before it is ready again" in shown(app)
        await pilot.press("escape", "slash", *"rker")  # not for the copies
        assert "worker" in shown(app)
        assert "api:3000" not in shown(app)
        await pilot.press("enter", "r")
        assert watched.given[-1] == "rpx restart worker"
        await pilot.press("escape")
        assert "api:3000" in shown(app)
        watched.news.append(Reply("api:3000 is gone", failed=True, hint="look for it"))
        await pilot.pause(0.15)
        assert " api:3000 is gone\n hint: look for it" in shown(app)
        await pilot.press("q")

    assert on_screen(watched, story).return_value == 0


def test_the_output_of_the_chosen_copy_is_followed_filtered_and_never_obeyed() -> None:
    watched = FakeWatched([row("api:3000"), row("worker")])
    for number in range(100):
        watched.printed.put("api:3000", 1.0, f"line {number} \x1b[31mred\x1b[0m\x1b]0;title\x07")
    watched.printed.put("worker", 1.0, "\x1b[2J\x1b[H日本語" + "x" * 100 + "\udcff\u202eend")

    async def story(app: TopApp, pilot: Pilot[int]) -> None:
        await pilot.pause(0.15)
        text = shown(app)
        assert "line 99 red" in text
        assert "\x1b" not in text
        await pilot.press("tab", "home")
        assert "line 0 red" in shown(app)
        watched.printed.put("api:3000", 1.0, "the last")
        await pilot.pause(0.15)
        assert "the last" not in shown(app)
        assert "f follows" in shown(app)
        await pilot.press("end")
        assert "the last" in shown(app)
        await pilot.press("slash", *"line 7", "enter")
        text = shown(app)
        assert "line 79 red" in text
        assert "line 80 red" not in text
        await pilot.press("escape", "tab", "down")
        text = shown(app)
        assert "日本語xxx" in text.replace("\n", "")
        assert "��end" in text
        assert text.count("x") >= 100  # it is broken, and whole
        await pilot.press("w")
        await pilot.press("tab", "w")
        assert shown(app).count("x") < 100
        await pilot.press("a", "t")
        assert "api:3000 | line 99" in shown(app)
        await pilot.resize_terminal(120, 40)
        assert "LAST MINUTE" in shown(app)
        await pilot.press("enter")
        assert "LAST MINUTE" not in shown(app)
        await pilot.press("ctrl+c")

    assert on_screen(watched, story).return_value == 130


def test_a_project_that_ends_or_does_not_answer_is_told_on_the_screen() -> None:
    many = [row(f"api:{3000 + number}") for number in range(60)]
    many[3] = row("api:3003", "failed", last_error="exited with status 3")
    watched = FakeWatched(many)

    async def story(app: TopApp, pilot: Pilot[int]) -> None:
        await pilot.press("end")
        assert "api:3059" in shown(app)
        await pilot.press("home", "down", "down", "down")
        assert "exited with status 3" in shown(app)
        watched.seen = Seen("shop", tuple(many), at=2.0, trouble="`shop` does not answer")
        await pilot.pause(0.15)
        assert "`shop` does not answer" in shown(app)
        watched.seen = Seen("shop", tuple(many), at=2.0, ended=True)
        await pilot.pause(0.15)
        assert "has ended; waiting until it runs again" in shown(app)
        watched.seen = Seen("shop", (), at=3.0)
        await pilot.pause(0.15)
        await pilot.press("r", "k", "plus", "down", "space")
        assert not watched.given
        watched.seen = Seen("shop", (row("new:1"),), at=4.0)
        await pilot.pause(0.15)
        assert "new:1" in shown(app)
        await pilot.click("CopiesTable", offset=(3, 1))
        await pilot.click("CopiesTable", offset=(3, 0))
        assert "NAME ▴" in shown(app)
        watched.error = KeyError("a mistake of ours")
        await pilot.pause(0.15)

    app = on_screen(watched, story, colour=False)
    assert isinstance(app.mistake, KeyError)
