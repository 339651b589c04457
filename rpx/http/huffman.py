"""Strings in the Huffman code of RFC 7541 §5.2, decoded by half octets.

The shortest code has five bits, so four of them end at most one, and where one is within a code is
one of 256 places: 4,096 steps are all that there are. (By whole octets it would take two thirds of
the time, and twenty times the memory and the start.)
"""

from __future__ import annotations

from functools import cache

from rpx.http.hpack_tables import EOS, LENGTHS

# For each place within a code, times 16, and the four bits that follow: the next place, times 16,
# and the octet that has ended, if one has.
_Steps = list[tuple[int, bytes]]

_PADDING = 7  # bits: as many as an octet may have over (§5.2)


class BadCode(Exception):
    """It is no string in this code."""


def decode_huffman(data: bytes) -> bytes:
    """Return the string that `data` is the code of. Raises: BadCode."""
    steps, ends = _automaton()
    out: list[bytes] = []
    at = 0
    for octet in data:
        at, ended = steps[at | octet >> 4]
        if ended:
            out.append(ended)
        at, ended = steps[at | octet & 15]
        if ended:
            out.append(ended)
    if at not in ends:
        raise BadCode("it holds EOS, or its last bits are no padding")
    return b"".join(out)


@cache  # it takes two milliseconds, which whoever has no client with HTTP/2 needn't wait for
def _automaton() -> tuple[_Steps, frozenset[int]]:
    """Return all steps, and the places in which a string may end."""
    tree = _tree()
    lost = len(tree)  # after an EOS, which never comes out of it again
    steps: _Steps = []
    for place in range(lost):
        for bits in range(16):
            at, ended = place, b""
            for shift in (3, 2, 1, 0):
                at = tree[at][bits >> shift & 1]
                if at < 0:
                    if ~at == EOS:
                        at = lost
                        break
                    at, ended = 0, b"%c" % ~at
            steps.append((at << 4, ended))
    steps += [(lost << 4, b"")] * 16
    ends = [0]
    for _ in range(_PADDING):  # the beginning of EOS
        ends.append(tree[ends[-1]][1])
    return steps, frozenset(place << 4 for place in ends)


def _tree() -> list[list[int]]:
    """Return where a 0 and a 1 lead from each place: to a place, or to ~ a symbol that ends."""
    tree = [[0, 0]]
    code = length = 0
    for symbol in sorted(range(EOS + 1), key=LENGTHS.__getitem__):
        code <<= LENGTHS[symbol] - length
        length = LENGTHS[symbol]
        at = 0
        for shift in range(length - 1, 0, -1):
            bit = code >> shift & 1
            if not tree[at][bit]:
                tree[at][bit] = len(tree)
                tree.append([0, 0])
            at = tree[at][bit]
        tree[at][code & 1] = ~symbol
        code += 1
    return tree
