"""How a command ends when it does not end well: one message, a hint, the right exit code.

Whatever is not an RpxError or a mistake on the command line is a bug of ours: the traceback goes
into a file, the user gets an apology and its path.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import click

from rpx.cli.command import UnknownCommand
from rpx.cli.meant import names_meant, option_meant
from rpx.errors import Exit, RpxError, UsageError

INTERRUPTED = 128 + signal.SIGINT


def reported(work: Callable[[], int]) -> int:
    """The exit code of `work`; what it raises is printed and has an exit code, too."""
    try:
        code = work()
        sys.stdout.flush()
    except BrokenPipeError:
        _forget_output()
        return Exit.FINE  # the reader has seen enough
    except click.ClickException as error:
        return _say(_usage_error(error))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BaseExceptionGroup as group:
        return _of_group(group)
    except RpxError as error:
        return _say(error)
    except Exception as error:  # noqa: BLE001 - the last door: whatever comes here is a bug
        return _say(report_bug(error))
    return code


def report_bug(error: BaseException) -> RpxError:
    """Write the traceback into a file; an apology that names it."""
    text = "".join(traceback.format_exception(error))
    what = f"rpx itself failed: {type(error).__name__}: {error}"
    for folder in (_state_folder(), Path(tempfile.gettempdir())):
        path = folder / f"crash-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(f"rpx {' '.join(sys.argv[1:])}\n{text}", errors="backslashreplace")
        except OSError:
            continue
        return RpxError(what, hint=f"this is a bug in rpx, sorry; its details are in {path}")
    return RpxError(what, hint=f"this is a bug in rpx, sorry; its details:\n{text}")


def _state_folder() -> Path:
    from rpx.control.paths import state_folder  # noqa: PLC0415 - only when something went wrong

    return state_folder()


def _of_group(group: BaseExceptionGroup[BaseException]) -> int:
    """Errors that came out of nurseries: those for the user print as themselves."""
    ours, others = group.split(RpxError)
    if others is not None:
        interrupts, bugs = others.split(KeyboardInterrupt)
        if bugs is not None:
            return _say(report_bug(bugs))
        if interrupts is not None and ours is None:
            return INTERRUPTED
    code = 0
    for error in _leaves(ours) if ours else ():
        code = code or _say(error)
    return code or Exit.FAILED


def _leaves(group: BaseExceptionGroup[RpxError]) -> list[RpxError]:
    found: list[RpxError] = []
    for error in group.exceptions:
        found += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found


def _usage_error(error: click.ClickException) -> RpxError:
    """What click has to say, in our words."""
    ctx = getattr(error, "ctx", None)
    path = ctx.command_path if ctx is not None else "rpx"
    hint = f"`{path} --help` shows how it is used"
    if isinstance(error, UnknownCommand):
        return UsageError(error.format_message(), hint=error.hint or hint)
    if isinstance(error, click.NoSuchOption):
        known = [flag for p in ctx.command.params for flag in p.opts] if ctx is not None else []
        hint = option_meant(error.option_name, known) or hint
        return UsageError(f"`{path}` has no option `{error.option_name}`", hint=hint)
    if isinstance(error, click.MissingParameter):
        hint = names_meant(path) or hint
    message = " ".join(error.format_message().split()).rstrip(".").replace("'", "`")
    return UsageError(message[:1].lower() + message[1:], hint=hint)


def _say(error: RpxError) -> int:
    try:
        sys.stdout.flush()
        print(error, file=sys.stderr, flush=True)
    except (OSError, ValueError):
        _forget_output()  # nobody is there to be told
    return int(error.exit_code)


def _forget_output() -> None:
    """Let what is still buffered go nowhere, instead of failing once more at the very end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
