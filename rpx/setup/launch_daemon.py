"""Ports 80 and 443 on macOS: launchd opens them, and starts the door as the user.

Only root may listen on 127.0.0.1:80 there, and no setting changes that. launchd.plist(5)
"""

from __future__ import annotations

import plistlib
from typing import Final

from rpx.door.starting import DoorPlace
from rpx.errors import Problem
from rpx.programs import Step
from rpx.setup.door_service import STAYS, addresses, door_words, obstacle
from rpx.setup.part import Part
from rpx.setup.sealed_files import removing, sealed, sealed_file, writing
from rpx.setup.system import System, text_of

LABEL: Final = "rpx.door"
PLIST: Final = f"/Library/LaunchDaemons/{LABEL}.plist"
NAME: Final = "ports"
TITLE: Final = "ports 80 and 443"
_SERVICE: Final = f"system/{LABEL}"
_COMMENT: Final = ("<!--", " -->")


def launched_ports(system: System, place: DoorPlace) -> Part:
    """What lets launchd open the ports at each start of the machine."""
    path = system.at(PLIST)
    wanted = property_list(system, place)
    there = sealed_file(path)
    begin, end = _COMMENT
    if there and text_of(path) == sealed(wanted, there.folders, begin=begin, end=end):
        return Part(NAME, TITLE, f"launchd has them, by {path}")
    if problem := obstacle(system, place):
        return Part(NAME, TITLE, "only root may listen there", problem=problem)
    if path.exists() and not (there and there.intact):
        problem = Problem(
            f"{path} is not as `rpx setup` writes it", hint="look at it, and remove it"
        )
        return Part(NAME, TITLE, "only root may listen there", problem=problem)
    steps: list[Step] = []
    if there:
        away = ("launchctl", "bootout", _SERVICE)
        steps.append(Step("what another version of rpx has set up ends", away, root=True))
    why = f"launchd opens them for {system.user} at every start, and runs the door"
    steps += writing(path, wanted, why, root=True, begin=begin, end=end)
    start = ("launchctl", "bootstrap", "system", str(path))
    steps.append(Step("and from now on", start, root=True))
    return Part(NAME, TITLE, "only root may listen there", tuple(steps))


def withdrawn_daemon(system: System) -> Part:
    """What takes that back."""
    path = system.at(PLIST)
    there = sealed_file(path)
    if there is None:
        return Part(NAME, TITLE, f"nothing to take back: there is no {path} of rpx's")
    if not there.intact:
        note = f"{path} was changed since `rpx setup` wrote it, and is left as it is"
        return Part(NAME, TITLE, "nothing to take back", notes=(note,))
    end = Step(
        "the door ends, and launchd lets the ports go", ("launchctl", "bootout", _SERVICE), True
    )
    away = removing([there], "it does not come back at the next start", root=True)
    return Part(NAME, TITLE, f"launchd has them, by {path}", (end, *away))


def property_list(system: System, place: DoorPlace) -> str:
    """What launchd is told."""
    sockets: dict[str, list[dict[str, str]]] = {"http": [], "https": []}
    for host, port in addresses():
        family = "IPv6" if ":" in host else "IPv4"
        listener = {"SockNodeName": host, "SockServiceName": str(port), "SockFamily": family}
        sockets["https" if port == 443 else "http"].append({**listener, "SockType": "stream"})
    told = {
        "Label": LABEL,
        "ProgramArguments": list(door_words(place, "--launchd", *STAYS)),
        "UserName": system.user,
        "RunAtLoad": True,
        "KeepAlive": True,
        "Sockets": sockets,
    }
    return plistlib.dumps(told).decode()
