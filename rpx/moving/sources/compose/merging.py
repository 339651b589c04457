"""How compose puts one mapping over another (Compose Specification, 13: merge).

Mappings are merged key by key, lists are joined, and `!reset` and `!override` say otherwise.
"""

from __future__ import annotations

from dataclasses import replace

from rpx.moving.lined import Lined

# A later one of these takes the place of the earlier one.
_WHOLE = {"command", "entrypoint", "test"}
# Lists of NAME=value that mean the same as mappings.
_PAIRS = {"environment", "labels", "annotations", "args", "sysctls", "additional_contexts"}
_NAMES = {"depends_on", "networks"}  # lists of names that mean the same as mappings
_BY_PLACE = {"volumes", "configs", "secrets", "devices"}  # a place inside is there once


def merged(base: Lined | None, over: Lined, key: str = "") -> Lined | None:
    """`over` laid over `base`, both the value of `key`. None: it was taken away."""
    if over.tag == "!reset":
        return None
    if over.tag == "!override" or base is None or key in _WHOLE:
        return over
    if key in _PAIRS:
        base, over = pairs(base), pairs(over)
    elif key in _NAMES:
        base, over = named(base), named(over)
    if isinstance(base.value, dict) and isinstance(over.value, dict):
        return _mappings(base, over)
    if isinstance(base.value, list) and isinstance(over.value, list):
        return _lists(base, over, key)
    return base if over.value is None else over


def _mappings(base: Lined, over: Lined) -> Lined:
    found = dict(base.mapping)
    keys = dict(base.keys)
    for key, inner in over.mapping.items():
        value = merged(found.get(key), inner, key)
        if value is None:
            found.pop(key, None)
        else:
            found[key] = value
            keys[key] = over.at(key)
    return replace(over, value=found, keys=keys)


def _lists(base: Lined, over: Lined, key: str) -> Lined:
    if key in _BY_PLACE:
        places = {_place(item) for item in over.items}
        return replace(over, value=[i for i in base.items if _place(i) not in places] + over.items)
    known = [item.plain() for item in base.items]
    return replace(over, value=base.items + [i for i in over.items if i.plain() not in known])


def _place(item: Lined) -> object:
    if target := item.get("target"):
        return target.text
    parts = item.text.split(":")
    return parts[1] if len(parts) > 1 else item.text or id(item)


def pairs(written: Lined) -> Lined:
    """A list of `NAME=value` as a mapping; one without a value has None."""
    if not isinstance(written.value, list):
        return written
    found = replace(written, value={}, keys={})
    for item in written.items:
        name, equals, value = item.text.partition("=")
        found.mapping[name] = replace(item, value=value if equals else None, quoted=True)
        found.keys[name] = item.origin
    return found


def named(written: Lined) -> Lined:
    """A list of names as a mapping to nothing."""
    if not isinstance(written.value, list):
        return written
    found = replace(written, value={}, keys={})
    for item in written.items:
        found.mapping[item.text] = replace(item, value=None)
        found.keys[item.text] = item.origin
    return found
