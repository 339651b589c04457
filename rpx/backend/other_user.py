"""A process that runs as somebody else than rpx: who that is, and whether rpx may let it be so."""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from rpx.errors import ConfigError, Problem, RpxError
from rpx.model.specs import ProcessSpec


@dataclass(frozen=True, slots=True)
class Account:
    """Whom a process belongs to: its user, its group, the groups beside that.

    `name` and `home` are "" where the system knows none.
    """

    uid: int
    gid: int
    groups: tuple[int, ...]
    name: str = ""
    home: str = ""
    shell: str = ""


def account_of(user: str) -> Account:
    """Return who `postgres`, `1000`, `postgres:staff` or `1000:1000` is. Raises: RpxError."""
    name, _, group = user.partition(":")
    known = _user(name)
    gid = _group(group) if group else None
    if known is None:
        if not name.isdecimal():
            raise RpxError(f"there is no user `{name}`", hint="see who there is: `getent passwd`")
        if gid is None:
            hint = f"write the group as well: `{name}:{name}`"
            raise RpxError(f"nobody has the user id {name}, which leaves its group open", hint=hint)
        return Account(int(name), gid, (gid,))
    own = known.pw_gid if gid is None else gid
    beside = tuple(os.getgrouplist(known.pw_name, own))
    return Account(known.pw_uid, own, beside, known.pw_name, known.pw_dir, known.pw_shell)


def account_to_become(user: str | None) -> Account | None:
    """Return who a process is to be that is started by us; None: who we are.

    Raises: RpxError if there is nobody of that name, or we may not.
    """
    if user is None:
        return None
    account = account_of(user)
    if os.geteuid() == 0:
        return account
    if account.uid == os.geteuid():
        return None
    raise RpxError(
        f"only root can run something as `{user}`",
        hint=f"`sudo rpx up`; or leave `user` out, and it runs as `{_own_name()}`",
    )


def check_users(processes: Iterable[ProcessSpec]) -> None:
    """Look whether each can be run as whom it is to be. Raises: ConfigError with all that can't."""
    if problems := dict.fromkeys(_problems(processes)):
        raise ConfigError(*problems)


def change_to(account: Account) -> None:
    """Be somebody else from now on. For good."""
    os.setgroups(account.groups)
    os.setgid(account.gid)
    os.setuid(account.uid)


def given_to(account: Account | None, *streams: int) -> None:
    """Let what a process reads and prints be its own: it may open that by name (/dev/stdout)."""
    if account is None:
        return
    for stream in streams:
        with suppress(OSError):  # macOS has no such thing for pipes
            os.fchown(stream, account.uid, account.gid)


def _problems(processes: Iterable[ProcessSpec]) -> Iterator[Problem]:
    for process in processes:
        if process.start.container is not None:  # its users are those of its image
            continue
        try:
            account_to_become(process.start.user)
        except RpxError as error:
            [problem] = error.problems
            what = f"`{process.name}` can't run as `{process.start.user}`: {problem.what}"
            yield Problem(what, process.start.where, hint=problem.hint)


def _user(name: str) -> pwd.struct_passwd | None:
    with suppress(KeyError, OverflowError):
        return pwd.getpwuid(int(name)) if name.isdecimal() else pwd.getpwnam(name)
    return None


def _group(name: str) -> int:
    if name.isdecimal():
        return int(name)
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        hint = "see which there are: `getent group`"
        raise RpxError(f"there is no group `{name}`", hint=hint) from None


def _own_name() -> str:
    known = _user(str(os.geteuid()))
    return known.pw_name if known is not None else str(os.geteuid())
