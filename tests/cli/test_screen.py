"""Prefixes, colours, escape bytes, and writing to what may be gone or slow."""

from __future__ import annotations

import os
import threading

import pytest

from rpx.cli.terminal.output import age
from rpx.cli.terminal.screen import Layout, Screen
from rpx.model.breadth import breadth

LABELS = [("api", "api:3000"), ("api", "api:3001"), ("web", "web:4000"), ("db", "db")]


def test_prefixes_are_as_wide_as_the_longest_label() -> None:
    layout = Layout(LABELS, colour=False)
    assert layout.output("api:3000", b"hello\n\nagain\n") == (
        b"api:3000 | hello\napi:3000 | \napi:3000 | again\n"
    )
    assert layout.output("db", b"hello\n") == b"db       | hello\n"
    assert layout.own("ready") == b"rpx      | ready\n"


def test_copies_of_a_service_share_a_colour_and_services_differ() -> None:
    layout = Layout(LABELS, colour=True)
    colours = [layout.output(label, b"\n")[:5] for _, label in LABELS]
    assert colours[0] == colours[1]
    assert len(set(colours)) == 3
    assert layout.own("")[:5] not in colours


@pytest.mark.parametrize(
    "line",
    [
        b"\x1b[31mred\x1b[0m",
        b"\x1b[1;38;5;200mred",
        b"\x1b]0;title\x07red",
        b"\x1b]8;;http://x\x1b\\red\x1b]8;;\x1b\\",
        b"\x1b[2J\x1b[?25lred\x1b(B",
        b"\x1b7red\x1b",
        b"red\x1b[",
        b"red\x1b[31",
        b"red\x1b]0;never ended",
        b"\x1b\x1b\x1b[mred",
    ],
)
def test_no_escape_byte_is_left_where_no_colour_is_wanted(line: bytes) -> None:
    assert Layout(LABELS, colour=False).output("db", line + b"\n") == b"db       | red\n"


def test_an_open_colour_does_not_bleed_into_the_next_line() -> None:
    line = Layout(LABELS, colour=True).output("db", b"\x1b[31mred\n")
    assert line.endswith(b"\x1b[31mred\x1b[0m\n")


def test_only_lines_with_colours_get_an_end_of_them() -> None:
    lines = Layout(LABELS, colour=True).output("db", b"one\n\x1b[31mred\ntwo\n").split(b"\n")
    assert [line.endswith(b"\x1b[0m") for line in lines] == [False, True, False, False]


def test_what_rpx_says_loses_escape_bytes_and_stays_a_line_each() -> None:
    said = Layout(LABELS, colour=False).output(
        "rpx", b"error: so\n  \x1b[31mred\n[rpx] Request x\n"
    )
    assert said == b"rpx      | error: so\nrpx      |   red\n[rpx] Request x\n"


LONG = [("a-service-with-quite-a-long-name", f"a-service-with-quite-a-long-name:{port}")
        for port in (28001, 28002)] + [("データベース", "データベース"), ("db", "db")]  # fmt: skip


@pytest.mark.parametrize("columns", [40, 60, 80, 100, 200, None])
def test_prefixes_take_a_third_of_a_window_at_most_and_keep_ports(columns: int | None) -> None:
    layout = Layout(LONG, colour=False)
    layout.fit(columns)
    prefixes = [layout.output(label, b"\n").decode().rstrip("\n") for _, label in LONG]
    most = 38 if columns is None else max(12, columns // 3)
    assert {breadth(prefix) for prefix in prefixes} == {min(most, 38) + 3}
    assert ":28001 |" in prefixes[0]
    assert ":28002 |" in prefixes[1]
    assert prefixes[0].startswith("a-s")
    assert prefixes[3].startswith("db ")
    if columns in (200, None):
        assert prefixes[0] == "a-service-with-quite-a-long-name:28001 | "
    if columns == 40:
        assert prefixes[0] == "a-s…ame:28001 | "
        assert layout.own("hello") == b"rpx           | hello\n"


def test_what_rpx_says_is_broken_between_words_in_a_narrow_window() -> None:
    layout = Layout(LABELS, colour=False)
    layout.fit(41)
    assert layout.own("api:28001 killed by SIGKILL after 3.1 s, restart at once").decode() == (
        "rpx      | api:28001 killed by SIGKILL\nrpx      |   after 3.1 s, restart at once\n"
    )


def test_prefixes_follow_a_window_that_changes() -> None:
    layout = Layout(LONG, colour=False)
    layout.fit(40)
    narrow = layout.output(LONG[0][1], b"x\n")
    layout.fit(120)
    wide = layout.output(LONG[0][1], b"x\n")
    assert narrow.endswith(b":28001 | x\n")
    assert len(narrow) < len(wide)
    layout.fit(40)
    assert layout.output(LONG[0][1], b"x\n") == narrow


def test_what_rpx_says_is_seen_on_light_and_dark_and_crashes_are_red() -> None:
    layout = Layout(LABELS, colour=True)
    assert layout.own("ready") == b"\x1b[1mrpx      |\x1b[0m ready\n"
    for red in (
        "api:3001 killed by SIGKILL after 3.0 s, restart at once",
        "api:3001 exited with status 1 after 0.1 s, restart in 0.2 s",
        "api:3001 unhealthy, out of rotation",
    ):
        assert b" \x1b[31m" in layout.own(red)
    assert b" \x1b[32mapi is up at " in layout.own("api is up at http://api.localhost")
    for plain in ("api:3001 exited with status 0 after 1 s, restart at once", "api:3001 starting"):
        assert layout.own(plain).count(b"\x1b") == 2


def test_a_label_that_is_new_gets_a_prefix_of_its_own() -> None:
    assert Layout([], colour=False).output("api:3000", b"hello\n") == b"api:3000 | hello\n"


def test_bytes_that_are_no_text_pass_unless_they_control_the_terminal() -> None:
    line = b"\t" + bytes(range(0x20, 0x7F)) + bytes(range(0xA0, 0x100))
    controls = bytes(
        {*range(0x20), *range(0x7F, 0xA0)} - set(b"\n\t\x1b\b\x90\x98\x9b\x9d\x9e\x9f")
    )
    assert Layout(LABELS, colour=True).output("db", controls + line + b"\n").endswith(line + b"\n")
    assert Layout(LABELS, colour=False).output("db", line + b"\n") == b"db       | " + line + b"\n"


def test_lines_about_requests_stand_alone() -> None:
    text = "[rpx] Request /api/users → localhost:3000\n[rpx] Request / → localhost:3001\n".encode()
    layout = Layout(LABELS, colour=False)
    assert layout.output("rpx", text) == text
    assert layout.output("rpx", text + b"well\n") == text + b"rpx      | well\n"


def test_a_reader_that_is_gone_is_told_by_false() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    told: list[bool] = []
    assert not Screen(writer, lambda: told.append(True)).write([b"hello\n"])
    assert told
    os.close(writer)


def test_a_pipe_that_does_not_block_gets_everything() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    data = b"x" * 1_000_000
    done: list[bool] = []
    thread = threading.Thread(target=lambda: done.append(Screen(writer).write([data])))
    thread.start()
    got = 0
    while got < len(data):
        got += len(os.read(reader, 65536))
    thread.join()
    assert done == [True]
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0s"), (0, "0s"), (59.9, "59s"), (60, "1m"), (3599, "59m"), (7200, "2h"), (1e6, "11d")],
)
def test_an_age_is_said_in_its_largest_unit(seconds: float, text: str) -> None:
    assert age(seconds) == text
