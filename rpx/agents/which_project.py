"""Which project a call is about, found anew each time: it may have been started since."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path

from rpx.errors import NotRunning, UsageError
from rpx.runs.api_client import ApiClient
from rpx.runs.lease import Lease, all_running, find_project, what_runs


@dataclass(frozen=True, slots=True)
class Where:
    """From where one looks: a folder (absolute), and the rpx.yaml if it was named."""

    folder: Path
    file: Path | None = None

    def find(self, project: str) -> tuple[Path, Lease | None]:
        """The rpx.yaml that is meant, and who runs it, if anybody does.

        `project` is a folder, a file or the name of a running project; empty: the one of here.
        Raises: NotRunning, UsageError.
        """
        try:
            if not project:
                return find_project(self.folder, self.file)
            path = Path(os.path.normpath(self.folder / Path(project).expanduser()))
            if path.is_file():
                return find_project(None, path)
            if path.is_dir():
                return find_project(path)
        except NotRunning as error:
            raise NotRunning(error.problems[0].what, hint=_others()) from None
        return self._named(project)

    def running(self, project: str) -> Lease:
        """The lease of the project that is meant. Raises: NotRunning with what starts it."""
        config, lease = self.find(project)
        if lease is None:
            raise NotRunning(
                f"{what_runs(config)} is not running ({config})", hint=how_to_start(config)
            )
        return lease

    def client(self, project: str) -> ApiClient:
        """A client of it. Raises: NotRunning."""
        return ApiClient(self.running(project))

    def _named(self, project: str) -> tuple[Path, Lease | None]:
        found = [lease for lease in all_running() if lease.name == project]
        if len(found) == 1:
            return found[0].config, found[0]
        if found:
            files = ", ".join(str(lease.config) for lease in found)
            raise UsageError(
                f"{len(found)} running projects are called `{project}`", hint=f"say which: {files}"
            )
        raise UsageError(
            f"`{project}` is no folder or file here, and no running project is called so",
            hint=_others(),
        )


def how_to_start(config: Path) -> str:
    """Which command starts a project, typed anywhere."""
    folder = shlex.quote(str(config.parent))
    default = config.name in {"rpx.yaml", "rpx.yml"}
    named = "" if default else f" -f {shlex.quote(config.name)}"
    return f"start it: `cd {folder} && rpx up --wait{named}`"


def _others() -> str:
    running = [f"{lease.name} ({lease.config})" for lease in all_running()[:10]]
    if not running:
        return "no project runs; `rpx up --wait` in the folder of an rpx.yaml starts one"
    return f"these run, and `project` takes their names: {', '.join(running)}"
