"""Compose interpolation: `$V ${V} ${V:-d} ${V-d} ${V:?e} ${V?e} $$` in a text.

A value that is put in is not looked at again: a password with a `$` stays what it is. A default is
only evaluated when it is needed, so `${A:-${B:?}}` asks for B only where A is missing. A `$` that
starts none of these forms is a `$`; only `${` must be complete.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

_DOLLAR = re.compile(r"\$(?:(?P<escaped>\$)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<open>\{))")
_INSIDE = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<operator>:?[-?])?")
_BRACES = re.compile(r"\$\$|\$\{|\}")
_DEEPEST = 20

_Unset = Callable[[str], None] | None

FORMS = "$V, ${V}, ${V:-default}, ${V-default}, ${V:?message} and ${V?message}; $$ is a $"


class _Form(NamedTuple):
    name: str
    operator: str = ""
    operand: str = ""


class Uninterpolable(ValueError):
    """A form is malformed, or a variable that must be set is not. `hint` says what to do."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.hint = hint


def interpolate(text: str, variables: Mapping[str, str], unset: _Unset = None) -> str:
    """`text` with its variables put in. `unset` hears of names that became an empty text.

    Raises: Uninterpolable.
    """
    return _interpolate(text, variables, unset, 0)


def _interpolate(text: str, variables: Mapping[str, str], unset: _Unset, depth: int) -> str:
    if depth > _DEEPEST:
        raise Uninterpolable("defaults are nested too deeply", f"at most {_DEEPEST} levels")
    done: list[str] = []
    at = 0
    while found := _DOLLAR.search(text, at):
        done.append(text[at : found.start()])
        at = found.end()
        if found["escaped"]:
            done.append("$")
        elif found["open"]:
            form, at = _braced(text, found.start())
            done.append(_value(form, variables, unset, depth))
        else:
            done.append(_value(_Form(found["name"]), variables, unset, depth))
    return "".join(done) + text[at:]


def _value(form: _Form, variables: Mapping[str, str], unset: _Unset, depth: int) -> str:
    value = variables.get(form.name)
    if value or (value is not None and not form.operator.startswith(":")):
        return value
    instead = _interpolate(form.operand, variables, unset, depth + 1)
    if form.operator.endswith("?"):
        raise Uninterpolable(
            f"`{form.name}` must be set" + (f": {instead}" if instead else ""),
            f"set `{form.name}` in the environment or in the .env beside the file",
        )
    if not form.operator and value is None and unset is not None:
        unset(form.name)
    return instead


def _braced(text: str, start: int) -> tuple[_Form, int]:
    """The `${…}` at `start`, and where the text goes on."""
    end = _closing(text, start + 2)
    inside = _INSIDE.match(text, start + 2, end)
    if inside is None or (not inside["operator"] and inside.end() != end):
        raise Uninterpolable(
            f"`{_clip(text[start : end + 1])}` is not a form that can be filled in",
            f"the forms are {FORMS}",
        )
    return _Form(inside["name"], inside["operator"] or "", text[inside.end() : end]), end + 1


def _closing(text: str, start: int) -> int:
    depth = 1
    for brace in _BRACES.finditer(text, start):
        depth += {"${": 1, "}": -1}.get(brace[0], 0)
        if depth == 0:
            return brace.start()
    raise Uninterpolable(
        f"`{_clip(text[start - 2 :])}` has no closing }}", "add the }, or write $${ for a plain ${"
    )


def _clip(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"
