"""The rpx.yaml that `rpx init` and `rpx import` write: never over another, never half of it."""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rpx.cli.command import Common
from rpx.cli.terminal.output import warn
from rpx.config import load_config
from rpx.config.checks.profiles import Selection
from rpx.config.schema_file import schema_line
from rpx.config.variables.env_files import label_of
from rpx.errors import ConfigError, RpxError, UsageError
from rpx.folders import here
from rpx.model.file_names import PROJECT_FILES


@dataclass(frozen=True, slots=True)
class NewFile:
    """The file that is to be written. `shown`: it is printed instead."""

    path: Path
    shown: bool
    force: bool

    @classmethod
    def of(cls, common: Common, *, shown: bool, force: bool) -> NewFile:
        """What the command line says. Raises: UsageError where a file is in the way."""
        target = cls(common.file or here() / PROJECT_FILES[0], shown, force)
        if not shown:
            target._check()
        return target

    def _check(self) -> None:
        folder = self.path.parent
        if not folder.is_dir():
            raise UsageError(f"there is no folder {folder}", hint="make it: `mkdir -p`")
        if self.path.is_dir():
            raise UsageError(f"{label_of(self.path)} is a folder", hint="name a file: `-o FILE`")
        there = [self.path]
        if self.path.name in PROJECT_FILES:
            there = [folder / name for name in PROJECT_FILES]
        for path in there:
            if not self.force and os.path.lexists(path):
                raise UsageError(
                    f"{label_of(path)} is there already",
                    hint="`--stdout` shows what would be written, `--force` writes over it",
                )

    def load(self, text: str) -> None:
        """See that rpx understands it. Raises: RpxError with what is wrong, before it is written.

        Warnings are said as `rpx check` would.
        """
        try:
            load_config(self.path, os.environ, warn, Selection(("*",)), text=text)
        except ConfigError as error:
            what = "what was read makes no rpx.yaml that would run; nothing was written"
            hint = "`--stdout` prints it, with the lines that are named below"
            error.problems = (*RpxError(what, hint=hint).problems, *error.problems)
            raise

    def print_for_a_look(self, text: str) -> None:
        """Print what isn't written, if it was to be printed anyway."""
        if self.shown:
            sys.stdout.write(text)

    def write(self, text: str) -> None:
        """Write the whole file, with a line for editors on top, or nothing. Raises: RpxError."""
        if self.shown:
            sys.stdout.write(text)
            return
        line = schema_line()
        for_editors = f"{line}\n" if line else ""
        try:
            handle, beside = tempfile.mkstemp(dir=self.path.parent, prefix=".rpx-", suffix=".new")
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    file.write(for_editors + text)
                    os.fchmod(file.fileno(), 0o666 & ~_umask())
                self._put(beside)
            finally:
                if os.path.lexists(beside):
                    os.unlink(beside)
        except FileExistsError:  # somebody has been faster
            raise UsageError(f"{label_of(self.path)} is there already", hint="`--force`") from None
        except OSError as error:
            why = (error.strerror or "unknown reason").lower()
            raise RpxError(
                f"{label_of(self.path)} can't be written ({why})",
                hint="see who may write there: `ls -ld`; or `--stdout`, or `-o FILE`",
            ) from None

    def _put(self, beside: str) -> None:
        if self.force:
            os.replace(beside, self.path)
            return
        try:
            os.link(beside, self.path)  # it fails where a file has come in the meantime
        except FileExistsError:
            raise
        except OSError:  # a file system without links
            os.replace(beside, self.path)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
