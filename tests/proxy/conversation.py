"""Conversations as data: how the files in `fixtures/wire` are read and played.

A line that begins with `#` begins a conversation and says what is true. Then, as it happens:

    > what the client sends            >> what the origin must see
    < what the client must see         << what the origin sends
    ! something that happens, or must be so (one of the sentences in `Player`)

Lines end with CRLF, except those that end with a backslash. `\\x00`, `\\t`, `\\r`, `\\n` and `\\\\`
are what they are in Python, `{{text*100}}` is `text` a hundred times, `{{forwarded}}` stands for
the lines that rpx adds to requests, `{{date}}` for a Date of today. A blank line ends a step.
"""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import trio

from tests.proxy.house import House, get, until
from tests.support.origin import OK, Origin, answers
from tests.support.raw import SOON, Raw, merged

WIRE = Path(__file__).parents[2] / "fixtures" / "wire"
FORWARDED = (
    "X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\n"
    "X-Forwarded-Host: api.localhost\r\nCDN-Loop: rpx\r\n"
)
TODAY = "\0" * 29
_STEP = re.compile(r"(>>|<<|>|<|!) ?(.*)")
_PAGE = re.compile(r"(?:(\w+) is )?(refused|answered|ends) with ([0-9]+)(, and the end)?")
_ESCAPE = re.compile(r"\\(x[0-9a-f]{2}|[trn\\])")
_REPEAT = re.compile(r"\{\{(.+?)\*([0-9]+)\}\}", re.DOTALL)
_TODAY = re.compile(rb"Date: \w{3}, \d\d \w{3} 20[2-9]\d \d\d:\d\d:\d\d GMT\r\n")
_PLAIN = {"t": "\t", "r": "\r", "n": "\n", "\\": "\\"}


@dataclass
class Conversation:
    """One conversation: its sentence, and the steps as (marker, bytes or sentence)."""

    where: str
    sentence: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    @property
    def size(self) -> int:
        return sum(len(text) for _, text in self.steps)


def conversations() -> Iterator[Conversation]:
    """Yield every conversation of every file."""
    for path in sorted(WIRE.glob("*.http")):
        yield from read(path.stem, path.read_text("utf-8"))


def read(name: str, text: str) -> Iterator[Conversation]:
    """Yield the conversations of one file."""
    found: Conversation | None = None
    goes_on = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("#"):
            if found is not None and found.steps:
                yield found
                found = None
            if found is None:
                found = Conversation(f"{name}:{number}", line[1:].strip())
        elif match := _STEP.fullmatch(line):
            assert found is not None, f"{name}:{number}: no sentence"
            _add(found.steps, match[1], match[2], goes_on=goes_on)
        else:
            assert not line.strip(), f"{name}:{number}: what is this?"
        goes_on = bool(line.strip())
    if found is not None:
        yield found


def _add(steps: list[tuple[str, str]], marker: str, text: str, *, goes_on: bool) -> None:
    if marker == "!":
        steps.append((marker, text))
        return
    text = text.replace("{{forwarded}}", FORWARDED + "\\").replace("{{date}}", TODAY)
    text = text[:-1] if text.endswith("\\") and not text.endswith("\\\\") else text + "\r\n"
    text = _ESCAPE.sub(lambda m: _PLAIN.get(m[1]) or chr(int(m[1][1:], 16)), text)
    text = _REPEAT.sub(lambda m: m[1] * int(m[2]), text)
    if goes_on and steps and steps[-1][0] == marker:
        text = steps.pop()[1] + text
    steps.append((marker, text))


class Player:
    """Plays one conversation, `piece` bytes at a time (0: each step in one go)."""

    def __init__(self, house: House, origin: Origin, client: Raw, piece: int) -> None:
        self.house = house
        self.origin = origin
        self.client = client
        self.backend: Raw | None = None
        self.seen: dict[Raw, tuple[bytes, bytes]] = {}  # by each end: expected so far, and got
        self.piece = piece
        self.over = False
        self.sentences: dict[str, Callable[[], Awaitable[None]]] = {
            "the client closes": self._client_closes,
            "the client sends no more": self._client_half_closes,
            "the client sees the end": self._client_sees_the_end,
            "the client sees a reset": self._client_sees_a_reset,
            "the origin closes": self._origin_closes,
            "the origin sends no more": self._origin_half_closes,
            "the origin resets": self._origin_resets,
            "the origin sees the end": self._origin_sees_the_end,
            "the origin sees that no more comes": self._origin_sees_a_fin,
            "another client": self._another_client,
            "a moment passes": self._a_moment,
            "a new connection": self._new_connection,
            "the origin saw nothing": self._nothing,
        }

    async def play(self, conversation: Conversation) -> None:
        """Play it; afterwards the client must be able to go on, unless it has seen the end."""
        for number, (marker, text) in enumerate(conversation.steps, 1):
            try:
                await self._step(marker, text)
            except (AssertionError, OSError, trio.TooSlowError) as error:
                raise AssertionError(f"step {number}, {marker} {text[:60]!r}: {error!r}") from error
        if not self.over:
            await self._goes_on()

    async def _step(self, marker: str, text: str) -> None:
        data = text.encode("latin-1")
        match marker:
            case ">":
                await self._send(self.client, data)
            case "<<":
                await self._send(await self._current(), data)
            case ">>":
                await self._see(await self._current(), data)
            case "<":
                await self._see(self.client, data)
            case _:
                await self._sentence(text)

    async def _see(self, raw: Raw, data: bytes) -> None:
        """Wait until exactly these bytes have come, behind those that were seen before."""
        expected, before = self.seen.get(raw, (b"", b""))
        want = merged(expected + data)
        got = b""
        try:
            while not (got := _as_comparable(before + raw.buffer)).startswith(want):
                if len(got) > len(want) + 100 or not await raw.more():
                    break
        except trio.TooSlowError:
            pass
        assert got.startswith(want), f"\n  got {got!r}\n not {want!r}"
        all_of_it = merged(_TAGS.sub(b"", before + raw.buffer))
        self.seen[raw] = (expected + data, all_of_it[: len(want)])
        raw.buffer = all_of_it[len(want) :]  # for the next step

    async def _send(self, raw: Raw, data: bytes) -> None:
        """Send; when rpx has had enough before the last piece, the next steps show it."""
        with suppress(ConnectionError):
            if self.piece:
                await raw.send(data[: self.piece], self.piece)
                await self._accepted()
                data = data[self.piece :]
                while data and self._read_at_once(raw, data[: self.piece]):
                    data = data[self.piece :]
            await raw.send(data, self.piece)

    async def _accepted(self) -> None:
        """Let rpx accept who has connected just now, which takes it a few of trio's rounds."""
        for _ in range(10):
            if self.house.shared.sweeper.connections:
                return
            await trio.lowlevel.checkpoint()

    def _read_at_once(self, raw: Raw, piece: bytes) -> bool:
        """Send a piece and have rpx read it by itself, without trio's scheduler, which takes longer
        than all the rest. False if rpx has something to do first for which it is needed.
        """
        shared = self.house.shared
        reactor = shared.reactor
        if reactor._poll is None or reactor._tasks is None or reactor._tasks.child_tasks:
            return False
        if not shared.sweeper.connections:
            return False  # it is yet to be accepted
        try:
            sent = os.write(raw.sock.fileno(), piece)
        except BlockingIOError:
            return False
        except ConnectionResetError:
            raw.end = "reset"
            raise
        assert sent == len(piece)
        reactor._turn(reactor._poll)
        return True

    async def _current(self) -> Raw:
        if self.backend is None:
            self.backend = await self.origin.accept()
        return self.backend

    async def _sentence(self, text: str) -> None:
        if text in self.sentences:
            return await self.sentences[text]()
        match = _PAGE.fullmatch(text)
        assert match is not None, f"what does this mean: {text!r}"
        answer = await self.client.answer(match[1] or "GET")
        assert (answer.status, answer.whole) == (int(match[3]), True), answer
        if match[2] != "answered" or match[4]:
            assert answer.field("connection") == "close"
            await self._client_sees_the_end()
        if match[2] == "refused":
            await self._nothing()
        elif match[2] == "ends":
            await self._nothing_whole()
        return None

    async def _client_closes(self) -> None:
        self.client.close()
        self.over = True

    async def _client_half_closes(self) -> None:
        self.client.half_close()

    async def _client_sees_the_end(self) -> None:
        assert await self.client.ended() == "closed"
        self.over = True

    async def _client_sees_a_reset(self) -> None:
        assert await self.client.ended() == "reset"
        self.over = True

    async def _origin_closes(self) -> None:
        (await self._current()).close()
        self.backend = None

    async def _origin_half_closes(self) -> None:
        (await self._current()).half_close()

    async def _origin_resets(self) -> None:
        (await self._current()).reset()
        self.backend = None

    async def _origin_sees_the_end(self) -> None:
        await (await self._current()).ended()
        self.backend = None

    async def _origin_sees_a_fin(self) -> None:
        assert await (await self._current()).ended() == "closed"

    async def _another_client(self) -> None:
        self.client = await self.house.client()
        self.over = False

    async def _a_moment(self) -> None:
        before = self.house.shared.sweeper.now
        self.house.shared.sweeper.wake()
        await until(lambda: self.house.shared.sweeper.now > before, "the sweeper has not looked")

    async def _new_connection(self) -> None:
        self.backend = None

    async def _nothing(self) -> None:
        assert await self.origin.nobody()
        if self.backend is not None:
            with trio.move_on_after(0):
                assert not await self.backend.more(), self.backend.buffer
            assert not self.backend.buffer

    async def _nothing_whole(self) -> None:
        """If the origin has seen anything, then not the end of the request."""
        if self.backend is not None or not await self.origin.nobody():
            raw = self.backend or self.origin.visits[-1]
            with trio.fail_after(SOON):
                assert await raw.request() is None

    async def _goes_on(self) -> None:
        """The client connection takes another request: nothing was left over on it."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.origin.run, (answers(OK),))
            if self.backend is not None:
                assert not self.backend.buffer
                nursery.start_soon(answers(OK), self.backend)
            await self.client.send(get("/still-there"))
            answer = await self.client.answer()
            nursery.cancel_scope.cancel()
        assert (answer.status, answer.body) == (200, b"ok")


# What rpx adds to each request (test_tags.py), whatever a conversation is about.
_TAGS = re.compile(
    rb"X-Request-Id: [0-9a-f]{8}-[0-9a-f]+\r\ntraceparent: 00-[0-9a-f]{32}-[0-9a-f]{16}-01\r\n"
)


def _as_comparable(data: bytes) -> bytes:
    return merged(_TAGS.sub(b"", _TODAY.sub(b"Date: %b\r\n" % TODAY.encode(), data)))
