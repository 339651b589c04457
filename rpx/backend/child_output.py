"""Bytes from a child to lines. A child that floods is slowed down, as a terminal would do it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import trio

MAX_LINE = 64 * 1024
MARK = " …".encode()  # at the end of a part whose line goes on
CHUNK = 16 * 1024  # bytes of one child before the others have a turn: 0.1 ms of short lines
AFTER_END = 0.2  # seconds: someone who holds the pipe may outlive everything we can find
SILENCE = 0.2  # seconds after which a line without an end is shown as it is
PIPE_HOLDS = 1024 * 1024  # bytes, the most that Linux lets anyone make of it
# docs/adr/0010: how much of one child is read, counting LINE bytes more for each line, which is
# what prefixes and time stamps make of it. For a second it may be as much again.
RATE = 8 * 1024 * 1024
LINE = 50


class LineSplitter:
    """Sans-IO: feed bytes, get whole lines, each with a newline; how the bytes arrive is no matter.

    A line longer than `limit` comes in parts, all but the last with MARK. A carriage return does
    what it does on a terminal: what follows it takes the place of what was before, so that a
    progress bar is one line, its last state.
    """

    def __init__(self, limit: int = MAX_LINE) -> None:
        self._limit = limit
        self._partial = bytearray()
        self._returned = False  # the last byte was a CR: an end of line, or an overwriting?
        self._overwritten = False  # some of this line has been

    def feed(self, data: bytes) -> bytes:
        """The lines that end in `data`; nothing if none does."""
        if b"\r" in data or len(data) > self._limit:
            return b"".join(self._lines(data))
        begun = data.find(b"\n") + 1 or len(data) if self._partial or self._returned else 0
        end = max(begun, data.rfind(b"\n") + 1)
        first = b"".join(self._lines(data[:begun])) if begun else b""
        self._partial += data[end:]
        return first + data[begun:end]

    @property
    def unfinished(self) -> bytes:
        """What has come of a line that has no end yet. Nothing of one that overwrites itself: a
        progress bar says something new each time.
        """
        return b"" if self._overwritten or self._returned else bytes(self._partial)

    def finish(self) -> bytes:
        """The final line, if it had no newline."""
        return self._line() if self._partial else b""

    def _lines(self, data: bytes) -> Iterator[bytes]:
        *ended, rest = data.split(b"\n")
        for text in ended:
            yield from self._take(text)
            yield self._line()
        yield from self._take(rest)

    def _line(self) -> bytes:
        line = bytes(self._partial)
        self._partial.clear()
        self._returned = self._overwritten = False
        return line + b"\n"

    def _take(self, text: bytes) -> Iterator[bytes]:
        first, *overwriting = text.split(b"\r")
        yield from self._write(first)
        for part in overwriting:
            self._returned = True
            yield from self._write(part)

    def _write(self, part: bytes) -> Iterator[bytes]:
        if not part:
            return
        if self._returned:
            self._partial.clear()
            self._returned, self._overwritten = False, True
        self._partial += part
        while len(self._partial) > self._limit:
            cut = self._whole_character()
            yield bytes(self._partial[:cut]) + MARK + b"\n"
            del self._partial[:cut]

    def _whole_character(self) -> int:
        """The limit, or up to three bytes less so as not to cut a UTF-8 character in two."""
        for cut in range(self._limit, max(self._limit - 4, 0), -1):
            if self._partial[cut] & 0xC0 != 0x80:
                return cut
        return self._limit


class Output(trio.abc.ReceiveStream):
    """What the child prints. Ends at its end of file, or 0.2 s after `end_soon`, data or not."""

    def __init__(self, pipe: trio.abc.ReceiveStream, rest: Callable[[], bytes]) -> None:
        self._pipe = pipe
        self._rest = rest
        self._deadline = math.inf
        self._scope = trio.CancelScope()
        self._reading = False
        self._deserted = trio.Event()  # the reader came to the end, or was cancelled
        self._cut = False

    def end_soon(self) -> None:
        """Nobody should be writing any more: give what is in the pipe, then an end of file."""
        self._deadline = min(self._deadline, trio.current_time() + AFTER_END)
        self._scope.deadline = self._deadline

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        if self._cut:
            await trio.lowlevel.checkpoint()
            return b""
        data: bytes | bytearray = b""
        self._reading = True
        try:
            with trio.CancelScope(deadline=self._deadline) as self._scope:
                data = await self._pipe.receive_some(max_bytes)
            if self._scope.cancelled_caught:
                self._cut = True
                data = self._rest()  # a busy machine may have kept us from looking in time
        except trio.Cancelled:
            self._deserted.set()
            raise
        finally:
            self._reading = False
        if not data:
            self._deserted.set()
        return data

    async def discard(self) -> None:
        """Read to the end so that a child that talks while it stops never waits for a full pipe.

        A task that is reading goes on doing so; only if there is none is the rest thrown away.
        """
        if self._reading:
            await self._deserted.wait()
        while await self.receive_some():
            pass

    async def aclose(self) -> None:
        await self._pipe.aclose()


async def pump(
    stream: trio.abc.ReceiveStream,
    emit: Callable[[bytes], None],
    murmur: Callable[[bytes], None] | None = None,
) -> None:
    """Give all lines of the stream to `emit` until its end, many at a time, each with a newline.

    `emit` cannot make the child wait. What does is a flood: more than RATE is left in the pipe.
    What stands without a newline for SILENCE, as a question does, is told to `murmur`, without one
    and once for each line; it comes to `emit` with the rest of its line.
    """
    splitter = LineSplitter()
    if murmur is None:
        await _pump(stream, emit, splitter, lambda **_: None)
        return
    silence = Silence(splitter, murmur)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(silence.show_unfinished)
        await _pump(stream, emit, splitter, silence.broken)
        nursery.cancel_scope.cancel(reason="the output has ended")


class Silence:
    """Waits until nothing more comes of a line that has begun."""

    def __init__(self, splitter: LineSplitter, murmur: Callable[[bytes], None]) -> None:
        self._splitter = splitter
        self._murmur = murmur
        self._begun = trio.Event()  # there is the beginning of a line
        self._heard = 0  # times that something has come
        self._told = False  # of this line

    def broken(self, *, ended: bool) -> None:
        """Something has come; `ended`: also the end of a line."""
        self._heard += 1
        self._told = self._told and not ended
        if not self._told and self._splitter.unfinished:
            self._begun.set()

    async def show_unfinished(self) -> None:
        """Until cancelled."""
        while True:
            await self._begun.wait()
            heard = self._heard
            await trio.sleep(SILENCE)
            if heard == self._heard:
                self._begun = trio.Event()
                if text := self._splitter.unfinished:
                    self._told = True
                    self._murmur(text)


async def _pump(
    stream: trio.abc.ReceiveStream,
    emit: Callable[[bytes], None],
    splitter: LineSplitter,
    broken: Callable[..., object],
) -> None:
    paid = 0.0  # until when what has been read would have taken at RATE
    try:
        while data := await stream.receive_some(CHUNK):
            text = splitter.feed(bytes(data))
            broken(ended=bool(text))
            if text:
                emit(text)
                now = trio.current_time()
                paid = max(paid, now) + (len(text) + LINE * text.count(b"\n")) / RATE
                if paid > now + 1:
                    await trio.sleep(paid - now - 1)
    finally:  # cancelled or not: what was read is not lost
        if text := splitter.finish():
            emit(text)
