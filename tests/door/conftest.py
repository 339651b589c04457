"""A door for each test, which leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.doors import DoorOfTest


@pytest.fixture
def door(tmp_path: Path) -> Iterator[DoorOfTest]:
    """Where a door can be started."""
    found = DoorOfTest(tmp_path)
    yield found
    found.close()
