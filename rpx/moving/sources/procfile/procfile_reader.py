"""A Procfile as services: `web` and what shows a port for HTTP get a host, others are processes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from rpx.moving.commands import about_variables, service_of, start_with
from rpx.moving.draft import Draft, DraftService, Written
from rpx.moving.given import ForeignSource, Given
from rpx.moving.package_scripts import resolved
from rpx.moving.remarks import Origin
from rpx.moving.service_names import fresh, give_hosts
from rpx.moving.sources.procfile.procfile_lines import ProcfileEntry, entries, is_procfile
from rpx.moving.sources.procfile.runner_options import RunnerOptions, look_beside

_REMAP = re.compile(r"(?:^|\s)REMAP_SIGTERM=[\"']?(SIG[A-Z]+)")
_OF_HEROKU = {"DYNO"}


def read(given: Given) -> Draft:
    """The draft of one Procfile and what lies beside it. Raises: RpxError."""
    draft = Draft()
    path = given.files[0]
    beside = look_beside(path.parent, given.environ, draft)
    found = entries(path, draft)
    folder = given.below_root(path.parent)
    for number, entry in enumerate(found):
        service = _service(entry, draft, number, beside, path.parent)
        if folder != ".":
            start_with(service, cwd=folder)
        draft.add(service)
        about_variables(draft, service, entry.command, _known(given.environ, beside))
    _released_first(draft)
    _copies(draft, beside)
    if found:
        why = "who ends does not end the others, and who crashes is started again"
        hint = "`rpx up --abort-on-exit` ends all with the first one"
        draft.carried("", "Procfile", why, found[0].origin, hint)
    give_hosts(draft, given.root.name)
    return draft


def _service(
    entry: ProcfileEntry, draft: Draft, number: int, beside: RunnerOptions, folder: Path
) -> DraftService:
    if entry.name == "release":
        settings: Written = {"command": entry.command, "oneshot": True}
        why = "runs once, and the others wait for it"
        draft.carried(entry.name, "release", why, entry.origin)
        return DraftService(entry.name, settings, entry.origin)
    seen = resolved(entry.command, folder).text
    counted = None if beside.port is None else beside.port + number * beside.step
    service = service_of(
        draft,
        entry.name,
        entry.command,
        entry.origin,
        text=seen,
        web=entry.name == "web",
        port=counted,
    )
    if remap := _REMAP.search(entry.command):
        start_with(service, stop_signal=remap[1])
        why = f"is Heroku's way to say `stop_signal: {remap[1]}`"
        draft.carried(entry.name, remap[0].strip(), why, entry.origin)
    if beside.grace:
        start_with(service, stop_grace_period=beside.grace)
    return service


def _released_first(draft: Draft) -> None:
    if "release" in draft.services:
        for name, service in draft.services.items():
            if name != "release":
                service.settings["depends_on"] = ["release"]


def _copies(draft: Draft, beside: RunnerOptions) -> None:
    """As many of each as was said."""
    every, _ = beside.copies.get("all", (1, None))
    for name, service in list(draft.services.items()):
        count, here = beside.copies.get(name, (every, service.origin))
        if count != 1 and not service.settings.get("oneshot"):
            _so_many(draft, service, count, here)
    for name, (_, here) in beside.copies.items():
        if name != "all" and name not in draft.services:
            draft.lost("", f"{name}=", "there is no such entry", here)


def _so_many(draft: Draft, service: DraftService, count: int, here: Origin) -> None:
    """Copies of proxies are `replicas`; those of processes have names of their own."""
    name = service.name
    what = f"{name}={count}"
    if count == 0:
        service.settings["autostart"] = False
        draft.carried(name, what, f"is started by `rpx start {name}` alone", here)
    elif service.is_proxy and "from" in service.settings:
        why = "only one copy can listen at the port that is fixed"
        hint = "let it listen at $PORT, leave `from` out and write `replicas`"
        draft.lost(name, what, why, here, hint)
    elif service.is_proxy:
        service.settings["replicas"] = count
    else:
        draft.carried(name, what, "each copy has a name of its own", here)
        for _ in range(count - 1):
            copy = fresh(name, draft.services)
            draft.add(DraftService(copy, dict(service.settings), service.origin))


def _known(environ: Mapping[str, str], beside: RunnerOptions) -> set[str]:
    return ({*environ, *beside.variables}) - _OF_HEROKU


PROCFILE = ForeignSource(
    "a Procfile",
    ("Procfile.dev", "Procfile.local", "Procfile.development", "Procfile"),
    read,
    is_procfile,
)
