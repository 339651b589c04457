"""What a folder has to run, before it has a name among others: a server, or something beside."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from rpx.moving.draft import Written
from rpx.moving.remarks import Came, Origin, Remark


@dataclass(frozen=True, slots=True)
class Runnable:
    """A command, and what is known of where it listens.

    `listens` is a port that it has whatever it is told, so that rpx has to send requests there;
    without one it listens at `$PORT`. `usual` is where it listens when nobody says anything: other
    parts of a project may have that in their files. What is no server gets no requests.
    """

    name: str  # what it is called where its folder doesn't say: web, worker, sidekiq
    command: str
    origin: Origin
    listens: int | None = None
    usual: int | None = None
    server: bool = True
    settings: Written = field(default_factory=dict)  # beside `command`
    remarks: tuple[Remark, ...] = ()

    def carried(self, what: str, why: str, origin: Origin, hint: str = "") -> Runnable:
        """The same with a remark on something that is as a file says."""
        return self._with(Came.CARRIED, what, why, origin, hint)

    def guessed(self, what: str, why: str, origin: Origin, hint: str = "") -> Runnable:
        """The same with a remark on something that is likely."""
        return self._with(Came.GUESSED, what, why, origin, hint)

    def fixed(self, port: int, where: Origin, hint: str = "let it read PORT") -> Runnable:
        """The same, at a port that stands in a source: who writes `$PORT` there can have copies."""
        moved = replace(self, listens=port, usual=port)
        why = f"it listens on {port}, whatever PORT says"
        return moved.guessed("port", why, where, f"{hint}, and leave `from` out")

    def _with(self, came: Came, what: str, why: str, origin: Origin, hint: str) -> Runnable:
        remark = Remark(came, "", what, why, origin, hint)
        return replace(self, remarks=(*self.remarks, remark))
