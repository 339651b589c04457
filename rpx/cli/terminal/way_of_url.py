"""What becomes of a request for a URL, in lines of text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from rpx.cli.terminal.output import detail, fitted
from rpx.cli.typed import typed
from rpx.errors import visible
from rpx.model.url_answer import MayAnswer, PassedBy, UrlWhy

MOST = 5  # routes that were passed by, and backends, which are shown one by one
_HOST = re.compile(r"[^:/]+\.[A-Za-z][^:/.]*(:[0-9]+)?")  # nothing that a service can be called
_PATH = "the path is not "


def is_url(word: str) -> bool:
    """Whether that is a URL, with or without scheme, and not what a backend is called by."""
    if word.startswith(("/", "unix:")):
        return False
    return "/" in word or _HOST.fullmatch(word) is not None


def way_of_url(each: UrlWhy) -> Iterator[str]:
    """First the sentence, then what it stands on."""
    yield from fitted(visible(_here(each.sentence)))
    for what, texts in _details(each):
        for number, text in enumerate(texts):
            yield from detail(what if not number else "", text)
    if each.hint:
        yield visible(f"hint: {typed(_here(each.hint))}")


def _details(each: UrlWhy) -> Iterator[tuple[str, list[str]]]:
    backends = [_backend(backend) for backend in each.backends[:MOST]]
    if len(each.backends) > MOST:
        backends.append(f"and {len(each.backends) - MOST} more: `rpx ps {each.service}`")
    yield "backends", backends
    if each.outcome == "backend" and each.target is not None:
        yield "it sees", [f"{each.method} {each.target}"]
    yield "file", [_here(each.file)] if each.file is not None else []
    passed = [f"route {one.number}, {one.name}: {one.because}" for one in _nearest(each.passed)]
    if len(each.passed) > MOST:
        passed.append(f"and {len(each.passed) - MOST} more")
    yield "not by", passed
    yield "note", list(each.notes)


def _nearest(passed: Sequence[PassedBy]) -> list[PassedBy]:
    """Those that are worth reading, in their order: first those that only something else hinders
    than the path.
    """
    by_worth = sorted(passed, key=lambda each: each.because.startswith(_PATH))
    return sorted(by_worth[:MOST], key=lambda each: each.number)


def _backend(backend: MayAnswer) -> str:
    text = f"{backend.label} {backend.state}"
    if not backend.label.endswith(backend.backend.rpartition(":")[2]):
        text = f"{backend.label} at {backend.backend} {backend.state}"
    if not backend.weight:
        text += ", without turns (weight 0)"
    elif not backend.in_rotation:
        text += f", out of rotation{f': {backend.last_error}' if backend.last_error else ''}"
    return f"{text}, its turn" if backend.next else text


def _here(text: str) -> str:
    """Paths below the working directory as one writes them there."""
    return f" {text}".replace(f" {Path.cwd()}/", " ./")[1:]
