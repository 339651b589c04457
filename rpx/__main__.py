"""The door of `rpx` and of `python -m rpx`.

rpx is started in folders full of other people's Python, often with a PYTHONPATH that is meant for
their programs. A `secrets.py` or `queue.py` there must not stand in for what rpx imports. So this
comes before anything else is imported; the environment of the services stays as it is.
"""

from __future__ import annotations

import os
import sys


def look_there_last() -> None:
    """Put what PYTHONPATH and the working directory add to `sys.path` behind all the rest.

    It isn't taken away: rpx itself, or a library of its, may have come from there.
    """
    try:
        here = os.getcwd()
    except OSError:
        here = ""  # has been removed, and so gives nothing
    written = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    added = {here, "", *written, *(os.path.join(here, each) for each in written)}
    added |= {os.path.normpath(each) for each in added}
    sys.path[:] = [each for each in sys.path if each not in added] + [
        each for each in sys.path if each in added
    ]


def main() -> int:
    """Run one command and return its exit code."""
    look_there_last()
    if "PYTHONWARNINGS" in os.environ:  # for their programs, too: `error` would end us
        import warnings  # noqa: PLC0415 - not before the line above

        warnings.simplefilter("ignore")
    if "_RPX_COMPLETE" in os.environ:  # a shell asks at Tab; or somebody has it set for all
        from rpx.cli.at_tab.answering_shells import answered  # noqa: PLC0415 - likewise

        if answered():
            return 0
    import gc  # noqa: PLC0415 - likewise

    gc.disable()  # until a command has been loaded: cli/helpers/loading.py
    from rpx.cli.main import main as run  # noqa: PLC0415 - likewise

    return run()


if __name__ == "__main__":
    raise SystemExit(main())
