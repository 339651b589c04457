"""What is looked at before anything is started: each place once, and only by who comes there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rpx.backend.preflight import preflight
from rpx.errors import RpxError
from tests.support.bench import external, spec
from tests.support.places import listening


def test_an_address_is_looked_at_for_its_process_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []

    def look(_family: int, _host: str, port: int) -> bool:
        looked.append(port)
        return False

    monkeypatch.setattr("rpx.backend.preflight.is_taken", look)
    served = replace(external(3000), name="apex", served_by="api:3000")
    preflight([served, spec(3000), replace(external(3001), served_by="api:3000"), external(3002)])
    assert sorted(set(looked)) == [3000, 3001]
    assert looked.count(3000) == looked.count(3001)
    looked.clear()
    preflight([served])  # its process is none of these: it runs
    assert not looked


def test_a_port_of_one_process_that_somebody_has_is_an_error() -> None:
    worker = replace(spec(), name="worker", address=None)
    with listening("127.0.0.1") as taken:
        served = replace(external(taken), served_by="worker")
        with pytest.raises(RpxError, match=f"the port of `api:{taken}`, {taken}, is taken by"):
            preflight([worker, served])
