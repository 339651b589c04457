"""Rules for field lines, as they are applied."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpx.http.edits import FieldEdits, before, behind
from rpx.http.forwarded import forwarding
from rpx.http.head import parse_request
from rpx.http.limits import BadMessage
from rpx.http.response import parse_response
from rpx.http.rewrite import request_to_send
from rpx.http.variables import RequestVariables
from rpx.model.route import FieldRules
from rpx.model.untouchable import UNTOUCHABLE
from tests.support.examples import times

PEER = forwarding("192.0.2.1", "https")
PROJECT = {"RPX_API_URL": "http://127.0.0.1:3001"}
Pairs = dict[str, str]


def rules(
    put: Pairs | None = None, add: Pairs | None = None, remove: Iterable[str] = ()
) -> FieldRules:
    return FieldRules(
        set=tuple((put or {}).items()), add=tuple((add or {}).items()), remove=tuple(remove)
    )


def variables(*lines: bytes, target: bytes = b"/a/b?c=d", host: bytes = b"ann.shop.test:80",
              peer: object = PEER) -> RequestVariables:  # fmt: skip
    raw = b"\r\n".join((b"PUT %b HTTP/1.1" % target, b"Host: " + host, *lines, b"", b""))
    parsed = parse_request(raw)
    assert parsed is not None
    assert isinstance(peer, type(PEER))
    ids = iter((b"1", b"2"))
    return RequestVariables(parsed[0], peer, lambda: next(ids))


def edited(block: bytes, *each: FieldRules, asked: bool = False,
           of: RequestVariables | None = None) -> list[str]:  # fmt: skip
    edits = FieldEdits(each, PROJECT, asked=asked)
    found = edits.edited(block, of or variables())
    assert found[:2] in (b"", b"\r\n")
    return found.decode().split("\r\n")[1:]


BLOCK = b"\r\nServer: x\r\nX-A: 1\r\nx-a:2\r\nX-Abc: 3\r\nContent-Length: 3"


def test_lines_are_removed_then_replaced_then_added() -> None:
    assert edited(BLOCK, rules(remove=["server", "x-ab*"])) == [
        "X-A: 1", "x-a:2", "Content-Length: 3",
    ]  # fmt: skip
    assert edited(BLOCK, rules({"x-A": "new"}, {"X-B": "b", "X-A": "more"}, ["x-*"])) == [
        "Server: x", "Content-Length: 3", "x-A: new", "X-B: b", "X-A: more",
    ]  # fmt: skip
    assert edited(b"", rules({"A": ""})) == ["A: "]


def test_later_rules_have_the_last_word_on_what_earlier_ones_brought() -> None:
    first = rules({"X-A": "1", "X-B": "1"}, {"Server": "me"})
    assert edited(BLOCK, first, rules({"x-a": "2"}, remove=["server"])) == [
        "X-Abc: 3", "Content-Length: 3", "X-B: 1", "x-a: 2",
    ]  # fmt: skip
    assert edited(b"", first, rules(add={"X-A": "2"}, remove=["x-b*"])) == [
        "X-A: 1", "Server: me", "X-A: 2",
    ]  # fmt: skip
    assert edited(b"", rules({"A": "1", "a": "2"})) == ["a: 2"]


def test_no_rules_are_nothing() -> None:
    assert not FieldEdits([], {}, asked=True)
    assert not FieldEdits([rules(), rules()], {}, asked=True)
    assert FieldEdits([rules(remove=["a"])], {}, asked=True)


def test_values_say_what_the_request_is() -> None:
    said = "$method $scheme://$host$path of ${client}: $subdomain, ${request_id}=$request_id"
    assert edited(b"", rules({"A": said})) == [
        "A: PUT https://ann.shop.test/a/b of 192.0.2.1: ann, 1=1"
    ]
    assert edited(b"", rules({"A": "$RPX_API_URL/x ${RPX_API_URL}"})) == [
        "A: http://127.0.0.1:3001/x http://127.0.0.1:3001"
    ]
    assert edited(b"", rules({"A": "$$host costs 5$, $5 or 100% ($other, ${host)"})) == [
        "A: $host costs 5$, $5 or 100% ($other, ${host)"
    ]
    assert edited(b"", rules({"A%b$": "é 100%"})) == ["A%b$: é 100%"]


@pytest.mark.parametrize(
    ("host", "subdomain"),
    [(b"ann.localhost", "ann"), (b"localhost:8080", ""), (b"127.0.0.1", ""), (b"[::1]:80", "")],
)
def test_a_subdomain_is_the_first_label_of_a_name_that_has_more(
    host: bytes, subdomain: str
) -> None:
    assert edited(b"", rules({"A": "$subdomain"}), of=variables(host=host)) == [f"A: {subdomain}"]


def test_the_id_of_a_request_is_the_one_that_it_brings_if_that_is_sane() -> None:
    for told, known in ((b"a-1.b", "a-1.b"), (b"a b", "1"), (b"x" * 129, "1"), (b"", "1")):
        of = variables(b"X-Request-Id: " + told)
        edits = FieldEdits([rules({"X-Request-Id": "$request_id"})], {}, asked=True)
        assert edits.edited(b"\r\nX-Request-ID: old", of).decode() == f"\r\nX-Request-Id: {known}"
        assert edits.edited(b"", of).decode() == f"\r\nX-Request-Id: {known}"  # as in the answer
    two = variables(b"X-Request-Id: a", b"x-request-id: b")
    assert edited(b"", rules({"A": "$request_id"}), of=two) == ["A: 1"]


def test_what_a_trusted_proxy_says_of_its_client_is_what_values_say() -> None:
    said = (b"X-Forwarded-For: 203.0.113.9", b"X-Forwarded-Proto: https")
    for trusted, known in ((True, "203.0.113.9 https"), (False, "192.0.2.1 http")):
        of = variables(*said, peer=forwarding("192.0.2.1", "http", trusted=trusted))
        assert edited(b"", rules({"A": "$client $scheme"}), of=of) == [f"A: {known}"]


def test_control_bytes_become_spaces_wherever_they_come_from() -> None:
    edits = FieldEdits([rules({"A": "1\r\nB: 2\x00\x7f\t3 $X"})], {"X": "4\r\n\r\n5"}, asked=False)
    assert edits.edited(b"", variables()) == b"\r\nA: 1  B: 2  \t3 4    5"


def test_nobody_says_with_underscores_what_a_rule_says() -> None:
    block = b"\r\nX_User: eve\r\nx-user: eve\r\nX_userid: 1"
    assert edited(block, rules({"X-User": "ann"}), asked=True) == ["X_userid: 1", "X-User: ann"]
    assert edited(block, rules(remove=["x-user*"]), asked=True) == []
    assert edited(block, rules({"X-User": "ann"})) == ["X_User: eve", "X_userid: 1", "X-User: ann"]


def test_rules_see_what_the_backend_would_see() -> None:
    parsed = parse_request(b"GET / HTTP/1.1\r\nHost: a.test\r\nAccept: x\r\n\r\n")
    assert parsed is not None
    head = request_to_send(parsed[0], forwarding("::1", "http"))
    edits = FieldEdits([rules({"X-Forwarded-Proto": "https"}, remove=["accept"])], {}, asked=True)
    assert edits.edited_head(head, variables()) == (
        b"GET / HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: ::1\r\nX-Forwarded-Host: a.test\r\n"
        b"CDN-Loop: rpx\r\nX-Forwarded-Proto: https\r\n\r\n"
    )
    nothing = FieldEdits([rules(remove=["*"])], {}, asked=True)
    assert nothing.edited_head(head, variables()) == (
        b"GET / HTTP/1.1\r\nHost: a.test\r\nCDN-Loop: rpx\r\n\r\n"
    )


@pytest.mark.parametrize("name", [*UNTOUCHABLE, "a b", "a:", "é", "", "a\r\n"])
def test_a_rule_about_framing_or_about_no_name_at_all_is_refused(name: str) -> None:
    for rule in (rules({name: "1"}), rules(add={name.title(): "1"}), rules(remove=[name])):
        with pytest.raises(ValueError, match="no rule can be about"):
            FieldEdits([rule], {}, asked=True)


def test_whether_rules_say_if_there_is_a_date_is_known() -> None:
    for each in (rules({"DATE": "1"}), rules(add={"date": "1"}), rules(remove=["da*"])):
        assert FieldEdits([each], {}, asked=False).dates
    assert not FieldEdits([rules({"X-Date": "1"}, remove=["date-x"])], {}, asked=False).dates


def test_lines_have_their_crlf_before_or_behind_them() -> None:
    for block, lines in ((b"", b""), (b"\r\nA: 1\r\nB: 2", b"A: 1\r\nB: 2\r\n")):
        assert before(lines) == block
        assert behind(block) == lines


# ---- whatever is written, and whatever a client says

_NAMES = st.one_of(
    st.sampled_from(["x-a", "X_A", "content-type", "cookie", "set-cookie", "x-forwarded-for"]),
    st.from_regex(r"[!#$%&'+\-.^_`|~0-9A-Za-z]{1,8}", fullmatch=True),
).filter(lambda name: name.lower() not in UNTOUCHABLE)
_VALUES = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["$host $path", "${client}\r\nTransfer-Encoding: chunked", "$X", "%b%s$$"]),
)
_SOME = st.lists(st.tuples(_NAMES, _VALUES), max_size=3).map(tuple)
_GONE = st.one_of(
    _NAMES.map(str.lower),
    st.sampled_from(["*", "c*", "content-*", "t*", "h*", "connection*", "x-*"]),
)
_RULES = st.lists(
    st.builds(FieldRules, set=_SOME, add=_SOME, remove=st.lists(_GONE, max_size=3).map(tuple)),
    max_size=3,
)
_LINES = st.lists(
    st.tuples(_NAMES, st.from_regex(r"[ -~\t]{0,10}", fullmatch=True)).map(
        lambda pair: f"{pair[0]}: {pair[1]}".encode()
    ),
    max_size=4,
)
_FRAMINGS = st.sampled_from([b"Content-Length: 3", b"Transfer-Encoding: chunked", b"X-No: 1"])
_FRAMES = re.compile(rb"\r\n(?i:content-length|transfer-encoding|host|connection|upgrade):[^\r]*")


@times(0.8)
@given(_RULES, _LINES, _FRAMINGS, st.text(max_size=9))
def test_no_rule_makes_a_request_another_one(
    each: list[FieldRules], lines: list[bytes], framing: bytes, project: str
) -> None:
    raw = b"\r\n".join((b"POST /a HTTP/1.1", b"Host: a.test", framing, *lines, b"", b""))
    try:
        parsed = parse_request(raw)
    except BadMessage:
        return
    assert parsed is not None
    head = request_to_send(parsed[0], PEER)
    edits = FieldEdits(each, {"X": project}, asked=True)
    after = edits.edited_head(head, RequestVariables(parsed[0], PEER, lambda: b"1"))
    again = parse_request(after)
    assert again is not None
    request, used = again
    assert used == len(after)
    assert (request.method, request.target, request.host, request.length) == (
        b"POST", b"/a", "a.test", parsed[0].length,
    )  # fmt: skip
    assert request.loops == 1
    assert _FRAMES.findall(head) == _FRAMES.findall(after)


@times(0.8)
@given(_RULES, _LINES, _FRAMINGS)
def test_no_rule_makes_an_answer_another_one(
    each: list[FieldRules], lines: list[bytes], framing: bytes
) -> None:
    parsed = parse_response(b"\r\n".join((b"HTTP/1.1 200 OK", framing, *lines, b"", b"")), b"GET")
    assert parsed is not None
    block = parsed[0].block + (b"\r\nTransfer-Encoding: chunked" if parsed[0].chunked else b"")
    after = FieldEdits(each, {}, asked=False).edited(block, variables())
    again = parse_response(b"HTTP/1.1 200 OK" + after + b"\r\n\r\n", b"GET")
    assert again is not None
    assert again[0].length == parsed[0].length
    assert _FRAMES.findall(block) == _FRAMES.findall(after)
    assert behind(before(behind(after))) == behind(after)
