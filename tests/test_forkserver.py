"""What tests are told of the copies of rpx that they start."""

from __future__ import annotations

import pytest

from tests.support import forkserver
from tests.support.forkserver import Started

pytestmark = pytest.mark.skipif(not forkserver.WORKS, reason="copies are made on Linux alone")


def test_a_copy_that_ends_before_anybody_reads_has_its_own_pid() -> None:
    ours, theirs = forkserver._answers()
    with theirs:
        theirs.send(b"4711")
        theirs.send(b"2")
    copy = Started((), ours, None, None)
    assert (copy.pid, copy.wait()) == (4711, 2)
    assert ours.fileno() == -1


def test_where_nobody_makes_copies_any_more_no_pid_is_made_up() -> None:
    ours, theirs = forkserver._answers()
    theirs.close()
    with pytest.raises(RuntimeError, match="has ended"):
        Started((), ours, None, None)
    assert ours.fileno() == -1


def test_where_nobody_tells_the_exit_code_none_is_made_up() -> None:
    ours, theirs = forkserver._answers()
    with theirs:
        theirs.send(b"4711")
    copy = Started((), ours, None, None)
    with pytest.raises(RuntimeError, match="has ended"):
        copy.wait()
    assert ours.fileno() == -1
