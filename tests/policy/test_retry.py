"""When a request may be sent again."""

from __future__ import annotations

import pytest

from rpx.policy.retry import Failure, may_retry


@pytest.mark.parametrize("method", [b"GET", b"POST", b"PATCH", b"FOO"])
@pytest.mark.parametrize("failure", [Failure.REFUSED, Failure.UNRESOLVED, Failure.TIMEOUT])
def test_a_connection_that_was_never_made_has_taken_nothing(
    failure: Failure, method: bytes
) -> None:
    assert may_retry(failure, method, sent=False, replayable=True)


@pytest.mark.parametrize("failure", [Failure.BROKEN_FRESH, Failure.BROKEN_REUSED])
def test_a_broken_connection_may_have_done_what_only_once_may_be_done(failure: Failure) -> None:
    assert may_retry(failure, b"GET", sent=True, replayable=True)
    assert may_retry(failure, b"PUT", sent=True, replayable=True)
    assert not may_retry(failure, b"POST", sent=True, replayable=True)
    assert may_retry(failure, b"POST", sent=False, replayable=True)
    assert not may_retry(failure, b"get", sent=True, replayable=True)  # methods have case


@pytest.mark.parametrize("failure", list(Failure))
def test_a_body_that_is_gone_is_never_sent_again(failure: Failure) -> None:
    if failure in (Failure.BROKEN_FRESH, Failure.BROKEN_REUSED):
        assert not may_retry(failure, b"PUT", sent=True, replayable=False)
