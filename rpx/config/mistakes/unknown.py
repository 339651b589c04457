"""What an unknown setting was meant to be, and where that belongs."""

from __future__ import annotations

from collections.abc import Sequence

from rpx.config.mistakes.homes import homes
from rpx.config.mistakes.neighbours import note_on, ours
from rpx.config.settings.places import all_settings, settings_at
from rpx.config.settings.top_level import ONE_PROXY
from rpx.config.yaml.document import LISTED, Document, Steps
from rpx.model.suggest import nearest, snake

_ABBREVIATED = 3  # letters that don't abbreviate a setting yet
_SHORT = 60  # characters of a value that a hint repeats


def meant_by(steps: Steps, document: Document) -> tuple[str | None, str]:
    """The setting beside it that the unknown one at `steps` was meant to be, if any; and a hint.

    A word that another tool has says more than its spelling, and a setting that exists elsewhere
    more than one that is spelt somewhat like it; but one slip is a slip.
    """
    parent, key = steps[:-1], str(steps[-1])
    word = snake(key).replace("-", "_")
    known = known_at(parent, document)
    value = document.value(steps)
    text = value if isinstance(value, str) and len(value) <= _SHORT else "…"
    if note := note_on(word, text, _place(parent)):
        return None, note
    if _place(parent) == "headers" and not isinstance(value, dict):
        return None, (
            f"what backends get is `request: {{set: {{{key}: …}}}}`, what clients get"
            " `response: …`; what a request must have for a route is `headers` of that route"
        )
    if _is_a_level_off(parent, word, document):
        return None, _elsewhere(parent, key, word, document)
    here = next((name for name in ours(word) if name in known), None)
    free = [name for name in known if not document.is_written((*parent, name))]
    slip = nearest(word, free, most=1) or _begun(word, free) or nearest(word, known, most=1)
    if near := here or slip:
        return near, f"did you mean `{near}`?"
    if hint := _elsewhere(parent, key, word, document):
        return None, hint
    if near := nearest(word, known):
        return near, f"did you mean `{near}`?"
    return None, (not parent and _service(key, value)) or LISTED + ", ".join(known)


def _begun(word: str, known: Sequence[str]) -> str | None:
    """The only one of which it may be an abbreviation."""
    found = [name for name in known if len(word) > _ABBREVIATED and name.startswith(word)]
    return found[0] if len(found) == 1 else None


def known_at(steps: Steps, document: Document) -> tuple[str, ...]:
    """What may stand there; settings of a single proxy have no place beside `proxies`."""
    known = settings_at(steps)
    if steps == () and "proxies" in document.values:
        return tuple(name for name in known if name not in ONE_PROXY)
    return known


def _elsewhere(parent: Steps, key: str, word: str, document: Document) -> str:
    """Where it belongs under this name or, translated, under ours."""
    if word in all_settings() and (where := homes(parent, word, document.values)):
        return f"`{key}` belongs {where}{_in_full(parent, word, document)}"
    near = None if word in all_settings() else nearest(word, all_settings(), most=1)
    if near and (where := homes(parent, near, document.values)):
        return f"did you mean `{near}`, which belongs {where}?"
    for name in ours(word):
        if where := homes(parent, name, document.values):
            full = _in_full(parent, name, document)
            return f"`{key}` is `{name}` here, which belongs {where}{full}"
    return ""


def _is_a_level_off(parent: Steps, word: str, document: Document) -> bool:
    """Whether the mapping around the one at `parent` has that setting, or one that stands in it."""
    entry = parent[-2:-1] in {("proxies",), ("from",), ("processes",), ("depends_on",)}
    outer = parent[:-2] if entry else parent[:-1]
    below = [(*parent, name) for name in known_at(parent, document)]
    return (outer != () and word in settings_at(outer)) or any(
        word in settings_at(steps) for steps in below if document.is_written(steps)
    )


def _place(parent: Steps) -> str:
    """The setting whose mapping this is; `` at the top."""
    if parent[-2:-1] == ("depends_on",):
        return "depends_on"
    names = [step for step in parent if isinstance(step, str)]
    if parent[:1] in {("processes",), ("proxies",)} and len(parent) == 2:
        return str(parent[0])
    return names[-1] if names else ""


def _in_full(parent: Steps, setting: str, document: Document) -> str:
    """How a setting of `start` or of `from` is written, where that is only a text so far."""
    for owner, shorthand in (("start", "command"), ("from", "address")):
        value = document.value((*parent, owner))
        if setting in settings_at((*parent, owner)) and isinstance(value, str | int):
            inner = f"{{{shorthand}: {value}, {setting}: …}}"
            return f": `{owner}: {f'[{inner}]' if owner == 'from' else inner}`"
    return ""


def _service(key: str, value: object) -> str:
    """What is at top level under the name of a service belongs a level lower."""
    keys = value.keys() if isinstance(value, dict) else set()
    if keys & {"to", "from"}:
        return f"a proxy is an entry of `proxies`, as `- name: {key}`, and its settings below that"
    if keys & {"command", "cmd", "start"} or (isinstance(value, str) and " " in value.strip()):
        return f"what rpx is to run stands below `processes:`, indented: `{key}: …`"
    return ""
