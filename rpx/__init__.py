"""rpx: a process supervisor and a load-balancing reverse proxy in one, for local development."""

from __future__ import annotations

TYPE_CHECKING = False  # not from typing: nothing is imported before __main__ has been at sys.path

if TYPE_CHECKING:
    from rpx.errors import RpxError
    from rpx.model.answers import ChangePlan, ChangeReport, Differs, Kill, Outcome
    from rpx.model.figures import Figures
    from rpx.model.status import Note, RotationChanged, Routed, Snapshot, State, StateChanged
    from rpx.python.embedded import Proxy, start_proxy
    from rpx.python.events import Events, Missed
    from rpx.python.keys import ProjectKeys, ProxyKeys
    from rpx.python.service_keys import ProcessKeys

__version__ = "0.1.0"
__all__ = [
    "ChangePlan",
    "ChangeReport",
    "Differs",
    "Events",
    "Figures",
    "Kill",
    "Missed",
    "Note",
    "Outcome",
    "ProcessKeys",
    "ProjectKeys",
    "Proxy",
    "ProxyKeys",
    "RotationChanged",
    "Routed",
    "RpxError",
    "Snapshot",
    "State",
    "StateChanged",
    "__version__",
    "start_proxy",
]

_HOMES = {
    "rpx.model.answers": ("ChangePlan", "ChangeReport", "Differs", "Kill", "Outcome"),
    "rpx.errors": ("RpxError",),
    "rpx.model.figures": ("Figures",),
    "rpx.model.status": ("Note", "RotationChanged", "Routed", "Snapshot", "State", "StateChanged"),
    "rpx.python.events": ("Events", "Missed"),
    "rpx.python.keys": ("ProjectKeys", "ProxyKeys"),
    "rpx.python.service_keys": ("ProcessKeys",),
    "rpx.python.embedded": ("Proxy", "start_proxy"),
}


def __getattr__(name: str) -> object:
    # Lazy, so that `rpx --help` doesn't pay for trio and pydantic, and the guardian stays small.
    from importlib import import_module  # noqa: PLC0415 - see above

    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(home), name)
    raise AttributeError(f"module 'rpx' has no attribute {name!r}")
