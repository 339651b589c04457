"""How many examples a property is tried with, by the profile of the run (tests/conftest.py)."""

from __future__ import annotations

from hypothesis import settings


def times(factor: float) -> settings:
    """So many times as many as for other properties: more for what is cheap and has many cases."""
    assert settings.default is not None
    return settings(max_examples=max(1, round(settings.default.max_examples * factor)))
