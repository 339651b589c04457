"""The last requests: how many are kept, and how much they may take."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from rpx.http.answer_head import AnswerHead
from rpx.http.forwarded import forwarding
from rpx.http.head import RequestHead, parse_request
from rpx.hub.request_ring import MOST, Record, RequestRing
from rpx.model.own_settings import KeptRequests

PEER = forwarding("127.0.0.1", "http")
ANSWER = AnswerHead(200, b"OK", b"\r\nContent-Length: 2", b"", 2)


def ring(keep: int = 2000) -> RequestRing:
    found = RequestRing(count(1.0).__next__, bytes(16))
    found.become(KeptRequests(keep=keep))
    return found


def request(size: int = 0, target: str = "/") -> RequestHead:
    head = f"GET {target} HTTP/1.1\r\nHost: a.localhost\r\nX: {'x' * size}\r\n\r\n"
    parsed = parse_request(head.encode())
    assert parsed is not None
    return parsed[0]


def pass_(kept: RequestRing, times: int, made: Callable[[], RequestHead]) -> None:
    for _ in range(times):
        record = Record(kept.tags.next(), made(), PEER, "", kept.copies)
        record.answer = ANSWER
        kept.add(record)


def test_the_last_ones_are_kept_and_the_oldest_go() -> None:
    kept = ring(keep=3)
    pass_(kept, 5, request)
    assert [record.number for record in kept.all()] == [3, 4, 5]


def test_nothing_is_kept_where_it_is_turned_off() -> None:
    kept = ring(keep=0)
    pass_(kept, 5, request)
    assert kept.all() == []
    assert kept.bytes == 0


def test_large_heads_leave_room_for_fewer() -> None:
    kept = ring()
    pass_(kept, 1000, lambda: request(60_000))
    assert kept.bytes <= MOST
    assert MOST // 70_000 < len(kept.all()) < MOST // 60_000
    pass_(kept, 3000, request)
    assert len(kept.all()) == 2000
    assert kept.bytes < 2_000_000


def test_large_targets_count_too() -> None:
    kept = ring()
    pass_(kept, 3000, lambda: request(target="/" + "x" * 16_000))
    assert kept.bytes <= MOST
    assert len(kept.all()) < 1100


def test_bodies_count_with_what_is_kept_of_them() -> None:
    kept = ring()
    kept.look(1)
    for _ in range(600):
        record = Record(kept.tags.next(), request(), PEER, "", kept.copies)
        record.take([b"x" * 100_000])
        record.answer = ANSWER
        kept.add(record)
    assert kept.bytes <= MOST
    assert len(kept.all()) == MOST // (65536 + kept.all()[0].size - 65536)
    assert kept.all()[0].asked is not None


def test_bodies_are_kept_only_while_somebody_looks_or_the_project_says_so() -> None:
    kept = ring()
    assert kept.copies == 0
    kept.look(1)
    assert kept.copies == 65536
    kept.look(-1)
    assert kept.copies == 0
    kept.become(KeptRequests(bodies=1000))
    assert kept.copies == 1000


def test_who_comes_back_gets_what_has_ended_since_and_is_told_what_is_lost() -> None:
    kept = ring(keep=3)
    pass_(kept, 2, request)
    assert [record.number for record in kept.since(1)[0]] == [2]
    pass_(kept, 5, request)
    records, lost = kept.since(2)
    assert ([record.number for record in records], lost) == ([5, 6, 7], 2)
    assert kept.since(7) == ([], 0)
