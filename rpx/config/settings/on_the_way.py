"""`headers`, `cors` and `auth`: what is done to requests and answers on the way.

Raises: PydanticCustomError, as values.py says.
"""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import BeforeValidator, StrictBool, model_validator

from rpx.config.settings.forms import AS_WRITTEN, FILLED, NO, any_of, names_to, one_or_more, text
from rpx.config.settings.header_fields import TOKEN, HeadersWritten
from rpx.config.settings.values import Seconds
from rpx.config.settings.written import Kind, Maybe, Switched, Written, setting, several, switch
from rpx.config.wording import each_of, shown, wrong
from rpx.model.route import BasicAuth, Cors, HeaderRules, Treatment

NO_RULES: Final = HeaderRules()

_ORIGIN = re.compile(
    r"(?:[a-z][a-z0-9+.-]*://)?(?:\*\.)?(?:\[[0-9A-Fa-f:.]+\]|[^\s:/?#@*\[\]]+)(?::[0-9]{1,5})?"
)


def origins(value: object) -> object:
    """Where pages are from: `https://shop.example`, `*.shop.example`, `null`, or `*` for all."""
    return each_of(_origin, enumerate(several(value)))


def _origin(listed: tuple[int, object]) -> str:
    index, origin = listed
    if isinstance(origin, str) and (origin == "*" or _ORIGIN.fullmatch(origin)):
        return origin
    hint = "write a scheme, a host and perhaps a port: https://shop.example:8443"
    if isinstance(origin, str) and _ORIGIN.fullmatch(origin.rstrip("/")):
        hint = f"an origin has no path: write {origin.rstrip('/')}"
    raise wrong(f"has something that is no origin: {shown(origin)}", hint, index)


def methods(value: object) -> object:
    """Methods as they are asked for, in upper case."""
    return tuple(each.upper() for each in _tokens(value, "method", "PUT"))


def names(value: object) -> object:
    """Names of fields."""
    return _tokens(value, "name of a header", "X-Token")


def _tokens(value: object, kind: str, example: str) -> tuple[str, ...]:
    def token(listed: tuple[int, object]) -> str:
        index, each = listed
        if isinstance(each, str) and TOKEN.fullmatch(each):
            return each
        raise wrong(f"has something that is no {kind}: {shown(each)}", f"write {example}", index)

    return each_of(token, enumerate(several(value)))


def users(value: object) -> object:
    """Names and passwords."""
    if not isinstance(value, dict) or not value:
        raise wrong("has no names with passwords", "write `basic: {ann: $ANN_PASSWORD}`")
    return each_of(_user, value.items())


def _user(pair: tuple[object, object]) -> tuple[str, str]:
    name, password = str(pair[0]), pair[1]
    if not name or ":" in name:
        hint = "write one without a colon"
        raise wrong(f"has a name that can't be sent: {shown(name)}", hint, name)
    if password is None or password == "":
        hint = "a variable that is not set is an empty text: set it in the environment or .env"
        raise wrong(f"has no password for `{name}`", hint, name)
    if isinstance(password, bool) or not isinstance(password, str | int | float):
        raise wrong(f"has a password for `{name}` that is no text", "put it in quotes", name)
    return name, str(password)


def auth(value: object) -> object:
    """`false` takes away what is above; `true` would not say who."""
    if value is True:
        raise wrong("is true, which doesn't say who may ask", "write `basic: {ann: $ANN_PASSWORD}`")
    return {"enabled": False} if value is False else value


Origins = Annotated[
    tuple[str, ...],
    BeforeValidator(origins),
    Kind("origin, or list of them", one_or_more(text(r"^\S+$")), list),
]
AllowedMethods = Annotated[
    tuple[str, ...],
    BeforeValidator(methods),
    Kind("method, or list of them", one_or_more(FILLED), list),
]
AllowedNames = Annotated[
    tuple[str, ...], BeforeValidator(names), Kind("name, or list", one_or_more(FILLED), list)
]
Users = Annotated[
    tuple[tuple[str, str], ...],
    BeforeValidator(users),
    Kind(
        "mapping of names to passwords",
        names_to(AS_WRITTEN, propertyNames={"pattern": "^[^:]+$"}, minProperties=1),
        dict,
    ),
]


class CorsWritten(Switched):
    """`cors`."""

    example = "cors: {origins: [https://shop.example]}"
    nouns = (Cors,)

    origins: Maybe[Origins] = setting(
        "whose pages may read answers; without a scheme, http and https; `*`: all."
        " Unless written: every host of this project, and localhost with any port",
        "the project and localhost",
    )
    methods: Maybe[AllowedMethods] = setting(
        "what they may ask with; unless written, whatever a preflight asks for", "any"
    )
    headers: Maybe[AllowedNames] = setting(
        "what they may send; unless written, whatever a preflight asks for", "any"
    )
    credentials: Maybe[StrictBool] = setting("whether they may send cookies and passwords")
    max_age: Maybe[Seconds] = setting(
        "how long a browser need not ask again", "none: what browsers do by themselves"
    )

    def noun(self) -> Cors | None:
        """As a noun; None: it is switched off."""
        said = self.written()
        return Cors(**said) if said.pop("enabled", True) else None


class AuthWritten(Switched):
    """`auth`."""

    example = "auth: {basic: {ann: $ANN_PASSWORD}}"
    nouns = (BasicAuth,)
    needs = ("basic", "enabled")

    basic: Maybe[Users] = setting("who may ask, by HTTP's Basic; everybody else gets a 401")

    @model_validator(mode="after")
    def _says_who(self) -> AuthWritten:
        if self.basic is None and self.enabled is not False:
            raise wrong("doesn't say who may ask", "write `basic: {ann: $ANN_PASSWORD}`")
        return self

    def noun(self) -> BasicAuth | None:
        """As a noun; None: it is switched off."""
        if self.basic is None or self.enabled is False:
            return None
        return BasicAuth(users=self.basic)


CorsField = Annotated[CorsWritten, BeforeValidator(switch)]
AuthField = Annotated[
    AuthWritten, BeforeValidator(auth), Kind("true, false, mapping", any_of(NO, AuthWritten))
]


class TreatmentWritten(Written):
    """Of `defaults`, a proxy, or a route."""

    headers: Maybe[HeadersWritten] = setting("[fields that are set, added, removed](#headers)")
    cors: Maybe[CorsField] = setting("[pages of other origins may read answers](#cors)")
    auth: Maybe[AuthField] = setting("[a name and a password are needed](#auth)")

    def treated(self, below: Treatment) -> Treatment:
        """What it says beyond what holds anyway: headers are changed once more, the others are
        these instead.
        """
        rules = self.headers.rules() if self.headers is not None else NO_RULES
        return Treatment(
            headers=below.headers + (() if rules == NO_RULES else (rules,)),
            cors=below.cors if self.cors is None else self.cors.noun(),
            auth=below.auth if self.auth is None else self.auth.noun(),
        )
