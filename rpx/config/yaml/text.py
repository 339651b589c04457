"""YAML text to a Document: values, where each stands, and variables filled in."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from rpx.config.variables.interpolate import Uninterpolable
from rpx.config.yaml import graph
from rpx.config.yaml.document import Document, Spellings, Steps, is_ignored, is_text
from rpx.config.yaml.excerpt import Spot
from rpx.config.yaml.foreign import (
    refuse_broken_procfile,
    refuse_foreign_text,
    refuse_foreign_values,
)
from rpx.config.yaml.graph import fail, spot
from rpx.errors import ConfigError

Fill = Callable[[str, Steps], str]

_TRUE = {"yes", "true", "on"}

_MOST_NODES = 50_000
_DEEPEST = 20


def parse_yaml(
    text: str, label: str, spellings: Spellings, known: Collection[str], fill: Fill
) -> Document:
    """A Document. `fill` interpolates the text at some steps, or raises Uninterpolable.

    `known` are the settings of the top level: a file of another tool has none of them.

    Raises: ConfigError where there is no document to speak of; lesser mistakes are in its problems.
    """
    document = Document(label, graph.LINE_BREAK.split(text))
    refuse_foreign_text(text, document, known)
    try:
        root = graph.compose(text, document)
    except ConfigError:
        refuse_broken_procfile(text, document, known)
        raise
    if root is None:
        fail(document, Spot(0, 0, 0, 0), f"{label} is empty", "begin with `from:` and `to:`")
    document.spots[()] = spot(root)
    if not isinstance(root, MappingNode):
        fail(
            document,
            spot(root),
            f"{label} is not a mapping of settings",
            "begin with a setting, for example `proxies:`",
        )
    document.values = _Walk(document, spellings, fill).mapping(root, ())
    refuse_foreign_values(document)
    return document


class _Walk:
    """One pass over the graph. An anchor's node is visited once for each place that uses it,
    because what is interpolated depends on the place; the number of visits is bounded, or nine
    lines of aliases to aliases would be a billion values.
    """

    def __init__(self, document: Document, spellings: Spellings, fill: Fill) -> None:
        self._document = document
        self._spellings = spellings
        self._fill = fill
        self._visits = 0

    def mapping(self, node: MappingNode, steps: Steps) -> dict[str, object]:
        """The values of a mapping, own keys before merged ones."""
        values: dict[str, object] = {}
        spelled: dict[str, str] = {}
        for key, item, merged in self._pairs(node, steps, 0):
            name = self._spellings.canonical(steps, key.value)
            inner = (*steps, name)
            if name not in values:
                spelled[name] = key.value
                self._document.key_spots[inner] = spot(key)
                values[name] = self._value(item, inner)
            elif not merged:
                self._given_twice(inner, spelled[name], key)
        return values

    def _pairs(
        self, node: MappingNode, steps: Steps, merges_deep: int
    ) -> Iterator[tuple[ScalarNode, Node, bool]]:
        """Keys and values; those that `<<` brings come last and yield to the node's own."""
        self._count(node, len(steps) + merges_deep)
        merges: list[Node] = []
        for key, item in node.value:
            if not isinstance(key, ScalarNode):
                self._document.key_spots[(*steps, "?")] = spot(key)
                hint = "a text that begins with { or [ needs quotes"
                self._document.report_broken("this key is not text", (*steps, "?"), hint, key=True)
            elif key.tag == graph.MERGE:
                self._document.spots[*steps, "<<"] = spot(key)
                merges += item.value if isinstance(item, SequenceNode) else [item]
            elif not is_ignored(steps, key.value):
                yield key, item, merges_deep > 0
        for item in merges:
            if isinstance(item, MappingNode):
                yield from self._pairs(item, steps, merges_deep + 1)
            else:
                hint = "`<<: *name`, where `&name` stands at a mapping"
                self._document.report_broken(
                    "only a mapping can be merged here", (*steps, "<<"), hint
                )

    def _given_twice(self, steps: Steps, spelled: str, key: ScalarNode) -> None:
        first = self._document.where(steps, key=True)
        same = "" if spelled == key.value else f" (as `{spelled}`)"
        self._document.key_spots[steps] = spot(key)
        self._document.report_broken(
            f"`{key.value}` is given twice, first at {first}{same}",
            steps,
            "keep one of them",
            key=True,
        )

    def _value(self, node: Node, steps: Steps) -> object:
        self._count(node, len(steps))
        self._document.spots[steps] = spot(node)
        match node:
            case MappingNode():
                return self.mapping(node, steps)
            case SequenceNode():
                return [self._value(item, (*steps, i)) for i, item in enumerate(node.value)]
            case ScalarNode():
                return self._scalar(node, steps)
            case _:  # pragma: no cover  # PyYAML has no fourth kind
                raise AssertionError(node)

    def _scalar(self, node: ScalarNode, steps: Steps) -> object:
        text: str = node.value
        if "\0" in text:
            self._document.report_broken("a NUL character can stand nowhere", steps, "remove it")
            return text
        verbatim = is_command(steps)
        tag: str = node.tag
        if "$" in text and not verbatim:
            try:
                text = self._fill(text, steps)
            except Uninterpolable as error:
                self._document.report_broken(str(error), steps, error.hint)
                return text
        if tag == graph.FILLED:
            # In a command or a variable `$X` is a text, also where X is empty or a number.
            text_wanted = verbatim or is_text(steps)
            tag = graph.STR if text_wanted else graph.type_of(text)
        if verbatim or is_text(steps):
            return _as_written(text, tag)
        return self._typed(text, tag, steps)

    def _typed(self, text: str, tag: str, steps: Steps) -> object:
        try:
            match tag:
                case graph.NULL:
                    return None
                case graph.BOOL:
                    return text.lower() in _TRUE
                case graph.INT:
                    return int(text)
                case graph.FLOAT:
                    return float(text)
                case _:
                    pass
        except ValueError:
            self._document.report_broken(
                f"`{text}` is not what its tag says", steps, "remove the tag"
            )
            return text
        if tag not in {graph.STR, graph.FILLED, graph.MERGE}:
            name = tag.replace(graph.CORE, "!!")
            self._document.report_broken(f"the tag `{name}` means nothing here", steps, "remove it")
        return text

    def _count(self, node: Node, depth: int) -> None:
        self._visits += 1
        if self._visits > _MOST_NODES:
            what = f"{self._document.label} grows beyond {_MOST_NODES:,} values through its aliases"
            fail(self._document, spot(node), what, "write out what the aliases stand for")
        if depth > _DEEPEST:
            what = "this is nested too deeply; does an alias contain itself?"
            fail(self._document, spot(node), what, f"at most {_DEEPEST} levels")


def is_command(steps: Steps) -> bool:
    """Whether a command stands here, or a word of one: there `$PORT` belongs to the shell.

    A `$` of a regular expression is its own, too.
    """
    if isinstance(steps[-1], int):
        steps = steps[:-1]
    if len(steps) == 2 and steps[0] == "processes":
        return True
    return steps[-1:] in {("command",), ("stop_command",), ("start",)} or steps[-2:] == (
        "ready",
        "log",
    )


def _as_written(text: str, tag: str) -> str | None:
    """The value of a variable or a header, or a word of a command: `1.10`, `0755` and `yes` are no
    numbers and no booleans there (as in compose); only `true` and `null` have one spelling.
    """
    if tag == graph.NULL:
        return None
    return text.lower() if tag == graph.BOOL and text.lower() in {"true", "false"} else text
