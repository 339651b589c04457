"""Services whose files change are restarted: one copy after the other, once, and only they."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import trio

from rpx.hub.mailbox import Order, OrderKind
from rpx.model.status import State
from rpx.policy.bursts import QUIET
from tests.support.bench import process_of
from tests.support.live import clients, live
from tests.support.project import free_ports
from tests.support.running import until

Edit = Callable[[str], object]
pytestmark = pytest.mark.real

WATCHED = "start: {command: RUN, watch: src/**/*.py}"


def shop(**proxies: str) -> str:
    entries = "".join(f"  - {{to: {name}.localhost, {text}}}\n" for name, text in proxies.items())
    return f"proxies:\n{entries}"


@pytest.fixture
def edit(tmp_path: Path) -> Edit:
    """Write src/app.py, which exists from then on; its folder does already."""
    (tmp_path / "src").mkdir()
    return (tmp_path / "src" / "app.py").write_text


async def edits(edit: Edit, pause: float) -> int:
    """Change it ten times; return how often a busy machine has made a break of a pause."""
    times = []
    for number in range(10):
        edit(f"x = {number}\n")
        times.append(trio.current_time())
        await trio.sleep(pause)
    times.append(trio.current_time())
    return sum(after - before > QUIET / 2 for before, after in pairwise(times))


async def test_copies_are_restarted_one_after_the_other(tmp_path: Path, edit: Edit) -> None:
    [other] = free_ports(1)
    text = shop(api=f"{WATCHED}, replicas: 3, hold: 0", web=f"from: {other}, start: RUN")
    async with live(tmp_path, text) as it:
        await it.watching("src")
        before = it.pids
        async with clients(it):
            edit("x = 1\n")
            copies = [it.backend(label) for label in before if label.startswith("api")]
            await it.until(lambda: all(process_of(copy).restarts for copy in copies))
            await it.ready()
        assert it.pids[f"web:{other}"] == before[f"web:{other}"]
        assert not set(it.pids.values()) & {copy for copy in before.values() if copy} - {
            before[f"web:{other}"]
        }
        assert any(note.startswith("src/app.py changed: restart api:") for note in it.notes)


async def test_a_lone_copy_is_waited_for(tmp_path: Path, edit: Edit) -> None:
    async with live(tmp_path, shop(api=WATCHED)) as it:
        await it.watching("src")
        [backend] = it.registry.backends.values()
        async with clients(it):
            edit("x = 1\n")
            await it.until(lambda: process_of(backend).restarts >= 1 and backend.in_rotation)


async def test_ten_changes_during_a_restart_mean_one_more(tmp_path: Path, edit: Edit) -> None:
    slow = WATCHED.replace("RUN", "sleep 0.4; RUN")
    async with live(tmp_path, shop(api=slow)) as it:
        await it.watching("src")
        [backend] = it.registry.backends.values()
        edit("x = 0\n")
        await it.until(lambda: process_of(backend).restarts >= 1)
        breaks = await edits(edit, 0.02)
        await it.until(lambda: process_of(backend).restarts >= 2 and backend.in_rotation)
        await trio.sleep(0.5)
        assert process_of(backend).restarts <= 2 + breaks


async def test_one_that_was_stopped_stays_stopped(tmp_path: Path, edit: Edit) -> None:
    async with live(tmp_path, shop(api=f"{WATCHED}, replicas: 2")) as it:
        await it.watching("src")
        first, second = it.registry.backends.values()
        process_of(first).mailbox.give.send_nowait(Order(OrderKind.STOP))
        await it.until(lambda: first.state is State.STOPPED)
        edit("x = 1\n")
        await it.until(lambda: process_of(second).restarts >= 1 and second.in_rotation)
        assert first.state is State.STOPPED


async def test_one_that_has_given_up_is_tried_again(tmp_path: Path, edit: Edit) -> None:
    start = "{command: test ! -e src/broken.py && RUN, watch: src, restart: 'no'}"
    async with live(tmp_path, shop(api=f"start: {start}")) as it:
        await it.watching("src")
        [backend] = it.registry.backends.values()
        (tmp_path / "src/broken.py").touch()
        await it.until(lambda: backend.state is State.FAILED)
        (tmp_path / "src/broken.py").unlink()
        await it.until(lambda: backend.in_rotation)


async def test_a_first_copy_that_does_not_come_back_saves_the_others(
    tmp_path: Path, edit: Edit
) -> None:
    start = "{command: test ! -e src/broken.py && RUN, watch: src, restart: 'no'}"
    async with live(tmp_path, shop(api=f"start: {start}, replicas: 2")) as it:
        await it.watching("src")
        first, second = it.registry.backends.values()
        pid = second.pid
        async with clients(it):
            (tmp_path / "src/broken.py").touch()
            await it.until(lambda: first.state is State.FAILED)
            await it.until_noted("left as it is, because")
        assert second.pid == pid


async def test_a_change_while_nothing_comes_up_does_not_wait_for_it(
    tmp_path: Path, edit: Edit
) -> None:
    start = "{command: test -e src/broken.py && echo stuck && sleep 100; RUN, watch: src}"
    async with live(tmp_path, shop(api=f"start: {start}")) as it:
        await it.watching("src")
        [backend] = it.registry.backends.values()
        (tmp_path / "src/broken.py").touch()
        await until(
            lambda: any(line.text == b"stuck" for line in process_of(backend).lines.tail(5))
        )
        (tmp_path / "src/broken.py").unlink()
        await it.until(lambda: backend.in_rotation)


async def test_patterns_are_relative_to_the_folder_of_the_command(
    tmp_path: Path, edit: Edit
) -> None:
    (tmp_path / "api").mkdir()
    start = f"{{command: cd {tmp_path} && RUN, cwd: api, watch: '*.py'}}"
    async with live(tmp_path, shop(api=f"start: {start}")) as it:
        await it.watching("api")
        [backend] = it.registry.backends.values()
        (tmp_path / "here.py").touch()
        (tmp_path / "api" / "there.py").touch()
        await it.until(lambda: process_of(backend).restarts)
        assert [note for note in it.notes if "changed" in note] == [
            f"api/there.py changed: restart {backend.spec.label}"
        ]


async def test_what_is_watched_follows_the_file(tmp_path: Path, edit: Edit) -> None:
    async with live(tmp_path, shop(api="start: RUN")) as it:
        [backend] = it.registry.backends.values()
        said = await it.reload(shop(api=WATCHED))
        assert said == [f"change {backend.spec.label}: watch"]
        await it.watching("src")
        edit("x = 1\n")
        await it.until(lambda: process_of(backend).restarts >= 1 and backend.in_rotation)


async def test_a_oneshot_runs_again(tmp_path: Path, edit: Edit) -> None:
    text = "processes:\n  build: {command: cat src/*, oneshot: true, watch: src}\n"
    edit("one\n")
    async with live(tmp_path, text) as it:
        await it.watching("src")
        edit("two\n")
        build = it.backend("build")
        await it.until(lambda: process_of(build).generation == 2 and build.state is State.COMPLETED)
        lines = [line.text for line in process_of(build).lines.tail(2)]
    assert lines == [b"one", b"two"]


async def test_a_build_that_writes_for_a_second_means_one_restart(
    tmp_path: Path, edit: Edit
) -> None:
    async with live(tmp_path, shop(api=WATCHED)) as it:
        await it.watching("src")
        [backend] = it.registry.backends.values()
        pid = backend.pid
        breaks = await edits(edit, 0.1)  # as builds pause between files
        assert breaks or backend.pid == pid  # who worked so far goes on working
        await it.until(lambda: process_of(backend).restarts >= 1 and backend.in_rotation)
        await trio.sleep(0.5)
        assert process_of(backend).restarts <= 1 + breaks


async def test_a_service_that_changes_what_it_watches_is_told_so(
    tmp_path: Path, edit: Edit
) -> None:
    start = "{command: echo >> src/own.db; RUN, watch: src}"
    async with live(tmp_path, shop(api=f"start: {start}")) as it:
        await it.watching("src")
        [backend] = it.registry.backends.values()
        edit("x = 1\n")
        await it.until_noted("it seems to change src/own.db itself")
        assert any('"!src/own.db"' in note for note in it.notes)
        restarts = process_of(backend).restarts
        await trio.sleep(1.5)
        assert process_of(backend).restarts - restarts <= 2  # before: five a second
