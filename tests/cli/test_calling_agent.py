"""Who has called: a coding agent, or a person."""

from __future__ import annotations

import pytest

from rpx.cli.helpers.calling_agent import calling_agent


@pytest.mark.parametrize(
    ("environment", "variable"),
    [
        ({}, None),
        ({"CLAUDECODE": "1"}, "CLAUDECODE"),
        ({"AI_AGENT": "some-agent@1"}, "AI_AGENT"),
        ({"AGENT": "goose", "GOOSE_TERMINAL": "1"}, "AGENT"),
        ({"CODEX_SANDBOX": "seatbelt"}, "CODEX_SANDBOX"),
        ({"CLAUDECODE": "", "AI_AGENT": "0", "GEMINI_CLI": "false"}, None),
        ({"CURSOR_TRACE_ID": "abc", "TERM_PROGRAM": "cursor"}, None),
    ],
)
def test_an_agent_is_known_by_what_it_sets_in_its_commands_and_an_editor_is_none(
    environment: dict[str, str], variable: str | None
) -> None:
    assert calling_agent(environment) == variable
