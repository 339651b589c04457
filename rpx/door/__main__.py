"""`python -I -S …/rpx/door/__main__.py FOLDER STATE [OPTION…]`: the process.

FOLDER and STATE are as in starting.DoorPlace. `--lock`: descriptor 3 is the lock, taken already.
`--stay S`: seconds after the last member has left, `--first S`: for the first one to come,
`--patience S`: for a client to say whom it wants. Listeners of systemd (LISTEN_FDS) become the
machine's ports, or take the place of door.sock; `--launchd`: those that launchd has opened as
`http` and `https`. It exits with 3 when another door has the lock; with `--wait` it waits for it.
"""

from __future__ import annotations

import os
import sys

# Behind the standard library: where rpx is installed, everything else is, too.
sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from rpx.door.door_process import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
