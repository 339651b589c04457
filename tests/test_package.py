"""What others install: what is in the wheel and in the sdist, and what they say of themselves."""

from __future__ import annotations

import email
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import rpx

build = pytest.importorskip("hatchling.build", reason="pip install -e '.[dev]' again")

ROOT = Path(__file__).parent.parent
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this folder."""
    return _built(build.build_wheel, ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What comes out of the sdist, as a folder."""
    folder = tmp_path_factory.mktemp("sdist")
    with tarfile.open(_built(build.build_sdist, ROOT, folder)) as archive:
        # Python 3.11.2 has none, and takes no argument `filter`.
        archive.extraction_filter = getattr(tarfile, "data_filter", None)
        archive.extractall(folder / "out")  # noqa: S202 - what we have just packed
    (only,) = (folder / "out").iterdir()
    return only


def _built(hook: Callable[[str], str], of: Path, to: Path) -> Path:
    with pytest.MonkeyPatch.context() as here:
        here.chdir(of)  # the hooks of PEP 517 build what they stand in
        here.delenv("SOURCE_DATE_EPOCH", raising=False)
        return to / hook(str(to))


def files(folder: str, but: str = "") -> Iterator[Path]:
    """The files below a folder of the repository, without what running Python leaves there."""
    for path in (ROOT / folder).rglob("*"):
        inside = path.relative_to(ROOT)
        left_out = "__pycache__" in inside.parts or (but and inside.is_relative_to(but))
        if path.is_file() and not left_out:
            yield inside


def test_the_wheel_has_the_package_and_its_documents_and_nothing_else(wheel: Path) -> None:
    documents = {f"rpx/{path}" for path in files("docs", but="docs/adr")}
    wanted = {str(path) for path in files("rpx")} | documents
    with zipfile.ZipFile(wheel) as archive:
        about = {name for name in archive.namelist() if ".dist-info/" in name}
        assert {*archive.namelist()} - about == wanted
    assert {"rpx/py.typed", "rpx/docs/commands.md", "rpx/docs/guides/from-nginx.md"} <= wanted
    assert {Path(name).name for name in about} == {
        "METADATA",
        "WHEEL",
        "entry_points.txt",
        "LICENSE",
        "RECORD",
    }
    assert wheel.stat().st_size < 3 * MEGABYTE


def test_the_sdist_has_what_the_wheel_is_made_of_and_builds_the_same_one(
    wheel: Path, sdist: Path, tmp_path: Path
) -> None:
    folders = {path.parts[0] for path in files("rpx")} | {"docs"}
    there = {path.name for path in sdist.iterdir()}
    assert there == folders | {
        ".gitignore",  # hatchling's wish: a build from here leaves out what one from there does
        "CHANGELOG.md",
        "LICENSE",
        "PKG-INFO",
        "README.md",
        "SECURITY.md",
        "pyproject.toml",
        "rpx.yaml.example",
    }
    again = _built(build.build_wheel, sdist, tmp_path)
    assert again.name == wheel.name
    assert again.read_bytes() == wheel.read_bytes()


def test_the_distribution_is_rpx_dev_and_the_command_rpx(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (entries,) = (name for name in archive.namelist() if name.endswith("entry_points.txt"))
        assert "rpx = rpx.__main__:main" in archive.read(entries).decode()
        about = email.message_from_bytes(
            archive.read(entries.replace("entry_points.txt", "METADATA"))
        )
    assert (about["Name"], about["Version"]) == ("rpx-dev", rpx.__version__)
    assert about["License-Expression"] == "MIT"
    assert about["Requires-Python"] == ">=3.11"
    urls = {line.partition(",")[0] for line in about.get_all("Project-URL", [])}
    assert urls == {"Documentation", "Source", "Issues", "Changelog"}


def test_the_version_stands_in_one_place() -> None:
    assert rpx.__version__ not in (ROOT / "pyproject.toml").read_text()
