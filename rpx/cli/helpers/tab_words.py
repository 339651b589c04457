"""What shells complete at Tab: the script that they load, and what it asks rpx each time."""

from __future__ import annotations

import os
from typing import Final

import click
from click.shell_completion import CompletionItem, get_completion_class, shell_complete

from rpx.cli.command import Common
from rpx.errors import RpxError, UsageError

SHELLS: Final = ("bash", "zsh", "fish")
_ASKED: Final = "_RPX_COMPLETE"  # as in main.py, which looks for it


def completion_script(group: click.Command, shell: str) -> str:
    """Return what one of SHELLS is to load. Raises: UsageError for another."""
    found = get_completion_class(shell)
    if found is None:
        raise UsageError(f"rpx completes nothing in `{shell}`", hint=f"it does in {_listed()}")
    return found(group, {}, "rpx", _ASKED).source()


def words_asked(group: click.Command) -> bool:
    """Whether a shell's script is asking; then what it may complete has been printed."""
    asked = os.environ.get(_ASKED, "")
    if not asked.endswith("_complete"):
        return False
    shell_complete(group, {"obj": Common()}, "rpx", _ASKED, f"{asked.partition('_')[0]}_complete")
    return True


def running_services(
    ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    """Complete the names of services of the project that runs here; nothing where none does."""
    try:
        rows = ctx.ensure_object(Common).client().ps()
    except RpxError:
        return []
    names = dict.fromkeys(row.label.partition(":")[0] for row in rows)
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def _listed() -> str:
    return f"{', '.join(SHELLS[:-1])} and {SHELLS[-1]}"
