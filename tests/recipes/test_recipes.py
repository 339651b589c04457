"""Every page of docs/recipes does what it says: installed, started, and asked through rpx."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.conftest import stop_the_clock
from tests.support.project import project_in
from tests.support.recipe import Recipe, follow

pytestmark = [pytest.mark.recipe, pytest.mark.real]

RECIPES = Path(__file__).parents[2] / "docs" / "recipes"
# What has to be here for a page. What it installs by itself is not in this list.
NEEDS = {
    "celery": ("redis-server",),
    "django": (),
    "express": ("npm",),
    "fastapi": (),
    "flask": (),
    "grpc": (),
    "nextjs": ("npm",),
    "php": ("php",),
    "postgresql": ("initdb", "psql"),
    "redis": ("redis-server", "redis-cli"),
    "sinatra": ("ruby", "puma"),
    "vite": ("npm",),
    "webpack": ("npm",),
}


@pytest.mark.parametrize("name", NEEDS)
def test_a_recipe_does_what_its_page_says(name: str, tmp_path: Path) -> None:
    for tool in ("curl", *NEEDS[name]):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not here")
    stop_the_clock()  # a registry may be slow: each command has a limit of its own
    with project_in(tmp_path) as project:
        work = tmp_path / "shop"
        work.mkdir()
        follow(Recipe(RECIPES / f"{name}.md"), project, work)
