"""A request in the words of others: HAR as its specification has it, and what curl is told."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from rpx.errors import RpxError
from rpx.model.request_answers import HIDDEN, MessageTold, RequestRow, RequestTold
from rpx.orders.request_forms import curl_of, har_of

# After http://www.softwareishard.com/blog/har-12-spec.
SCHEMA = json.loads((Path(__file__).parents[2] / "fixtures/har-1.2.schema.json").read_text())
ROW = RequestRow(
    id="beef-0012",
    time=1732368000.25,
    method="POST",
    host="api.localhost",
    path="/x",
    query="a=b&c=&a=d",
    route=None,
    status=201,
    ms=12.5,
    held_ms=2.0,
    bytes_in=7,
    bytes_out=2,
    client="127.0.0.1",
    protocol="HTTP/1.1",
    backend="localhost:3000",
    tries=1,
    label="api:3000",
    pid=4711,
    generation=1,
    connect_ms=0.5,
    first_ms=9.0,
    type="application/json",
    request_id="beef-0012",
    trace_id="0" * 32,
    upgrade=None,
    frames_in=None,
    frames_out=None,
    note="",
    under_way=False,
    cursor="beef.18",
)
NOTHING = MessageTold((), None, None, 0, 0)
ASKED = (("Content-Type", "text/plain"), ("Cookie", "a=1; b=2"), ("X", "y"))
GIVEN = (("Content-Type", "application/json"), ("Set-Cookie", "s=t; Path=/"), ("Location", "/y"))
TOLD = RequestTold(
    row=ROW,
    request=MessageTold(ASKED, "a body\n", None, 7, 7),
    response=MessageTold(GIVEN, "{}", None, 2, 2),
    tried=(),
    lines=(),
    lines_missing=False,
    explained=(),
    url="http://api.localhost:8080/x?a=b&c=&a=d",
)
BYTES = MessageTold(ASKED, base64.b64encode(b"\xff\x00").decode(), "base64", 2, 2)


def entry(told: RequestTold) -> dict[str, Any]:
    har = har_of(told)
    validator = Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)
    assert [f"{e.json_path}: {e.message}" for e in validator.iter_errors(har)] == []
    found: dict[str, Any] = har["log"]["entries"][0]
    return found


@pytest.mark.parametrize(
    "told",
    [
        TOLD,
        replace(TOLD, request=NOTHING, response=NOTHING),
        replace(TOLD, request=BYTES, response=BYTES),
        replace(TOLD, row=replace(ROW, status=None, first_ms=None, type="", held_ms=12.0)),
        replace(TOLD, row=replace(ROW, status=799, first_ms=1.0)),
    ],
)
def test_har_is_as_its_specification_has_it_and_its_times_add_up(told: RequestTold) -> None:
    found = entry(told)
    assert sum(found["timings"].values()) == pytest.approx(found["time"])


def test_har_has_cookies_queries_and_bodies() -> None:
    found = entry(TOLD)
    assert [each["name"] for each in found["request"]["queryString"]] == ["a", "c", "a"]
    assert found["request"]["cookies"] == [
        {"name": "a", "value": "1"},
        {"name": "b", "value": "2"},
    ]
    assert found["response"]["cookies"] == [{"name": "s", "value": "t"}]
    assert found["request"]["postData"]["text"] == "a body\n"
    assert found["response"]["content"]["text"] == "{}"
    assert found["response"]["redirectURL"] == "/y"


def test_what_is_hidden_is_no_cookie_and_is_told_to_nobody() -> None:
    hidden = MessageTold((("Cookie", HIDDEN), ("X", "y")), None, None, 0, 0)
    told = replace(
        TOLD, request=hidden, response=replace(NOTHING, headers=(("Set-Cookie", HIDDEN),))
    )
    found = entry(told)
    assert (found["request"]["cookies"], found["response"]["cookies"]) == ([], [])
    assert HIDDEN not in curl_of(told)


def test_what_was_no_request_has_no_such_forms() -> None:
    none = replace(TOLD, url="", row=replace(ROW, method="", path=""))
    for form in (har_of, curl_of):
        with pytest.raises(RpxError, match="was no request"):
            form(none)
