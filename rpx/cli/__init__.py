"""The command line: commands and what they print. Its door is `main.py`."""

import sys

if sys.platform == "win32":
    # Sessions, process groups and unix sockets are what rpx is built on: docs/adr/0008
    sys.exit("error: rpx does not run on Windows\nhint: it does in WSL 2")
