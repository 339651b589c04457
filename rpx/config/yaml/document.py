"""A configuration before it is judged: plain values, where each stands, what is wrong so far.

Keys are in their canonical spelling here, so that a path of keys (`Steps`) means the same in the
values, in the marks and in pydantic's errors.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

from rpx.config.yaml.excerpt import Spot, excerpt
from rpx.errors import ConfigError, Problem
from rpx.model.suggest import camel

Steps = tuple[str | int, ...]

_Fault = tuple[str, Steps, str]  # what, where, what to do

_DEEPEST = 20
_NOTHING = object()

_OF_USERS = {("health_check", "headers"), ("respond", "headers"), ("auth", "basic")}

LISTED = "it may have: "  # begins the hint that names all settings of a mapping


class Document:
    """What was written, and the problems found in it. `spots` is empty when it came from Python."""

    def __init__(self, label: str, lines: Sequence[str] = ()) -> None:
        self.label = label
        self.values: dict[str, object] = {}
        self.spots: dict[Steps, Spot] = {}
        self.key_spots: dict[Steps, Spot] = {}
        self.broken: set[Steps] = set()
        self.incomplete: set[Steps] = set()  # entries that are looked at without some settings
        self.meant: set[Steps] = set()  # settings that are there under a wrong name
        self._lines = lines
        self._found: list[tuple[tuple[int, Spot], Problem]] = []

    def where(self, steps: Steps, *, key: bool = False) -> str:
        """`file:line:column` of what stands at `steps` (or of its key); `a.b[0]` without a file."""
        if not self.spots:
            return render(self.written(steps))
        spot = self._spot(steps, key=key)
        return f"{self.label}:{spot.line + 1}:{spot.column + 1}"

    def report(self, what: str, steps: Steps, hint: str = "", *, key: bool = False) -> None:
        """Add a problem at `steps`. The nearest written ancestor is shown where `steps` is not.

        A hint that begins with LISTED is given once: the next problem with the same one refers to
        it.
        """
        spot = self._spot(steps, key=key)
        problem = Problem(what, self.where(steps, key=key), excerpt(self._lines, spot), hint)
        self._found.append(((0, spot), problem))

    def report_broken(self, what: str, steps: Steps, hint: str = "", *, key: bool = False) -> None:
        """Like `report`; whatever else is wrong at `steps` is only a consequence of this."""
        self.broken.add(steps)
        self.report(what, steps, hint, key=key)

    def report_beside(self, problems: Iterable[Problem]) -> None:
        """Add problems of another file, in their order, after those of this one."""
        self._found += [((1, Spot(0, 0, 0, 0)), problem) for problem in problems]

    def written(self, steps: Steps) -> Steps:
        """As far as something stands there: shorthand has fewer steps than what it stands for, and
        one of something that may be a list has no number.
        """
        found: Steps = ()
        for step in steps:
            if self.is_written((*found, step)):
                found = (*found, step)
            elif not isinstance(step, int):
                break
        return found

    def is_written(self, steps: Steps) -> bool:
        """Whether something stands at exactly these steps."""
        return self.value(steps, _NOTHING) is not _NOTHING

    def value(self, steps: Steps, otherwise: object = None) -> object:
        """What stands at exactly these steps."""
        here: object = self.values
        for step in steps:
            match here:
                case dict() if step in here:
                    here = here[step]
                case list() if isinstance(step, int) and step < len(here):
                    here = here[step]
                case _:
                    return otherwise
        return here

    def is_broken(self, steps: Steps) -> bool:
        """Whether a problem at `steps` would only repeat one that was reported as broken."""
        return any(steps[: len(b)] == b or b[: len(steps)] == steps for b in self.broken)

    def raise_if_wrong(self) -> None:
        """Return if nothing was reported. Raises: ConfigError with every problem, by line."""
        if self._found:
            self._found.sort(key=lambda found: found[0])
            problems = dict.fromkeys(problem for _, problem in self._found)
            raise ConfigError(*_lists_once(problems))

    def raise_alone(self, what: str, steps: Steps, hint: str) -> NoReturn:
        """Raises: ConfigError with this one problem, of which all others are consequences."""
        self._found.clear()
        self.report(what, steps, hint, key=True)
        self.raise_if_wrong()
        raise AssertionError("a problem was reported")

    def _spot(self, steps: Steps, *, key: bool) -> Spot:
        for end in range(len(steps), -1, -1):
            here = steps[:end]
            if key and end == len(steps) and here in self.key_spots:
                return self.key_spots[here]
            if here in self.spots:
                return self.spots[here]
        return Spot(0, 0, 0, 0)


def _lists_once(problems: Iterable[Problem]) -> Iterator[Problem]:
    told: set[str] = set()
    for problem in problems:
        if problem.hint in told:
            yield replace(problem, hint="what it may have is listed above")
        else:
            yield problem
        if problem.hint.startswith(LISTED):
            told.add(problem.hint)


def render(steps: Steps) -> str:
    """`proxies[0].from` for ("proxies", 0, "from")."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return text.removeprefix(".")


class Spellings:
    """Which spelling of a key means which setting: `healthCheck` and `health_check` are one.

    `settings` are the canonical names; `names_are_free` tells the mappings whose keys are the
    user's own words (variables, processes, fields of a request).
    """

    def __init__(self, settings: Iterable[str]) -> None:
        self._canonical = {camel(name): name for name in settings} | {"from_": "from"}

    def canonical(self, mapping: Steps, key: str) -> str:
        """The name of `key` in the mapping at `mapping`; unknown keys stay as they are written."""
        return key if names_are_free(mapping) else self._canonical.get(key, key)


def names_are_free(mapping: Steps) -> bool:
    """Whether the keys of this mapping are the user's own words."""
    return (
        mapping == ("processes",)
        or mapping[-1:] == ("depends_on",)
        or mapping[-2:] in _OF_USERS
        or (is_route(mapping[:-1]) and mapping[-1] in {"headers", "query"})
        or is_rule(mapping)
        or ("respond", "json") in pairwise(mapping)
        or is_env(mapping)
    )


def is_route(steps: Steps) -> bool:
    """Whether an entry of `routes` stands here."""
    return steps[-2:-1] == ("routes",) and isinstance(steps[-1], int)


def is_rule(steps: Steps) -> bool:
    """Whether what `headers` sets or adds stands here: names of fields, and their values."""
    return steps[-1:] in {("set",), ("add",)} and steps[-3:-2] == ("headers",)


def is_text(steps: Steps) -> bool:
    """Whether what stands here is a text, whatever it looks like: `1.10`, `0755`, a password."""
    above = steps[:-1]
    return (
        is_env(above)
        or above[-2:] in _OF_USERS
        or (is_route(above[:-1]) and above[-1] in {"headers", "query"})
        or is_rule(above)
        or (is_rule(above[:-1]) and isinstance(steps[-1], int))
        or steps[-2:] == ("respond", "body")
    )


def is_template(steps: Steps) -> bool:
    """Whether a text here has variables of a request's own, or parts of its path."""
    return (
        is_rule(steps[:-1])
        or (is_rule(steps[:-2]) and isinstance(steps[-1], int))
        or (is_route(steps[:-1]) and steps[-1] == "rewrite")
        or steps[-2:] == ("redirect", "to")
        or (steps[-1:] == ("redirect",) and steps[-2:-1] != ("https",))
    )


def is_env(steps: Steps) -> bool:
    """Whether an `env` stands here (and not a process of that name)."""
    return steps[-1:] == ("env",) and steps[:-1] != ("processes",)


def is_ignored(mapping: Steps, key: str) -> bool:
    """`x-…` beside settings is the user's own shelf for anchors."""
    return key.startswith("x-") and not names_are_free(mapping)


def document_from_mapping(
    mapping: Mapping[str, object], spellings: Spellings, label: str
) -> Document:
    """A Document from Python values; mistakes that only Python can make are in its problems."""
    document = Document(label)
    faults: list[_Fault] = []
    document.values = _plain_mapping(mapping, (), spellings, faults)
    for fault in faults:
        document.report_broken(*fault)
    return document


def _plain(value: object, steps: Steps, spellings: Spellings, faults: list[_Fault]) -> object:
    if len(steps) > _DEEPEST:
        faults.append(("this is nested too deeply", steps, f"at most {_DEEPEST} levels"))
        return None
    match value:
        case Mapping():
            return _plain_mapping(value, steps, spellings, faults)
        case list() | tuple():
            return [
                _plain(item, (*steps, index), spellings, faults) for index, item in enumerate(value)
            ]
        case Path():
            return str(value)
        case _:
            return value


def _plain_mapping(
    value: Mapping[Any, object],
    steps: Steps,
    spellings: Spellings,
    faults: list[_Fault],
) -> dict[str, object]:
    plain: dict[str, object] = {}
    spelled: dict[str, str] = {}
    for key, item in value.items():
        if not isinstance(key, str):
            faults.append((f"the key {key!r} is not text", steps, "keys are strings"))
            continue
        if is_ignored(steps, key):
            continue
        name = spellings.canonical(steps, key)
        inner = (*steps, name)
        if name in plain:
            what = f"`{spelled[name]}` and `{key}` are the same setting, given twice"
            faults.append((what, inner, "keep one of them"))
            continue
        spelled[name] = key
        plain[name] = _plain(item, inner, spellings, faults)
    return plain
