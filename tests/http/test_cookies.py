"""The cookie of rpx's own goes in and out; what others have put beside it stays byte for byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpx.http.cookies import set_cookie, take_cookie, without_set_cookie

HOST = b"\r\nHost: a"


@pytest.mark.parametrize(
    ("line", "left", "values"),
    [
        (b"Cookie: id=x", b"", [b"x"]),
        (b"Cookie: id=x; a=1", b"Cookie: a=1", [b"x"]),
        (b"Cookie: a=1; id=x", b"Cookie: a=1", [b"x"]),
        (b"cookie:a=1;id=x;b=2", b"cookie:a=1;b=2", [b"x"]),
        (b"Cookie: a=1; id=x; b=2", b"Cookie: a=1; b=2", [b"x"]),
        (b"Cookie: a=1;  b=2 ; id=x; c", b"Cookie: a=1;  b=2 ; c", [b"x"]),
        (b"Cookie: id=x; id=y; a=1", b"Cookie: a=1", [b"x", b"y"]),
        (b"Cookie: id=x;", b"", [b"x"]),
        (b"Cookie: id = x ; a=1", b"Cookie: a=1", [b"x"]),
        (b'Cookie: id="x"', b"", [b'"x"']),
        (b"Cookie: id=", b"", [b""]),
        (b"Cookie: id=a=b", b"", [b"a=b"]),
        (b"Cookie: id", b"Cookie: id", []),
        (b"Cookie: ID=x; myid=y; id2=z", b"Cookie: ID=x; myid=y; id2=z", []),
        (b"Cookie: a=id=x", b"Cookie: a=id=x", []),
        (b"X-Cookie: id=x", b"X-Cookie: id=x", []),
        (b"Cookie: ;; a=1 ;", b"Cookie: ;; a=1 ;", []),
    ],
)
def test_a_cookie_is_taken_out_of_a_request(line: bytes, left: bytes, values: list[bytes]) -> None:
    after = b"\r\n" + left if left else b""
    assert take_cookie(HOST + b"\r\n" + line, b"id") == (HOST + after, values)


def test_cookies_on_several_lines_are_all_found() -> None:
    block = HOST + b"\r\nCookie: id=x; a=1\r\nAccept: */*\r\nCookie: id=y"
    expected = HOST + b"\r\nCookie: a=1\r\nAccept: */*"
    assert take_cookie(block, b"id") == (expected, [b"x", b"y"])


PAIRS = st.lists(
    st.from_regex(rb"[ \t]?[a-z0-9]{0,3}[ ]?(=[!-:<-~]{0,4})?", fullmatch=True), max_size=6
)


@given(PAIRS, PAIRS)
def test_other_cookies_stay_as_they_are(before: list[bytes], after: list[bytes]) -> None:
    others = b";".join([*before, *after])
    line = b";".join([*before, b" id=v", *after])
    block, values = take_cookie(b"\r\nCookie:" + line, b"id")
    assert values.count(b"v") >= 1
    same = [pair for pair in others.split(b";") if pair.partition(b"=")[0].strip() != b"id"]
    kept = block.removeprefix(b"\r\nCookie:").strip(b" \t")
    if block:
        assert kept == b";".join(same).strip(b" \t")
    else:
        assert not b"".join(same).strip()


@pytest.mark.parametrize("secure", [False, True])
def test_the_line_that_sets_it(secure: bool) -> None:
    site, end = (b"None", b"; Secure") if secure else (b"Lax", b"")
    assert set_cookie(b"id", b"ABC", ttl=3600, secure=secure) == (
        b"\r\nSet-Cookie: id=ABC; Path=/; HttpOnly; SameSite=%b; Max-Age=3600%b" % (site, end)
    )


def test_what_a_backend_sets_under_that_name_is_taken_out_and_nothing_else() -> None:
    others = b"\r\nSet-Cookie: a=1\r\nset-cookie: ID=2; Path=/id=\r\nX-Set-Cookie: id=3"
    block = b"\r\nSet-Cookie: id=x; Path=/" + others + b"\r\nset-cookie:id =y"
    assert without_set_cookie(block, b"id") == others


def test_a_name_is_no_pattern() -> None:
    assert without_set_cookie(b"\r\nSet-Cookie: axb=1", b"a.b") == b"\r\nSet-Cookie: axb=1"
