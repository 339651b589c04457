"""`static`, `redirect` and `respond`: answers for which no backend is needed.

Raises: PydanticCustomError, as values.py says.
"""

from __future__ import annotations

import json
import os
import re
from typing import Annotated, Final

from pydantic import BeforeValidator, Field, StrictBool, StrictInt, ValidationInfo, model_validator

from rpx.config.settings.forms import AS_WRITTEN, FILLED, any_of, choice, number, text
from rpx.config.settings.header_fields import FIELDS, field
from rpx.config.settings.on_disk import Folder
from rpx.config.settings.route_templates import redirect_target
from rpx.config.settings.values import Seconds
from rpx.config.settings.written import Kind, Maybe, Needed, Written, given, needed, setting
from rpx.config.wording import each_of, shown, wrong
from rpx.model.route import Answerer, FixedAnswer, Redirect, StaticFiles
from rpx.model.suggest import choices

_REDIRECTS: Final = (301, 302, 303, 307, 308)
_BODILESS: Final = (204, 205, 304)
_TEXT: Final = "text/plain; charset=utf-8"
_HTML: Final = "text/html; charset=utf-8"
_JSON: Final = "application/json"


def static(value: object) -> object:
    """Just the folder."""
    return value if isinstance(value, dict) else {"dir": given(value)}


def index(value: object) -> object:
    """The name of a file."""
    if not isinstance(value, str) or not value or "/" in value or "\0" in value:
        raise wrong(f"is not the name of a file: {shown(value)}", "for example index.html")
    return value


def redirect(value: object) -> object:
    """Just where to."""
    return value if isinstance(value, dict) else {"to": given(value)}


def redirect_status(value: object) -> object:
    """One that clients follow (RFC 9110 §15.4)."""
    if value not in _REDIRECTS or isinstance(value, bool):
        raise wrong(f"is no redirect: {shown(value)}", f"write {choices(map(str, _REDIRECTS))}")
    return value


def respond(value: object) -> object:
    """Just the text, or just the status."""
    if isinstance(value, int) and not isinstance(value, bool):
        return {"status": value}
    return value if isinstance(value, dict) else {"body": given(value)}


def status(value: object) -> object:
    """A status that ends an exchange."""
    if isinstance(value, bool) or not isinstance(value, int) or not 200 <= value <= 599:
        raise wrong(f"is no status of an answer: {shown(value)}", "they go from 200 to 599")
    return value


def as_json(value: object) -> str:
    """A value as JSON; a text that begins as an object or a list does is JSON already."""
    if isinstance(value, str) and value.lstrip()[:1] in {"{", "["}:
        try:
            json.loads(value)
        except ValueError as error:
            raise wrong(
                f"is not JSON: {error}", "or write it in YAML: `json: {ok: true}`"
            ) from None
        return value
    try:
        return json.dumps(value, allow_nan=False, ensure_ascii=False)
    except (TypeError, ValueError):
        hint = "mappings, lists, texts, numbers, true, false and null are"
        raise wrong(f"has something that JSON cannot hold: {shown(value)}", hint) from None


def fields(value: object) -> object:
    """Names and texts of an answer's header."""
    if not isinstance(value, dict):
        raise wrong(f"is not a mapping: {shown(value)}", "write `headers: {X-Env: dev}`")
    return each_of(field, value.items())


IndexName = Annotated[str, BeforeValidator(index), Kind("name of a file", text("^[^/]+$"))]
RedirectStatus = Annotated[
    int, BeforeValidator(redirect_status), Kind("301, 302, 303, 307, 308", choice(*_REDIRECTS))
]
TARGET: Final = text("^(/([^/]|$)|[Hh][Tt][Tt][Pp][Ss]?://)")
Target = Annotated[
    str, BeforeValidator(redirect_target), Kind("path or URL, with `$1`, `$name`", TARGET)
]
Status = Annotated[
    StrictInt, BeforeValidator(status), Kind("200 to 599", number(minimum=200, maximum=599))
]
Fields = Annotated[
    tuple[tuple[str, str], ...],
    BeforeValidator(fields),
    Kind("mapping of names to texts", FIELDS, dict),
]


class StaticWritten(Written):
    """`static`."""

    example = "static: ./public"
    nouns = (StaticFiles,)

    dir: Needed[Folder] = needed(
        "the folder, relative to rpx.yaml",
        "say where the files are, for example `static: ./public`",
    )
    index: Maybe[IndexName] = setting("what a folder answers with")
    spa: Maybe[StrictBool] = setting(
        "a path that isn't there and has no suffix gets the index of the whole folder"
    )
    max_age: Maybe[Seconds] = setting(
        "how long a browser need not ask again", "none: it asks each time"
    )
    listing: Maybe[StrictBool] = setting("a folder without an index is listed")

    @model_validator(mode="after")
    def _has_its_index(self, info: ValidationInfo) -> StaticWritten:
        index = self.dir / (self.index or StaticFiles.model_fields["index"].default)
        late = bool((info.context or {}).get("late"))
        if self.spa and not late and not os.path.isfile(index):
            raise wrong(
                f"has `spa`, and a folder without {index.name}",
                f"looked for {index}; `index` names another file",
            )
        return self

    def noun(self) -> StaticFiles:
        """As a noun."""
        said = self.written()
        return StaticFiles(folder=said.pop("dir"), **said)


class RedirectWritten(Written):
    """`redirect`."""

    example = "redirect: /new/$1"
    nouns = (Redirect,)

    to: Needed[Target] = needed(
        "where clients are sent", "say where to, for example `redirect: /new/$1`"
    )
    status: Maybe[RedirectStatus] = setting("308 and 301 are for ever: browsers don't ask again")

    def noun(self) -> Redirect:
        """As a noun."""
        return Redirect(**self.written())


class RespondWritten(Written):
    """`respond`."""

    example = "respond: {status: 200, body: ok}"
    nouns = (FixedAnswer,)
    apart = (("body", "json"),)

    status: Maybe[Status] = setting("of the answer")
    body: Maybe[Annotated[str, Kind("text", AS_WRITTEN)]] = setting(
        "sent as text/plain, or text/html where it begins with a `<`", "empty"
    )
    json_: Annotated[str | None, BeforeValidator(as_json), Kind("anything", {})] = Field(
        None, alias="json", description="instead of `body`: sent as JSON"
    )
    headers: Maybe[Fields] = setting("beside Content-Type, or instead of it")

    @model_validator(mode="after")
    def _one_body(self) -> RespondWritten:
        if self.body is not None and self.json_ is not None:
            raise wrong("has a `body` and `json`", "keep one of them")
        if self.status in _BODILESS and (self.body or self.json_):
            raise wrong(
                f"has a body, which an answer with {self.status} can't have", "leave it out"
            )
        return self

    def noun(self) -> FixedAnswer:
        """As a noun."""
        text = self.body if self.json_ is None else self.json_
        kind = _HTML if re.match(r"\s*<", text or "") else _TEXT
        fields = self.headers or ()
        if text and not any(name.lower() == "content-type" for name, _ in fields):
            fields = (("Content-Type", kind if self.json_ is None else _JSON), *fields)
        return FixedAnswer(
            status=self.status or 200,
            body=(text or "").encode("utf-8", "replace"),
            headers=fields,
        )


StaticField = Annotated[
    StaticWritten,
    BeforeValidator(static),
    Kind("folder of files, or mapping", any_of(FILLED, StaticWritten)),
]
RedirectField = Annotated[
    RedirectWritten,
    BeforeValidator(redirect),
    Kind("where to, or mapping", any_of(TARGET, RedirectWritten)),
]
RespondField = Annotated[
    RespondWritten,
    BeforeValidator(respond),
    Kind(
        "text, status, or mapping",
        any_of(number(pattern="^", minimum=200, maximum=599), RespondWritten),
    ),
]


class AnswersWritten(Written):
    """What answers without a backend, in a proxy or a route: at most one of them."""

    static: Maybe[StaticField] = setting("[files of a folder](#static)")
    redirect: Maybe[RedirectField] = setting("[clients are sent elsewhere](#redirect)")
    respond: Maybe[RespondField] = setting("[the same answer for all](#respond)")

    @property
    def answerers(self) -> dict[str, StaticWritten | RedirectWritten | RespondWritten]:
        """Those that are written, by name."""
        all_three = {"static": self.static, "redirect": self.redirect, "respond": self.respond}
        return {name: each for name, each in all_three.items() if each is not None}

    def answerer(self) -> Answerer | None:
        """Who answers without a backend, if anybody does."""
        return next((each.noun() for each in self.answerers.values()), None)
