"""`healthcheck` of compose as `health_check`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from typing import TypeVar

from rpx.moving.draft import Draft, Written
from rpx.moving.lined import Lined
from rpx.moving.sources.compose.command_text import shell_of_check
from rpx.moving.sources.compose.compose_files import ComposeProject
from rpx.moving.sources.compose.compose_service import ComposeService

T = TypeVar("T")

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_WORDS = {
    "interval": "interval",
    "timeout": "timeout",
    "start_period": "start_period",
    "retries": "unhealthy_threshold",
}
_HERE = r"(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\])"
_URL = re.compile(rf"https?://{_HERE}(?::(?P<port>\d+))?(?P<path>/\S*)?\Z")
# Options of curl and wget that make no other request, and how many words each has behind it.
_HARMLESS = {
    "-f": 0, "--fail": 0, "-s": 0, "--silent": 0, "-S": 0, "--show-error": 0, "-L": 0, "-I": 0,
    "-fs": 0, "-sf": 0, "-fsS": 0, "-sSf": 0, "-fS": 0, "-sS": 0, "-fsSL": 0, "-sfL": 0, "-fL": 0,
    "-o": 1, "--output": 1, "--max-time": 1, "-m": 1, "--connect-timeout": 1, "--retry": 1,
    "-q": 0, "-qO-": 0, "-O": 1, "-O-": 0, "-qO": 1, "--quiet": 0, "--spider": 0, "-nv": 0,
    "--no-verbose": 0, "--tries": 1, "--tries=1": 0, "-t": 1, "-T": 1, "--output-document": 1,
    "-4": 0, "--ipv4": 0, "-k": 0, "--location": 0, "--head": 0,
}  # fmt: skip
_NETCAT = re.compile(rf"nc\s+(?:-\w+\s+)*{_HERE}\s+(\d+)\Z")
_BASH = re.compile(rf"bash -c '\s*:?\s*<\s*/dev/tcp/{_HERE}/(\d+)\s*'\Z")
_FOR_EVER = 3600.0  # seconds: who is given that long to start is never sick before


def duration(text: str) -> str | None:
    """A duration of compose as rpx writes it: `1m30s`; None for what is none."""
    if not text or _DURATION.sub("", text):
        return None
    seconds = _seconds(text)
    if seconds >= 1 and seconds == int(seconds):
        minutes, rest = divmod(int(seconds), 60)
        hours, minutes = divmod(minutes, 60)
        parts = [(hours, "h"), (minutes, "m"), (rest, "s")]
        return "".join(f"{number}{unit}" for number, unit in parts if number)
    return f"{max(1, round(seconds * 1000))}ms" if seconds > 0 else "0s"


def _seconds(text: str) -> float:
    return sum(float(number) * _SECONDS[unit] for number, unit in _DURATION.findall(text))


def health_of(service: ComposeService, project: ComposeProject, draft: Draft) -> Written | bool:
    """What to write for `health_check`; {} for nothing, False for one that is switched off."""
    written = service.get("healthcheck")
    if written is None:
        return {}
    test = written.get("test")
    if project.filled(written.get("disable")).lower() == "true" or _is_none(test):
        return False
    if test is None or not (test.text or test.items):
        why = "the image's own check isn't known to rpx"
        draft.lost(service.new, "healthcheck", why, service.at("healthcheck"))
        return {}
    return _sign(test, service, draft) | _times(written, service, project, draft)


def _times(
    written: Lined, service: ComposeService, project: ComposeProject, draft: Draft
) -> Written:
    found: Written = {}
    for word, value in written.mapping.items():
        if word in {"test", "disable"} or word.startswith("x-"):
            continue
        text = project.filled(value)
        if word not in _WORDS:
            why = "rpx asks every second until it is ready"
            draft.lost(service.new, f"healthcheck.{word}", why, written.at(word))
        elif (how := _how(word, text)) is not None:
            if word != "start_period" or _seconds(text) < _FOR_EVER:
                found[_WORDS[word]] = how
        elif text not in {"0", "0s"}:
            why = f"`{value.text}` is nothing that rpx could take"
            draft.lost(service.new, f"healthcheck.{word}", why, written.at(word))
    return found


def _how(word: str, text: str) -> object:
    """A number of times, or a duration; None for what is none."""
    if word == "retries":
        return max(1, int(text)) if text.isdigit() else None
    time = duration(text)
    return None if time == "0s" else time


def _is_none(test: Lined | None) -> bool:
    return test is not None and [item.text for item in test.items[:1]] == ["NONE"]


def _sign(test: Lined, service: ComposeService, draft: Draft) -> Written:
    """`path`, `tcp` or `command`."""
    if test.items and test.items[0].text == "CMD":
        words = [item.text.replace("$$", "$") for item in test.items[1:]]
        text = shlex.join(words)
    else:
        text = shell_of_check(test.items[1] if len(test.items) > 1 else test)
        words = []
    if path := _same(text, lambda part: _asked_path(part, service)):
        return {"path": path}
    if (port := _same(text, _knocked)) and (port == service.page or port in service.ports):
        return {"tcp": port}
    if service.is_process:
        why = "it is run on this machine now, where its program has to be there"
        draft.guessed(service.new, "healthcheck.test", why, test.origin)
    if words and not any("$" in word for word in words):
        return {"command": words}
    return {"command": text}


def _same(text: str, asked: Callable[[str], T]) -> T | None:
    """What all programs ask for that are tried one after the other: `wget … || curl …`."""
    text = re.sub(r"\s*\|\|\s*exit\s+1\s*\Z", "", text)
    found = {asked(part.strip()) for part in text.split(" || ")}
    return found.pop() if len(found) == 1 else None


def _asked_path(text: str, service: ComposeService) -> str:
    """The path that curl or wget asks the service itself for; "" if it is more than that."""
    text = re.sub(r"\s*>\s*/dev/null(?:\s+2>&1)?\s*\Z", "", text)
    try:
        words = shlex.split(text)
    except ValueError:
        return ""
    if not words or words[0].rpartition("/")[2] not in {"curl", "wget"}:
        return ""
    urls, at = [], 1
    while at < len(words):
        word = words[at]
        name = word.partition("=")[0] if word.startswith("--") else word
        if word.startswith("-"):
            if name not in _HARMLESS:
                return ""
            at += 1 if "=" in word else 1 + _HARMLESS[name]
        else:
            urls.append(word)
            at += 1
    found = _URL.match(urls[0]) if len(urls) == 1 else None
    if found is None or "https:" in text:
        return ""
    port = int(found["port"] or 80)
    first = service.page if service.page is not None else next(iter(service.ports), None)
    return found["path"] or "/" if port == first and "$" not in text else ""


def _knocked(text: str) -> int | None:
    found = _NETCAT.match(text) or _BASH.match(text)
    return int(found[1]) if found else None
