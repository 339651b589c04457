"""Whether a coding agent has called: by what it puts into the environment of its commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Who sets it in the commands that it runs. Not what an editor sets in the terminals of people, too
# (CURSOR_TRACE_ID, TERM_PROGRAM), nor what only configures an agent (COPILOT_MODEL).
VARIABLES: Final = (
    "AI_AGENT",  # the name of any agent: github.com/vercel/vercel, packages/detect-agent
    "AGENT",  # likewise: github.com/agentsmd/agents.md/issues/136; Amp, Goose
    "CLAUDECODE",  # Claude Code
    "CLAUDE_CODE",
    "CURSOR_AGENT",
    "GEMINI_CLI",
    "CODEX_SANDBOX",  # Codex
    "CODEX_CI",
    "CODEX_THREAD_ID",
    "COPILOT_CLI",
    "OPENCODE",
    "OPENCODE_CLIENT",
    "CLINE_ACTIVE",
    "AUGMENT_AGENT",
    "GOOSE_TERMINAL",
    "ANTIGRAVITY_AGENT",
    "TRAE_AI_SHELL_ID",
)
_NONE: Final = ("", "0", "false", "no")


def calling_agent(environment: Mapping[str, str]) -> str | None:
    """Return the variable that tells of one; None: there is none."""
    for name in VARIABLES:
        if environment.get(name, "").lower() not in _NONE:
            return name
    return None
