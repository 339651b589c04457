"""What tests of the data path share."""

from __future__ import annotations

import pytest


@pytest.fixture(params=["epoll", "no epoll"])
def poll(request: pytest.FixtureRequest) -> str:
    return str(request.param)
