"""Filter words of requests: what each means, and what is said of one that is none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rpx.errors import UsageError
from rpx.model.answers import read
from rpx.model.request_answers import RequestRow
from rpx.policy.request_filter import matcher, request_filter

ROW = replace(
    read(RequestRow, {"path": "/api/users", "host": "api.localhost", "method": "POST"}),
    status=503,
    ms=250.0,
    held_ms=0.0,
    backend="localhost:3001",
    label="api:3001",
    tries=2,
    type="application/json",
    client="127.0.0.1",
    protocol="HTTP/1.1",
)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["status:5xx"],
        ["status:503"],
        ["status:>=500"],
        ["status:4xx", "status:5xx"],
        ["status:404,503"],
        ["method:post"],
        ["host:api"],
        ["host:*.localhost"],
        ["path:/api/*"],
        ["path:/api/users"],
        ["ms:>200"],
        ["ms:<=250"],
        ["backend:3001"],
        ["backend:api"],
        ["backend:localhost:3001"],
        ["retried"],
        ["-held"],
        ["-path:*.js"],
        ["type:json", "client:127.0.0.1", "protocol:http/1.1"],
    ],
)
def test_it_means_what_it_says(words: list[str]) -> None:
    assert request_filter(words)(ROW)


@pytest.mark.parametrize(
    "words",
    [
        ["status:4xx"],
        ["status:<500"],
        ["method:GET"],
        ["host:web"],
        ["path:/api"],
        ["path:/api/*", "status:2xx"],
        ["ms:>250"],
        ["backend:3002"],
        ["held"],
        ["-retried"],
        ["-path:/api/*"],
        ["-status:5xx", "method:POST"],
    ],
)
def test_it_leaves_out_what_it_does_not_mean(words: list[str]) -> None:
    assert not request_filter(words)(ROW)


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("statsu:5xx", "did you mean `status:5xx`?"),
        ("hled", "did you mean `held`?"),
        ("/api", "did you mean `path:/api`?"),
        ("status", "status needs a value"),
        ("ms:200", "ms:>200"),
        ("status:6xx", "status:5xx"),
        ("path:", "path:/api/*"),
    ],
)
def test_a_word_that_is_none_is_refused_with_the_nearest(word: str, hint: str) -> None:
    with pytest.raises(UsageError) as refused:
        request_filter([word])
    assert hint in str(refused.value)


def test_a_pattern_of_stars_takes_no_time() -> None:
    assert not matcher("*a" * 1000 + "b")("a" * 16_000)
    assert matcher("/*/b*")("/a/bc")
    assert not matcher("ab*b")("ab")
