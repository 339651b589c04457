"""Every test here starts real processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """An empty project; when the test is over, none of its processes is left."""
    project = Project(tmp_path)
    yield project
    left = project.survivors()
    for process in left:
        process.kill()
    assert not left, f"left behind: {left}"
