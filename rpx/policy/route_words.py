"""Routes in words, as tables, pages and `rpx why` have them: what they ask for, what they do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from rpx.model.route import Answerer, Conditions, FixedAnswer, Redirect, Route, StaticFiles, ToPool

NOBODY = "nobody answers"


def conditions_beside_the_path(conditions: Conditions) -> str:
    """What a request must be beside its path: `GET, X-Beta: 1, ?v=2`; "" for nothing."""
    return ", ".join(_beside(conditions))


def _beside(conditions: Conditions) -> Iterator[str]:
    if conditions.methods:
        yield " or ".join(conditions.methods)
    for name, value in conditions.headers:
        yield f"{usual_name(name)}: {value}"
    for name, value in conditions.query:
        yield f"?{name}={value}"


def path_change(route: Route | None) -> str:
    """What a route makes of a path: `strip /api`, `rewrite to /v2/$1`; "" for nothing."""
    if route is None or not (route.strip_prefix or route.rewrite):
        return ""
    return f"strip {route.strip_prefix}" if route.strip_prefix else f"rewrite to {route.rewrite}"


def answer_of(answerer: Answerer | None, whom: str) -> str:
    """Who answers, and with what; `whom`: the service that backends belong to."""
    match answerer:
        case None:
            return NOBODY
        case ToPool():
            return f"to {whom}"
        case StaticFiles(folder=folder, spa=spa):
            return f"files in {folder}{', for one page' if spa else ''}"
        case Redirect(to=to, status=status):
            return f"redirect to {to} ({status})"
        case FixedAnswer(status=status):
            return f"answer {status}"
        case _:
            assert_never(answerer)


def does(route: Route | None, answerer: Answerer | None, whom: str) -> str:
    """What becomes of a request: `strip /api, to shop-api`."""
    said = path_change(route), answer_of(answerer, whom)
    return ", ".join(part for part in said if part)


def usual_name(field: str) -> str:
    """The name of a field as it is usually written."""
    return "-".join(part.capitalize() for part in field.split("-"))
