"""YAML text to PyYAML's graph of nodes, by rules without traps; what is no YAML, in plain words.

An unquoted scalar has the types of YAML 1.2's core schema, plus yes/no/on/off as booleans. YAML
1.1's `3000:3001` (a number in base 60), `0755` (octal) and dates are text: in this file they never
mean a number.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NoReturn

import yaml
from yaml.composer import Composer
from yaml.nodes import Node, ScalarNode
from yaml.parser import Parser
from yaml.reader import Reader, ReaderError
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner

from rpx.config.yaml.document import Document
from rpx.config.yaml.excerpt import Spot

CORE = "tag:yaml.org,2002:"
STR, NULL, BOOL, INT, FLOAT, MERGE = (
    CORE + name for name in ("str", "null", "bool", "int", "float", "merge")
)
FILLED = "rpx:filled"  # a plain scalar with a $: typed once its variables are in

# Blanks that only look like spaces, where only spaces mean something: before or behind a key or a
# dash. They come from web pages and chats.
_FALSE_SPACE = re.compile(
    r"[ \t]*(?:- *)*(?:[\w.\"'-]+ *:)?[ \t]*([\u00a0\u2000-\u200b\u202f\u3000])"
)
_BLOCK = re.compile(r"[|>][-+0-9]*\s*(?:#.*)?\Z")

# What PyYAML counts as the end of a line.
LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


# A part of PyYAML's sentence, what it means here, what to do about it; the first that fits counts.
_OPEN = "close it; inside { } and [ ] a text with { } [ ] or , needs quotes"
_MEANINGS = (
    (
        "scanning an alias",
        "a text that begins with * is an alias to YAML",
        'a wildcard needs quotes: `to: "*.tenant.localhost"`',
    ),
    ("scanning an anchor", "a text that begins with & is an anchor to YAML", "put it in quotes"),
    ("scanning a directive", "a line that begins with % is no setting", "put the text in quotes"),
    ("'\\t'", "a tab stands where only spaces may indent", "indent with spaces"),
    ("a single document", "{label} holds two documents", "keep one; remove the `---`"),
    (
        "mapping values are not allowed",
        "a `:` stands where no setting can begin",
        "line the setting up with its neighbours, or quote a text that contains `: `",
    ),
    (
        "undefined alias",
        "there is no anchor `{it}` for this alias",
        "set the anchor above, as in `x-name: &name`; a text that begins with * needs quotes",
    ),
    ("flow mapping", "this {{ … }} is not complete: {problem}", _OPEN),
    ("flow sequence", "this [ … ] is not complete: {problem}", _OPEN),
    (
        "expected <block end>",
        "this does not fit the indentation of what stands above it",
        "line it up with its neighbours",
    ),
    ("could not find expected ':'", "there is no `:` after this", "write `name: value`"),
    ("unexpected end of stream", "this quote is never closed", "close it"),
    (
        "unknown escape character",
        "YAML knows no escape `\\{it}` in double quotes",
        "use single quotes, where a \\ is a \\",
    ),
    ("cannot start any token", "no text can begin with `{it}`", "put the text in quotes"),
)


class _Resolver(BaseResolver):
    """What an unquoted scalar is."""


for _tag, _pattern, _first in (
    (FILLED, r".*\$.*", None),
    (NULL, r"~|null|Null|NULL|", [*"~nN", ""]),
    (BOOL, r"(?i:yes|no|true|false|on|off)", "yYnNtTfFoO"),
    # At most 18 digits: longer ones are nobody's port, and int() may refuse them.
    (INT, r"[-+]?(?:0|[1-9][0-9]{0,17})", "-+0123456789"),
    (FLOAT, r"[-+]?(?:0|[1-9][0-9]*)?\.[0-9]+(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
    (MERGE, r"<<", "<"),
):
    _Resolver.add_implicit_resolver(_tag, re.compile(rf"(?:{_pattern})\Z", re.DOTALL), _first)


class _Loader(Reader, Scanner, Parser, Composer, _Resolver):
    """PyYAML up to the node graph; yaml_text.py makes values, because it knows where it is."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        _Resolver.__init__(self)

    # Within [ ] and { } PyYAML takes no text that begins with a colon; YAML 1.2 does (7.3.3), and
    # addresses do: `[127.0.0.1, ::1]`.

    def check_value(self) -> bool:
        """Whether the colon here stands between a key and its value."""
        return not self._begins_with_colons() and bool(super().check_value())

    def check_plain(self) -> bool:
        """Whether a text without quotes begins here."""
        return self._begins_with_colons() or bool(super().check_plain())

    def _begins_with_colons(self) -> bool:
        return (
            bool(self.flow_level)
            and self.prefix(2) == "::"
            and self.peek(2) not in "\0 \t\r\n\x85\u2028\u2029,[]{}"
        )


def type_of(text: str) -> str:
    """The tag of an unquoted scalar."""
    tag: str = _Resolver().resolve(ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    return tag


def fail(document: Document, spot: Spot, what: str, hint: str = "") -> NoReturn:
    """There is nothing to look at further."""
    document.spots[()] = spot
    document.report(what, (), hint)
    document.raise_if_wrong()
    raise AssertionError("a problem was reported")


def compose(text: str, document: Document) -> Node | None:
    """The root of the graph; None: there is nothing but comments. Raises: ConfigError."""
    _refuse_false_spaces(text, document)
    try:
        node: Node | None = _Loader(text).get_single_node()
    except ReaderError as error:
        spot = _spot_of(text, error.position)
        name = f"U+{ord(text[error.position]):04X}"
        fail(document, spot, f"YAML does not allow the character {name}", "remove it")
    except yaml.MarkedYAMLError as error:
        # An open bracket or quote is the place to look at, not the end of the file.
        opened = any(word in (error.context or "") for word in ("flow", "quoted", "simple key"))
        marks = (error.context_mark, error.problem_mark)
        mark = (marks[0] or marks[1]) if opened else (marks[1] or marks[0])
        line, column = (mark.line, mark.column) if mark else (0, 0)
        fail(document, Spot(line, column, line, column + 1), *_syntax(error, document.label))
    except RecursionError:
        fail(document, Spot(0, 0, 0, 0), f"{document.label} is nested too deeply")
    return node


def _refuse_false_spaces(text: str, document: Document) -> None:
    """YAML takes them for letters, and what it then says is about another place."""
    block: int | None = None  # how far the line is indented whose block of text goes on
    for number, line in enumerate(LINE_BREAK.split(text)):
        indent = len(line) - len(line.lstrip(" "))
        if block is not None and (indent > block or not line.strip()):
            continue
        block = indent if _BLOCK.search(line) else None
        if found := _FALSE_SPACE.match(line):
            at = found.start(1)
            name = unicodedata.name(found[1]).lower()
            what = f"what looks like a space is a {name} (U+{ord(found[1]):04X})"
            fail(document, Spot(number, at, number, at + 1), what, "type a space in its place")


def _syntax(error: yaml.MarkedYAMLError, label: str) -> tuple[str, str]:
    """What PyYAML's sentence means to somebody who writes a configuration."""
    context, problem = error.context or "", error.problem or ""
    for part, what, hint in _MEANINGS:
        if part in f"{context} {problem}":
            quoted = re.search(r"'(.*)'", problem)
            return what.format(label=label, problem=problem, it=quoted[1] if quoted else ""), hint
    why = f"{context} {problem}".strip()
    return f"{label} is not valid YAML: {why}", "a text with special characters needs quotes"


def spot(node: Node) -> Spot:
    """Where a node stands."""
    begin, end = node.start_mark, node.end_mark
    return Spot(begin.line, begin.column, end.line, end.column)


def _spot_of(text: str, position: int) -> Spot:
    before = LINE_BREAK.split(text[:position])
    line, column = len(before) - 1, len(before[-1])
    return Spot(line, column, line, column + 1)
