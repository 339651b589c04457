"""A draft as the text of an rpx.yaml, with each remark beside the service that it is about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import yaml

from rpx.errors import visible
from rpx.moving.draft import Draft, DraftService
from rpx.moving.remarks import Remark

_SHORT = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}
_ESCAPED = re.compile(".", re.DOTALL)
WIDTH = 100  # columns; longer texts stay on their line, as a command line is one


def text_of(draft: Draft, first: tuple[str, ...] = ()) -> str:
    """The file. `first` are lines of comment that come on top, without their `#`."""
    lines = [f"# {line}".rstrip() for line in first]
    remarks = draft.by_service
    lines += _comments(remarks[""], "")
    for word, written in draft.top.items():
        lines += ["", *_setting(word, written, "")]
    proxies = [service for service in draft.services.values() if service.is_proxy]
    if proxies:
        lines += ["", "proxies:"]
        for service in proxies:
            lines += _item(service, remarks.get(service.name, ()))
    processes = [service for service in draft.services.values() if not service.is_proxy]
    if processes:
        lines += ["", "processes:"]
        for service in processes:
            lines += [*_comments(remarks.get(service.name, ()), "  "), f"  {_flow(service.name)}:"]
            for word, written in service.settings.items():
                lines += _setting(word, written, "    ")
    return "\n".join(lines).lstrip("\n") + "\n"


def _item(service: DraftService, remarks: Iterable[Remark]) -> Iterator[str]:
    yield from _comments(remarks, "  ")
    start = "  - "
    for word, written in service.settings.items():
        for line in _setting(word, written, "    "):
            yield start + line[4:]
            start = "    "


def _comments(remarks: Iterable[Remark], indent: str) -> list[str]:
    """What was guessed or lost, or can't be seen: a month later nobody has the report any more."""
    return [
        f"{indent}# {remark.came}: {part}" if number == 0 else f"{indent}#   {part}"
        for remark in remarks
        if remark.kept
        for number, part in enumerate(_lines_of(remark))
    ]


def _lines_of(remark: Remark) -> list[str]:
    text = str(remark).removeprefix(f"{remark.service}: ") if remark.service else str(remark)
    return [visible(line) for line in f"{text} [{remark.origin}]".splitlines()]


def _setting(word: str, written: object, indent: str) -> list[str]:
    """`word: value` on one line where that is short and flat, else as a block."""
    if isinstance(written, str) and "\n" in written.rstrip("\n"):
        return _literal(word, written, indent)
    one = f"{indent}{_flow(word)}: {_flow(written)}"
    short = not written or not isinstance(written, dict | list) or len(one) <= WIDTH
    if short and not _wants_block(written):
        return [one]
    lines = [f"{indent}{_flow(word)}:"]
    if isinstance(written, dict):
        for key, value in written.items():
            lines += _setting(key, value, indent + "  ")
    elif isinstance(written, list):
        for value in written:
            lines += _element(value, indent + "  ")
    return lines


def _wants_block(written: object) -> bool:
    """Whether a mapping or list has more than short flat things."""
    if isinstance(written, dict):
        return len(written) > 3 or any(isinstance(v, dict | list) for v in written.values())
    if isinstance(written, list):
        return any(isinstance(v, dict | list) for v in written)
    return False


def _element(value: object, indent: str) -> Iterator[str]:
    if isinstance(value, dict) and value:
        start = f"{indent}- "
        for word, written in value.items():
            for line in _setting(word, written, indent + "  "):
                yield start + line[len(start) :]
                start = f"{indent}  "
    else:
        yield f"{indent}- {_flow(value)}"


def _literal(word: str, text: str, indent: str) -> list[str]:
    """A text of several lines as `|`, which a reader can change; else in quotes."""
    lines = text.rstrip("\n").split("\n")
    if lines[0].startswith((" ", "\t")) or not text.replace("\n", "").isprintable():
        return [f"{indent}{_flow(word)}: {_flow(text)}"]
    mark = "|" if text.endswith("\n") else "|-"
    body = [f"{indent}  {line}" if line else "" for line in lines]
    return [f"{indent}{_flow(word)}: {mark}", *body]


def _flow(value: object) -> str:
    """A value on one line, in quotes where YAML would read something else."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flow(k)}: {_flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, str) and not value.isprintable():
        return f'"{_ESCAPED.sub(_escape, value)}"'
    # In a list, for there a comma or a bracket needs quotes that it does not need elsewhere.
    text = yaml.safe_dump([value], allow_unicode=True, default_flow_style=True, width=float("inf"))
    return text.rstrip("\n")[1:-1]


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    if character in _SHORT:
        return _SHORT[character]
    return character if character.isprintable() else f"\\U{ord(character):08x}"
