"""HPACK: what is read is what was meant, and what isn't as RFC 7541 says is refused."""

from __future__ import annotations

import sys
from collections.abc import Callable
from random import Random
from time import thread_time

import pytest
from hpack import Decoder as OtherDecoder
from hpack import Encoder as OtherEncoder
from hpack.exceptions import HPACKDecodingError
from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH
from hpack.table import HeaderTable

from rpx.http import hpack
from rpx.http.hpack import Decoder, Encoder, HpackError, TooLarge
from rpx.http.hpack_tables import LENGTHS, STATIC
from rpx.http.huffman import BadCode, decode_huffman
from tests.fuzz.hpack_blocks import blocks, by_both, huffman
from tests.http.hpack_vectors import EXAMPLES, MALFORMED

WIDE = 1 << 20
Field = tuple[bytes, bytes]


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    hpack._remembered_string.cache_clear()


def test_the_tables_are_those_of_the_rfc() -> None:
    assert HeaderTable.STATIC_TABLE == STATIC
    assert tuple(REQUEST_CODES_LENGTH) == LENGTHS
    codes, code, length = {}, 0, 0
    for symbol in sorted(range(257), key=LENGTHS.__getitem__):
        code = code << LENGTHS[symbol] - length
        length = LENGTHS[symbol]
        codes[symbol] = code
        code += 1
    assert [codes[symbol] for symbol in range(257)] == list(REQUEST_CODES)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example[0])
def test_the_examples_of_the_rfc_are_read(
    example: tuple[str, int, list[tuple[str, list[Field], list[Field]]]],
) -> None:
    _, size, messages = example
    decoder = Decoder(WIDE, size)
    if size == 256:
        decoder.decode(bytes.fromhex("3fe101"))  # which the examples take as agreed on
    for wire, fields, table in messages:
        assert decoder.decode(bytes.fromhex(wire)) == tuple(fields)
        assert list(decoder._table) == table
        assert decoder._size == sum(len(name) + len(value) + 32 for name, value in table)


@pytest.mark.parametrize(("what", "wire"), MALFORMED, ids=[what for what, _ in MALFORMED])
def test_what_is_no_block_is_refused(what: str, wire: str) -> None:
    block = bytes.fromhex(wire)
    with pytest.raises(HpackError) as refused:
        Decoder(WIDE).decode(block)
    assert not isinstance(refused.value, TooLarge)
    fresh = Decoder(WIDE)
    fresh.decode(b"\x40\x01a\x01b\xbe")  # a field in the table makes no difference
    with pytest.raises(HpackError):
        fresh.decode(block)
    with pytest.raises(HpackError):
        Decoder(WIDE).decode(b"\x82" + block)


def test_a_block_that_ends_within_a_field_is_refused_wherever_it_is_cut() -> None:
    name = huffman(b"custom-key\x00")
    field = b"\x40" + bytes((0x80 | len(name),)) + name + b"\x7f\x81\x01" + b"v" * 256
    assert Decoder(WIDE).decode(field) == ((b"custom-key\x00", b"v" * 256),)
    for cut in range(1, len(field)):
        with pytest.raises(HpackError):
            Decoder(WIDE).decode(field[:cut])


def test_a_table_that_was_lowered_has_to_be_told_before_anything_else() -> None:
    decoder = Decoder(WIDE)
    decoder.decode(b"\x40\x01a\x01b")
    assert decoder.decode(b"\xbe") == ((b"a", b"b"),)
    decoder.table_size = 100
    for block in (b"\xbe", b"\x82", b"", b"\x3f\x46\x82"):  # 0x3f46 is 101
        with pytest.raises(HpackError):
            decoder.decode(block)
    assert decoder.decode(b"\x3f\x45\xbe") == ((b"a", b"b"),)
    assert decoder.decode(b"\x20\x3f\x45\x82") == ((b":method", b"GET"),)  # the least and the last
    with pytest.raises(HpackError):
        decoder.decode(b"\xbe")
    assert decoder.table_size == 100


def test_a_table_smaller_than_the_usual_one_has_to_be_told_first() -> None:
    with pytest.raises(HpackError):
        Decoder(WIDE, 0).decode(b"\x82")
    assert Decoder(WIDE, 0).decode(b"\x20\x82\x40\x01a\x01b\x82")[1] == (b"a", b"b")


def test_any_block_is_read_as_hpack_reads_it() -> None:
    read = 0
    for seed in range(400):
        read += by_both(blocks(Random(seed)))
    assert read > 600  # most of them


def test_strings_in_huffmans_code_are_read_as_hpack_reads_them() -> None:
    random = Random(2)
    right = 0
    for size in [*range(40)] * 20:
        data = random.randbytes(size)
        assert decode_huffman(huffman(data)) == data
        data = bytes(random.choices(b"\xff\xff\xfe\x1f\x00abcdef", k=size))
        block = b"\x00\x01a" + bytes((0x80 | len(data),)) + data
        try:
            ((_, expected),) = OtherDecoder().decode(block, raw=True)
        except HPACKDecodingError:
            with pytest.raises(BadCode):
                decode_huffman(data)
        else:
            right += 1
            assert decode_huffman(data) == expected
    assert right > 50


def test_what_is_written_is_read_again_by_us_and_by_others() -> None:
    random = Random(1)
    lengths = (0, 1, 5, 126, 127, 128, 254, 255, 300)

    def field() -> Field:
        if random.random() < 0.4:
            return random.choice(STATIC)
        name = random.choice((random.choice(STATIC)[0], random.randbytes(random.choice(lengths))))
        return name, random.randbytes(random.choice(lengths))

    for _ in range(20):
        encoder, ours, others = Encoder(), Decoder(WIDE), OtherDecoder(WIDE)
        for _ in range(5):
            fields = [field() for _ in range(8)]
            block = encoder.encode(fields)
            assert ours.decode(block) == tuple(fields)
            assert [tuple(each) for each in others.decode(block, raw=True)] == fields
            assert not ours._table


def test_an_encoder_that_keeps_no_table_obeys_whatever_the_other_side_lowers() -> None:
    encoder, decoder = Encoder(), Decoder(WIDE)
    decoder.decode(encoder.encode([(b"a", b"b")]))
    decoder.table_size = 0
    assert decoder.decode(encoder.encode([(b"a", b"b")])) == ((b"a", b"b"),)
    another = Decoder(WIDE)
    another.table_size = 0
    with pytest.raises(HpackError):  # one that hasn't been told
        another.decode(OtherEncoder().encode([(b"a", b"b")]))


def test_no_literal_may_be_remembered_on_its_way() -> None:
    block = Encoder().encode([(b":status", b"200"), (b"cookie", b"a"), (b"x-key", b"b")])
    assert block == b"\x20\x88\x1f\x11\x01a\x10\x05x-key\x01b"


def test_what_is_remembered_of_one_connection_is_bounded() -> None:
    decoder = Decoder(WIDE)
    for number in range(1000):
        decoder.decode(b"\x00\x03%03d\x00" % number)
        decoder.decode(b"\x00\x7f\xe9\x02%0488d\x00" % number)  # 494 bytes
        decoder.decode(b"\x82" * 31 + b"\x00\x03%03d\x00" % number)
    assert len(decoder._blocks) <= hpack.BLOCKS
    assert sum(map(sys.getsizeof, decoder._blocks)) < 16 * 600
    decoder.decode(b"\x20")
    assert not decoder._blocks
    decoder.decode(b"\x82" * 33)
    decoder.decode(b"\x00\x01a\x7f\x81\x03" + bytes(512))
    assert not decoder._blocks


def test_fields_that_are_remembered_for_writing_them_are_bounded() -> None:
    encoder = Encoder()
    encoder.encode([(b"a" * 125, b"b" * 125)])  # 255 bytes
    assert len(encoder._known) == 1
    for number in range(1000):
        encoder.encode([(b"a", b"b" * 256), (b"a" * 256, b"b"), (b"date", b"%d" % number)])
        assert len(encoder._known) <= hpack.ENCODED
    assert max(map(len, encoder._known.values())) < 20


def test_strings_that_are_remembered_for_all_connections_are_bounded() -> None:
    decoder, info = Decoder(WIDE), hpack._remembered_string.cache_info
    for _ in range(2):
        decoder.decode(b"\x00\x01a\xff\x01" + huffman(b"0" * 204) + b"\x40\x01a\x01b")  # 128
        decoder.decode(b"\x00\x01a\xff\x02" + huffman(b"0" * 206) + b"\x40\x01a\x01b")  # 129
    assert (info().hits, info().misses, info().maxsize) == (1, 1, hpack.STRINGS)


def test_a_block_is_remembered_only_until_the_table_changes() -> None:
    decoder = Decoder(WIDE)
    decoder.decode(b"\x40\x01a\x01b")
    assert decoder.decode(b"\xbe") is decoder.decode(b"\xbe") == ((b"a", b"b"),)
    decoder.decode(b"\x40\x01c\x01d")
    assert decoder.decode(b"\xbe") == ((b"c", b"d"),)
    decoder.decode(b"\x20")
    with pytest.raises(HpackError):
        decoder.decode(b"\xbe")


def test_a_list_of_fields_beyond_its_bound_is_too_large_and_one_within_it_is_not() -> None:
    assert len(Decoder(42).decode(b"\x82")) == 1  # :method GET
    for most, block in ((41, b"\x82"), (83, b"\x82\x82"), (34, b"\x00\x01a\x02bc")):
        with pytest.raises(TooLarge):
            Decoder(most).decode(block)
    assert len(Decoder(35).decode(b"\x00\x01a\x02bc")) == 1


def test_a_bomb_is_given_up_where_the_list_is_too_large() -> None:
    bomb = b"\x40\x01x\x7f\xa1\x1e" + b"x" * 4000 + b"\xbe" * 100_000  # 400 MB in 104 KB
    decoder = Decoder(65536)
    with pytest.raises(TooLarge):
        decoder.decode(bomb)
    assert len(decoder._table) == 1


HURTING: list[tuple[str, Callable[[int], bytes]]] = [
    ("the same number", lambda n: b"\x82" * n),
    ("small literals", lambda n: b"\x00\x01a\x01b" * (n // 5)),
    ("fields that push out others", lambda n: b"\x40\x01a\x01b" * (n // 5)),
    ("the oldest field of a full table", lambda n: b"\x40\x00\x00" * 128 + b"\xff\x3e" * (n // 2)),
    ("one long string", lambda n: b"\x00\x01a\x7f" + length(n) + bytes(n)),
    ("one long string in code", lambda n: b"\x00\x01a\xff" + length(n) + bytes(n)),
    ("many strings in code", lambda n: b"\x00\x81\x1f\x81\x1f" * (n // 5)),
    ("sizes", lambda n: b"\x20" * n),
    ("sizes that empty a table", lambda n: b"\x20\x3f\xe1\x1f" * (n // 4)),
]


def length(size: int) -> bytes:
    """The rest of a length of `size` bytes, whose first octet is all ones."""
    out, size = bytearray(), size - 127
    while size > 127:
        out.append(size & 127 | 128)
        size >>= 7
    return bytes((*out, size))


@pytest.mark.parametrize(("what", "block"), HURTING, ids=[what for what, _ in HURTING])
def test_time_grows_with_the_block_and_not_faster(what: str, block: Callable[[int], bytes]) -> None:
    def least(size: int) -> float:
        raw, times = block(size), []
        for _ in range(3):
            decoder = Decoder(1 << 40)
            began = thread_time()
            decoder.decode(raw)
            times.append(thread_time() - began)
        return min(times)

    assert least(40_000) < 8 * 4 * least(5_000) + 0.005
