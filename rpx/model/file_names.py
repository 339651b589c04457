"""What the file of a project is called, for who reads it and for who only looks who runs it."""

from __future__ import annotations

from typing import Final

PROJECT_FILES: Final = ("rpx.yaml", "rpx.yml")  # the first that is there counts
