"""How serious a line is, by what it says of itself."""

from __future__ import annotations

import pytest

from rpx.policy.log_level import Levels, at_least, level_of, may_be_grave


@pytest.mark.parametrize(
    ("level", "text"),
    [
        ("error", '{"level":"error","msg":"x"}'),
        ("info", '{"time":"2026-11-30T10:00:00Z","level" : "INFO","msg":"error"}'),
        ("error", '{"level":50,"time":1,"msg":"pino"}'),
        ("debug", '{"severity":"DEBUG"}'),
        ("warn", '{"@l":"Warning"}'),
        ("info", 'level=info msg="an error that is none"'),
        ("warn", "ts=2026-11-30T10:00:00Z level=warn msg=x"),
        ("error", 'time="…" level="fatal" msg=x'),
        ("error", "2026-11-30 10:00:00,123 ERROR shop.orders: no stock"),
        ("warn", "WARNING:root:careful"),
        ("info", "INFO:     Started server process [7]"),
        ("error", "[error] 7#7: *1 connect() failed"),
        ("debug", "[2026-11-30T10:00:00] [DEBUG] x"),
        ("error", "error: it does not work"),
        ("error", "Error - no SMTP server"),
        ("error", "Traceback (most recent call last):"),
        ("warn", "warn: deprecated"),
        ("error", "KeyError: 'user'"),
        ("error", "sqlalchemy.exc.OperationalError: gone"),
        ("error", "npm ERR! missing script"),
        ("error", "E1130 22:00:00.000000 1 x.go:1] gone"),
        ("", "GET /errors 200"),
        ("", "no word about it stands in front, ERROR or not"),
        ("", '{"message":"nothing"}'),
        ("", "level=9"),
        ("", ""),
        ("", "INFORMATION is no word of ours in front"),
        ("", "errors: 0"),
    ],
)
def test_the_level_is_what_a_line_says_of_itself(level: str, text: str) -> None:
    assert level_of(text) == level
    line = f"2026-11-25T20:33:15.860123Z api:3000 {text}".encode()
    assert may_be_grave(line) or level not in ("warn", "error")


def test_a_level_means_what_is_more_serious_too() -> None:
    assert at_least("error", "warn")
    assert at_least("warn", "warn")
    assert not at_least("info", "warn")
    assert not at_least("", "debug")


def test_most_lines_are_seen_at_a_glance_to_be_nothing_grave() -> None:
    assert not may_be_grave(b"2026-11-25T20:33:15.860123Z api:3000 INFO GET /users/1 200")


def test_what_belongs_to_a_line_has_its_level() -> None:
    levels = Levels()
    lines = [
        "INFO begins",
        "Traceback (most recent call last):",
        '  File "app.py", line 1',
        "shop.Gone",
        "listening",
        "  at once",
    ]
    assert [levels.of(line) for line in lines] == ["info", "error", "error", "error", "", ""]
