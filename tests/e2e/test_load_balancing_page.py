"""Every example of docs/load-balancing.md, typed and compared."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.page import Section, play, sections
from tests.support.project import Project

PAGE = Path(__file__).parents[2] / "docs" / "load-balancing.md"
FIRST, SECTIONS = sections(PAGE)


@pytest.mark.real
@pytest.mark.parametrize("section", SECTIONS, ids=str)
def test_the_examples_do_what_the_page_says(project: Project, section: Section) -> None:
    if not shutil.which("curl") and any("curl " in text for _, text in section.blocks):
        pytest.skip("curl is not here")
    play(project, FIRST, section)
