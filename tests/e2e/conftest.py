"""Every test here starts real processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import engine
from tests.support.machine import Machine
from tests.support.project import Project, project_in


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """An empty project; when the test is over, none of its processes is left."""
    with project_in(tmp_path) as project:
        yield project


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """No project yet; when the test is over, no process of any is left."""
    with project_in(tmp_path) as first:
        yield Machine(first)


@pytest.fixture
def shop(project: Project) -> Iterator[Project]:
    """A project whose containers are podman's, of a name that no other test has."""
    engine.needs_engine()
    project.environment |= engine.variables()
    yield project
    left = engine.names(project.folder.name)
    engine.podman("rm", "-f", "-t", "0", *left, check=False)
    assert not left
