"""An entry of `routes`: which requests it takes, what is done to them, who answers.

Raises: PydanticCustomError, as values.py says.
"""

from __future__ import annotations

import re
from typing import Any

from pydantic import StrictBool, model_validator

from rpx.config.settings.backends import SourcesWritten
from rpx.config.settings.depends import DependsOn
from rpx.config.settings.host_names import LONGEST
from rpx.config.settings.on_the_way import TreatmentWritten
from rpx.config.settings.pool_settings import PoolWritten
from rpx.config.settings.route_conditions import Methods, Paths, Query, RouteHeaders
from rpx.config.settings.route_templates import Prefix, Rewrite, missing_group
from rpx.config.settings.values import Name
from rpx.config.settings.without_backends import AnswersWritten
from rpx.config.settings.written import Maybe, setting
from rpx.config.wording import wrong
from rpx.model.config import PoolSpec
from rpx.model.route import Conditions, Route
from rpx.policy.path_patterns import PathPattern, read_pattern
from rpx.policy.route_cover import begins_with
from rpx.policy.route_table import ANY_PATH

_ANSWERS = ("proxy", "static", "redirect", "respond")
_CHANGES = ("strip_prefix", "rewrite")
_BACKENDS = {*SourcesWritten.model_fields, *PoolWritten.model_fields} - {"name"}


class RouteWritten(TreatmentWritten, AnswersWritten, PoolWritten, SourcesWritten):
    """An entry of `routes`. Messages list its settings from the last of its bases to its own."""

    nouns = (Route, PoolSpec)
    needs = ("from", *_ANSWERS, "start")
    apart = (*((*_ANSWERS, own) for own in ("from", "start")), ("from", "replicas"), _CHANGES)

    name: Maybe[Name] = setting(
        "how commands and output call it", "the proxy's name and the path: `shop-api`"
    )
    path: Maybe[Paths] = setting("[which paths](#paths); unless written, all", "all")
    method: Maybe[Methods] = setting("which methods; unless written, all", "all")
    headers: Maybe[RouteHeaders] = setting(
        'fields that a request must have, `"*"`: whatever they say; and `request` and `response`,'
        " [what becomes of fields](#headers)"
    )
    query: Maybe[Query] = setting('what its query must say; `"*"`: anything')
    strip_prefix: Maybe[Prefix] = setting("what is cut off the path")
    rewrite: Maybe[Rewrite] = setting("what the path becomes instead: `/v2/$1`")
    proxy: Maybe[Name] = setting("the backends of another entry, by its name")
    change_origin: Maybe[StrictBool] = setting(
        "`Host` says [what the backend calls itself](#tls) instead of what clients call it, and so"
        " does `Origin`"
    )
    depends_on: Maybe[DependsOn] = setting(
        "[what must be there](#depends_on) before its processes are started"
    )

    @model_validator(mode="before")
    @classmethod
    def _other_answers(cls, value: object) -> object:
        """Who answers need not be backends of its own."""
        return {**value, "from": ()} if isinstance(value, dict) and "from" not in value else value

    @model_validator(mode="after")
    def _one_answer(self) -> RouteWritten:
        own = [name for name in ("from", "start") if (self.from_ if name == "from" else self.start)]
        others = [*(["proxy"] if self.proxy else []), *self.answerers]
        if not own and not others:
            raise wrong(
                "doesn't say who answers",
                "give it one of `from`, `start`, `proxy`, `static`, `redirect`, `respond`",
            )
        if len(own[:1] + others) > 1:
            names = ", ".join(f"`{name}`" for name in own[:1] + others)
            raise wrong(
                f"has several that answer: {names}", "keep one; each has a route of its own"
            )
        needless = (self.model_fields_set - {"from_"}) & (
            _BACKENDS | {"change_origin", "depends_on"}
        )
        if not own and needless:
            name = min(needless)
            raise wrong(
                f"has `{name}`, but no backends of its own",
                f"`{name}` is for those of `from` or `start`: leave it out",
            )
        return self

    @model_validator(mode="after")
    def _one_change(self) -> RouteWritten:
        if all(getattr(self, name) for name in _CHANGES):
            raise wrong(
                "has `strip_prefix` and `rewrite`",
                f"keep one: what is cut off is `rewrite: /$1` for `path: {self.strip_prefix}/*`",
            )
        change = "strip_prefix" if self.strip_prefix else self.rewrite and "rewrite"
        if change and (self.redirect or self.respond):
            raise wrong(f"has `{change}`, but nobody who sees the path", "leave it out")
        if self.strip_prefix and not any(
            begins_with(each, self.strip_prefix) for each in self.patterns
        ):
            raise wrong(
                f"cuts off `{self.strip_prefix}`, which none of its paths begins with",
                f"they are {', '.join(each.text for each in self.patterns)}",
            )
        for name, text in (
            ("rewrite", self.rewrite),
            ("redirect", self.redirect and self.redirect.to),
        ):
            if text and (missing := missing_group(text, self.patterns)):
                raise wrong(missing[0], missing[1], name)
        return self

    @property
    def patterns(self) -> list[PathPattern]:
        """Those of its paths."""
        return [read_pattern(each) for each in self.path or ()] or [ANY_PATH]

    def conditions(self) -> Conditions:
        """As a noun."""
        return Conditions(
            paths=self.path or (),
            methods=self.method or (),
            headers=self.headers.conditions() if self.headers else (),
            query=self.query or (),
        )


def default_route_name(proxy: str, value: Any, number: int) -> str:  # noqa: ANN401 - as written
    """`shop-api` for the path `/api/*` of `shop`; else by its method, else its number."""
    path = value.get("path")
    first = path[0] if isinstance(path, list | tuple) and path else path
    text = str(first or value.get("method") or "").partition("~")
    words = re.findall(r"[A-Za-z0-9_]+", text[0] or re.split(r"[\[(.*+?{\\]", text[2])[0])
    whole = "-".join([proxy, *(words or [str(number)])])
    return whole[:LONGEST].rstrip("-")
