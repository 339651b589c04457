"""Blocks of HPACK, and what must be true of each: hpack and rpx read the same, or neither does."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from hpack import Decoder as OtherDecoder
from hpack.exceptions import HPACKError as OtherError
from hpack.huffman import HuffmanEncoder
from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH
from hypothesis import strategies as st

from rpx.http.hpack import Decoder, Fields, HpackError
from tests.fuzz.messages import Case

MOST = 1 << 16
_coder = HuffmanEncoder(REQUEST_CODES, REQUEST_CODES_LENGTH)
_SIZES = (0, 0, 32, 34, 64, 100, 200, 4095, 4096, 4096, 4097, 2**20)
_NUMBERS = (0, 61, 62, 63, 64, 65, 66, 70, 127, 128, 191, 300, 2**21, 2**28)
_LENGTHS = (0, 0, 1, 1, 2, 3, 5, 8, 20, 126, 127, 128, 140)


def huffman(data: bytes) -> bytes:
    """Encode a string by RFC 7541 §5.2."""
    return bytes(_coder.encode(data))


def blocks(random: Random) -> list[bytes]:
    """Blocks of one connection, each also twice; most of them are as they should be."""
    found: list[bytes] = []
    for _ in range(random.randrange(1, 5)):
        found += [_block(random)] * random.choice((1, 2))
    return found


def _block(random: Random) -> bytes:
    parts = [_resize(random) for _ in range(random.choice((0, 0, 0, 1, 2)))]
    parts += [_field(random) for _ in range(random.randrange(6))]
    wrong = random.randrange(20)
    if wrong == 0:
        parts.append(_resize(random))
    elif wrong == 1:
        parts.append(random.randbytes(random.randrange(1, 6)))
    whole = bytearray(b"".join(parts))
    if wrong == 2 and whole:
        whole[random.randrange(len(whole))] = random.choice((0, 0x7F, 0x80, 0xFF))
    return bytes(whole[: len(whole) - 1 if wrong == 3 else None])


def _resize(random: Random) -> bytes:
    return _integer(random.choice(_SIZES[:-2] if random.random() < 0.9 else _SIZES), 31, 0x20)


def _number(random: Random) -> int:
    chance = random.random()
    if chance < 0.03:
        return random.choice(_NUMBERS)
    return random.randrange(62, 65) if chance < 0.13 else random.randrange(1, 62)


def _field(random: Random) -> bytes:
    most, flags = random.choice(((127, 0x80), (63, 0x40), (63, 0x40), (15, 0), (15, 0x10)))
    if most == 127:
        return _integer(_number(random), most, flags)
    number = 0 if random.random() < 0.5 else _number(random)
    name = b"" if number else _string(random)
    return _integer(number, most, flags) + name + _string(random)


def _string(random: Random) -> bytes:
    data = bytes(random.choices(random.choice((b"abc-123", range(256))), k=random.choice(_LENGTHS)))
    flag = 0
    if random.random() < 0.5:
        data, flag = huffman(data), 0x80
    return _integer(len(data), 127, flag) + data


def _integer(value: int, most: int, flags: int) -> bytes:
    if value < most:
        return bytes((flags | value,))
    out, value = [flags | most], value - most
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes((*out, value))


def _case(seed: int) -> Case:
    found = [block[:255] for block in blocks(Random(seed))]
    return Case(b"".join(bytes((len(each),)) + each for each in found), 0, 0)


def cases() -> st.SearchStrategy[Case]:
    """The blocks of a connection behind each other, each with its length before it."""
    return st.integers(0, 1 << 64).map(_case)


def read_alike(case: Case) -> bool:
    """They are read as hpack reads them; whether all of them were. Raises: AssertionError."""
    found, at = [], 0
    while at < len(case.raw):
        end = at + 1 + case.raw[at]
        found.append(case.raw[at + 1 : end])
        at = end
    return by_both(found) == len(found)


def by_both(sequence: Sequence[bytes]) -> int:
    """Read them with both, and return how many were read. Raises: AssertionError."""
    ours, other = Decoder(MOST), OtherDecoder(MOST)
    for number, block in enumerate(sequence):
        expected = _of_other(other, block)
        try:
            found: Fields | None = ours.decode(block)
        except HpackError:
            found = None
        assert found == expected, f"block {number}, {block.hex()}: {found} instead of {expected}"
        if expected is None:
            return number
        assert list(ours._table) == [tuple(field) for field in other.header_table.dynamic_entries]
    return len(sequence)


def _of_other(decoder: OtherDecoder, block: bytes) -> Fields | None:
    try:
        return tuple((bytes(name), bytes(value)) for name, value in decoder.decode(block, raw=True))
    except OtherError:
        return None
