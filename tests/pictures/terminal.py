"""`python -m tests.pictures.terminal FILE`: the screen of `rpx top` of the project here, as SVG."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rpx.cli.screen.project_watch import ProjectWatch
from rpx.cli.screen.top_app import TopApp
from rpx.runs.lease import find_running

if TYPE_CHECKING:
    from textual.pilot import Pilot

SIZE = (122, 26)
FOR = 30.0  # seconds, in which there are some figures


def picture(file: Path) -> None:
    """Take it once there are some figures; nothing in it is loaded from elsewhere."""
    app = TopApp(ProjectWatch(find_running(None)), colour=True)
    svg = ""

    async def take(pilot: Pilot[object]) -> None:
        nonlocal svg
        await asyncio.sleep(FOR)
        await pilot.press("end")
        await pilot.pause(1.0)
        svg = app.export_screenshot(title="rpx top")
        app.exit(0)

    app.run(headless=True, size=SIZE, auto_pilot=take)
    file.write_text(re.sub(r"@font-face \{.*?\}\n?", "", svg, flags=re.DOTALL))


if __name__ == "__main__":
    picture(Path(sys.argv[1]))
