"""Requests that proxies and servers are known to read differently (RFC 9112 §11.2).

`fixtures/wire/desync_*.http` has the classes that http-desync-guardian knows, by how bad they are;
the mutations of Transfer-Encoding follow the rules of smuggler, for more bytes. Here they meet the
parser; tests/proxy plays them with a real server.
"""

from __future__ import annotations

import re

import pytest

from rpx.http.forwarded import forwarding
from rpx.http.head import parse_request
from rpx.http.limits import BadMessage
from rpx.http.rewrite import request_to_send
from tests.fuzz.messages import Case
from tests.fuzz.oracles import request
from tests.http.mutations import BYTES, mutations
from tests.proxy.conversation import Conversation, conversations

DESYNC = [each for each in conversations() if each.where.startswith("desync")]
_AS_GOOD = re.compile(rb"(?:X: X[\t ]?\r\n)?Transfer-Encoding:[\t ]*chunked[\t ]*(?:\r\nX: X)?")
_REFUSED = re.compile(r"refused with ([0-9]+)")


def said(conversation: Conversation, marker: str) -> bytes:
    steps = (text for mark, text in conversation.steps if mark == marker)
    return "".join(steps).encode("latin-1")


def parse_in_pieces(raw: bytes, step: int) -> None:
    for end in range(step, len(raw) + step, step):
        parse_request(raw[:end], scanned=max(0, end - step))


@pytest.mark.parametrize("conversation", DESYNC, ids=[f"{c.where} {c.sentence}" for c in DESYNC])
def test_the_parser_says_what_the_conversation_says(conversation: Conversation) -> None:
    raw = said(conversation, ">")
    refused = _REFUSED.fullmatch(conversation.steps[-1][1])
    if refused is None:
        head, _ = parse_request(raw) or pytest.fail("not a whole head")
        sent = request_to_send(head, forwarding("127.0.0.1", "http"))
        assert said(conversation, ">>").startswith(sent)
        assert request(Case(raw, 0, 0))  # others read the same
    else:
        for step in (len(raw), 1, 2, 3, 7):
            with pytest.raises(BadMessage) as caught:
                parse_in_pieces(raw, step)
            assert caught.value.status == int(refused[1])


@pytest.mark.parametrize("length", [b"", b"Content-Length: 11\r\n"], ids=["without", "with length"])
def test_a_mutated_transfer_encoding_is_refused_or_means_the_same_to_others(length: bytes) -> None:
    accepted = 0
    for lines in mutations(BYTES):
        raw = b"POST / HTTP/1.1\r\nHost: a\r\n%b\r\n%b\r\n0\r\n\r\nhello " % (lines, length)
        try:
            head, _ = parse_request(raw) or pytest.fail("not a whole head")
        except BadMessage:
            continue
        accepted += 1
        request(Case(raw, 0, 0))
        if length:
            assert head.length == 11, lines
        elif head.length:  # only whitespace was added to a value, or a whole line to the head
            assert _AS_GOOD.fullmatch(lines), lines
    assert accepted > 100


def test_the_rules_make_what_they_are_said_to_make() -> None:
    made = list(mutations(BYTES))
    assert len(set(made)) > 2000
    for known in (
        b" Transfer-Encoding: chunked",
        b"Transfer-Encoding\t:\tchunked",
        b"Transfer-Encoding:\x0bchunked",
        b"X: X\xffTransfer-Encoding: chunked",
        b"X: X\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: chunked\r\x00X: X",
    ):
        assert known in made
