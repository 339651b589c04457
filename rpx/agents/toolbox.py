"""The tools as values: what each is called, says, takes and gives, and what does it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter

from rpx.agents import acting, looking, sending, waiting_for
from rpx.agents.bounded import answer_of, bounded
from rpx.agents.tool_answers import (
    DoAnswer,
    DrillAnswer,
    LogsAnswer,
    RequestAnswer,
    RequestsAnswer,
    SendAnswer,
    StatusAnswer,
    WaitAnswer,
    WhyAnswer,
)
from rpx.agents.tool_inputs import (
    DoInput,
    DrillInput,
    LogsInput,
    RequestInput,
    RequestsInput,
    SendInput,
    StatusInput,
    ToolInput,
    WaitInput,
    WhyInput,
    given,
)
from rpx.agents.waiting_for import Progress, in_thread
from rpx.agents.which_project import Where
from rpx.errors import UsageError
from rpx.model.answers import Fielded
from rpx.model.suggest import did_you_mean

Works = Callable[[Any, Where, Progress], Awaitable[Fielded]]
I = TypeVar("I", bound=ToolInput)  # noqa: E741 - what it takes

INSTRUCTIONS: Final = """\
rpx runs the services of this project and routes requests to them. Begin with `status`. What is \
wrong: `why`, then `logs`. Try a change: `wait` until ready, `send` a request, which tells who \
answered and what was printed. `next` in an answer names the tool that helps. A project that does \
not run is started by the command that the error names.\
"""


@dataclass(frozen=True, slots=True)
class AgentTool:
    """One tool. `looks`: it changes nothing. `destroys`: it may end processes or requests."""

    name: str
    title: str
    says: str
    takes: type[ToolInput]
    gives: type
    works: Works
    looks: bool = True
    destroys: bool = False

    def input_schema(self) -> dict[str, Any]:
        """The JSON Schema of the arguments."""
        schema: dict[str, Any] = _without_titles(self.takes.model_json_schema())
        schema.pop("description", None)
        return schema

    def output_schema(self) -> dict[str, Any]:
        """The JSON Schema of the answer. Below its first level, what is empty is left out."""
        schema: dict[str, Any] = _without_titles(TypeAdapter(self.gives).json_schema())
        for each in schema.get("$defs", {}).values():
            each.pop("required", None)
        return schema

    async def call(
        self, arguments: dict[str, Any], where: Where, progress: Progress
    ) -> dict[str, Any]:
        """The answer, no longer than was asked for. Raises: RpxError."""
        asked = given(self.takes, self.name, arguments)
        answer = await self.works(asked, where, progress)
        return bounded(answer_of(answer), asked.max_chars)


def _looked(work: Callable[[I, Where], Fielded]) -> Works:
    """What blocks, in a thread."""

    async def works(asked: Any, where: Where, _progress: Progress) -> Fielded:  # noqa: ANN401
        found: Fielded = await in_thread(partial(work, asked, where))
        return found

    return works


TOOLS: Final = (
    AgentTool(
        "status",
        "What runs",
        "Every backend (a process of a service): state, URL, error, what it waits for. What is"
        " wrong comes first.",
        StatusInput,
        StatusAnswer,
        _looked(looking.status),
    ),
    AgentTool(
        "why",
        "Why it is so",
        "Why backends are in their states: what they wait for, how they ended, their checks, what"
        " they printed last, what to do. With `url`: which route and backend a request takes,"
        " without sending it.",
        WhyInput,
        WhyAnswer,
        _looked(looking.why),
    ),
    AgentTool(
        "logs",
        "What was printed",
        "Lines that services printed: the last ones, or those since a time or a cursor. Repeated"
        " lines are one with `times`. Also of the last run of a project that is not running.",
        LogsInput,
        LogsAnswer,
        _looked(looking.logs),
    ),
    AgentTool(
        "requests",
        "Requests that went through",
        "The last HTTP requests through the proxy: status, time, who answered, held or retried.",
        RequestsInput,
        RequestsAnswer,
        _looked(looking.requests),
    ),
    AgentTool(
        "request",
        "One request",
        "All about one request: why it was held or retried, who was asked, both heads, bodies if"
        " they were kept, and what the backend printed meanwhile. Secrets are •••.",
        RequestInput,
        RequestAnswer,
        _looked(looking.request),
    ),
    AgentTool(
        "send",
        "Send a request",
        "Send an HTTP request through the project's proxy: the answer, who gave it, and the lines"
        " printed meanwhile. Redirects are not followed.",
        SendInput,
        SendAnswer,
        _looked(sending.send),
        looks=False,
    ),
    AgentTool(
        "wait",
        "Wait",
        "Wait until all is ready or one has failed; or until it is quiet, as after an edit that"
        " is reloaded.",
        WaitInput,
        WaitAnswer,
        waiting_for.wait,
    ),
    AgentTool(
        "do",
        "Change what runs",
        "start, stop, restart (one copy after the other), scale, reload (rpx.yaml), pause (out of"
        " rotation), resume, kill (as a crash would). stop, scale, reload and kill may end"
        " processes.",
        DoInput,
        DoAnswer,
        _looked(acting.do),
        looks=False,
        destroys=True,
    ),
    AgentTool(
        "drill",
        "Rehearse a failure",
        "Send a steady load to a service, damage one of its backends in the middle, and report"
        " what clients saw. Takes `duration`.",
        DrillInput,
        DrillAnswer,
        waiting_for.drill,
        looks=False,
        destroys=True,
    ),
)


def tools(*, read_only: bool) -> list[AgentTool]:
    """Those that are offered; `read_only`: those that change nothing."""
    return [tool for tool in TOOLS if tool.looks or not read_only]


def tool_named(name: str, *, read_only: bool) -> AgentTool:
    """One that is offered. Raises: UsageError."""
    found = next((tool for tool in TOOLS if tool.name == name), None)
    if found is None:
        known = [tool.name for tool in tools(read_only=read_only)]
        hint = did_you_mean(name, known) + f"there are {', '.join(known)}"
        raise UsageError(f"there is no tool `{name}`", hint=hint)
    if read_only and not found.looks:
        raise UsageError(
            f"`{name}` changes something, and this server only looks",
            hint="`rpx mcp` without `--read-only` has it: ask whoever has set it up",
        )
    return found


def _without_titles(schema: Any) -> Any:  # noqa: ANN401 - JSON
    """Without what pydantic makes of names, which says the same again."""
    if isinstance(schema, list):
        return [_without_titles(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _properties(value) if key == "properties" else _without_titles(value)
        for key, value in schema.items()
        if key != "title"
    }


def _properties(named: dict[str, Any]) -> dict[str, Any]:
    return {name: _without_titles(each) for name, each in named.items()}
