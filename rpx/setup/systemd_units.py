"""The door as units of systemd, which holds its ports, and starts it for whoever comes first.

Those of the user need ports that everybody may have; those of the system give one user theirs.
systemd.socket(5), systemd.service(5), sd_listen_fds(3)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from rpx.door.starting import DoorPlace
from rpx.errors import Problem
from rpx.programs import Step, found
from rpx.setup.door_service import STAYS, addresses, door_words, obstacle
from rpx.setup.part import Part
from rpx.setup.sealed_files import removing, sealed, sealed_file, writing
from rpx.setup.system import System, text_of

NAME: Final = "always-on"
TITLE: Final = "the door, always on"
SOCKET_UNIT: Final = "rpx-door.socket"
SERVICE_UNIT: Final = "rpx-door.service"
_SYSTEM: Final = "/etc/systemd/system"
_AT_REST: Final = "systemd does not run this machine now: the units wait until it does"
_LINGER: Final = "it begins when you log in; with `loginctl enable-linger`, when the machine starts"


def held_ports(system: System, place: DoorPlace, *, shared: bool = False) -> Part:
    """What lets systemd hold the ports. `shared`: by units of the system, for this user only."""
    folder = _folder(system, shared=shared)
    wanted = _units(system, place, shared=shared)
    if all(_is_as_wanted(folder / name, text) for name, text in wanted.items()):
        return Part(NAME, TITLE, f"by {folder / SOCKET_UNIT}")
    if found("systemctl") is None:
        hint = "without, the door is started by the first project, which costs nothing"
        return _blocked("there is no systemd here", hint)
    if problem := obstacle(system, place):
        return Part(NAME, TITLE, "not set up", problem=problem)
    for name in wanted:
        there = folder / name
        if there.exists() and not ((sealed := sealed_file(there)) and sealed.intact):
            return _blocked(f"{there} is not as `rpx setup` writes it", "look at it, and remove it")
    notes = [*([] if _runs(system) else [_AT_REST]), *([] if shared else [_LINGER])]
    steps = _arranging(system, folder, wanted, shared=shared)
    return Part(NAME, TITLE, "not set up", tuple(steps), tuple(notes))


def _arranging(
    system: System, folder: Path, wanted: Mapping[str, str], *, shared: bool
) -> Iterator[Step]:
    steps: list[Step] = []
    for name, text in wanted.items():
        why = "what systemd listens at" if name == SOCKET_UNIT else "how it starts the door"
        steps += _writing(folder / name, text, why, steps, root=shared)
    yield from steps
    systemctl = _systemctl(shared=shared)
    if _runs(system):
        yield Step("systemd reads them", (*systemctl, "daemon-reload"), shared)
    # The system's door has to be there before a project looks for it: nobody connects to start it.
    units = (SOCKET_UNIT, SERVICE_UNIT) if shared else (SOCKET_UNIT,)
    enable = (*systemctl, "enable", *units)
    yield Step("the ports are held from each start on", enable, shared)
    if _runs(system):
        yield Step("and from now on", (*systemctl, "restart", *units), shared)


def withdrawn_units(system: System) -> Part:
    """What takes the units back, of whichever kind they are."""
    steps: list[Step] = []
    notes: list[str] = []
    for shared in (False, True):
        folder = _folder(system, shared=shared)
        there = [each for path in _paths(folder) if (each := sealed_file(path))]
        changed = [each.path for each in there if not each.intact]
        notes += [f"{path} was changed since, and is left as it is" for path in changed]
        if not there or changed:
            continue
        systemctl = _systemctl(shared=shared)
        now = ("--now",) if _runs(system) else ()
        stop = (*systemctl, "disable", *now, SOCKET_UNIT, SERVICE_UNIT)
        steps.append(Step("systemd lets the ports go, and the door end", stop, shared))
        links = folder / "sockets.target.wants"
        gone = [links, links / SOCKET_UNIT]  # systemctl removes both
        steps += removing(there, "the units are removed", root=shared, gone_before=gone)
        if now:
            steps.append(Step("systemd forgets them", (*systemctl, "daemon-reload"), shared))
    said = "by systemd" if steps else "nothing to take back"
    return Part(NAME, TITLE, said, tuple(steps), tuple(notes))


def unit_files(system: System) -> list[Path]:
    """The units that are there."""
    folders = [_folder(system, shared=shared) for shared in (False, True)]
    return [path for folder in folders for path in _paths(folder) if sealed_file(path)]


def _paths(folder: Path) -> list[Path]:
    return [folder / SOCKET_UNIT, folder / SERVICE_UNIT]


def _units(system: System, place: DoorPlace, *, shared: bool) -> dict[str, str]:
    listen = [f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in addresses()]
    if not shared:
        listen.insert(0, str(place.socket).replace("%", "%%"))
    runtime = f"user-runtime-dir@{system.uid}.service"
    begins = f"Requires={runtime}\nAfter={runtime}\n" if shared else ""
    service = f"User={system.user}\n\n[Install]\nWantedBy=multi-user.target\n" if shared else ""
    words = " ".join(map(_quoted, door_words(place, *(STAYS if shared else ()))))
    streams = "".join(f"ListenStream={each}\n" for each in listen)
    return {
        SOCKET_UNIT: (
            "[Unit]\n"
            f"Description=Ports 80 and 443 of the projects that {system.user} runs with rpx\n"
            "\n[Socket]\n"
            f"{streams}"
            "SocketMode=0600\n"
            "DirectoryMode=0700\n"
            "Backlog=4096\n"
            "NoDelay=yes\n"
            "\n[Install]\n"
            "WantedBy=sockets.target\n"
        ),
        SERVICE_UNIT: (
            "[Unit]\n"
            f"Description=The door of the projects that {system.user} runs with rpx\n"
            f"Requires={SOCKET_UNIT}\n"
            f"After={SOCKET_UNIT}\n"
            f"{begins}"
            "\n[Service]\n"
            f"ExecStart={words}\n"
            f"{service}"
        ),
    }


def _writing(path: Path, text: str, why: str, before: list[Step], *, root: bool) -> list[Step]:
    """As writing(), but that a folder which the steps before make is made once."""
    steps = writing(path, text, why, root=root)
    return [step for step in steps if step.command not in {each.command for each in before}]


def _is_as_wanted(path: Path, text: str) -> bool:
    there = sealed_file(path)
    return there is not None and text_of(path) == sealed(text, there.folders)


def _quoted(word: str) -> str:
    r"""A word of ExecStart: `%` and `$` have a meaning there, and quotes as in C."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if escaped != word or " " in word else word


def _systemctl(*, shared: bool) -> tuple[str, ...]:
    return ("systemctl",) if shared else ("systemctl", "--user")


def _runs(system: System) -> bool:
    """Whether systemd runs the machine now, sd_booted(3)."""
    return system.at("/run/systemd/system").is_dir()


def _folder(system: System, *, shared: bool) -> Path:
    if shared:
        return system.at(_SYSTEM)
    return system.folder("XDG_CONFIG_HOME", ".config") / "systemd/user"


def _blocked(what: str, hint: str) -> Part:
    return Part(NAME, TITLE, "not set up", problem=Problem(f"{TITLE}: {what}", hint=hint))
