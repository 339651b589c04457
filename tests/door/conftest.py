"""A door for each test, which leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.doors import DoorOfTest


@pytest.fixture(scope="module")
def one_door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DoorOfTest]:
    """One for all the tests of a file that say something to it, and change nothing."""
    found = DoorOfTest(tmp_path_factory.mktemp("door"))
    yield found
    found.close()


@pytest.fixture
def door(tmp_path: Path) -> Iterator[DoorOfTest]:
    """Where a door can be started."""
    found = DoorOfTest(tmp_path)
    yield found
    found.close()
