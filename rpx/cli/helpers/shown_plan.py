"""A plan of `rpx setup` as people and programs read it."""

from __future__ import annotations

from collections.abc import Sequence

from rpx.cli.helpers.steps import shown
from rpx.cli.terminal.output import fitted
from rpx.errors import visible
from rpx.setup.part import Part


def plan_lines(parts: Sequence[Part]) -> list[str]:
    """How each part is, and what would be done, every command and file whole."""
    lines: list[str] = []
    for part in parts:
        said = [f"{part.title}: {part.now}"]
        said += [line for step in part.steps for line in shown(step)]
        said += [f"  note: {note}" for note in part.notes]
        if part.problem is not None:
            said += [f"  can't be done: {part.problem.what}", f"  hint: {part.problem.hint}"]
        lines += [visible(each) for each in said]
    return [piece for line in lines for piece in _fitted(line)]


def plan_json(parts: Sequence[Part]) -> dict[str, object]:
    """The same for programs: `done` where nothing is left to do."""
    return {"done": all(part.done for part in parts), "parts": [_part(part) for part in parts]}


def _fitted(line: str) -> list[str]:
    """Sentences are broken between words; commands and files stay as they are typed."""
    if line.startswith("    "):
        return [line]
    first, *more = fitted(line, 2)
    return [first, *(f"    {each}" for each in more)]


def _part(part: Part) -> dict[str, object]:
    problem = part.problem
    return {
        "name": part.name,
        "title": part.title,
        "now": part.now,
        "done": part.done,
        "steps": [
            {
                "why": step.why,
                "command": list(step.command),
                "root": step.root,
                "input": step.text or None,
            }
            for step in part.steps
        ],
        "files": [{"path": path, "content": text} for path, text in part.files.items()],
        "notes": list(part.notes),
        "problem": {"what": problem.what, "hint": problem.hint} if problem else None,
    }
