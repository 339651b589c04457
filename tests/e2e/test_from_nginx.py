"""docs/guides/from-nginx.md: nginx or Caddy and rpx do the same, request by request."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.support.page import Section, sections
from tests.support.web_servers import PORTS, SECRET, Settings, block, compare_all, needs_both

PAGE = Path(__file__).parents[2] / "docs" / "guides" / "from-nginx.md"


@pytest.mark.programs
@needs_both
async def test_nginx_or_caddy_and_rpx_answer_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    def settings(section: Section, there: dict[str, str]) -> Settings:
        """What the section has for rpx."""
        text = PORTS.sub(lambda found: f"localhost:{there[found[1]]}", block(section, "yaml"))
        text = text.replace("$ANN_PASSWORD", SECRET)
        written: Settings = yaml.safe_load(re.sub(r"\./(dist|media)", rf"{tmp_path}/\1", text))
        return written

    await compare_all(sections(PAGE, "http")[1], tmp_path, settings)
