"""What must be true of every case. Each returns whether the message was accepted."""

from __future__ import annotations

import re
from functools import partial

from rpx.http.forwarded import Forwarding, forwarding
from rpx.http.framing import CHUNKED, UNTIL_CLOSE, chunked
from rpx.http.head import RequestHead, parse_request
from rpx.http.limits import BadMessage
from rpx.http.response import ResponseHead, parse_response
from rpx.http.rewrite import interim_to_send, request_to_send, response_to_send
from tests.fuzz import differences as known
from tests.fuzz.judged import (
    Body,
    a_request,
    alike,
    body_of,
    chunked_body,
    expect,
    head_in_pieces,
    swift,
    wide_chunks,
    wide_request,
    wide_response,
)
from tests.fuzz.messages import NEXT, Case
from tests.fuzz.readers import (
    Fields,
    Reading,
    request_by_h11,
    request_by_llhttp,
    response_by_h11,
    response_by_llhttp,
)

PEERS = (
    forwarding("192.0.2.1", "http"),
    forwarding("fe80::1%eth0", "https", trusted=True),
    forwarding("", "http"),
)
_FRAMING = re.compile(rb"\r\n(?i:content-length|transfer-encoding)[ \t]*:")
_START = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
_HOPS = re.compile(
    rb"connection|keep-alive|te|transfer-encoding|upgrade|via|forwarded|x[-_]forwarded[-_].*"
    rb"|content_length|transfer_encoding|cdn[-_]loop|x(_real[-_]|-real_)ip"
    rb"|proxy-(connection|authenticate|authorization)|http2-settings|alt-svc"
)
_REWRITTEN = {b"host", b"content-length", b"expect", b"date"}
_UNNAMED = {
    b"via",
    b"cdn-loop",
    b"date",
    b"expect",
    b"host",
    b"content-length",
    b"close",
    b"keep-alive",
}
# The request that a response answers: method, minor version and what it wants to upgrade to.
_ASKED = [
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.0\r\n\r\n",
    b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    b"POST / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
]


def fields_of(block: bytes) -> Fields:
    """The lines of a block as others give them."""
    lines = [line.partition(b":") for line in block.split(b"\r\n")[1:]]
    return [(name.lower(), value.strip(b" \t")) for name, _, value in lines]


def end_to_end(fields: Fields) -> Fields:
    """Without what is meant for one hop, and what is written anew."""
    options = b",".join(value for name, value in fields if name == b"connection").lower()
    named = {option.strip(b" \t") for option in options.split(b",")} - _UNNAMED
    return [
        (name, value)
        for name, value in fields
        if name not in named and name not in _REWRITTEN and not _HOPS.fullmatch(name)
    ]


def _values(fields: Fields, name: bytes) -> list[bytes]:
    return [value for other, value in fields if other == name]


def request(case: Case) -> bool:
    """A request is read by others as we do, and judged alike however it is chopped."""
    judged = head_in_pieces(a_request, case.raw, 0)
    expect(alike(judged, head_in_pieces(a_request, case.raw, case.chop)), "chopping matters")
    if judged is None or isinstance(judged, BadMessage):
        return False
    head, size = judged
    assert isinstance(head, RequestHead)
    body = body_of(head.length, case.raw[size:])
    if isinstance(body, BadMessage):
        return False
    message = case.raw[: len(case.raw) - len(body.rest)] if body.done else case.raw
    behind = NEXT if body.done and head.keep_alive else b""
    if not known.to_h11(message, head):
        theirs = request_by_h11(message + behind)
        _same_request("h11", head, body, message, theirs)
        expect(not body.done or theirs.rest == behind, "h11 sees the message end elsewhere")
        # It says so at the end of the message, and waits for a switch, asked in order or not.
        says = body.done and head.minor and not _values(theirs.fields, b"upgrade")
        expect(not says or theirs.keeps == head.keep_alive, "h11 keeps otherwise")
    if not known.to_llhttp(message, head):
        theirs, heads = request_by_llhttp(message + behind)
        _same_request("llhttp", head, body, message, theirs)
        expect(heads == 1 + bool(behind), f"llhttp sees {heads} requests")
        expect(theirs.keeps == head.keep_alive or not head.minor, "llhttp keeps otherwise")
    return body.done


def _same_request(who: str, head: RequestHead, body: Body, message: bytes, theirs: Reading) -> None:
    target = message.lstrip(b"\r\n").split(b" ")[1]  # before we normalised it
    expect(theirs.method == head.method, f"{who} reads the method {theirs.method!r}")
    expect(theirs.target == target, f"{who} reads the target {theirs.target!r}")
    expect(end_to_end(theirs.fields) == end_to_end(fields_of(head.block)), f"{who}: fields differ")
    hosts = _values(theirs.fields, b"host")
    expect(len(hosts) <= 1, f"{who} reads {len(hosts)} hosts")
    if hosts and b"://" not in target:
        expect(hosts[0].lower() == head.authority.lower(), f"{who} reads another host")
    _same_body(who, body, theirs)


def _same_body(who: str, body: Body, theirs: Reading) -> None:
    expect(not (theirs.refused and body.done), f"{who} refuses it: {theirs.refused}")
    if theirs.refused:
        return  # of trailers that are not complete we say nothing yet
    expect(theirs.body == body.data, f"{who} reads the body {theirs.body[:80]!r}")
    expect(theirs.complete == body.done, f"{who}: complete is {theirs.complete}")
    ours = fields_of(b"\r\n" + body.trailers[:-2]) if body.trailers else []
    expect([f for f in theirs.trailers if f in ours] == ours, f"{who} reads other trailers")


def chunks(case: Case) -> bool:
    """A chunked body has one payload, one end, and means the same when framed anew."""
    whole = chunked_body(case.raw, 0)
    chopped = chunked_body(case.raw, case.chop)
    if isinstance(whole, BadMessage) or isinstance(chopped, BadMessage):
        both = isinstance(whole, BadMessage) and isinstance(chopped, BadMessage)
        expect(both, "chopping matters")
        expect(both and whole.status == chopped.status, "chopping changes the status")  # type: ignore[union-attr]
        return False
    expect(whole == chopped, "chopping matters")
    message = case.raw[: len(case.raw) - len(whole.rest)]
    behind = NEXT if whole.done else b""
    if not known.chunks_to_h11(message):
        theirs = request_by_h11(_START + message + behind)
        _same_body("h11", whole, theirs)
        expect(not whole.done or theirs.rest == behind, "h11 sees the body end elsewhere")
    if not known.chunks_to_llhttp(message):
        theirs, heads = request_by_llhttp(_START + message + behind)
        _same_body("llhttp", whole, theirs)
        expect(heads == 1 + whole.done, f"llhttp sees {heads} requests")
    if whole.done:
        anew = _in_chunks(whole)
        expected = Body(whole.data, whole.trailers, b"", done=True)
        expect(chunked_body(anew, case.chop) == expected, "framed anew it means something else")
    return whole.done


def forwarded(case: Case) -> bool:
    """What we send on has one framing and one meaning, and a second rpx changes nothing in it."""
    judged = head_in_pieces(a_request, case.raw, 0)
    if judged is None or isinstance(judged, BadMessage):
        return False
    head, size = judged
    assert isinstance(head, RequestHead)
    body = body_of(head.length, case.raw[size:])
    if isinstance(body, BadMessage) or not body.done:
        return False
    peer = PEERS[case.variant % len(PEERS)]
    origin = b"http://origin.test:81" if case.variant % 7 == 0 or not head.authority else b""
    sent = request_to_send(head, peer, origin=origin)
    framings = len(_FRAMING.findall(sent))
    expect(framings == 1 or (framings == 0 and head.length == 0), f"{framings} framings")
    if head.length > 0:
        plain = [(b"content-length", b"%d" % head.length)]
        lines = fields_of(sent[: sent.find(b"\r\n\r\n")])
        expect([f for f in lines if f[0] == b"content-length"] == plain, "the length is not plain")
    whole = sent + _framed(body, head.length)
    again = head_in_pieces(a_request, whole, case.chop)
    if again is None or isinstance(again, BadMessage):
        expect(known.too_large_when_sent(whole, again), f"we send on what we refuse: {again}")
        return False
    _same_again(head, again[0], peer, origin)
    expected = Body(body.data, body.trailers, b"", done=True)
    expect(body_of(again[0].length, whole[again[1] :]) == expected, "the body changes")
    if head.upgrade is None:
        theirs = request_by_h11(whole)
        _same_body("h11, of what we send,", expected, theirs)
        expect(theirs.rest == b"" and theirs.keeps, "what we send has something behind it")
    if head.upgrade is None and not known.to_llhttp(whole, head):
        theirs, heads = request_by_llhttp(whole)
        _same_body("llhttp, of what we send,", expected, theirs)
        expect(heads == 1 and theirs.keeps, f"llhttp sees {heads} requests in what we send")
    return True


def _same_again(head: RequestHead, second: object, peer: Forwarding, origin: bytes) -> None:
    assert isinstance(second, RequestHead)
    expect(second.minor == 1 and second.keep_alive, "what we send closes its connection")
    expect((second.method, second.target) == (head.method, head.target), "start line changes")
    expect(second.length == head.length, "the length changes")
    expect(second.upgrade == head.upgrade, "the upgrade changes")
    expect(second.te_trailers == head.te_trailers, "trailers are wanted otherwise")
    expect(second.loops == head.loops + 1, "Via does not tell of us")
    host = origin.partition(b"://")[2] or head.authority
    expect(second.authority.lower() == host.lower(), "the host changes")
    if head.max_forwards is None and not origin:
        first, again = end_to_end(fields_of(head.block)), end_to_end(fields_of(second.block))
        expect(first == again, "fields change")
    if not peer.trusted:
        expect(b"x-forwarded-for: 1.2.3.4" not in second.forwarded.lower(), "a lie is passed on")


def _in_chunks(body: Body) -> bytes:
    return b"".join(chunked([body.data] if body.data else [], body.trailers))


def _framed(body: Body, framing: int) -> bytes:
    if framing != CHUNKED:
        return body.data
    return _in_chunks(body)


def response(case: Case) -> bool:
    """A response is read by others as we do, and so is what we make of it for the client."""
    asked = parse_request(_ASKED[case.variant % len(_ASKED)])
    assert asked is not None
    question = asked[0]

    def parse(buffer: bytes | bytearray, scanned: int) -> tuple[ResponseHead, int] | None:
        return parse_response(buffer, question.method, question.upgrade, scanned=scanned)

    judged = head_in_pieces(parse, case.raw, 0)
    expect(alike(judged, head_in_pieces(parse, case.raw, case.chop)), "chopping matters")
    if judged is None or isinstance(judged, BadMessage):
        expect(judged is None or judged.status == 502, "refused with another status than 502")
        return False
    head, size = judged
    assert isinstance(head, ResponseHead)
    body = body_of(head.length, case.raw[size:], 502)
    if isinstance(body, BadMessage):
        return False
    message = case.raw[: len(case.raw) - len(body.rest)]
    odd = head.odd or body.odd or known.zeros(message)
    if not odd and not known.response_to_h11(message, head, question):
        theirs = response_by_h11(message, question.method, question.upgrade, eof=_ends(head))
        _same_response("h11", head, body, theirs)
    if not odd and not known.response_to_llhttp(message, head, question):
        _same_response("llhttp", head, body, response_by_llhttp(message))
    if body.done:
        _check_answer(head, question, body, close=case.variant % 2 == 0)
    return body.done


def _ends(head: ResponseHead) -> bool:
    return head.length == UNTIL_CLOSE


def _same_response(who: str, head: ResponseHead, body: Body, theirs: Reading) -> None:
    expect(theirs.status == head.status or not theirs.refused, f"{who} refuses: {theirs.refused}")
    expect(theirs.status == head.status, f"{who} reads status {theirs.status}")
    expect(theirs.reason.strip() == head.reason.strip(), f"{who} reads reason {theirs.reason!r}")
    expect(end_to_end(theirs.fields) == end_to_end(fields_of(head.block)), f"{who}: fields differ")
    if not (who == "llhttp" and _ends(head)):  # it waits for the end, which we can't tell it
        _same_body(who, body, theirs)


def _check_answer(head: ResponseHead, question: RequestHead, body: Body, *, close: bool) -> None:
    """Judge what the client gets."""
    if head.status < 200 and head.status != 101:
        answer = interim_to_send(head)
    else:
        answer = response_to_send(head, question, close=close, date=b"now")
    sent, framing = answer.lines(), answer.length
    framings = len(_FRAMING.findall(sent))
    expect(framings <= 1, "the client gets two framings")
    delimited = framing != UNTIL_CLOSE and question.method != b"HEAD" and head.status >= 200
    if delimited and head.status not in {204, 304}:
        expect(framings == 1, "the client gets no framing")
    whole = sent + _framed(body, framing)
    again = parse_response(whole, question.method, question.upgrade)
    expect(again is not None, "the client would wait for more")
    assert again is not None
    if head.status >= 200:
        stays = question.keep_alive and not close and framing != UNTIL_CLOSE
        kept = again[0].keep_alive or (stays and not again[0].length)  # not after a HEAD
        expect(kept == stays or not question.minor, "close is not announced")
    expect(not again[0].odd, "what is odd is passed on")
    expected = Body(body.data, body.trailers if framing == CHUNKED else b"", b"", done=True)
    found = body_of(again[0].length, whole[again[1] :])
    expect(found == expected, "the body changes on its way to the client")
    if not known.response_to_h11(whole, again[0], question):
        eof = _ends(again[0])
        theirs = response_by_h11(whole, question.method, question.upgrade, eof=eof)
        _same_response("h11, of what we send,", again[0], expected, theirs)


def slow_request(case: Case) -> bool:
    """Judging a large head takes time that is linear in its size."""
    swift(case.raw, 0, partial(wide_request, case.raw), "a request")
    swift(case.raw, 0, partial(wide_response, case.raw), "a response")
    chop = 500 + case.chop
    work = partial(head_in_pieces, a_request, case.raw, chop)
    swift(case.raw, 12, work, "a request in pieces")
    return not isinstance(wide_request(case.raw), BadMessage)


def slow_chunks(case: Case) -> bool:
    """Decoding a large chunked body takes time that is linear in its size."""
    work = partial(wide_chunks, case.raw, case.chop)
    swift(case.raw, case.chop, work, "a chunked body")
    return not isinstance(work(), BadMessage)
