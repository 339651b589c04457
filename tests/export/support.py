"""Projects to export, and what comes of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from rpx.export.compose_export import compose_files
from rpx.export.exporting import Exported, export_project, read_project
from rpx.moving.remarks import Came


def exported(folder: Path, text: str, environ: Mapping[str, str] | None = None) -> Exported:
    """What a rpx.yaml comes to as a compose file."""
    path = folder / "rpx.yaml"
    path.write_text(text)
    return export_project(*read_project(path, environ or {}, None, ()), "compose", compose_files)


def composed(folder: Path, text: str, environ: Mapping[str, str] | None = None) -> Any:  # noqa: ANN401 - YAML
    """The same, as YAML says it."""
    return yaml.safe_load(exported(folder, text, environ).files["compose.yaml"])


def caddyfile(compose: Any) -> str:  # noqa: ANN401 - YAML
    """The Caddyfile that is in a compose file."""
    content: str = compose["configs"]["caddyfile"]["content"]
    return content.replace("$$", "$")


def said(found: Exported, came: Came) -> dict[tuple[str, str], int]:
    """Services and what is said of them, with the line it stands at."""
    return {
        (remark.service, remark.what): remark.origin.line
        for remark in found.remarks
        if remark.came is came
    }
