"""What nginx says of each location, and rpx of the whole project: sizes and times."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rpx.moving.draft import Draft
from rpx.moving.sources.nginx.directives import Directive

_TIMES = {
    "proxy_read_timeout": "answer",
    "proxy_send_timeout": "send",
    "send_timeout": "send",
    "proxy_connect_timeout": "connect",
    "keepalive_timeout": "idle",
    "client_header_timeout": "head",
    "client_body_timeout": "body",
}
_TIME = re.compile(r"(\d+)(ms|s|m|h|d|w|M|y)?")
_SECONDS = {"ms": 0.001, "": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800,
            "M": 2592000, "y": 31536000}  # fmt: skip
_SIZE = re.compile(r"(\d+)([kKmMgG]?)\Z")
_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


def seconds(text: str) -> float | None:
    """A time of nginx's, `1m30s` or `90`, in seconds; None for what is none."""
    found = _TIME.findall(text.replace(" ", ""))
    if not found or "".join(number + unit for number, unit in found) != text.replace(" ", ""):
        return None
    return sum(int(number) * _SECONDS[unit] for number, unit in found)


def duration(amount: float) -> str:
    """Seconds as rpx writes them."""
    return f"{amount:.0f}s" if amount == int(amount) else f"{amount * 1000:.0f}ms"


def put_on_top(draft: Draft, tree: Directive) -> None:
    """Write `limits` and `timeouts`. Where locations differ the largest one counts."""
    _body(draft, [each for each in _all(tree) if each.name == "client_max_body_size"])
    for word in dict.fromkeys(_TIMES.values()):
        found = [each for each in _all(tree) if _TIMES.get(each.name) == word and each.args]
        told = [(amount, each) for each in found if (amount := seconds(each.args[0]))]
        for each in found:
            each.said = True
        if not told:
            continue
        most = max(amount for amount, _ in told)
        draft.top.setdefault("timeouts", {})[word] = duration(most)
        for amount, each in told:
            why = f"is `timeouts: {{{word}: {duration(most)}}}`, for the whole project"
            if amount != most:
                draft.carried("", each.text, f"{why}: the longest one counts", each.origin)
            elif each is next(item for number, item in told if number == most):
                draft.carried("", each.text, why, each.origin)


def _body(draft: Draft, found: list[Directive]) -> None:
    sizes: list[tuple[float, str, Directive]] = []
    for each in found:
        each.said = True
        size = _SIZE.match(each.args[0]) if each.args else None
        if size is None:
            draft.lost("", each.text, "is no size", each.origin)
            continue
        number, unit = int(size[1]), size[2].lower()
        amount = number * _UNITS[unit] if number else float("inf")
        sizes.append((amount, f"{number}{unit}b" if unit else str(number), each))
    if not sizes:
        return
    most, written, _ = max(sizes, key=lambda item: item[0])
    whole = "no limit" if most == float("inf") else f"`limits: {{body: {written}}}`"
    if most != float("inf"):
        draft.top.setdefault("limits", {})["body"] = written if written[-1] == "b" else int(written)
    for amount, _, each in sizes:
        tail = ": the largest one counts" if amount != most else ""
        draft.carried("", each.text, f"is {whole}, for the whole project{tail}", each.origin)


def _all(tree: Directive) -> Iterator[Directive]:
    for each in tree.block:
        if each.name == "server" and not each.block:
            continue
        yield each
        yield from _all(each)
