"""The words by which requests are picked: `status:5xx`, `ms:>200`, `held`, `-path:*.js`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

from rpx.errors import UsageError
from rpx.model.request_answers import RequestRow
from rpx.model.suggest import nearest

Test = Callable[[RequestRow], bool]


class NoFilterWord(UsageError):
    """A word that means no requests: it, or its value, isn't one of those that there are."""


_NUMBER = re.compile(r"(>=|<=|>|<|=)?([0-9]{1,12}(?:\.[0-9]{1,6})?)")
_STATUS = re.compile(r"[1-5]xx|[1-5][0-9]{2}|(?:>=|<=|>|<)[1-5][0-9]{2}")
_COMPARE: Final[dict[str, Callable[[float, float], bool]]] = {
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    "=": lambda a, b: a == b,
}


def request_filter(words: Iterable[str]) -> Test:
    """Tell which requests are meant by all of these words.

    Words of one kind are alternatives (`status:4xx status:5xx`), words of different kinds all hold,
    and whatever has a `-` before it is left out. Raises: NoFilterWord.
    """
    wanted: dict[str, list[Test]] = {}
    unwanted: list[Test] = []
    for word in words:
        negated = word.startswith("-")
        key, test = _read(word.removeprefix("-"))
        if negated:
            unwanted.append(test)
        else:
            wanted.setdefault(key, []).append(test)
    kinds = list(wanted.values())

    def matches(row: RequestRow) -> bool:
        return all(any(test(row) for test in kind) for kind in kinds) and not any(
            test(row) for test in unwanted
        )

    return matches


def _read(word: str) -> tuple[str, Test]:
    key, colon, value = word.partition(":")
    if key in FLAGS and not colon:
        return key, FLAGS[key]
    if key not in KINDS or not colon:
        raise NoFilterWord(f"`{word}` is not a filter word", hint=_hint(word, key))
    if not value:
        raise NoFilterWord(
            f"`{word}` says nothing of its {key}", hint=f"for example {EXAMPLES[key]}"
        )
    tests = [KINDS[key](each) for each in value.split(",")]
    return key, tests[0] if len(tests) == 1 else lambda row: any(test(row) for test in tests)


def _hint(word: str, key: str) -> str:
    first, near = "", nearest(key, [*KINDS, *FLAGS])
    if key in KINDS:
        first = f"{key} needs a value: "
    elif near is not None:
        first = f"did you mean `{word.replace(key, near, 1)}`? "
    elif word.startswith("/"):
        first = f"did you mean `path:{word}`? "
    words = " ".join((*EXAMPLES.values(), *FLAGS))
    return f"{first}the words are {words}, each also with -"


def _status(value: str) -> Test:
    if not _STATUS.fullmatch(value):
        raise NoFilterWord(
            f"`{value}` is not a status", hint="for example status:5xx, status:>=400"
        )
    if value.endswith("xx"):
        return lambda row: row.status is not None and row.status // 100 == int(value[0])
    sign, number = _number(value)
    return lambda row: row.status is not None and _COMPARE[sign](row.status, number)


def _ms(value: str) -> Test:
    match = _NUMBER.fullmatch(value)
    if match is None or not match[1]:
        raise NoFilterWord(
            f"`ms:{value}` compares with nothing", hint="for example ms:>200, ms:<=5"
        )
    sign, number = _number(value)
    return lambda row: _COMPARE[sign](row.ms, number)


def _number(value: str) -> tuple[str, float]:
    sign = value.rstrip("0123456789.")
    return sign or "=", float(value[len(sign) :])


def _method(value: str) -> Test:
    return lambda row: row.method.upper() == value.upper()


def _host(value: str) -> Test:
    glob, low = matcher(value.lower()), value.lower()
    return lambda row: glob(row.host) or row.host.startswith(f"{low}.")


def _path(value: str) -> Test:
    glob = matcher(value)
    return lambda row: glob(row.path)


def _backend(value: str) -> Test:
    def matches(row: RequestRow) -> bool:
        address, label = row.backend or "", row.label or ""
        named = value in (address, label, label.partition(":")[0])
        return named or (value.isdigit() and address.rpartition(":")[2] == value)

    return matches


def _route(value: str) -> Test:
    glob = matcher(value)
    return lambda row: row.route is not None and glob(row.route)


def _client(value: str) -> Test:
    glob = matcher(value)
    return lambda row: glob(row.client)


def _type(value: str) -> Test:
    return lambda row: value.lower() in row.type.lower()


def _protocol(value: str) -> Test:
    low = value.lower()
    return lambda row: low in (row.protocol.lower(), (row.upgrade or "").lower())


def _id(value: str) -> Test:
    return lambda row: value in (row.id, row.request_id, row.trace_id)


def matcher(pattern: str) -> Callable[[str], bool]:
    """Tell whether a text is as `pattern` has it, in which `*` is anything. In linear time."""
    first, *rest = pattern.split("*")
    if not rest:
        return lambda text: text == first
    *middle, last = rest

    def matches(text: str) -> bool:
        at, end = len(first), len(text) - len(last)
        if end < at or not text.startswith(first) or not text.endswith(last):
            return False
        for part in middle:
            at = text.find(part, at, end)
            if at < 0:
                return False
            at += len(part)
        return True

    return matches


KINDS: Final[dict[str, Callable[[str], Test]]] = {
    "status": _status,
    "method": _method,
    "host": _host,
    "path": _path,
    "ms": _ms,
    "backend": _backend,
    "route": _route,
    "client": _client,
    "type": _type,
    "protocol": _protocol,
    "id": _id,
}
FLAGS: Final[dict[str, Test]] = {
    "held": lambda row: row.held_ms > 0,
    "retried": lambda row: row.retried,
}
EXAMPLES: Final = {
    "status": "status:5xx",
    "method": "method:POST",
    "host": "host:api",
    "path": "path:/api/*",
    "ms": "ms:>200",
    "backend": "backend:3001",
    "route": "route:NAME",
    "client": "client:127.0.0.1",
    "type": "type:json",
    "protocol": "protocol:websocket",
    "id": "id:ID",
}
