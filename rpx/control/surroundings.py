"""What the API of a running project is given beside the project, by whoever puts rpx together."""

from __future__ import annotations

from dataclasses import dataclass, field

from rpx.control.dashboard.host import DashboardHost
from rpx.control.dashboard.other_projects import OtherProjects
from rpx.control.drilling import Drills
from rpx.journal.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Surroundings:
    """`dashboard` answers by the same API; `drills` has those that are asked for; `others`
    knows of the other projects of this user; `timeline` has the output of this run (None: what is
    in memory is all).
    """

    dashboard: DashboardHost | None = None
    drills: Drills = field(default_factory=Drills)
    others: OtherProjects | None = None
    timeline: Timeline | None = None
