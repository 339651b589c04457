"""The face of rpx: commands and what they print. `main` is the console script."""

from rpx.cli.main import main

__all__ = ["main"]
