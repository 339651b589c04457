"""YAML as readers of other tools' files want it: each value knows its file and line.

`rpx.config.yaml` reads an rpx.yaml, whose keys it knows and whose variables it fills in. Here
nothing is filled in, and no key is wrong: a value keeps the text that stands in the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from rpx.config.variables.env_files import label_of
from rpx.config.yaml import graph
from rpx.config.yaml.document import Document
from rpx.errors import Exit, RpxError
from rpx.moving.given import text_of_file
from rpx.moving.remarks import Origin

_MOST = 50_000  # values, each time that an alias is used counted: aliases of aliases grow fast
_DEEPEST = 30


@dataclass(slots=True)
class Lined:
    """A value: a text (as it is written, also of numbers), None, a mapping or a list of such.

    `tag` is one of the file's own, as `!reset`, or "". `quoted`: a text can't be anything else.
    """

    value: str | dict[str, Lined] | list[Lined] | None
    origin: Origin
    tag: str = ""
    quoted: bool = False
    keys: dict[str, Origin] = field(default_factory=dict)  # where each key of a mapping stands

    @property
    def text(self) -> str:
        """A text as it is written; "" for what is none."""
        return self.value if isinstance(self.value, str) else ""

    @property
    def mapping(self) -> dict[str, Lined]:
        """The mapping, {} for what is none."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def items(self) -> list[Lined]:
        """The list, [] for what is none."""
        return self.value if isinstance(self.value, list) else []

    @property
    def truth(self) -> bool:
        """Whether it is `true`."""
        return self.text.lower() == "true"

    def get(self, key: str) -> Lined | None:
        """A value of a mapping; None if it isn't there."""
        return self.mapping.get(key)

    def at(self, key: str) -> Origin:
        """Where a key stands, else the mapping."""
        return self.keys.get(key, self.origin)

    def plain(self) -> object:
        """The same without places; numbers and booleans are what YAML reads in them."""
        match self.value:
            case dict():
                return {key: inner.plain() for key, inner in self.value.items()}
            case list():
                return [inner.plain() for inner in self.value]
            case str() if not self.quoted:
                return _typed(self.value)
            case value:
                return value


def _typed(text: str) -> object:
    match graph.type_of(text):
        case graph.BOOL if text.lower() in {"true", "false"}:
            return text.lower() == "true"
        case graph.INT:
            return int(text)
        case graph.FLOAT:
            return float(text)
        case _:
            return text


def read_lined(path: Path) -> Lined:
    """A file in YAML or JSON. Raises: RpxError, ConfigError for what is no YAML."""
    return lined(text_of_file(path), label_of(path))


def lined(text: str, label: str) -> Lined:
    """A text. Raises: ConfigError, RpxError."""
    document = Document(label, graph.LINE_BREAK.split(text))
    root = graph.compose(text, document)
    return Lined(None, Origin(label, 1)) if root is None else _Lines(label).value(root, 0)


class _Lines:
    def __init__(self, label: str) -> None:
        self._label = label
        self._visits = 0

    def value(self, node: Node, depth: int) -> Lined:
        self._count(node, depth)
        tag = node.tag if node.tag.startswith("!") else ""
        origin = self._origin(node)
        match node:
            case MappingNode():
                found = Lined({}, origin, tag)
                for key, inner, where in self._pairs(node, depth):
                    if key not in found.keys:
                        found.keys[key] = where
                        found.mapping[key] = self.value(inner, depth + 1)
                return found
            case SequenceNode():
                return Lined([self.value(item, depth + 1) for item in node.value], origin, tag)
            case ScalarNode() if node.tag == graph.NULL:
                return Lined(None, origin, tag)
            case ScalarNode():
                return Lined(node.value, origin, tag, quoted=bool(node.style))
            case _:  # pragma: no cover  # PyYAML has no fourth kind
                raise AssertionError(node)

    def _pairs(self, node: MappingNode, depth: int) -> Iterator[tuple[str, Node, Origin]]:
        """Its own keys, then those that `<<` brings."""
        self._count(node, depth)
        merged: list[Node] = []
        seen: dict[str, Origin] = {}
        for key, item in node.value:
            if not isinstance(key, ScalarNode):
                raise self._refused(key, "has a key that is not text")
            if key.tag == graph.MERGE:
                merged += item.value if isinstance(item, SequenceNode) else [item]
                continue
            if key.value in seen:
                raise self._refused(
                    key, f"has `{key.value}` twice, first in line {seen[key.value].line}"
                )
            seen[key.value] = self._origin(key)
            yield key.value, item, seen[key.value]
        for item in merged:
            if not isinstance(item, MappingNode):
                raise self._refused(item, "merges what is no mapping")
            yield from self._pairs(item, depth + 1)

    def _count(self, node: Node, depth: int) -> None:
        self._visits += 1
        if self._visits > _MOST:
            raise self._refused(node, f"has more than {_MOST} values, with those of its aliases")
        if depth > _DEEPEST:
            raise self._refused(node, f"is nested more than {_DEEPEST} levels deep")

    def _origin(self, node: Node) -> Origin:
        return Origin(self._label, node.start_mark.line + 1)

    def _refused(self, node: Node, why: str) -> RpxError:
        where = self._origin(node)
        return RpxError(f"{self._label} {why}", where=str(where), exit_code=Exit.USAGE)
