"""What there is to do, as values: shown, printed as JSON and done are the same ones."""

from __future__ import annotations

from dataclasses import dataclass

from rpx.errors import Problem
from rpx.programs import Step


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that setup arranges, or takes back: how it is, and what there is to do.

    `notes` are for the user, whatever is done. With a `problem` this part can't be done.
    """

    name: str  # as it is typed: ports, completion, …
    title: str
    now: str
    steps: tuple[Step, ...] = ()
    notes: tuple[str, ...] = ()
    problem: Problem | None = None

    @property
    def done(self) -> bool:
        """Nothing is left to do."""
        return not self.steps and self.problem is None

    @property
    def files(self) -> dict[str, str]:
        """The files that the steps write: path → content."""
        return {step.command[1]: step.text for step in self.steps if step.command[0] == "tee"}
