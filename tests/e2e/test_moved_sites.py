"""What `rpx import` makes of files of nginx and Caddy answers as these do, request by request."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import yaml

from rpx.moving.given import Given
from rpx.moving.sources.caddy.caddyfile_reader import CADDY
from rpx.moving.sources.nginx.nginx_reader import NGINX
from rpx.moving.writing import text_of
from tests.support.page import Section, sections
from tests.support.web_servers import PORTS, SECRET, Settings, block, compare_all, needs_both

HERE = Path(__file__).parents[2] / "fixtures" / "moving" / "web-servers.md"
GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "from-nginx.md"


@pytest.mark.programs
@needs_both
@pytest.mark.parametrize("page", [HERE, GUIDE], ids=["fixtures", "guide"])
async def test_imported_files_answer_as_nginx_and_caddy_do(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ANN_PASSWORD", SECRET)

    def settings(section: Section, there: dict[str, str]) -> Settings:
        """What the file of a section comes to."""
        kind = "nginx" if block(section, "nginx") else "caddyfile"
        text = PORTS.sub(lambda found: f"127.0.0.1:{there[found[1]]}", block(section, kind))
        file = tmp_path / ("site.conf" if kind == "nginx" else "Caddyfile")
        file.write_text(text)
        source = NGINX if kind == "nginx" else CADDY
        draft = source.read(Given((file,), tmp_path, os.environ))
        written: Settings = yaml.safe_load(re.sub(r"\$\{ANN_PASSWORD.*?\}", SECRET, text_of(draft)))
        for entry in written["proxies"]:
            _from_here(entry, tmp_path)
        return written

    await compare_all(sections(page, "http")[1], tmp_path, settings)


def _from_here(entry: Settings, folder: Path) -> None:
    """Let folders begin at one, as they do for an rpx.yaml that lies there."""
    for one in (entry, *entry.get("routes", ())):
        match one.get("static"):
            case str(name):
                one["static"] = str(folder / name)
            case {"dir": name} as static:
                static["dir"] = str(folder / name)
            case _:
                pass
