"""How much room text takes on a terminal."""

from __future__ import annotations

import re
from typing import Final

# What is one column each on every terminal. For what is more, wcwidth has tables, which take a
# tenth of a second to load.
_PLAIN: Final = re.compile("[ -~\xa0-\u02ff\u2010-\u2027\u2190-\u2193\u2500-\u259f]*")


def breadth(text: str) -> int:
    """Return how many columns a text takes: two for a wide character, none for an accent.

    An emoji of several characters is as wide as it is drawn. Control characters take no room.
    """
    if _PLAIN.fullmatch(text):
        return len(text)
    from wcwidth import wcswidth, wcwidth  # noqa: PLC0415 - only where it is needed

    columns = wcswidth(text)
    return columns if columns >= 0 else sum(max(wcwidth(each), 0) for each in text)
