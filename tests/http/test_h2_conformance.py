"""What RFC 9113 has come back comes back, however the bytes are cut."""

from __future__ import annotations

import pytest

from tests.fuzz import h2_answers, h2_frames
from tests.http.h2_conformance import ALL, NOW, PING, Case, head
from tests.http.h2_server import greeted


@pytest.mark.parametrize("size", [1 << 20, 1], ids=["whole", "bytes"])
@pytest.mark.parametrize("case", ALL, ids=[f"{case[0]} {case[1]}" for case in ALL])
def test_what_comes_back_is_what_the_rfc_says(case: Case, size: int) -> None:
    _, _, came, wanted = case
    server = greeted()
    assert server.met(came, size) == wanted
    if "connection" not in wanted:  # and all the others go on
        assert server.met(PING, size).startswith("PING ACK")
        if "highest" not in case[1]:
            assert server.met(head(2**31 - 1, NOW), size) == f"HEADERS {2**31 - 1}"


def test_each_case_is_there_once() -> None:
    assert len({case[2] for case in ALL}) == len(ALL) > 190


def test_whatever_a_client_sends_means_the_same_however_it_is_cut() -> None:
    for seed in range(100):
        raw = h2_frames.sent(seed).raw
        said = {greeted().met(raw, size) for size in (1 << 20, 20_000, 16_385, 30 + seed, 7)}
        assert len(said) == 1, raw.hex()


def test_whatever_a_client_sends_is_taken_as_h2_takes_it() -> None:
    went_on = sum(h2_frames.taken_alike(h2_frames.sent(seed)) for seed in range(400))
    assert went_on > 200


def test_whatever_a_server_sends_is_taken_as_h2_takes_it() -> None:
    went_on = sum(h2_answers.taken_alike(h2_answers.sent(seed)) for seed in range(300))
    assert went_on > 100
