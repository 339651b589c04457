"""The words of all commands as plain values, made of what click knows and kept in a file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final

import rpx
from rpx.folders import make_folder, state_home

NAME: Final = "tab-words.json"
Table = dict[str, Any]  # "": rpx itself; else a command


def command_table() -> Table:
    """The table of this rpx: from its file, or made anew, which takes half a second."""
    path, key = state_home() / NAME, _key()
    try:
        kept = json.loads(path.read_text("utf-8"))
        if kept["key"] == key:
            table: Table = kept["table"]
            return table
    except (OSError, ValueError, KeyError, TypeError):
        pass
    table = made_anew()
    _keep(path, json.dumps({"key": key, "table": table}))
    return table


def made_anew() -> Table:
    """The table as click says it: of each command its options and arguments.

    An option is {"flags": […], "takes": KIND, "help": …, "many": bool}, where KIND is a list of
    words, "file", "folder", one of offered.py, "" for any text, or null for none; an argument
    {"takes": KIND, "many": bool}.
    """
    import click  # noqa: PLC0415 - not for who has the file

    from rpx.cli.helpers.documents import all_pages  # noqa: PLC0415 - likewise
    from rpx.cli.main import COMMANDS, group  # noqa: PLC0415 - likewise

    context = click.Context(group)
    table: Table = {"": {"help": "", **_words(group)}}
    for name, words in COMMANDS.items():
        command = group.get_command(context, name)
        assert command is not None  # noqa: S101 - it is in the table
        table[name] = {"help": words, **_words(command)}
    every = [*COMMANDS, *all_pages()]
    for argument in table["help"]["arguments"]:
        argument["takes"] = every
    return table


def _words(command: Any) -> Table:  # noqa: ANN401 - click is not loaded yet
    import click  # noqa: PLC0415 - see above

    options, arguments = [], []
    for each in command.params:
        many = each.nargs == -1 or each.multiple
        if isinstance(each, click.Argument):
            arguments.append({"takes": _kind(each), "many": many})
        elif not getattr(each, "hidden", False):
            flags = [*each.opts, *each.secondary_opts]
            takes = None if each.is_flag or each.count else _kind(each)
            options.append({"flags": flags, "takes": takes, "help": each.help or "", "many": many})
    helps = {"flags": ["--help", "-h"], "takes": None, "help": "Show how it is used", "many": False}
    return {"options": [*options, helps], "arguments": arguments}


def _kind(parameter: Any) -> list[str] | str:  # noqa: ANN401 - see above
    import click  # noqa: PLC0415 - see above

    kind = parameter.type
    if isinstance(kind, click.Choice):
        return [str(each) for each in kind.choices]
    if isinstance(kind, click.Path | click.File):
        return "file" if getattr(kind, "file_okay", True) else "folder"
    return str(getattr(kind, "kind", ""))


def _key() -> str:
    """What another rpx has another one of, or this one after a change of its code."""
    here = Path(__file__).parent.parent
    times = [each.stat().st_mtime_ns for each in os.scandir(here / "commands")]
    return f"{rpx.__version__} {here} {max(times)} {(here / 'main.py').stat().st_mtime_ns}"


def _keep(path: Path, text: str) -> None:
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        make_folder(path.parent)
        beside.touch(0o600)
        beside.write_text(text, "utf-8")
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
