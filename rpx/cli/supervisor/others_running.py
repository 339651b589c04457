"""The other projects of this user, as their leases and the door tell of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rpx.cli.helpers.running_projects import running_projects
from rpx.control.dashboard.other_projects import OtherProject
from rpx.door.roster import read_roster
from rpx.door.starting import door_place
from rpx.runs.api_client import ApiClient
from rpx.runs.lease import find_running


class OthersRunning:
    """`OtherProjects` of the project that this file is of."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def all(self) -> Mapping[str, OtherProject]:
        """Return all that run, by the paths of their files."""
        return {
            row.file: OtherProject(row.name, row.realm, row.state, row.file == str(self._file))
            for row in running_projects(read_roster(door_place()))
        }

    def link(self, file: str) -> str:
        """Return a URL that lets one browser into that one's dashboard. Raises: RpxError."""
        return ApiClient(find_running(None, Path(file))).dashboard()
