"""`rpx hosts`: names outside of `.localhost`, in the system's own list of hosts."""

from __future__ import annotations

import errno
import fcntl
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from rpx.cli.at_tab.offered import HOSTS
from rpx.cli.command import Command, Common
from rpx.cli.helpers.realm_there import realm_there
from rpx.cli.terminal.output import json_option, print_json, say
from rpx.config import find_config, load_config
from rpx.config.settings.host_names import as_browsers_ask, is_host_name
from rpx.errors import RpxError, UsageError, visible
from rpx.policy.hosts_file import ADDRESSES, foreign_names, our_names, with_names

ACTIONS = ("add", "remove", "list")

EXAMPLES = """\
rpx hosts list                  # what has been added
sudo rpx hosts add shop.test    # shop.test is this machine
sudo rpx hosts add              # all hosts of rpx.yaml that are not below .localhost
sudo rpx hosts remove shop.test
"""


@click.command("hosts", cls=Command, examples=EXAMPLES)
@click.argument("action", type=click.Choice(ACTIONS), metavar="|".join(ACTIONS))
@click.argument("names", nargs=-1, metavar="[NAME]…", type=HOSTS)
@click.option(
    "--hosts-file",
    type=click.Path(path_type=Path),
    default=Path("/etc/hosts"),
    metavar="PATH",
    help="Use this file instead of /etc/hosts",
)
@json_option
@click.pass_obj
def hosts(
    common: Common, action: str, names: tuple[str, ...], *, hosts_file: Path, as_json: bool
) -> None:
    """Let names outside of `.localhost` lead to this machine, by lines in /etc/hosts.

    rpx touches only the lines between its two marks in that file. Changing the file takes root.
    Without NAME, `add` and `remove` mean the hosts of rpx.yaml.
    """
    if action == "list":
        if names:
            raise UsageError("`rpx hosts list` takes no names", hint="leave them out")
        _list(our_names(_read(hosts_file)), as_json=as_json)
        return
    wanted = [_checked(name) for name in names] or _of_project(common)
    if action == "add":
        before = our_names(_read(hosts_file))
        wanted = _not_elsewhere(_read(hosts_file), wanted)
        new = [name for name in wanted if name not in before]
        _change(hosts_file, action, new, lambda now: dict.fromkeys([*now, *new]))
        said = "added" if new else "nothing to add"
    else:
        new = [name for name in our_names(_read(hosts_file)) if name in wanted]
        _change(hosts_file, action, new, lambda now: [each for each in now if each not in wanted])
        said = "removed" if new else "nothing to remove"
    say(f"{hosts_file}: {said}{': ' if new else ''}{', '.join(new)}")
    if as_json:
        _list(our_names(_read(hosts_file)), as_json=True)


def _list(names: Sequence[str], *, as_json: bool) -> None:
    if as_json:
        print_json([{"name": name, "addresses": list(ADDRESSES)} for name in names])
        return
    for name in names:
        print(visible(name))
    if not names:
        say("rpx has added no names")


def _checked(name: str) -> str:
    text = name.lower().removesuffix(".")
    if text.startswith("*."):
        raise UsageError(
            f"a hosts file has no wildcards: `{name}`",
            hint="add each name by itself, or use names below .localhost, which need no entry",
        )
    text = as_browsers_ask(text)
    if not is_host_name(text) or _is_number(text) or text == "localhost":
        raise UsageError(f"not a host name to add: `{name}`", hint="for example shop.test")
    return text


def _of_project(common: Common) -> list[str]:
    """The hosts of rpx.yaml that a hosts file can have and that need it."""
    path = common.file or find_config()
    config = load_config(path, os.environ, realm=realm_there(path))
    names = [each for each in config.hosts if is_host_name(each) and _needs_entry(each)]
    if not names:
        raise UsageError(
            "rpx.yaml has no host that needs an entry: names below .localhost need none",
            hint="say which one: `rpx hosts add shop.test`",
        )
    return names


def _needs_entry(host: str) -> bool:
    return not _is_number(host) and host != "localhost" and not host.endswith(".localhost")


def _is_number(host: str) -> bool:
    """Whether it is an IPv4 address, in one of its many forms."""
    return host.rpartition(".")[2].isdigit()


def _not_elsewhere(text: str, wanted: Iterable[str]) -> list[str]:
    """Those that nobody else has put there. Raises: RpxError for one that leads elsewhere."""
    left = dict.fromkeys(wanted)
    for other in foreign_names(text):
        if other.name not in left:
            continue
        if not other.loopback:
            raise RpxError(
                f"line {other.line} of the file leads `{other.name}` to {other.address} already",
                hint="remove that line first; it isn't one of rpx",
            )
        say(f"{other.name}: there already, by hand (line {other.line})")
        left.pop(other.name)
    return list(left)


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except OSError as error:
        raise RpxError(
            f"{path} can't be read: {error.strerror}", hint="`--hosts-file` names another file"
        ) from None


def _change(
    path: Path, action: str, names: Sequence[str], change: Callable[[list[str]], Iterable[str]]
) -> None:
    """Change our block, all of it or nothing, while no other rpx does."""
    if not names:
        return
    real = Path(os.path.realpath(path))  # a link stays one
    try:
        with _alone(real.parent):
            text = _read(real)
            content = with_names(text, change(our_names(text)))
            _replace(real, content.encode("utf-8", "surrogateescape"))
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM):
            raise RpxError(f"{path} can't be changed: {error.strerror}") from None
        raise RpxError(
            f"to change {path} needs root", hint=f"`{_as_root(path, action, names)}`"
        ) from None


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """No other rpx is in here meanwhile. (A lock on the file would go away with it.)"""
    fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def _replace(path: Path, content: bytes) -> None:
    """Put a whole new file in the place of the old one, with its mode, owner and attributes."""
    new = path.with_name(f".{path.name}.rpx-{os.getpid()}")
    before = path.stat()
    try:
        with new.open("xb") as file:
            os.fchown(file.fileno(), before.st_uid, before.st_gid)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        shutil.copystat(path, new)
        os.utime(new)
        new.replace(path)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        path.write_bytes(content)  # in a container it is mounted, and can't be replaced
    finally:
        new.unlink(missing_ok=True)


def _as_root(path: Path, action: str, names: Sequence[str]) -> str:
    program = shutil.which(sys.argv[0])
    # sudo has a PATH of its own, in which no virtual environment is
    ours = [os.path.abspath(program)] if program and "rpx" in Path(program).name else []
    option = [] if str(path) == "/etc/hosts" else ["--hosts-file", str(path.absolute())]
    call = ours or [sys.executable, "-m", "rpx"]
    return shlex.join(["sudo", *call, "hosts", action, *names, *option])
