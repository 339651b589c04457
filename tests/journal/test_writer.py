"""The observer that writes: everything, soon, at the end too, and whatever the disk says."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from rpx.hub.registry import Registry
from rpx.hub.shutdown import Shutdown
from rpx.journal import writer
from rpx.journal.files import Files, began, services
from rpx.journal.reader import read
from rpx.journal.writer import Journal
from rpx.model.own_settings import Logs
from rpx.model.status import Event, Note
from tests.support.bench import registry, spec


class Run:
    """A registry whose output is written, and what rpx had to say about that."""

    def __init__(self, files: Files) -> None:
        self.files = files
        self.registry: Registry = registry(spec(3000), spec(3001))
        self.said: list[str] = []
        self.bugs: list[ExceptionGroup[Exception]] = []

    def put(self, event: Event) -> None:
        if isinstance(event, Note):
            self.said.append(event.text)

    def print(self, text: bytes, label: str = "api:3000") -> None:
        self.registry.print(self.registry.process(label), text)

    def texts(self) -> list[bytes]:
        return [entry.text for entry in read(self.files.folder, services(self.files.folder))]

    async def until_said(self, text: str) -> None:
        with trio.fail_after(5):
            while not any(text in said for said in self.said):  # noqa: ASYNC110 - it comes by thread
                await trio.sleep(0.01)


@asynccontextmanager
async def running(files: Files) -> AsyncIterator[Run]:
    run = Run(files)
    journal = Journal(files, "shop", Path("/shop/rpx.yaml"), run.bugs.append)
    with run.registry.events.feed(run):
        async with trio.open_nursery() as nursery:
            await nursery.start(journal, run.registry, Shutdown())
            yield run
            nursery.cancel_scope.cancel()
    assert run.bugs == []


async def test_all_that_is_printed_is_in_the_file_of_its_service(tmp_path: Path) -> None:
    async with running(Files(tmp_path / "shop", Logs())) as run:
        for number in range(100):
            run.print(b"%d\n%d and\n" % (number, number), f"api:{3000 + number % 2}")
            if number % 10 == 0:
                await trio.testing.wait_all_tasks_blocked()
        run.registry.tell(b"the end\n")
    assert services(tmp_path / "shop") == ["api", "rpx"]
    assert len(run.texts()) == 201
    assert began(tmp_path / "shop") > 0


async def test_a_folder_that_cannot_be_is_said_once_and_all_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    async with running(Files(tmp_path / "file" / "shop", Logs())) as run:
        run.print(b"one\n")
        await run.until_said("can't keep logs in")
        run.print(b"two\n")
        await trio.sleep(2 * writer.NAP)
        assert run.said == [
            f"can't keep logs in {run.files.folder}: Not a directory; the project goes on"
        ]
        (tmp_path / "file").unlink()  # whatever it was, it is over
        run.print(b"three\n")
        await run.until_said("logs are kept again; 2 lines are not in them")
    assert run.texts() == [b"three"]


async def test_one_file_that_fails_among_others_is_said_once(tmp_path: Path) -> None:
    files = Files(tmp_path, Logs())
    (tmp_path / "api.log").mkdir()
    async with running(files) as run:
        for _ in range(3):
            run.print(b"lost\n")
            await trio.sleep(1.5 * writer.NAP)
            run.registry.tell(b"kept\n")
            await trio.sleep(1.5 * writer.NAP)
        assert run.said == [f"can't keep logs in {tmp_path}: Is a directory; the project goes on"]
        (tmp_path / "api.log").rmdir()
        run.print(b"again\n")
        await run.until_said("logs are kept again; 3 lines are not in them")


class Stuck(Files):
    """A disk that takes its time."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, Logs())
        self.open = threading.Event()

    def append(self, service: str, chunks: Sequence[bytes]) -> None:
        self.open.wait()
        super().append(service, chunks)


async def test_a_disk_that_stands_still_holds_up_nobody_and_costs_counted_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "LIMIT", 10_000)
    files = Stuck(tmp_path)
    async with running(files) as run:
        run.print(b"first\n")
        await trio.sleep(2 * writer.NAP)  # it hangs there
        for number in range(1000):
            run.print(b"%d\n" % number)
        run.print(b"quiet\n", "api:3001")
        files.open.set()
    texts = run.texts()
    [missing] = [text for text in texts if b"are missing" in text]
    assert len(texts) - 1 + int(missing.split()[1]) == 1002
    assert {b"first", b"999", b"quiet"} <= set(texts)


async def test_a_disk_that_never_moves_again_delays_the_end_by_a_second_at_most(
    tmp_path: Path,
) -> None:
    files = Stuck(tmp_path)
    began = trio.current_time()
    async with running(files) as run:
        run.print(b"first\n")
        await trio.sleep(2 * writer.NAP)
    assert trio.current_time() - began < 3
    files.open.set()
