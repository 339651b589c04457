"""The machine's door, as one project has it: joined, followed from one door to the next, and left.

Nobody ends because of the door. Who loses it joins again, and starts the next one if nobody else
does. What it says is heard by a coroutine of the reactor, and what blocks is done in workers.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final, Literal

import trio

from rpx.door import door_frames as words
from rpx.door.door_frames import PassedClient, client_payload, read_json
from rpx.door.starting import DoorPlace
from rpx.errors import RpxError
from rpx.hub.error_boundary import contain_errors
from rpx.model.config import ANY
from rpx.proxy.arrival import Arrival
from rpx.proxy.between_doors import BetweenDoors
from rpx.proxy.door_link import (
    Admitted,
    DoorLink,
    NoDoor,
    RefusedByDoor,
    in_json,
    in_words,
    is_there,
    knock,
    order,
    start_one,
)
from rpx.proxy.listener import Server
from rpx.proxy.shared_ports import SharedPorts, WantedPort

if TYPE_CHECKING:
    from rpx.door.messages import MemberHello, StateOfMember

PATIENCE: Final = 10.0  # seconds in which a door can be had: a busy machine takes its time
AGAIN: Final = 0.01  # between two looks for one that is being started
SLOWLY: Final = 5.0  # and once it could not be had for so long
LOOK: Final = 2.0  # between two looks whether the door is where others look for it
LEAVING: Final = 1.0  # seconds for the door to send what was under way


class FrontDoor:
    """A project behind the machine's door: a WayIn, which also takes clients back."""

    def __init__(
        self,
        find: Callable[[], DoorPlace],
        who: MemberHello,
        report: Callable[[ExceptionGroup[Exception]], None],
    ) -> None:
        """`find`: where the door is, now. `who`: what we say of us, but for hosts and entrances.
        `report` gets what goes wrong by a bug of ours."""
        self.ports = SharedPorts(self)
        self._find = find
        self._place = find()
        self._who = who
        self._report = report
        self._hello: MemberHello | None = None  # that the door has taken
        self._next: tuple[Admitted, dict[int, int]] | None = None  # it is yet to be followed
        self._link: DoorLink | None = None
        self._links: set[DoorLink] = set()  # also those that are on their way out
        self._lost = trio.Event()
        self._lock: int | None = None  # of a door that gives way to one of ours
        self._starting = self._started = False  # by us: such a door ends with our guardian
        self._leaving = self._helpless = False
        self._back = BetweenDoors()
        self._state: StateOfMember | None = None
        self._answers = {
            words.TAKE: self._take,
            words.WELCOME: self._welcomed,
            words.REFUSED: self._refused,
            words.ALONE: self._alone,
            words.HALT: self._halt,
            words.MOVE: self._move,
            words.OTHERS: self._told_of_others,
        }

    @property
    def joined(self) -> bool:
        """The door has taken us, or one that has gone has."""
        return self._hello is not None

    @property
    def preferred(self) -> Mapping[Literal["http", "https"], int]:
        """The machine's ports that our environment chooses."""
        return self._who.get("prefer", {})

    async def ask(self, hosts: Sequence[str], ports: Sequence[WantedPort]) -> Callable[[], None]:
        """Have these names and ports, all or nothing; return what takes that back.

        Raises: RefusedByDoor; NoDoor.
        """
        before, hello = self._hello, self._who.copy()
        hello["hosts"] = list(hosts)
        hello["entrances"] = [{"tls": tls, "port": port} for tls, port in ports]
        if before is None:
            self._adopt(await self._joined(hello), hello)
            self._hello = hello
            return self.close
        if hello != before:
            with trio.move_on_after(PATIENCE) as patience:
                await self._answered(hello)
            if patience.cancelled_caught:
                raise NoDoor("it does not answer")
            self._hello = hello
        return partial(self._say_again, before)

    def tell(self, state: StateOfMember) -> None:
        """Let the door know how the project is, now and whenever there is another door."""
        self._state = state
        if self._link is not None:
            self._link.send(words.STATE, in_json(state))

    # ---- a WayIn

    async def run(self, server: Server) -> None:
        """Take clients from this door, and from those that come after it."""
        self.ports.server = server
        async with trio.open_nursery() as self.ports.accepting:
            self._follow(server)
            self.ports.accepting.start_soon(self._stay_where_doors_are)
            while True:
                await self._lost.wait()
                self._lost = trio.Event()
                await self._join_again(server)

    async def _stay_where_doors_are(self) -> None:
        """Let the door give way to one that others find: a runtime directory may go, and return."""
        while True:
            await trio.sleep(LOOK)
            place = self._find()
            if self._link is not None and place != self._place and not is_there(place):
                self._link.send(words.RETIRE)

    async def leave(self) -> None:
        """Give the names back, and take who is under way."""
        self._leaving = True
        for port in self.ports:
            port.accept_no_more()
        if self._link is not None:
            self._link.send(words.LEAVE)  # first, or the next door would wait for us
            if self._started:
                self._link.send(words.RETIRE)  # the others start one that outlives us
            with trio.move_on_after(LEAVING):
                for link in list(self._links):
                    await link.ended.wait()
        self.close()

    def close(self) -> None:
        """Leave at once; safe to call twice."""
        self._leaving, self._link = True, None
        for link in list(self._links):
            link.close()
        if self._next is not None:
            self._next[0].close()
            self._next = None
        self.ports.close()
        self._back.close()

    # ---- who takes clients back

    @property
    def open(self) -> bool:
        """A door takes them back, or one that is about to come."""
        return self._link is not None or not (self._helpless or self._back.full)

    def give_back(self, arrival: Arrival, sock: int, heard: bytes) -> None:
        """Let the door have a client that asks for a host of somebody else."""
        link = self._link
        if link is None:
            self._back.keep((arrival, sock, heard))
        else:
            name = link.named(arrival.entrance)
            payload = client_payload(name, arrival.address, arrival.port, heard)
            link.send(words.ASTRAY, payload, sock)

    # ---- joining

    async def _joined(self, hello: MemberHello) -> Admitted:
        until = trio.current_time() + PATIENCE
        while trio.current_time() < until:
            try:
                found = await self._knocked(hello)
            except (OSError, RpxError) as error:
                raise NoDoor(in_words(error)) from None
            if found is not None:
                return found
            await trio.sleep(AGAIN)
        raise NoDoor("it does not answer")

    async def _knocked(self, hello: MemberHello) -> Admitted | None:
        # Nobody who ends waits for a door that hangs.
        return await trio.to_thread.run_sync(self._knock, hello, abandon_on_cancel=True)

    def _knock(self, hello: MemberHello) -> Admitted | None:
        """In a worker: join a door, or start one. Raises: RefusedByDoor, OSError, RpxError."""
        self._place = self._find()  # elsewhere, if the runtime directory has been removed
        found = knock(self._place, *self.ports.offered(hello))
        if found is None:
            lock, self._lock = self._lock, None
            self._starting |= start_one(self._place, lock)
        return found

    async def _join_again(self, server: Server) -> None:
        """Join the next door, which may be one that we start; that it can't be had is said once."""
        began, told = trio.current_time(), ""
        while self._hello is not None:
            why = "the last one has gone, and no other answers"
            try:
                found = await self._knocked(self._hello)
                if found is not None:
                    self._adopt(found, self._hello)
                    return
            except (RefusedByDoor, OSError, RpxError) as error:
                why = in_words(error)
            late = trio.current_time() - began > PATIENCE
            if late and why != told:
                told = why
                server.shared.registry.say(f"the door of this machine can't be had: {why}")
                self._help_ourselves()
            await trio.sleep(SLOWLY if late else AGAIN)

    def _help_ourselves(self) -> None:
        """Accept without a door: who asks for another project is out of luck."""
        self._helpless = True
        for number in range(len(self.ports)):
            self.ports.accept(number)
        self._back.close()

    def _adopt(self, found: Admitted, hello: MemberHello) -> None:
        """Go by a door that has taken us: it says who accepts."""
        for port in self.ports:
            port.accept_no_more()
        self._next = found, self.ports.given(self.ports.of(hello), found.welcome, found.fds)
        self._started, self._starting = self._starting, False
        self._helpless = False
        if self.ports.server is not None:
            self._follow(self.ports.server)

    def _follow(self, server: Server) -> None:
        """Hear what a new door says."""
        if self._next is None:
            return
        (found, names), self._next = self._next, None
        if self._hello is None or ANY not in self._hello["hosts"]:  # else we are told in any case
            self.ports.leave_to_others(frozenset())  # that the last door knew
        server.shared.door = self._place
        link = self._link = DoorLink(found.sock, found.reader, names, server.shared.reactor)
        self._links.add(link)
        server.shared.reactor.begin(self._hear(link))
        if self._state is not None:
            link.send(words.STATE, in_json(self._state))
        for each in self._back.take():
            self.give_back(*each)
        if order(found.welcome["rpx"]) < order(self._who["rpx"]):
            link.send(words.RETIRE, b"\x01")  # all are to have the newest: we start it

    async def _hear(self, link: DoorLink) -> None:
        await contain_errors(self._report, link.read, partial(self._heard, link))
        self._links.discard(link)
        if link is self._link:
            self._lose()
        for payload, sock in link.unsent():
            client = PassedClient(payload)
            number = link.numbers.get(client.entrance, 0)
            if self._leaving or not self.open:
                os.close(sock)
            else:
                arrival = Arrival(client.address, client.port, self, number)
                self.give_back(arrival, sock, client.ahead)

    def _lose(self) -> None:
        """The door that we know has gone. Who accepts for itself goes on with that."""
        self._link = None
        if not self._leaving:
            self._lost.set()

    # ---- what the door says

    def _heard(self, link: DoorLink, kind: int, payload: bytes, fds: list[int]) -> None:
        answer = self._answers.get(kind)
        if answer is not None and (link is self._link or kind == words.TAKE):
            answer(link, payload, fds)  # which takes the descriptors that it needs
        for fd in fds:
            os.close(fd)

    def _take(self, link: DoorLink, payload: bytes, fds: list[int]) -> None:
        client = PassedClient(payload)
        number = link.numbers.get(client.entrance)
        if number is not None and fds:  # there is none where we may have no more open files
            self.ports.take(number, client, fds.pop())
        if words.SENDS_ACKS:
            link.send(words.ACK)

    def _alone(self, link: DoorLink, payload: bytes, _: list[int]) -> None:
        for name in payload:
            if name in link.numbers and not self._leaving:
                self.ports.accept(link.numbers[name])

    def _halt(self, link: DoorLink, payload: bytes, _: list[int]) -> None:
        for name in payload:
            if name in link.numbers:
                self.ports[link.numbers[name]].accept_no_more()
        link.send(words.HALTED, payload)

    def _move(self, _: DoorLink, __: bytes, fds: list[int]) -> None:
        if fds and not self._leaving:
            self._lock = fds.pop()
        self._lose()

    def _welcomed(self, link: DoorLink, payload: bytes, fds: list[int]) -> None:
        ports = link.asked()
        if ports is not None:
            link.numbers.update(self.ports.given(ports, read_json(payload), fds))
            fds.clear()
            link.answer(True)

    def _refused(self, link: DoorLink, payload: bytes, _: list[int]) -> None:
        link.answer(RefusedByDoor(read_json(payload)))

    def _told_of_others(self, _: DoorLink, payload: bytes, __: list[int]) -> None:
        self.ports.leave_to_others(frozenset(read_json(payload)["hosts"]))

    # ---- names that change

    async def _answered(self, hello: MemberHello) -> None:
        """Ask until a door has taken it. Raises: RefusedByDoor."""
        while True:
            if self._link is not None:
                question = self._link.ask(hello, self.ports.of(hello))
                await question.answered.wait()
                if isinstance(question.answer, RefusedByDoor):
                    raise question.answer
                if question.answer:
                    return
            await trio.sleep(AGAIN)

    def _say_again(self, hello: MemberHello) -> None:
        """Have the names that we had, after all."""
        self._hello = hello
        if self._link is not None:
            self._link.ask(hello, self.ports.of(hello))
