"""kill -9 under load: of the door, and of projects. `make soak-door` does it a thousand times."""

from __future__ import annotations

import os
import signal

import pytest

from rpx.door.door_frames import ALONE
from tests.support.door_load import DoorLoad
from tests.support.doors import DoorOfTest, FakeMember, ask, members, retire, until

pytestmark = pytest.mark.real


def more(load: DoorLoad, count: int = 50) -> None:
    """Wait until so many more have been answered, or something was lost."""
    before, lost = load.done, load.lost.total()
    until(lambda: load.done > before + count or load.lost.total() > lost, "load")


def test_kills_of_the_door_lose_at_most_what_it_had_in_its_hands(door: DoorOfTest) -> None:
    door.start()
    shop = FakeMember(door, "shop", "shop.localhost").joined()
    blog = FakeMember(door, "blog", "blog.localhost").joined()
    load = DoorLoad(door.http, ["shop", "blog"])
    with members(shop, blog):
        try:
            for _ in range(5):
                more(load)
                before = shop.welcomes, blog.welcomes
                os.kill(door.pid(), signal.SIGKILL)
                until(lambda: shop.welcomes > before[0] and blog.welcomes > before[1], "a door")  # noqa: B023
            more(load)
        finally:
            load.stop()
        assert set(load.lost) <= {"ConnectionResetError"}, load.lost
        assert load.lost.total() <= 2  # 1 in 20 kills, in the long run


def test_kills_of_the_door_lose_nobody_where_a_project_is_alone(door: DoorOfTest) -> None:
    door.start()
    shop = FakeMember(door, "shop", "shop.localhost", accepts=True).joined()
    load = DoorLoad(door.http, ["shop"])
    with members(shop):
        try:
            for round_ in range(1, 4):
                until(lambda: shop.kinds().count(ALONE) == round_)  # noqa: B023
                more(load)
                os.kill(door.pid(), signal.SIGKILL)
                until(lambda: shop.welcomes == round_ + 1)  # noqa: B023
            more(load)
        finally:
            load.stop()
        assert not load.lost


def test_replacing_the_door_loses_nobody(door: DoorOfTest) -> None:
    door.start()
    shop = FakeMember(door, "shop", "shop.localhost").joined()
    blog = FakeMember(door, "blog", "blog.localhost").joined()
    load = DoorLoad(door.http, ["shop", "blog"])
    with members(shop, blog):
        try:
            for number in range(5):
                more(load)
                before = shop.welcomes, blog.welcomes
                retire(blog, starts=bool(number % 2))
                until(lambda: shop.welcomes > before[0] and blog.welcomes > before[1], "a door")  # noqa: B023
            more(load)
        finally:
            load.stop()
        assert not load.lost


def test_projects_that_come_and_are_killed_take_nobody_of_another_with_them(
    door: DoorOfTest,
) -> None:
    door.start()
    shop = FakeMember(door, "shop", "shop.localhost", accepts=True).joined()
    load = DoorLoad(door.http, ["shop"])
    with members(shop):
        try:
            for _ in range(10):
                blog = FakeMember(door, "blog", "blog.localhost", accepts=True).joined()
                assert ask(door.http, "blog.localhost").text == "blog"
                more(load, 10)
                blog.kill()
                until(lambda: ask(door.http, "blog.localhost").status == 503)
        finally:
            load.stop()
        assert not load.lost


def test_leaving_ends_no_connection_that_is_under_way(door: DoorOfTest) -> None:
    door.start()
    shop = FakeMember(door, "shop", "shop.localhost").joined()
    load = DoorLoad(door.http, ["shop", "blog"])
    with members(shop):
        try:
            for _ in range(5):
                blog = FakeMember(door, "blog", "blog.localhost").joined()
                more(load)
                blog.leave()
                until(lambda: blog._door is None)  # noqa: B023
                blog.kill()
        finally:
            load.stop()
        # Before it came and when it had gone its name said so.
        assert set(load.lost) <= {"HTTP/1.1 404", "HTTP/1.1 503"}
