"""What is done to requests and answers of one route, all together."""

from __future__ import annotations

from rpx.http.forwarded import forwarding
from rpx.http.head import RequestHead, parse_request
from rpx.http.own_answers import answer
from rpx.http.response import ResponseHead, parse_response
from rpx.http.rewrite import request_to_send, response_to_send
from rpx.http.treatment import Treating
from rpx.http.variables import RequestVariables
from rpx.model.route import Treatment

PEER = forwarding("127.0.0.1", "http")


def treating(**said: object) -> Treating:
    project = {"RPX_WEB_URL": "http://web"}
    return Treating(
        Treatment.model_validate(said), realm="shop", hosts=["shop.localhost"], project=project
    )


def request(*lines: bytes, method: bytes = b"GET") -> tuple[RequestHead, RequestVariables]:
    raw = b"\r\n".join((method + b" /x HTTP/1.1", b"Host: shop.localhost", *lines, b"", b""))
    parsed = parse_request(raw)
    assert parsed is not None
    return parsed[0], RequestVariables(parsed[0], PEER, lambda: b"id")


def response(*lines: bytes) -> ResponseHead:
    raw = b"\r\n".join((b"HTTP/1.1 200 OK", b"Content-Length: 0", *lines, b"", b""))
    parsed = parse_response(raw, b"GET")
    assert parsed is not None
    return parsed[0]


HEADERS = (
    {"request": {"set": (("X-Env", "$RPX_WEB_URL"),)}, "response": {"remove": ("server",)}},
    {"response": {"set": (("X-Id", "$request_id"),)}},
)


def test_nothing_to_do_is_nothing_done() -> None:
    head, variables = request()
    sent, back = request_to_send(head, PEER), response()
    assert treating().to_backend(sent, variables) is sent
    assert treating().of_backend(back, head, variables) is back
    assert treating().auth is None
    assert treating().cors is None


def test_requests_and_answers_are_treated_one_way_each() -> None:
    head, variables = request()
    sent = treating(headers=HEADERS).to_backend(request_to_send(head, PEER), variables)
    assert sent.endswith(b"\r\nX-Env: http://web\r\n\r\n")
    back = treating(headers=HEADERS).of_backend(response(b"Server: x"), head, variables)
    assert back.block == b"\r\nContent-Length: 0\r\nX-Id: id"


def test_headers_have_the_last_word_on_cors() -> None:
    both = treating(
        cors={"origins": ("*",)},
        headers=({"response": {"set": (("Access-Control-Allow-Origin", "$scheme"),)}},),
    )
    back = both.of_backend(response(), *request(b"Origin: http://a"))
    assert back.block == b"\r\nContent-Length: 0\r\nAccess-Control-Allow-Origin: http"


def test_our_own_answers_are_treated_as_well() -> None:
    both = treating(cors={}, headers=HEADERS, auth={"users": (("ann", "x"),)})
    assert both.auth is not None
    head, body = answer(401, b"no", date=b"now", close=True, add=both.auth.challenge)
    treated = both.of_ours(head, *request(b"Origin: http://localhost:1"))
    assert treated.lines().decode().split("\r\n") == [
        "HTTP/1.1 401 Unauthorized", "Date: now", "Content-Type: text/plain; charset=utf-8",
        "Content-Length: 2", "Cache-Control: no-store", "Connection: close",
        'WWW-Authenticate: Basic realm="shop", charset="UTF-8"', "Vary: Origin",
        "Access-Control-Allow-Origin: http://localhost:1", "X-Id: id", "", "",
    ]  # fmt: skip
    assert (treated.length, body) == (2, b"no")


def test_the_answer_to_a_preflight_stays_what_it_is() -> None:
    both = treating(cors={}, headers=HEADERS)
    assert both.cors is not None
    asks = b"Origin: http://localhost:1", b"Access-Control-Request-Method: PUT"
    head, variables = request(*asks, method=b"OPTIONS")
    lines = both.cors.preflight(head)
    assert lines is not None
    ours, _ = answer(204, date=b"now", close=False, add=lines)
    assert both.of_ours(ours, head, variables).ours == ours.ours + b"X-Id: id\r\n"


def test_there_is_never_a_second_date() -> None:
    head, variables = request()
    rules = {"set": (("date", "mine"),)}, {"remove": ("d*",)}, {"add": (("X-Date", "1"),)}
    for rule, told, dates in (
        (rules[0], [], [b"date: mine"]),
        (rules[0], [b"Date: old"], [b"date: mine"]),
        (rules[1], [b"Date: old"], []),
        (rules[1], [], []),
        (rules[2], [], [b"X-Date: 1", b"Date: now"]),
    ):
        back = treating(headers=({"response": rule},)).of_backend(response(*told), head, variables)
        lines = response_to_send(back, head, close=False, date=b"now").lines().split(b"\r\n")
        assert [line for line in lines if b"date" in line.lower()] == dates
    ours, _ = answer(200, date=b"now", close=False)
    mine = treating(headers=({"response": rules[0]},)).of_ours(ours, head, variables)
    assert mine.lines() == b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\ndate: mine\r\n\r\n"
