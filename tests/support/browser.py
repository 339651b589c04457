"""A headless Chromium, where there is one."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import trio

needs_chromium = pytest.mark.skipif(not shutil.which("chromium"), reason="chromium is not here")


async def dom(url: str, home: Path, *options: str) -> str:
    """Return a page as it is when it has been loaded, whoever has certified it."""
    with trio.fail_after(40):
        done = await trio.run_process(
            (
                *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-proxy-server"),
                *("--disable-dev-shm-usage", f"--user-data-dir={home}/profile"),
                *("--ignore-certificate-errors", *options, "--dump-dom", url),
            ),
            env={**os.environ, "HOME": str(home)},
            capture_stdout=True,
            capture_stderr=True,
        )
    page: bytes = done.stdout
    return page.decode()
