"""HPACK (RFC 7541): a decoder that remembers what it has read, an encoder that keeps no table.

Clients describe themselves in every request with the same fields, and most of a block are numbers
of them. What the decoder remembers is only what can't mean anything else by now:

- a string in Huffman's code, which means the same always;
- a whole block, as long as the dynamic table stays as it is: the same bytes with the same table
  are the same fields. Every block that touches the table makes it forget all of them.

The encoder begins with saying that its table has no room (§4.2), and never adds to it. So a field's
bytes depend on nothing but the field, and a dict of them is the encoder. That costs some fifty
bytes a head, which between programs on one machine is less than the time a table takes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from functools import lru_cache

from rpx.http.hpack_tables import STATIC
from rpx.http.huffman import BadCode, decode_huffman

Field = tuple[bytes, bytes]
Fields = tuple[Field, ...]

TABLE = 4096  # bytes of the dynamic table before a SETTINGS says otherwise (RFC 9113 §6.5.2)
OVERHEAD = 32  # bytes that a field counts for besides its own (§4.1, and RFC 9113 §6.5.2)

BLOCKS, BLOCK, BLOCK_FIELDS = 16, 512, 32  # remembered: so many, of so many bytes and fields
STRINGS, STRING = 1024, 128  # of so many bytes in Huffman's code
ENCODED, ENCODED_FIELD = 128, 256  # fields, of so many bytes

_FIRST = len(STATIC) + 1  # number of the newest field of the dynamic table
_BY_NUMBER: tuple[Field, ...] = ((b"", b""), *STATIC)  # nothing has the number 0
_NUMBERS = {field: number for number, field in enumerate(STATIC, 1)}
_NAMES = {name: number for number, (name, _) in reversed([*enumerate(STATIC, 1)])}
_remembered_string = lru_cache(STRINGS)(decode_huffman)  # of all connections
_OCTETS = 5  # of an integer behind its first: 35 bits, where nothing here has more than 24


class HpackError(Exception):
    """It can't be decoded, and no later block can: COMPRESSION_ERROR (RFC 9113 §4.3)."""


class TooLarge(HpackError):
    """The fields are more than was announced; no later block can be decoded either."""


class Decoder:
    """Reads the blocks of one connection, each of them, in order.

    After an error it has no use any more: what the table would hold is not known.
    """

    __slots__ = ("_blocks", "_most", "_room", "_size", "_table", "_table_size")

    def __init__(self, most: int, table_size: int = TABLE) -> None:
        """`most`: bytes of a list of fields (SETTINGS_MAX_HEADER_LIST_SIZE)."""
        self._table: deque[Field] = deque()  # the newest first
        self._size = 0  # bytes of it
        self._room = TABLE  # that the other side uses, until it tells another size
        self._table_size = table_size
        self._most = most
        self._blocks: dict[bytes, Fields] = {}

    @property
    def table_size(self) -> int:
        """Bytes of the table at most: the SETTINGS_HEADER_TABLE_SIZE that was acknowledged."""
        return self._table_size

    @table_size.setter
    def table_size(self, value: int) -> None:
        self._table_size = value
        self._blocks.clear()  # the next has to tell the new size if that is smaller

    def decode(self, block: bytes) -> Fields:
        """Return the fields of a block that is whole. Raises: HpackError, TooLarge."""
        found = self._blocks.get(block)
        if found is not None:
            return found
        try:
            return self._decoded(block)
        except IndexError:
            raise HpackError("it ends within a field, or a number means none") from None
        except BadCode as error:
            raise HpackError(str(error)) from None

    def _decoded(self, block: bytes) -> Fields:
        at = self._resized(block)
        same = not at  # the table has stayed as it was
        table, left, end = self._table, self._most, len(block)
        fields: list[Field] = []
        while at < end:
            first = block[at]
            if first >= 128:  # a number (§6.1)
                number, at = (first & 127, at + 1) if first < 255 else _integer(block, at, 127)
                if not number:
                    raise HpackError("nothing has the number 0")
                field = _BY_NUMBER[number] if number < _FIRST else table[number - _FIRST]
            elif first >= 64:  # to be added to the table (§6.2.1)
                field, at = self._literal(block, at, 63)
                self._add(field)
                same = False
            elif first < 32:  # not to be added (§6.2.2, §6.2.3)
                field, at = self._literal(block, at, 15)
            else:
                raise HpackError("a size behind fields")  # §4.2
            left -= len(field[0]) + len(field[1]) + OVERHEAD
            if left < 0:
                raise TooLarge("more than a list of fields may have")
            fields.append(field)
        out = tuple(fields)
        self._remember(block, out, same=same)
        return out

    def _resized(self, block: bytes) -> int:
        """Take the sizes that a block begins with (§6.3), and return where its fields begin."""
        at = 0
        while at < len(block) and block[at] & 0xE0 == 0x20:
            size, at = _integer(block, at, 31)
            if size > self._table_size:
                raise HpackError("a table larger than was announced")
            self._room = size
            self._evict(size)
        if self._room > self._table_size:
            raise HpackError("the table has to become smaller first")  # §4.2
        return at

    def _literal(self, block: bytes, at: int, most: int) -> tuple[Field, int]:
        """Return the field at `at`, and where it ends; `most`: the first octet's bits of a number.

        Raises: HpackError, IndexError.
        """
        number = block[at] & most
        if number == most:
            number, at = _integer(block, at, most)
        else:
            at += 1
        if not number:
            name, at = _string(block, at)
        else:
            name = (_BY_NUMBER[number] if number < _FIRST else self._table[number - _FIRST])[0]
        value, at = _string(block, at)
        return (name, value), at

    def _add(self, field: Field) -> None:
        size = len(field[0]) + len(field[1]) + OVERHEAD
        self._evict(self._room - size)
        if size <= self._room:  # one that is larger leaves the table empty (§4.4)
            self._table.appendleft(field)
            self._size += size

    def _evict(self, most: int) -> None:
        table = self._table
        while table and self._size > most:
            name, value = table.pop()
            self._size -= len(name) + len(value) + OVERHEAD

    def _remember(self, block: bytes, fields: Fields, *, same: bool) -> None:
        blocks = self._blocks
        if not same:
            blocks.clear()
        elif len(block) <= BLOCK and len(fields) <= BLOCK_FIELDS:
            if len(blocks) >= BLOCKS:
                blocks.clear()
            blocks[block] = fields


class Encoder:
    """Writes the blocks of one connection."""

    __slots__ = ("_begun", "_known")

    def __init__(self) -> None:
        self._begun = False
        self._known: dict[Field, bytes] = {}

    def encode(self, fields: Sequence[Field]) -> bytes:
        """Return the block of `fields`, whose names are in lower case, as they are."""
        known = self._known
        return self.join([known.get(field) or self._encoded(field) for field in fields])

    def join(self, encoded: Iterable[bytes]) -> bytes:
        """Return the block of fields of which each has been encoded by itself."""
        block = b"".join(encoded)
        if not self._begun:
            self._begun = True
            return b"\x20" + block  # the table has no room
        return block

    def _encoded(self, field: Field) -> bytes:
        encoded = encode_field(field)
        if len(encoded) <= ENCODED_FIELD:
            if len(self._known) >= ENCODED:
                self._known.clear()
            self._known[field] = encoded
        return encoded


def encode_field(field: Field) -> bytes:
    """Return the bytes of a field.

    Literals are all "never to be indexed" (§6.2.3). A field that came so has to be sent on so, and
    which these were isn't kept; the others are not longer by it.
    """
    name, value = field
    number = _NUMBERS.get(field)
    if number is not None:
        return bytes((128 | number,))
    number = _NAMES.get(name, 0)
    out = _encoded_integer(number, 15, 16)
    if not number:
        out += _encoded_integer(len(name), 127, 0) + name
    return out + _encoded_integer(len(value), 127, 0) + value


def _encoded_integer(value: int, most: int, flags: int) -> bytes:
    """Encode by RFC 7541 §5.1; `most` is all ones in what the first octet has for it."""
    if value < most:
        return bytes((flags | value,))
    out = bytearray((flags | most,))
    value -= most
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def _integer(block: bytes, at: int, most: int) -> tuple[int, int]:
    """Return the integer at `at`, and where it ends (§5.1). Raises: HpackError, IndexError."""
    value = block[at] & most
    at += 1
    if value < most:
        return value, at
    for shift in range(0, 7 * _OCTETS, 7):
        octet = block[at]
        at += 1
        value += (octet & 127) << shift
        if octet < 128:
            return value, at
    raise HpackError("an integer that is too large")


def _string(block: bytes, at: int) -> tuple[bytes, int]:
    """Return the string at `at`, and where it ends (§5.2). Raises: HpackError, IndexError."""
    first = block[at]
    size, at = (first & 127, at + 1) if first & 127 < 127 else _integer(block, at, 127)
    end = at + size
    if end > len(block):
        raise HpackError("a string goes beyond its block")
    data = block[at:end]
    if first < 128:
        return data, end
    return _remembered_string(data) if size <= STRING else decode_huffman(data), end
