"""In which coding a client would have a body (RFC 9110 §12.5.3)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

# What is looked for beside a file, the better one first: suffix and name of the coding.
STORED: Final = ((b".br", b"br"), (b".gz", b"gzip"))
_MEMBER = re.compile(
    rb"([!#$%&'*+.^_`|~0-9a-z-]++)[ \t]*+(?:;[ \t]*+q=([01](?:\.[0-9]{0,3}+)?))?[ \t]*+"
)


@lru_cache(maxsize=256)
def stored_codings(accepted: bytes) -> tuple[tuple[bytes, bytes], ...]:
    """Those of STORED that an Accept-Encoding with this value takes, the dearest first.

    What is dearer as it is (`identity;q=1, gzip;q=0.5`) is sent as it is.
    """
    found: dict[bytes, float] = {}
    for member in accepted.lower().split(b",")[:50]:
        if match := _MEMBER.fullmatch(member.strip(b" \t")):
            name = b"gzip" if match[1] == b"x-gzip" else match[1]
            found[name] = float(match[2]) if match[2] else 1.0
    least = found.get(b"identity", 0.0)
    others = found.get(b"*", 0.0)
    wanted = [(found.get(name, others), suffix, name) for suffix, name in STORED]
    wanted = [each for each in wanted if each[0] > 0 and each[0] >= least]
    return tuple((suffix, name) for _, suffix, name in sorted(wanted, key=lambda each: -each[0]))
