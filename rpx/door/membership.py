"""Who comes and who goes: members join, take names, accept for themselves, leave, and move on."""

from __future__ import annotations

import os
import socket
from functools import partial

from rpx import __version__
from rpx.door import door_frames as words
from rpx.door.acceptance import Acceptance
from rpx.door.coming_in import ComingIn
from rpx.door.credentials import uid_of
from rpx.door.door_frames import Garbled, PassedClient, frame, json_frame, read_json
from rpx.door.entrances import PortTaken
from rpx.door.joining import Improper, read_hello, read_state
from rpx.door.member import DoorMember
from rpx.door.poller import GONE, READABLE, WRITABLE
from rpx.door.succession import Succession
from rpx.door.visitor import Visitor
from rpx.door.visits import Visits

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Final

    from rpx.door.entrances import DoorEntrance
    from rpx.door.hall import Hall
    from rpx.door.messages import GivenEntrance, MemberHello, Refused, Welcome
    from rpx.door.succession import Early

STAY: Final = 3.0  # after the last member has left
FIRST: Final = 10.0  # for the first to come
NAMELESS: Final = 10.0  # for a connection to say HELLO
MOST_MEMBERS: Final = 1000
MOVING: Final = 90.0  # for the last clients of a door that gives way, and members that hang
UNLOCKING: Final = 1.0  # seconds for the lock to arrive at who starts the next door
NOTING: Final = 0.1  # seconds after which what is less urgent is written


class Membership:
    """The door's side of the words of door_frames.py."""

    def __init__(self, hall: Hall, *, stay: float = STAY, first: float = FIRST) -> None:
        self.hall = hall
        self.visits = Visits(hall, self.lose)
        self.coming_in = ComingIn(hall, self.visits)
        self.acceptance = Acceptance(hall, self.coming_in, self.lose)
        self._kinds: dict[int, Callable[[DoorMember, bytes, list[int]], None]] = {
            words.HELLO: self._hello,
            words.ASTRAY: self._astray,
            words.STATE: self._state,
            words.HALTED: lambda _, payload, __: self.acceptance.halted(payload),
            words.LEAVE: lambda member, _, __: self._leave(member),
            words.RETIRE: lambda member, payload, _: self.retire(
                member if payload == b"\x01" else None
            ),
            words.ACK: lambda member, _, __: member.acknowledged(),
        }
        self.ended = False
        self.retired = False
        self.before_moving: Callable[[], None] = lambda: None
        self._stay = stay
        self._sockets: dict[int, DoorMember] = {}
        self._succession = Succession(hall, self._grown)
        self._noting = False
        self._comings = 0
        hall.timers.after(first, partial(self._end_if_alone, 0))

    # ---- connections

    def meet(self, sock: socket.socket) -> None:
        """Take a connection of somebody who may want to join."""
        if uid_of(sock) != os.getuid() or len(self._sockets) >= MOST_MEMBERS or self.retired:
            sock.close()
            return
        member = DoorMember(sock)
        self._sockets[member.fd] = member
        self.hall.handle(member.fd, partial(self._hear, member))
        self.hall.poller.watch(member.fd)
        self.hall.timers.after(NAMELESS, partial(self._too_late, member))

    def _too_late(self, member: DoorMember) -> None:
        if not member.joined and not self._succession.waits:
            self.lose(member)

    def _hear(self, member: DoorMember, what: int) -> None:
        if (what & WRITABLE and not self._flush(member)) or not what & (READABLE | GONE):
            return
        try:
            alive = member.reader.feed(member.sock)
            for kind, payload, fds in member.reader.frames():
                self._said(member, kind, payload, fds)
                if self._sockets.get(member.fd) is not member:
                    return
        except BlockingIOError:
            return
        except Exception as error:  # noqa: BLE001 - a boundary: nobody else is to suffer
            self._distrust(member, error)
            return
        if not alive:
            self.lose(member)

    def _distrust(self, member: DoorMember, error: Exception) -> None:
        """Let a member go of whom something is wrong."""
        who = member.about["project"] or "somebody"
        if isinstance(error, Garbled):
            self.hall.note(f"{who} says what can't be read: {error}")
        elif not isinstance(error, OSError):
            self.hall.report()
        self.lose(member)

    def _said(self, member: DoorMember, kind: int, payload: bytes, fds: list[int]) -> None:
        try:
            what = self._kinds.get(kind)  # others are of a later version
            if what is not None:
                what(member, payload, fds)
        finally:
            for fd in fds:  # that nobody has taken out
                os.close(fd)

    def _state(self, member: DoorMember, payload: bytes, _: list[int]) -> None:
        member.told = read_state(read_json(payload))
        self._note_later()

    # ---- joining

    def _hello(self, member: DoorMember, payload: bytes, fds: list[int]) -> None:
        if self.retired or member.leaving:
            return  # it is for the next one, or none at all
        try:
            about = read_hello(read_json(payload))
        except Improper as error:
            self._refuse(member, {"kind": "hello", "why": str(error)})
            return
        if about["v"] < 1:
            self._refuse(member, {"kind": "version"})
        elif not self._succession.keep(member, about, fds):
            self._join(member, about, fds)

    def _join(self, member: DoorMember, about: MemberHello, fds: list[int]) -> None:
        claims = self.hall.claims
        while (conflict := claims.taken(about["hosts"], member)) is not None:
            name, holder = conflict
            if not holder.is_gone() and holder.about["run_id"] != about["run_id"]:
                found: Refused = {"kind": "host", "name": name, "holder": holder.as_holder()}
                self._refuse(member, found)
                return
            self.lose(holder)
        try:
            entrances, sent = self.hall.entrances.wanted(about, fds)
        except PortTaken as error:
            self._refuse(member, {"kind": "port", "port": error.port, "errno": error.code})
        else:
            self._take_in(member, about, entrances, sent)

    def _take_in(
        self,
        member: DoorMember,
        about: MemberHello,
        entrances: list[DoorEntrance],
        sent: set[int],
    ) -> None:
        hall = self.hall
        before = hall.entrances.of(member)
        had = {entrance.id for entrance in before} | sent
        member.about = about
        hall.claims.put(about["hosts"], member)
        if member not in hall.members:
            hall.members[member] = None
            self._comings += 1
        for entrance in entrances:
            entrance.users.setdefault(member)
        for entrance in before:
            if entrance not in entrances:
                self.acceptance.leave(member, entrance)
        hall.records.remember(member)
        if not about.get("prefer"):  # as tests and CI do: theirs are not to last
            hall.records.remember_ports(hall.entrances.to_remember())
        self.note()  # before it hears of it: our successor is to know of whom we know
        self._welcome(member, entrances, had)
        self._tell_of_others()
        self._succession.came(about["run_id"])
        self.settle()

    def _welcome(self, member: DoorMember, entrances: list[DoorEntrance], had: set[int]) -> None:
        """Tell a member its entrances, and give it the listeners that it hasn't got already."""
        listeners: list[int] = []
        given: list[GivenEntrance] = []
        for entrance in entrances:
            new = [] if entrance.id in had else [x.fileno() for x in entrance.listeners]
            had.add(entrance.id)
            listeners += new
            given.append(entrance.given(len(new)))
        welcome: Welcome = {
            "v": min(words.VERSION, member.about["v"]),
            "rpx": __version__,
            "pid": os.getpid(),
            "since": self.hall.since,
            "entrances": given,
        }
        self._say(member, json_frame(words.WELCOME, welcome, len(listeners)), listeners)

    def _tell_of_others(self) -> None:
        """Let who has a wildcard know which hosts below it are somebody else's."""
        for member in list(self.hall.members):
            others = self.hall.claims.others(member)[: words.MOST_HOSTS]
            if others != member.others and member in self.hall.members:
                member.others = others
                self._say(member, json_frame(words.OTHERS, {"hosts": others}))

    def _say(self, member: DoorMember, data: bytes, fds: Sequence[int] = ()) -> None:
        if member.say(data, fds):
            self.hall.mind(member)
        else:
            self.lose(member)

    def _grown(self, early: list[Early]) -> None:
        """All members of our predecessor are back, or have had their time."""
        for member, about, fds in early:
            if self._sockets.get(member.fd) is member:
                self._join(member, about, fds)
            for fd in fds:
                os.close(fd)
        self.visits.consider_all(self._succession.clients)
        self.note()  # without those who have not come
        self.settle()

    def settle(self) -> None:
        """Let those accept who are to, unless others are waited for."""
        if not self._succession.waits and not self.retired:
            self.acceptance.settle()

    def _refuse(self, member: DoorMember, why: Refused) -> None:
        self._say(member, json_frame(words.REFUSED, why))

    # ---- going

    def _leave(self, member: DoorMember) -> None:
        """It takes what is under way, and no more."""
        if member.leaving:
            return
        self._forget(member)
        member.leaving = True
        self._flush(member)

    def _flush(self, member: DoorMember) -> bool:
        if not member.flush():
            self.lose(member)
            return False
        self.hall.mind(member)
        if member.leaving and member.idle:
            member.finish()
        return True

    def lose(self, member: DoorMember) -> None:
        """It is gone. Its names are free at once; whom it hasn't been given is told."""
        if self._sockets.get(member.fd) is not member:  # its number may be another's by now
            return
        del self._sockets[member.fd]
        self.hall.poller.forget(member.fd)
        self.hall.unhandle(member.fd)
        left = member.close()
        self._forget(member)
        if left:
            from rpx.door.answering_here import gone  # noqa: PLC0415 - it is seldom

            for visitor in left:
                self.visits.answer(visitor, gone(visitor, member))

    def _forget(self, member: DoorMember) -> None:
        if member not in self.hall.members:
            return
        self.hall.records.remember(member)
        self.hall.claims.drop(member)
        del self.hall.members[member]
        for entrance in self.hall.entrances.of(member):
            self.acceptance.leave(member, entrance)
        self._comings += 1
        self.note()
        self._tell_of_others()
        self.settle()
        if not self.hall.members:
            self.hall.timers.after(self._stay, partial(self._end_if_alone, self._comings))

    def _end_if_alone(self, comings: int) -> None:
        """End, unless somebody has come since."""
        if comings == self._comings and not self.hall.members:
            self.ended = True

    # ---- moving on

    def retire(self, starter: DoorMember | None) -> None:
        """Let the next door have it all. `starter` starts it, and gets the lock for that."""
        if self.retired:
            return
        self.retired = True
        for entrance in self.hall.entrances.all.values():
            self.coming_in.shut(entrance)
        self.visits.consider_all(self._succession.clients)
        self.hall.records.save()
        self.before_moving()  # or somebody would join who isn't told
        lock, self.hall.records.lock = self.hall.records.lock, None
        for member in list(self._sockets.values()):
            fds = (lock,) if lock is not None and member is starter and member.idle else ()
            self._say(member, frame(words.MOVE, b"", len(fds)), fds)
        self.hall.timers.after(MOVING, partial(setattr, self, "ended", True))
        if lock is not None:
            self.hall.timers.after(UNLOCKING if starter else 0.0, partial(os.close, lock))

    @property
    def done(self) -> bool:
        """There is nothing left to do."""
        moved = self.retired and not self.visits.any
        return self.ended or (moved and all(member.idle for member in self._sockets.values()))

    # ---- clients that come back

    def _astray(self, member: DoorMember, payload: bytes, fds: list[int]) -> None:
        if not fds:
            return  # there was no room for its descriptor
        client = PassedClient(payload)
        sock = client.socket(fds.pop(0))
        sock.setblocking(False)
        visitor = Visitor(sock, client.entrance, client.address, client.port)
        visitor.ahead = client.ahead
        visitor.not_for = member
        if not self._succession.keep_client(visitor):
            self.visits.consider(visitor)

    # ---- the roster

    def note(self) -> None:
        """Write down who is here at once, and soon what is to be remembered."""
        self.hall.records.write_roster(self.hall.members, self.hall.entrances, self.hall.since)
        self._note_later()

    def _note_later(self) -> None:
        if not self._noting:
            self._noting = True
            self.hall.timers.after(NOTING, self._note)

    def _note(self) -> None:
        self._noting = False
        self.hall.records.write_roster(self.hall.members, self.hall.entrances, self.hall.since)
        self.hall.records.save()
