"""Every interpreter that rpx supports reads HTTP alike: re had faults in the first of 3.11."""

from __future__ import annotations

import ast
import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from re import _constants, _parser  # type: ignore[attr-defined]

import hpack
import pytest

from tests.http.verdicts import patterns, verdicts
from tests.support.source import nodes

ROOT = Path(__file__).parents[2]
LIBRARIES = str(Path(hpack.__file__).parents[1])  # the one that rpx.http has is all Python
SEEDS = (
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"\r\n\r\nGET /a?b=c HTTP/1.0\r\nHost: api.localhost:8080\r\nCookie: a=b; pin=c\r\n\r\n",
    b"POST http://a.test/x HTTP/1.1\r\nhost:\ta.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nVia: 1.1 x\r\nX-Forwarded-For: 1.2.3.4\r\nTE: trailers\r\n\r\n",
    b"GET / HTTP/1.1\r\na: 1\r\nb: 2\r\nc: 3\r\nd: 4\r\ne: 5\r\nf: 6\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nKeep-Alive: timeout=5\r\nX: \r\n\r\nhello",
    b"HTTP/1.1 304\r\nSet-Cookie: pin=x; Path=/\r\nConnection: close\r\n\r\n",
    b"5\r\nhello\r\n0\r\n\r\n",
    b'5;a=b; c = "d\\"e" ;f\r\nhello\r\n00\r\nA: b\r\nc:d\r\n\r\nrest',
    b"api.localhost:8080",
    b"a%2d-b_c.x%",
    b"[::1]:80",
    b"\r\nHost: a\r\nHOST: b\r\nHost : c",
)
PIECES = (
    b"\r\n",
    b"\r",
    b"\n",
    b":",
    b" ",
    b"\t",
    b";",
    b'"',
    b"\\",
    b"%4",
    b"a",
    b"\x00",
    b"\xe9",
)


def corpus(size: int) -> list[bytes]:
    """The seeds, and what becomes of them by a few small slips; always the same."""
    chance = random.Random(11)
    found = list(SEEDS)
    while len(found) < size:
        raw = chance.choice(SEEDS)
        for _ in range(chance.choice((1, 1, 2, 4))):
            at = chance.randint(0, len(raw))
            end = at + chance.choice((0, 0, 0, 1, 3))
            raw = raw[:at] + chance.choice((*PIECES, raw[at : at + 9], b"")) + raw[end:]
        found.append(raw)
    return found


def others() -> dict[str, str]:
    """Version to path of the other supported interpreters on this machine."""
    pyenv = Path("~/.pyenv/versions").expanduser()
    folders = [*os.environ.get("PATH", "").split(os.pathsep), "/usr/bin", "/usr/local/bin"]
    tried = [Path(folder, name) for folder in folders for name in ("python3", *NAMES)]
    tried += sorted(pyenv.glob("*/bin/python3"))
    found: dict[str, str] = {}
    for path in dict.fromkeys(map(os.path.realpath, filter(os.path.exists, tried))):
        asked = "import sys; print(sys.version.split()[0], sys.version_info >= (3, 11))"
        done = subprocess.run([path, "-c", asked], capture_output=True, text=True, check=False)
        version, _, supported = done.stdout.strip().partition(" ")
        if supported == "True" and version != sys.version.split()[0]:
            found.setdefault(version, path)
    return found


NAMES = [f"python3.{minor}" for minor in range(11, 20)]


@pytest.mark.programs
def test_all_interpreters_of_this_machine_read_http_alike() -> None:
    found = others()
    if not found:
        pytest.skip("no other Python 3.11 or later is here to compare with")
    raw = corpus(1500)
    here = list(verdicts(raw))
    lines = "\n".join(one.hex() for one in raw)
    for version, path in found.items():
        done = subprocess.run(
            [path, "-m", "tests.http.verdicts"],
            input=lines, capture_output=True, text=True, check=False, cwd=ROOT,
            env={**os.environ, "PYTHONPATH": LIBRARIES},
        )  # fmt: skip
        assert not done.returncode, f"{version}: {done.stderr}"
        for one, ours, theirs in zip(raw, here, done.stdout.splitlines(), strict=True):
            assert theirs == ours, f"{version} reads {one!r} otherwise"


def _repeats_a_group(parsed: object) -> bool:
    """Whether more than one byte or character at a time is repeated possessively."""
    if isinstance(parsed, _parser.SubPattern):
        return any(map(_repeats_a_group, parsed.data))
    if isinstance(parsed, tuple) and parsed and parsed[0] is _constants.POSSESSIVE_REPEAT:
        repeated = parsed[1][2]
        if len(repeated) != 1 or repeated[0][0] not in _ONE_AT_A_TIME:
            return True
    return isinstance(parsed, tuple | list) and any(map(_repeats_a_group, parsed))


_ONE_AT_A_TIME = {
    _constants.LITERAL, _constants.NOT_LITERAL, _constants.IN, _constants.ANY,
}  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "wrong"),
    [
        (r"(?:ab?c)*+", True),
        (r"(?:ab){0,3}+", True),
        (r"x(?:(a|b)++)?", True),
        (r"(a)\1?+", True),
        (r"(?>(?:ab?c)*)", False),
        (r"[ab]*+c?+.{1,3}+", False),
    ],
)
def test_a_possessive_repetition_of_a_group_is_recognised(pattern: str, wrong: bool) -> None:
    assert _repeats_a_group(_parser.parse(pattern)) is wrong


def test_no_compiled_pattern_repeats_a_group_possessively() -> None:
    for name, pattern in patterns().items():
        assert not _repeats_a_group(_parser.parse(pattern.pattern, pattern.flags)), name


def _written() -> Iterator[tuple[str, str | bytes]]:
    """Yield every text of rpx that looks like a pattern, with its place."""
    for path, node in nodes(ast.Constant):
        if isinstance(node.value, str | bytes):
            yield f"{path}:{node.lineno}", node.value


def test_no_text_in_rpx_repeats_a_group_possessively() -> None:
    group = re.compile(r"\)(?:[*+?]|\{[0-9%d,]+\})\+(?!,)")  # `)*+,` are what a URL may have
    for place, text in _written():
        shown = text if isinstance(text, str) else text.decode("latin-1")
        assert not group.search(shown), place
