"""How many connections a place can serve at once, as it shows; and who makes room for whom."""

from __future__ import annotations

from dataclasses import dataclass

from rpx.hub import seats
from rpx.hub.seats import Seat, Seats


@dataclass(eq=False)
class Owner:
    in_rotation: bool = True


class Connection:
    def __init__(self, seat: Seat) -> None:
        self.since = self.deadline = float("inf")
        self.seat = seat
        self.reused = False
        self.open = self.quiet = True

    def is_quiet(self) -> bool:
        return self.quiet

    def close(self) -> None:
        self.open = False


class Place:
    """One place and whoever asks there, at the times that a test says."""

    def __init__(self) -> None:
        self.seats = Seats()
        self.owner = Owner()

    def calls(self, now: float) -> Connection:
        return Connection(self.seats.enter(now))

    def answers(self, one: Connection, *, keeps: bool = True) -> None:
        self.seats.served(one.seat, keeps=keeps)

    def rests(self, one: Connection, now: float, rest: float = 4.0) -> bool:
        return self.seats.keep(self.owner, one, now, rest)

    def ends(self, one: Connection) -> None:
        self.seats.leave(one.seat)
        one.close()

    def one_at_rest(self, now: float) -> Connection:
        one = self.calls(now)
        self.answers(one)
        self.rests(one, now)
        return one


def shown(place: Place, number: int) -> Place:
    """Let it serve so many at once, and all of them end."""
    many = [place.calls(0.0) for _ in range(number)]
    for each in many:
        place.answers(each)
    for each in many:
        place.ends(each)
    return place


def test_one_at_rest_makes_room_for_a_new_one_where_no_two_were_seen() -> None:
    place = Place()
    resting = place.one_at_rest(1.0)
    place.calls(1.1)
    assert not resting.open


def test_one_at_rest_stays_where_two_have_been_served_at_once() -> None:
    place = shown(Place(), 2)
    resting = place.one_at_rest(1.0)
    place.calls(1.1)
    assert resting.open


def test_another_process_has_shown_nothing_yet() -> None:
    place = shown(Place(), 2)
    place.seats.renew()
    resting = place.one_at_rest(1.0)
    place.calls(1.1)
    assert not resting.open


def test_who_is_answered_beside_a_connection_that_has_died_shows_nothing() -> None:
    place = Place()
    first, second = place.calls(0.0), place.calls(0.0)
    place.answers(first)
    place.rests(first, 0.0)
    first.quiet = False  # it closes each after its answer
    place.answers(second)
    place.ends(second)
    assert not first.open
    resting = place.one_at_rest(1.0)
    place.calls(1.1)
    assert not resting.open


def test_who_is_answered_beside_an_answer_that_ends_its_connection_shows_nothing() -> None:
    place = Place()
    first, second = place.calls(0.0), place.calls(0.0)
    place.answers(first, keeps=False)
    place.answers(second)
    place.ends(first)
    place.ends(second)
    resting = place.one_at_rest(1.0)
    place.calls(1.1)
    assert not resting.open


def test_one_that_comes_to_rest_while_another_waits_is_closed_when_that_has_waited() -> None:
    place = Place()
    first, _ = place.calls(0.0), place.calls(0.0)
    place.answers(first)
    assert place.rests(first, 0.01)  # somebody waits: look soon
    assert place.seats.expire(0.02) <= seats.PATIENCE
    assert first.open
    place.seats.expire(seats.PATIENCE + 0.01)
    assert not first.open


def test_one_is_closed_at_once_where_another_has_waited_already() -> None:
    place = Place()
    first, _ = place.calls(0.0), place.calls(0.0)
    place.answers(first)
    assert not place.rests(first, seats.PATIENCE + 0.01)
    assert not first.open


def test_after_two_waits_in_vain_none_rests_while_another_waits() -> None:
    place = Place()
    for now in (10.0, 20.0):
        first, second = place.calls(now), place.calls(now)
        place.answers(first)
        place.rests(first, now)
        place.seats.expire(now + seats.PATIENCE)
        place.answers(second)
        place.ends(second)
    first, _ = place.calls(30.0), place.calls(30.0)
    place.answers(first)
    place.rests(first, 30.0)
    assert not first.open


def test_one_that_rests_for_long_makes_room_also_where_there_are_seats() -> None:
    place = shown(Place(), 3)  # which may be those of other connections
    resting = place.one_at_rest(1.0)
    place.calls(1.0)
    place.seats.expire(1.0 + seats.LONGER / 2)
    assert resting.open
    place.seats.expire(1.01 + seats.LONGER)
    assert not resting.open


def test_a_check_has_its_place_and_one_at_rest_makes_room_for_it() -> None:
    place = Place()
    resting = place.one_at_rest(1.0)
    seat = place.seats.enter(1.1)
    assert not resting.open
    place.seats.leave(seat)
    assert place.seats.empty


def test_a_place_is_crowded_while_it_answers_others_and_has_no_seat_left() -> None:
    place = Place()
    busy = place.calls(0.0)
    place.answers(busy)
    check = place.seats.enter(1.0)
    assert not place.seats.crowded_since(1.0)  # it has answered nobody
    place.rests(busy, 1.01)
    assert place.seats.crowded_since(1.0)
    place.seats.leave(check)
    assert not place.seats.crowded_since(1.0)


def test_those_that_rested_too_long_or_for_one_that_is_out_are_closed() -> None:
    place = shown(Place(), 2)
    one, two = place.one_at_rest(1.0), place.one_at_rest(3.0)
    place.seats.expire(5.5)
    assert (one.open, two.open) == (False, True)
    place.owner.in_rotation = False
    place.seats.expire(5.6)
    assert not two.open
    assert place.seats.empty


def test_three_that_were_closed_at_once_are_a_habit_and_one_that_served_again_is_none() -> None:
    place = Place()
    verdicts = []
    for number in range(6):
        now = float(number)
        one = place.one_at_rest(now)
        if number == 2:
            one.reused = True
            place.rests(one, now)
        else:
            place.seats.died(one, now + 0.2)
        verdicts.append(place.seats.reticent)
    assert verdicts == [False, False, False, False, False, True]
    assert not place.one_at_rest(9.0).open


def test_one_that_was_closed_after_a_long_rest_says_nothing() -> None:
    place = Place()
    for _ in range(9):
        place.seats.died(place.one_at_rest(1.0), 1.0 + seats.SOON)
    assert not place.seats.reticent
    assert place.one_at_rest(9.0).open
