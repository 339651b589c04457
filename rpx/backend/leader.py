"""The first process of an instance: how it is started, watched, signalled and reaped."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any, Protocol

import psutil
import trio

from rpx.backend import guardian, processes
from rpx.backend.child_output import PIPE_HOLDS
from rpx.backend.file_limit import as_a_service
from rpx.backend.mark import mark_of
from rpx.backend.other_user import Account, account_to_become, given_to
from rpx.backend.processes import ProcessIdentity
from rpx.backend.pseudo_terminal import TerminalOutput, at_terminal, open_terminal
from rpx.backend.shell import argv
from rpx.model.address import Location
from rpx.model.config import Start

THREADS = trio.CapacityLimiter(1000)  # one per child, only where there is no pidfd


class Leader(Protocol):
    """The process itself, as Child needs it: it exits once, and is reaped only when told."""

    @property
    def pid(self) -> int: ...
    @property
    def created(self) -> ProcessIdentity: ...
    @property
    def output(self) -> trio.abc.ReceiveStream: ...

    def exit_code(self) -> int | None:
        """None while it runs; negative for a signal. Looking does not reap it."""

    async def exited(self) -> int:
        """Wait until it has gone; its exit code."""

    def kill(self, signum: int) -> None:
        """Signal it alone; nobody, if its number may be another's."""

    def kill_group(self, signum: int) -> None:
        """Signal its group, with the same caution."""

    async def living(self) -> list[psutil.Process]:
        """Who is alive in this instance, the leader included."""

    async def listener(self, location: Location) -> psutil.Process | None:
        """Who of this instance listens on the port."""

    def rest(self) -> bytes:
        """What is in the output pipe right now."""

    def reap(self) -> None:
        """Give its number back to the kernel."""


class OwnProcess:
    """The Leader that is a real process."""

    def __init__(
        self,
        popen: subprocess.Popen[bytes],
        output: TerminalOutput | trio.lowlevel.FdStream,
        instance: str,
        stdin: int | None,
    ) -> None:
        """`stdin`, if it has a pipe there, is the end that stays open."""
        self.pid = popen.pid
        self.created = processes.identity(popen.pid) or ProcessIdentity(popen.pid, 0)
        self.output = output
        self._popen = popen
        self._instance = instance
        self._stdin = stdin
        self._gone = trio.Event()
        if guardian.sessions is not None:
            guardian.sessions.add(popen.pid)
        trio.lowlevel.spawn_system_task(self._await_exit)

    async def _await_exit(self) -> None:
        """The one task that waits: two must not wait for the same file descriptor."""
        pidfd = processes.open_pidfd(self.pid)
        try:
            if pidfd is None:
                await trio.to_thread.run_sync(
                    _wait_unreaped, self._popen, abandon_on_cancel=True, limiter=THREADS
                )
            else:
                await trio.lowlevel.wait_readable(pidfd)
        finally:
            if pidfd is not None:
                os.close(pidfd)
            if self._stdin is not None:
                os.close(self._stdin)
            self._gone.set()

    async def exited(self) -> int:
        await self._gone.wait()
        code = self.exit_code()
        assert code is not None  # noqa: S101 - for the type checker: it has gone
        return code

    def exit_code(self) -> int | None:
        if self._popen.returncode is not None:
            return self._popen.returncode
        if not hasattr(os, "waitid"):
            return self._popen.poll()
        # Not poll(): it reaps, and then the number may be given to a stranger.
        seen = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if seen is None:
            return None
        return seen.si_status if seen.si_code == os.CLD_EXITED else -seen.si_status

    def kill(self, signum: int) -> None:
        self._send(os.kill, signum)

    def kill_group(self, signum: int) -> None:
        self._send(os.killpg, signum)

    def _send(self, kill: Callable[[int, int], None], signum: int) -> None:
        if self._popen.returncode is not None:  # reaped: the number may be a stranger's
            return
        try:
            kill(self.pid, signum)
        except (ProcessLookupError, PermissionError):
            pass  # macOS says EPERM when only zombies are left

    async def living(self) -> list[psutil.Process]:
        session = self.pid if self._popen.returncode is None else None
        return await trio.to_thread.run_sync(processes.members, session, self._instance)

    async def listener(self, location: Location) -> psutil.Process | None:
        living = await self.living()
        return await trio.to_thread.run_sync(processes.listener, location, living)

    def rest(self) -> bytes:
        try:
            return os.read(self.output.fileno(), PIPE_HOLDS)
        except OSError:
            return b""

    def reap(self) -> None:
        if guardian.sessions is not None:
            guardian.sessions.remove(self.pid)
        self._popen.wait()


def _wait_unreaped(popen: subprocess.Popen[bytes]) -> None:
    if hasattr(os, "waitid"):
        os.waitid(os.P_PID, popen.pid, os.WEXITED | os.WNOWAIT)
    else:  # macOS before Python 3.13: here the number is lost at once, and `living` knows it
        popen.wait()


async def spawn(start: Start, env: Mapping[str, str], instance: str) -> Leader:
    """Start the command. An OSError names what cannot be run, or the missing directory."""
    command = argv(start.command, env)
    account = account_to_become(start.user) if start.container is None else None
    with ExitStack() as theirs, ExitStack() as ours:
        stdin, keep = subprocess.DEVNULL, None
        if start.tty:
            output, to, path = open_terminal()
            ours.callback(os.close, output)
            theirs.callback(os.close, to)
            command = at_terminal(command, env, path)
            stdin = to if start.stdin == "open" else stdin
        else:
            output, to = _pipe(ours, theirs)
            if start.stdin == "open":  # ends when rpx does, however that happens
                keep, stdin = reversed(_pipe(theirs, ours))
        given_to(account, to, *([stdin] if keep is not None else []))
        # Nothing to wait for between here and the Leader: a cancellation cannot lose the process.
        popen = await trio.to_thread.run_sync(
            partial(_popen, mark=mark_of(instance), account=account),
            command,
            start,
            env,
            (stdin, to),
        )
        ours.pop_all()
        kind = TerminalOutput if start.tty else trio.lowlevel.FdStream
        return OwnProcess(popen, kind(output), instance, keep)


def _pipe(reader: ExitStack, writer: ExitStack) -> tuple[int, int]:
    """Return both ends of a pipe, each to be closed with whom it belongs to."""
    ends = os.pipe()
    for whose, end in zip((reader, writer), ends, strict=True):
        whose.callback(os.close, end)
    return ends


def _popen(
    command: tuple[str, ...],
    start: Start,
    env: Mapping[str, str],
    streams: tuple[int, int],
    *,
    mark: int | None,
    account: Account | None,
) -> subprocess.Popen[bytes]:
    """Popen with no signal blocked: the mask of the calling thread is what a new process gets.

    That is why this is not `trio.lowlevel.open_process`, whose thread has the mask of rpx, and not
    a `preexec_fn`, which is unsafe beside threads. No PDEATHSIG either: it would strike when the
    idle *thread* ends, ten seconds later.
    """
    stdin, output = streams
    who: dict[str, Any] = {}
    if account is not None:
        who = {"user": account.uid, "group": account.gid, "extra_groups": account.groups}
    mask = signal.pthread_sigmask(signal.SIG_SETMASK, ())
    try:
        with as_a_service(mark) as started:
            popen = subprocess.Popen(
                command,
                stdin=stdin,
                stdout=output,
                stderr=output,
                env=env,
                cwd=start.cwd,
                start_new_session=True,
                **who,
            )
            started(popen.pid)
            return popen
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
