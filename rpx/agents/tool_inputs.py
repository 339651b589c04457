"""What the tools take, as models: their JSON Schema is what an agent reads."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from rpx.errors import UsageError
from rpx.model.suggest import did_you_mean

CHARS: Final = 10_000
FEWEST_CHARS: Final = 300
MOST_CHARS: Final = 100_000
LONGEST_WAIT: Final = 600.0  # seconds


def _several(value: object) -> object:
    """One name is a list of one: models write both."""
    return [value] if isinstance(value, str | int) and not isinstance(value, bool) else value


def _texts(value: object) -> object:
    value = _several(value)
    return (
        [str(v) if isinstance(v, int) else v for v in value] if isinstance(value, list) else value
    )


def _words(value: object) -> object:
    """Filter words in a list are as good."""
    listed = isinstance(value, list) and all(isinstance(each, str) for each in value)
    return " ".join(value) if listed and isinstance(value, list) else value


Names = Annotated[list[str], BeforeValidator(_texts)]
Cursor = Annotated[str, Field(description="`cursor` of the last answer: go on behind it")]


class ToolInput(BaseModel):
    """What every tool takes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    project: str = Field(
        "", description="Folder, rpx.yaml, or name of a running project; default: that of here"
    )
    max_chars: int = Field(
        CHARS, ge=FEWEST_CHARS, le=MOST_CHARS, description="The answer is no longer than this"
    )


class StatusInput(ToolInput):
    """Of `status`."""

    names: Names = Field([], description="Services or backends (api, api:3001, 3001); default: all")
    cursor: Cursor = ""


class WhyInput(ToolInput):
    """Of `why`."""

    names: Names = Field([], description="Backends or services; default: all that are not well")
    url: str = Field("", description="Instead: explain which route and backend a URL leads to")
    method: str = "GET"
    cursor: Cursor = ""


class LogsInput(ToolInput):
    """Of `logs`."""

    names: Names = Field([], description="Services or backends; `rpx`: rpx itself; default: all")
    search: str = Field("", description="Only lines with this text, in any case")
    level: Literal["debug", "info", "warn", "error"] | None = Field(
        None, description="Only lines as grave as this, or graver"
    )
    since: str = Field("", description="Oldest first from here on: 30s, 10m, a time, or a cursor")
    cursor: Cursor = ""


class RequestsInput(ToolInput):
    """Of `requests`."""

    filter: Annotated[str, BeforeValidator(_words)] = Field(
        "",
        description="Words: status:5xx method:POST host:api path:/api/* ms:>200 backend:3001"
        " held retried; a - before one leaves it out",
    )
    cursor: Cursor = ""


class RequestInput(ToolInput):
    """Of `request`."""

    id: str = Field(description="An id from `requests` or `send`, or an X-Request-Id")
    cursor: str = Field(
        "", description="`cursor` of the last answer: the rest of the answer's body"
    )


class SendInput(ToolInput):
    """Of `send`."""

    url: str = Field(description="http://api.localhost/x, api.localhost/x, or /x of the first host")
    method: str = "GET"
    headers: dict[str, str] = Field({}, description="Fields of the request")
    body: str = Field("", description="The body, as text")
    json_body: Any = Field(None, alias="json", description="Instead of `body`: sent as JSON")
    timeout: float = Field(30.0, gt=0, le=LONGEST_WAIT, description="Seconds")


class WaitInput(ToolInput):
    """Of `wait`."""

    until: Literal["ready", "quiet"] = Field(
        "ready",
        description="ready: every backend is, or one has failed. quiet: moreover nobody prints and"
        " no request is under way, for `quiet_for` seconds",
    )
    names: Names = Field([], description="Only these; default: all")
    timeout: float = Field(45.0, ge=0, le=LONGEST_WAIT, description="Seconds")
    quiet_for: float = Field(2.0, gt=0, le=60, description="Seconds")


class DoInput(ToolInput):
    """Of `do`."""

    action: Literal["start", "stop", "restart", "scale", "reload", "pause", "resume", "kill"]
    names: Names = Field([], description="Whom; for kill one backend. restart, start: default all")
    copies: dict[str, Annotated[int, Field(ge=0)]] = Field(
        {}, description="scale: service → number of copies"
    )
    signal: str = Field("KILL", description="kill: the signal")
    down_for: float = Field(0.0, ge=0, description="kill: seconds until it is started again")
    stays_down: bool = Field(False, description="kill: until it is started")
    dry_run: bool = Field(False, description="scale, reload: only say what would be done")


class DrillInput(ToolInput):
    """Of `drill`."""

    name: str = Field(description="The service that gets the load")
    damage: Literal["kill", "stop", "hang", "slow"] = "kill"
    backend: str = Field("", description="Whom; default: one that others can stand in for")
    rate: int = Field(200, ge=1, le=20_000, description="Requests a second")
    duration: float = Field(10.0, gt=0, le=LONGEST_WAIT, description="Seconds")
    at: float | None = Field(None, ge=0, description="Seconds until the damage; default: half way")
    down_for: float | None = Field(None, ge=0, description="Seconds that it stays down or hangs")
    path: str = "/"
    grpc: str | None = Field(
        None,
        description="Instead of a path: call grpc.health.v1, of the server (empty) or a service",
    )
    allow_errors: int = Field(0, ge=0, description="So many may fail, and it has passed")


def given(kind: type[ToolInput], tool: str, arguments: dict[str, Any]) -> ToolInput:
    """Return what an agent has given. Raises: UsageError for what does not fit."""
    try:
        return kind.model_validate(arguments)
    except ValidationError as error:
        known = [each.alias or name for name, each in kind.model_fields.items()]
        wrong = [_said(each, known) for each in error.errors(include_url=False)[:5]]
        raise UsageError(
            f"`{tool}`: {'; '.join(wrong)}", hint=f"it takes {', '.join(known)}"
        ) from None


def _said(error: Any, known: list[str]) -> str:  # noqa: ANN401 - pydantic's
    where = ".".join(map(str, error["loc"]))
    match error["type"]:
        case "extra_forbidden":
            return f"there is no `{where}`. {did_you_mean(where, known)}".strip(" .")
        case "missing":
            return f"`{where}` is missing"
        case _:
            return f"`{where}`: {error['msg'][:1].lower()}{error['msg'][1:]}"
