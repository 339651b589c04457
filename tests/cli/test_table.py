"""Tables at every width: what says who it is, and how it is, stays whole."""

from __future__ import annotations

import re
from typing import Any

import pytest

from rpx.cli.commands.ps import COLUMNS, _cells
from rpx.cli.commands.why import _told
from rpx.cli.terminal.table import Cell, Column, Table, clipped, wrapped
from rpx.model.answers import Ps, Why
from rpx.model.breadth import breadth

NOW = 1_000_000.0
PORTS = (3000, 28001)


def row(name: str, port: int, pid: int, state: str = "ready", **more: object) -> dict[str, Any]:
    return {
        "name": name,
        "backend": f"localhost:{port}",
        "state": state,
        "pid": pid,
        "external": False,
        "waiting_for": [],
        "memory": 20_000_000,
        "cpu": 0.1,
        "restarts": 0,
        "since": NOW - 12,
        "in_rotation": True,
        "url": f"http://{name}.localhost:8080",
        **more,
    }


def shown(rows: list[dict[str, Any]], width: int | None) -> list[str]:
    table = Table(COLUMNS)
    for each in rows:
        table.add(*_cells(Ps.of(each), NOW))
    return table.lines(width, colour=False)


EXAMPLE = [row("api", 3000, 17852), row("api", 3001, 18022)]
LONG = [
    row("frontend", 28001, 71234),
    row("a-service-with-quite-a-long-name", 28002, 4194304, "unhealthy"),
    row("データベース", 28003, 999, "starting"),
    row("six", 0, 4711, backend="[2001:db8::17]:28004"),
    row("file", 0, 4712, backend="unix:/run/user/1000/shop/file.sock"),
]


def test_everything_is_shown_where_there_is_room() -> None:
    whole = shown(EXAMPLE, None)
    assert whole == shown(EXAMPLE, 200)
    assert whole[0].split() == [
        *("NAME", "BACKEND", "STATE", "PID", "CPU", "TIME", "MEMORY", "RESTARTS", "SINCE"),
        *("ROTATION", "URL"),
    ]
    assert whole[1] == (
        "api   localhost:3000  ready  17852      0.1s     19M         0    12s  in        "
        "http://api.localhost:8080"
    )


def test_the_example_of_the_documentation_fits_a_terminal_of_eighty_columns() -> None:
    assert shown(EXAMPLE, 80) == [
        "NAME  BACKEND         STATE    PID  SINCE  ROTATION  URL",
        "api   localhost:3000  ready  17852    12s  in        http://api.localhost:8080",
        "api   localhost:3001  ready  18022    12s  in        http://api.localhost:8080",
    ]


def test_forty_columns_have_what_matters() -> None:
    assert shown(EXAMPLE, 40) == [
        "NAME  BACKEND         STATE    PID",
        "api   localhost:3000  ready  17852",
        "api   localhost:3001  ready  18022",
    ]
    assert shown([row("frontend", 28001, 71234)], 38) == [
        "NAME      BACKEND  STATE    PID  SINCE",
        "frontend  28001    ready  71234    12s",
    ]


@pytest.mark.parametrize("width", [*range(30, 130, 7), 40, 60, 80, 100, 200])
@pytest.mark.parametrize("rows", [EXAMPLE, LONG, LONG[:1], LONG[1:2]])
def test_name_port_state_and_pid_are_whole_at_every_width(
    rows: list[dict[str, Any]], width: int
) -> None:
    lines = shown(rows, width)
    text = "\n".join(lines)
    for each in rows:
        port = each["backend"].removeprefix("localhost:")
        for word in (each["name"], port, each["state"], each["pid"]):
            assert re.search(rf"(?<!\w){re.escape(str(word))}(?!\w)", text), (word, text)
    assert "…" not in text
    too_long = [line for line in lines if breadth(line) > width and " " in line.strip()]
    assert not too_long


def test_a_narrower_table_has_fewer_columns_and_those_are_whole() -> None:
    whole = [line.split() for line in shown(EXAMPLE, None)]
    for width in range(40, 110):
        for line, fitting in zip(whole, shown(EXAMPLE, width), strict=True):
            words = iter(line)
            assert all(word in words for word in fitting.split())


def test_where_nothing_fits_each_backend_has_lines_of_its_own() -> None:
    assert shown([LONG[1], {**LONG[1], "pid": 5, "backend": "localhost:1"}], 40) == [
        "a-service-with-quite-a-long-name",
        "  28002  unhealthy  pid 4194304",
        "  1  unhealthy  pid 5  since 12s",
    ]


def test_what_is_not_there_takes_no_room_of_its_own() -> None:
    external = row("other-service-that-somebody-else-runs", 1, 0, "unhealthy", external=True)
    external |= {"pid": None, "backend": "[::1]:26194", "memory": None, "since": NOW - 3}
    assert shown([external], 40)[1] == "  [::1]:26194  unhealthy  since 3s"


def test_a_state_says_what_it_waits_for_where_there_is_room() -> None:
    waiting = row("web", 3000, 1, "waiting", waiting_for=[{"name": "db"}, {"name": "migrate"}])
    assert "waiting for db, migrate" in "\n".join(shown([waiting], 80))
    assert "waiting " in "\n".join(shown([waiting], 40))


def test_wide_characters_keep_the_columns_in_line() -> None:
    lines = shown([LONG[0], LONG[2], row("🚀", 28005, 17)], 60)
    assert {breadth(line[: line.index(port)]) for line, port in zip(
        lines[1:], ("localhost:28001", "localhost:28003", "localhost:28005"), strict=True
    )} == {14}  # fmt: skip
    assert breadth("e\u0301") == 1


def test_what_others_have_written_moves_no_cursor() -> None:
    table = Table([Column("NAME"), Column("FILE", 1)])
    table.add("a\x1b]0;title\x07", "/x\ny\u009b31m")
    assert table.lines(None, colour=False)[1] == r"a\x1b]0;title\x07  /x\ny\x9b31m"


def test_colours_take_no_room() -> None:
    table = Table([Column("STATE"), Column("PID")])
    table.add(Cell("ready", style="green"), "17")
    plain, coloured = (table.lines(40, colour=colour) for colour in (False, True))
    assert [re.sub(r"\x1b\[\d+m", "", line) for line in coloured] == plain
    assert "\x1b[32mready\x1b[0m" in coloured[1]


def test_sentences_are_broken_between_words_and_what_may_be_copied_is_not() -> None:
    sentence = "waiting for api:28001 (pid 71234), SIGKILL in 7s"
    assert wrapped(sentence, 80) == [sentence]
    assert wrapped(sentence, 30) == ["waiting for api:28001 (pid", "  71234), SIGKILL in 7s"]
    for width in range(20, 50):
        lines = wrapped(sentence, width)
        assert " ".join(line.strip() for line in lines) == sentence
        assert max(map(breadth, lines)) <= width
    for whole in (f"hint: {sentence}", f"    {sentence}", "x" * 50):
        assert wrapped(whole, 30) == [whole]


def test_what_does_not_fit_the_height_is_counted() -> None:
    assert clipped("abc", 3) == ["a", "b", "c"]
    assert clipped("abcd", 3) == ["a", "b", "… 2 more lines"]
    assert clipped("abcd", 1) == ["… 4 more lines"]


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("café … ×", 8),
        ("e\u0301", 1),
        ("日本", 4),
        ("❤\ufe0f", 2),  # with the selector of its picture
        ("👩\u200d👩\u200d👧", 2),  # three, joined
        ("👍🏽", 2),  # with a colour
        ("🇩🇪", 2),  # a flag
        ("1\ufe0f\u20e3", 2),  # a key
        ("a\x1b日\tb", 4),
        ("", 0),
    ],
)
def test_a_character_takes_the_room_in_which_it_is_drawn(text: str, columns: int) -> None:
    assert breadth(text) == columns


def test_the_details_of_why_are_broken_between_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    each = {
        **row("api", 3000, 17, "backoff", label="api:3000"),
        "because": "exited with status 3 after 1.3 s, and is started again",
        "last_exit": {"what": "exited with status 3", "uptime": 1.3, "at": NOW - 60},
        "next_start_in": None,
        "checks": None,
        "last_error": "",
        "last_lines": [],
        "hint": "",
    }
    lines = list(_told(Why.of(each), NOW, colour=False))
    assert max(map(breadth, lines)) <= 40
    assert "api:3000 backoff for 12s: exited with" in lines
    assert lines[-2:] == ["  last exit   exited with status 3 after", f"{' ' * 16}1.3 s, 1m ago"]
