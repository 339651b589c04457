"""How a command ends when it does not end well: one message, a hint, the right exit code.

Whatever is not an RpxError or a mistake on the command line is a bug of ours: the traceback goes
into a file, the user gets an apology and its path.
"""

from __future__ import annotations

import errno
import os
import re
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import click

from rpx.cli.command import UnknownCommand
from rpx.cli.meant import option_meant
from rpx.cli.terminal.output import on_stderr
from rpx.cli.typed import typed
from rpx.errors import Exit, RpxError, UsageError
from rpx.folders import make_folder, state_home, temporary_folder
from rpx.hub.descriptors import SHORTAGES

INTERRUPTED = 128 + signal.SIGINT
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}  # EIO: the terminal has gone
_WORD = re.compile(r"[a-z]+(-[a-z]+)*")


def reported(work: Callable[[], int]) -> int:
    """The exit code of `work`; what it raises is printed and has an exit code, too."""
    try:
        code = work()
        sys.stdout.flush()
    except BrokenPipeError:
        forget_output()
        return Exit.FINE  # the reader has seen enough
    except click.ClickException as error:
        return _say(_usage_error(error))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BaseExceptionGroup as group:
        return _of_group(group)
    except RpxError as error:
        return _say(error)
    except OSError as error:
        return _say(_unwritten(error) or report_bug(error))
    except Exception as error:  # noqa: BLE001 - the last door: whatever comes here is a bug
        return _say(report_bug(error))
    return code


def _unwritten(error: OSError) -> RpxError | None:
    """What to say where something could not be written, and no file of ours: nobody's bug."""
    if error.errno not in _NO_ROOM or error.filename is not None:
        return None
    forget_output()
    return RpxError(f"could not write: {error.strerror}", hint="see where stdout goes")


def report_bug(error: BaseException) -> RpxError:
    """Write the traceback into a file; an apology that names it. Never raises.

    That the system has no more files or memory to give is no bug, and is said as it is.
    """
    if shortage := _shortage(error):
        what = f"the system gives rpx no more of what it needs: {shortage.strerror}"
        return RpxError(what, hint="`ulimit -n` shows how many files it may open: allow it more")
    what = f"rpx itself failed: {type(error).__name__}"
    text = ""
    try:
        what = f"{what}: {error}"
        text = "".join(traceback.format_exception(error))
        for folder in (state_home(), temporary_folder()):
            if path := _written(folder, f"{_command(sys.argv[1:])}\n{text}"):
                hint = f"this is a bug in rpx, sorry; its details are in {path}"
                return RpxError(what, hint=hint)
    except Exception:  # noqa: BLE001, S110 - one failure is to be told of, not two
        pass
    return RpxError(what, hint=f"this is a bug in rpx, sorry; its details:\n{text}")


def _shortage(error: BaseException) -> OSError | None:
    """What the system had not got, if that is among the errors: others may come of it."""
    if isinstance(error, BaseExceptionGroup):
        return next(filter(None, map(_shortage, error.exceptions)), None)
    return error if isinstance(error, OSError) and error.errno in SHORTAGES else None


def _written(folder: Path, text: str) -> Path | None:
    """A new file for nobody else's eyes with this text; None where there can't be one."""
    name = f"crash-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}-{os.urandom(3).hex()}.txt"
    path = folder / name
    try:
        make_folder(folder)
        folder.chmod(0o700)  # of another user's it fails
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(fd, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError:
        return None
    return path


def _command(arguments: Sequence[str]) -> str:
    """What was called, without what may be a secret: the command and the names of options."""
    command = next((each for each in arguments if _WORD.fullmatch(each)), "")
    ours = arguments[: arguments.index("run")] if command == "run" else arguments
    options = [each.partition("=")[0] for each in ours if each.startswith("--")]
    options += [each[:2] for each in ours if each.startswith("-") and not each.startswith("--")]
    return " ".join(filter(None, ("rpx", command, *options)))


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
    message = " ".join(error.format_message().split()).rstrip(".").replace("'", "`")
    return UsageError(message[:1].lower() + message[1:], hint=hint)


def _say(error: RpxError) -> int:
    try:
        sys.stdout.flush()
        error.problems = tuple(replace(p, hint=typed(p.hint)) for p in error.problems)
        lines = str(error).split("\n")  # an excerpt of a file stays as it is
        for line in lines:
            shown = on_stderr([line]) if line.startswith("error:") else [line]
            print("\n".join(shown), file=sys.stderr)
        sys.stderr.flush()
    except (OSError, ValueError):
        forget_output()  # nobody is there to be told
    return int(error.exit_code)


def forget_output() -> None:
    """Let what can't be written go nowhere, instead of failing once more at the very end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
