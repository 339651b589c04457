"""What of a service's output may go to a terminal that others print on, too."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpx.errors import Problem, RpxError, brief, visible
from rpx.model.escapes import on_a_terminal, without_escapes

ALLOWED = re.compile(
    rb"(?:[\t\n\x20-\x7e\xa0-\xff]|[\xc2-\xf4][\x80-\xbf]+"
    rb"|\x1b\[[0-9;:]*m|\x1b\]8;[!-:<-~]*;[!-~]*(?:\x07|\x1b\\))*"
)
RULES = [  # printed; seen in colour; seen without
    (b"\x1b[2J\x1b[3J\x1b[HStarting compilation", b"Starting compilation", None),
    (b"a\x1b[31mred", b"a\x1b[31mred\x1b[0m", b"ared"),
    (b"\x1b[38;5;200;1mx\x1b[m", b"\x1b[38;5;200;1mx\x1b[m\x1b[0m", b"x"),
    (b"\x1b[4:3mwavy", b"\x1b[4:3mwavy\x1b[0m", b"wavy"),
    (b"\x1b[5A\x1b[10Cup\x1b[1;1H", b"up", None),
    (b"\x1b[?1049h\x1b[?25l\x1b[?1003h\x1b[?2004h\x1b[2;4rin", b"in", None),
    (b"\x1b[>4;1mkeys\x1b[>c\x1b[6n\x1b[=1;2c", b"keys", None),
    (b"\x1b]0;title\x07t", b"t", None),
    (b"\x1b]2;title\x1b\\t", b"t", None),
    (b"\x1b]52;c;aGk=\x07clipboard", b"clipboard", None),
    (b"\x1bPq#0~~@@\x1b\\picture", b"picture", None),
    (b"\x1bPtmux;\x1b\x1b]52;c;aGk=\x07\x1b\\through", b"through", None),
    (b"\x1b_Gf=100;AAAA\x1b\\\x1b^pm\x1b\\\x1bXsos\x1b\\k", b"k", None),
    (b"\x1bc\x1b7\x1b8\x1b(0\x1b#8\x1bMreset", b"reset", None),
    (b"\x1b]8;;http://x/?a=1;b\x1b\\link\x1b]8;;\x1b\\", None, b"link"),
    (b"\x1b]8;;http://x\x07open", b"\x1b]8;;http://x\x07open\x1b]8;;\x1b\\\x1b[0m", b"open"),
    (b"\xc2\x9b2Jc1\xc2\x9d0;title\xc2\x9c\xc2\x90dcs\x07.", b"c1.", None),
    (b"\x9b2Jraw\x9d0;title\x07.", b"raw.", None),
    ("größer 日本 \U0001f680".encode(), "größer 日本 \U0001f680".encode(), None),
    (b"caf\xe9\xff", b"caf\xe9\xff", None),
    (b"\x07beep\x00\x0b\x0c\x0e\x0f\x7f", b"beep", None),
    (b"|\b/\b-\b done", b" done", None),
    (b"\x1b[31m|\b/\x1b[0m!", b"\x1b[31m/\x1b[0m!\x1b[0m", b"/!"),
    (b"b\bbold \b\b\b\b\b\b\b\b", b"bold ", None),
    (b"10 %\x1b[2K\x1b[1G20 %", b"20 %", None),
    (b"10 %\x1b[G20 %\x1b[1G", b"20 %", None),
    (b"10 %\x1b[2K", b"", None),
    (b"found\x1b[m\x1b[K", b"found\x1b[m\x1b[0m", b"found"),  # grep --color
    (b"cut\x1b", b"cut", None),
    (b"cut\x1b[3", b"cut", None),
    (b"cut\x1b]8;;http", b"cut", None),
]


@pytest.mark.parametrize(("printed", "coloured", "plain"), RULES)
def test_only_colours_and_links_are_left(
    printed: bytes, coloured: bytes | None, plain: bytes | None
) -> None:
    if coloured is None:
        coloured = printed + b"\x1b]8;;\x1b\\\x1b[0m"
    assert on_a_terminal(printed, colour=True) == coloured
    assert on_a_terminal(printed, colour=False) == (coloured if plain is None else plain)


PARTS = (
    *(b"\x1b", b"[", b"]", b"8", b";", b"m", b"\x07", b"\\", b"\b", b"\n", b"\x9b", b"\xc2"),
    *(b"\x9c", b"31", b"2K", b"1G", b"P", b"x"),
    *(b"\xe6\x97\xa5", b"\x1b]8;;u\x1b\\", b"\x1b[31m", b"\t"),
)  # fmt: skip


@given(st.lists(st.sampled_from(PARTS)))
def test_whatever_is_printed_nothing_else_gets_through(parts: list[bytes]) -> None:
    text = b"".join(parts)
    coloured, plain = (on_a_terminal(text, colour=colour) for colour in (True, False))
    assert ALLOWED.fullmatch(coloured)
    assert b"\x1b" not in plain
    assert b"\x1b" not in without_escapes(text)
    assert coloured.count(b"\n") == plain.count(b"\n") == text.count(b"\n")
    for line in coloured.split(b"\n"):
        assert b"\x1b" not in line or line.endswith(b"\x1b[0m")


def test_the_words_of_others_are_shown_with_their_control_characters_spelt_out() -> None:
    assert visible("a\x1b]0;x\x07\u009b\x7f\r") == r"a\x1b]0;x\x07\x9b\x7f\x0d"
    assert visible("\u202eevil \udcff\ud800") == r"\u202eevil \xff\ud800"
    assert visible("größer\n\t日本 \U0001f680 →") == "größer\n\t日本 \U0001f680 →"


def test_no_error_carries_control_characters() -> None:
    evil = "x\x1b]0;t\x07\u009b31m"
    assert "\x1b" not in str(Problem(evil, evil, evil, evil))
    error = RpxError(evil, where=evil, hint=evil)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", str(error))


def test_a_command_line_is_as_long_as_people_read() -> None:
    assert brief("python  -m\nthis") == "python -m this"
    cut = brief("java -cp " + "/x.jar:" * 5000)
    assert len(cut) == 200
    assert cut.endswith("…")
