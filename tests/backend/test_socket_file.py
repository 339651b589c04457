"""Whose a socket's file is, and when it may go."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from rpx.backend.socket_file import clear
from rpx.model.address import SocketFile


@pytest.fixture
def file(tmp_path: Path) -> SocketFile:
    return SocketFile(str(tmp_path / "s"), "s")


def test_none_is_none(file: SocketFile) -> None:
    clear(file)


def test_one_that_nobody_listens_at_goes(file: SocketFile) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(file.path)
    clear(file)
    assert not Path(file.path).exists()


@pytest.mark.parametrize("callers", [0, 1])  # one fills the queue
def test_one_that_somebody_listens_at_stays(file: SocketFile, callers: int) -> None:
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as caller:
        listener.bind(file.path)
        listener.listen(0)
        if callers:
            caller.connect(file.path)
        with pytest.raises(FileExistsError, match="another process listens there"):
            clear(file)
        assert Path(file.path).is_socket()


def test_what_is_no_socket_stays(file: SocketFile) -> None:
    Path(file.path).write_text("precious")
    with pytest.raises(FileExistsError, match="it is no socket"):
        clear(file)
    assert Path(file.path).read_text() == "precious"
