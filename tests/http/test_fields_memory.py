"""What is remembered of a request of HTTP/2 changes nothing of what the next one means."""

from __future__ import annotations

from dataclasses import astuple

from hypothesis import given
from hypothesis import strategies as st

from rpx.http.fields import Asked, Malformed, read_fields, request_of
from rpx.http.fields_memory import MOST, FieldsMemory
from rpx.http.framing import CHUNKED
from rpx.http.head import RequestHead
from rpx.http.hpack import Fields
from rpx.http.limits import DEFAULT, BadMessage, MessageLimits

NARROW = MessageLimits(head=90, lines=3, target=8)
PATHS = st.sampled_from(
    [b"/", b"/a", b"/a?b=c", b"/longer/than/8", b"/\x80", b"/a#b", b"/a b", b"*", b"a", b""]
)
HEADS = st.sampled_from(
    [
        (),
        ((b"accept", b"*/*"), (b"cookie", b"a=b"), (b"cookie", b"c=d")),
        ((b"content-length", b"0"),),
        ((b"content-length", b"5"),),
        ((b"content-length", b"x"),),
        ((b"host", b"a"),),
        ((b"te", b"trailers"), (b"x-forwarded-for", b"1")),
        ((b"connection", b"close"),),
        ((b"x", b"x" * MOST),),
    ]
)
METHODS = st.sampled_from([b"GET", b"GET", b"GET", b"POST", b"OPTIONS", b"CONNECT", b"G T"])
PROTOCOLS = st.sampled_from([(), (), (), ((b":protocol", b"websocket"),)])
LIMITS = st.sampled_from([DEFAULT, DEFAULT, DEFAULT, NARROW])


def fields(
    method: bytes, path: bytes, protocol: Fields, lines: Fields, *, last: bool = False
) -> Fields:
    """`last`: the path comes behind the other pseudo-header fields."""
    first, second = ((b":scheme", b"https"), (b":authority", b"a.localhost")), ((b":path", path),)
    pseudo = (*first, *second) if last else (*second, *first)
    return ((b":method", method), *protocol, *pseudo, *lines)


REQUESTS = st.builds(fields, METHODS, PATHS, PROTOCOLS, HEADS, last=st.booleans())


def meant(head: RequestHead | Asked, limits: MessageLimits) -> object:
    """What comes of it in the end, a refusal included."""
    try:
        request = request_of(head, limits, key=b"k") if isinstance(head, Asked) else head
    except BadMessage as bad:
        return bad.status, bad.reason
    return astuple(request)


@given(st.lists(st.tuples(REQUESTS, LIMITS, st.booleans()), max_size=8))
def test_it_changes_nothing(requests: list[tuple[Fields, MessageLimits, bool]]) -> None:
    memory = FieldsMemory()
    for each, limits, ended in [request for request in requests for _ in range(2)]:
        try:
            asked = read_fields(each, ended=ended)
        except Malformed:
            asked = None
        try:
            found = memory.read(each, limits, ended=ended)
        except Malformed:
            assert asked is None
            continue
        assert asked is not None
        assert meant(found, limits) == meant(asked, limits)
        counted = found.counted if isinstance(found, Asked) else found.length
        assert ended or counted == asked.counted


def test_the_same_but_for_the_path_is_not_judged_again() -> None:
    lines = ((b"accept", b"*/*"), (b"content-length", b"5"))
    for ended, more in ((True, lines[:1]), (False, lines)):
        memory = FieldsMemory()
        first = memory.read(fields(b"POST", b"/a", (), more), DEFAULT, ended=ended)
        assert isinstance(first, RequestHead)
        assert memory.read(fields(b"POST", b"/a", (), more), DEFAULT, ended=ended) is first
        other = memory.read(fields(b"POST", b"/b", (), more), DEFAULT, ended=ended)
        assert isinstance(other, RequestHead)
        assert (other.target, other.block) == (b"/b", first.block)
        assert other.block is first.block


def test_what_is_not_known_yet_is_judged_later() -> None:
    body = FieldsMemory().read(fields(b"POST", b"/", (), ()), DEFAULT, ended=False)
    assert isinstance(body, Asked)
    assert body.length == CHUNKED
