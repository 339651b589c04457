"""Lines out of bytes: whole, bounded, in order, and nobody waits."""

from __future__ import annotations

import time
from functools import partial

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from rpx.backend.child_output import CHUNK, LINE, MARK, RATE, LineSplitter, Output, pump

terminalish = st.lists(
    st.sampled_from([b"\r", b"\n", b"\r\n", b"a", b"bc", "é€😀".encode(), b"\xff", b"\x1b[31m"])
).map(b"".join)


def lines_of(*chunks: bytes, limit: int = 64 * 1024) -> list[bytes]:
    splitter = LineSplitter(limit)
    text = b"".join(splitter.feed(chunk) for chunk in chunks) + splitter.finish()
    assert not text or text.endswith(b"\n")
    return text.split(b"\n")[:-1]


# ---------------------------------------------------------------- lines


@given(terminalish | st.binary(), st.lists(st.integers(1, 9)), st.integers(1, 40))
def test_lines_do_not_depend_on_how_the_bytes_arrive(
    data: bytes, cuts: list[int], limit: int
) -> None:
    chunks, rest = [], data
    for cut in cuts:
        chunks.append(rest[:cut])
        rest = rest[cut:]
    assert lines_of(*chunks, rest, limit=limit) == lines_of(data, limit=limit)


@given(st.binary().map(lambda data: data.replace(b"\r", b"")), st.integers(1, 40))
def test_every_byte_survives_and_no_line_is_too_long(data: bytes, limit: int) -> None:
    got = lines_of(data, limit=limit)
    assert all(len(line) <= limit + len(MARK) for line in got)
    whole = b"\n".join(got).replace(MARK + b"\n", b"")
    if MARK not in data:
        assert whole == data.removesuffix(b"\n")


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), min_size=1))
def test_a_split_cuts_no_character_in_two(text: str) -> None:
    for piece in lines_of(text.encode(), limit=4):
        piece.decode()  # does not raise


def test_a_final_line_without_newline_is_given() -> None:
    assert lines_of(b"one\ntwo") == [b"one", b"two"]


def test_empty_lines_are_lines() -> None:
    assert lines_of(b"\n\na\n\n") == [b"", b"", b"a", b""]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"dos\r\nunix\n", [b"dos", b"unix"]),
        (b"twice\r\r\n", [b"twice"]),
        (b"10%\r20%\r100%\n", [b"100%"]),
        (b"\r10%\r20%", [b"20%"]),
        (b"done\r", [b"done"]),
    ],
)
def test_a_carriage_return_does_what_a_terminal_does(data: bytes, expected: list[bytes]) -> None:
    assert lines_of(data) == expected


def test_a_megabyte_without_newline_comes_in_marked_pieces() -> None:
    got = lines_of(b"x" * 2**20 + b"\n")
    assert len(got) == 16
    assert all(line.endswith(MARK) for line in got[:-1])
    assert sum(len(line.removesuffix(MARK)) for line in got) == 2**20


def test_a_line_of_exactly_the_limit_is_not_split() -> None:
    assert lines_of(b"abcd\nabcde\n", limit=4) == [b"abcd", b"abcd" + MARK, b"e"]


def test_a_progress_bar_that_never_ends_a_line_is_not_hoarded() -> None:
    splitter = LineSplitter()
    for _ in range(10_000):
        assert splitter.feed(b"\r[=====>    ] 50%") == b""
    assert len(splitter._partial) < 100


def test_chopped_input_takes_linear_time() -> None:
    """A quadratic splitter needs a minute for this."""
    splitter, chunk = LineSplitter(2**30), b"x" * 10
    started = time.process_time()
    for _ in range(400_000):
        assert not splitter.feed(chunk)
    assert time.process_time() - started < 8


# ---------------------------------------------------------------- the pump


class Flood(trio.abc.ReceiveStream):
    """A child that prints faster than anyone can read."""

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        await trio.lowlevel.checkpoint()
        return b"y\n" * ((max_bytes or 2**20) // 2)

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()


async def test_a_flood_leaves_everybody_else_their_turn() -> None:
    lines, turns = 0, 0

    def emit(text: bytes) -> None:
        nonlocal lines
        lines += text.count(b"\n")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(pump, Flood(), emit)
        while lines < 10 * CHUNK:
            await trio.lowlevel.checkpoint()
            turns += 1
        nursery.cancel_scope.cancel()
    assert turns >= 20  # one for each chunk, which holds half as many lines as bytes


async def test_a_cancelled_pump_hands_over_what_it_has_read() -> None:
    feed, stream = trio.testing.memory_stream_one_way_pair()
    got: list[bytes] = []
    with trio.move_on_after(0.01):
        await feed.send_all(b"whole\nhalf")
        await pump(stream, got.append)
    assert got == [b"whole\n", b"half\n"]


@pytest.mark.parametrize("line", [b"y\n", b"x" * 999 + b"\n"])
async def test_a_flood_is_left_in_the_pipe_beyond_what_is_read_of_one_child(
    line: bytes, autojump_clock: trio.testing.MockClock
) -> None:
    got = lines = 0

    class Flood(trio.abc.ReceiveStream):
        async def receive_some(self, max_bytes: int | None = None) -> bytes:
            await trio.lowlevel.checkpoint()
            return line * ((max_bytes or 0) // len(line))

        async def aclose(self) -> None:
            await trio.lowlevel.checkpoint()

    def emit(text: bytes) -> None:
        nonlocal got, lines
        got += len(text)
        lines += text.count(b"\n")

    with trio.move_on_after(9):
        await pump(Flood(), emit)
    assert 0.99 < (got + LINE * lines) / RATE / 10 < 1.01  # what one second may have more


async def test_who_prints_less_than_that_waits_for_nobody(
    autojump_clock: trio.testing.MockClock,
) -> None:
    feed, stream = trio.testing.memory_stream_one_way_pair()
    await feed.send_all(b"x" * (RATE // 2) + b"\n")
    await feed.aclose()
    await pump(stream, lambda text: None)
    assert trio.current_time() == 0


# ---------------------------------------------------------------- the end of the output


async def test_output_that_nobody_closes_ends_soon(autojump_clock: trio.testing.MockClock) -> None:
    feed, pipe = trio.testing.memory_stream_one_way_pair()
    output, got = Output(pipe, lambda: b""), list[bytes]()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(pump, output, got.append)
        await feed.send_all(b"last words")
        await trio.sleep(5)
        output.end_soon()
    assert got == [b"last words\n"]
    assert trio.current_time() < 5.3


async def test_an_orphan_that_goes_on_printing_is_cut_off(
    autojump_clock: trio.testing.MockClock,
) -> None:
    feed, pipe = trio.testing.memory_stream_one_way_pair()
    output, got = Output(pipe, lambda: b"in the pipe\n"), list[bytes]()

    async def orphan() -> None:
        while True:
            await feed.send_all(b"still here\n")
            await trio.sleep(0.03)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(orphan)
        output.end_soon()
        await pump(output, got.append)
        nursery.cancel_scope.cancel()
    assert trio.current_time() < 0.3
    assert got[-1] == b"in the pipe\n"


async def test_the_rest_is_thrown_away_only_if_nobody_reads(
    autojump_clock: trio.testing.MockClock,
) -> None:
    feed, pipe = trio.testing.memory_stream_one_way_pair()
    output, got = Output(pipe, lambda: b""), list[bytes]()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(pump, output, got.append)
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(output.discard)
        await trio.testing.wait_all_tasks_blocked()
        await feed.send_all(b"read\n")
        output.end_soon()
    assert got == [b"read\n"]


async def test_a_cancelled_reader_is_followed_by_one_who_throws_away(
    autojump_clock: trio.testing.MockClock,
) -> None:
    feed, pipe = trio.testing.memory_stream_one_way_pair()
    output = Output(pipe, lambda: b"")
    async with trio.open_nursery() as nursery:
        with trio.move_on_after(1):
            nursery.start_soon(output.discard)
            await pump(output, lambda line: None)
        await feed.send_all(b"x" * 2**20)
        output.end_soon()
    assert await output.receive_some() == b""


# ---------------------------------------------------------------- lines without an end


async def test_a_line_without_an_end_is_told_of_after_a_little_silence(
    nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    feed, stream = trio.testing.memory_stream_one_way_pair()
    lines: list[bytes] = []
    begun: list[tuple[float, bytes]] = []
    start = trio.current_time()
    tell = partial(pump, stream, lines.append, lambda text: begun.append(
        (round(trio.current_time() - start, 3), text)
    ))  # fmt: skip
    nursery.start_soon(tell)
    await feed.send_all(b"first\nOverwrite? ")
    await trio.sleep(0.1)
    await feed.send_all(b"[y/N] ")
    await trio.sleep(1)
    assert begun == [(0.4, b"Overwrite? [y/N] ")]
    assert lines == [b"first\n"]
    await feed.send_all(b"no")
    await trio.sleep(1)
    await feed.send_all(b"\nnext ")
    await trio.sleep(1)
    assert begun[1:] == [(2.3, b"next ")]  # of each line once
    assert lines == [b"first\n", b"Overwrite? [y/N] no\n"]
    await feed.aclose()
    await trio.sleep(1)
    assert lines[-1] == b"next \n"


async def test_a_progress_bar_is_told_of_when_it_has_come_to_its_end(
    nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    feed, stream = trio.testing.memory_stream_one_way_pair()
    lines: list[bytes] = []
    begun: list[bytes] = []
    nursery.start_soon(pump, stream, lines.append, begun.append)
    for percent in (10, 50, 90):
        await feed.send_all(b"\r%d %%" % percent)
        await trio.sleep(1)
    await feed.send_all(b"\rdone\n")
    await trio.sleep(1)
    assert (begun, lines) == ([], [b"done\n"])
