"""Nothing that rpx.yaml can say is dropped in silence."""

from __future__ import annotations

from pathlib import Path

import pytest

from rpx.config.load import as_written
from rpx.config.settings.places import _ALL, settings_of
from rpx.export.exporting import export_project, read_project
from rpx.export.fates import FATES, TARGETS, Target, lost_settings, section_of
from rpx.moving.remarks import Came
from tests.export.support import WRITERS, exported, said

EXAMPLE = Path(__file__).parent.parent.parent / "rpx.yaml.example"


def test_the_fate_of_every_setting_is_known_for_every_tool() -> None:
    wanted = {section_of(model, name) for model in _ALL for name in settings_of(model)}
    assert wanted == set(FATES)
    assert {len(fate) for fate in FATES.values()} == {len(TARGETS)}


@pytest.mark.parametrize("target", TARGETS)
def test_what_has_no_place_in_a_tool_is_named_with_its_line(target: Target) -> None:
    """The example has every setting that there is."""
    document = as_written(EXAMPLE)
    lines = EXAMPLE.read_text().splitlines()
    found = list(lost_settings(document, target))
    assert found
    for at, name, why in found:
        line = int(document.where(at).split(":")[1])
        assert why
        window = "\n".join(lines[max(0, line - 3) : line + 1])
        assert name.rpartition(".")[2] in window, (name, line)


@pytest.mark.parametrize("target", TARGETS)
def test_every_good_file_can_be_exported(target: Target) -> None:
    files = sorted((EXAMPLE.parent / "fixtures/configs/good").glob("*.yaml"))
    assert files
    for file in files:
        read = read_project(file, {"HTTP_PORT": "8081", "API_PORT2": "3005"}, None, ())
        found = export_project(*read, target, WRITERS[target])
        assert all(found.files.values()), file


def test_a_setting_below_one_that_is_lost_is_not_named_beside(tmp_path: Path) -> None:
    text = "from: 3000\nto: a.localhost\nmetrics:\n  port: 9090\nreload: auto\n"
    found = said(exported(tmp_path, text), Came.LOST)
    assert found == {("", "metrics"): 4, ("", "reload"): 5}
