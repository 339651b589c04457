"""The process that outlives the supervisor, so that nothing else does.

`rpx up` forks before anything else is imported. The parent is the guardian: it waits for signals,
passes them on, buries orphans, and when the supervisor is gone, *however* it died, kills whatever
is left. The child is the supervisor. Standard library only: this memory stays for the whole run.
Containers are nobody's children: those it has the engine remove, if the supervisor wrote one down.

Why a process and not PDEATHSIG on each service: that reaches only the direct child, often a shell,
and strikes when the thread that forked ends. On Linux the guardian is a *child subreaper*: every
orphan below it, daemons with a session of their own included, becomes its child, and only children
are signalled, whose numbers nobody but their parent can free.

Other systems have neither subreaper nor PDEATHSIG. There the guardian ends the sessions that the
supervisor has begun (`sessions.py`), and a pipe that ends with the guardian tells the supervisor.
Limit: what has left its session outlives a supervisor that dies by `kill -9`; the next `rpx up`
finds it by its marker.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Collection, Iterator
from functools import partial
from types import FrameType

from rpx.backend.engine_note import EngineNote, remove_containers
from rpx.backend.sessions import Sessions, end_sessions

PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
WAITED_FOR = (*PASSED_ON, signal.SIGQUIT, signal.SIGTSTP, signal.SIGCHLD)
TERMINAL = (signal.SIGTTOU, signal.SIGTTIN)  # would suspend who writes from the background
PYTHONS = (signal.SIGPIPE, signal.SIGXFSZ)  # ignored by Python itself, restored by Popen
SWEEP_TAKES = 2.0  # seconds; what has not gone then is stuck in the kernel
SHARED = (b"aardvark-dns",)  # by the names of processes
KILLED = 128  # plus the signal: the shell's way to say so
Sweep = Callable[[float], list[int]]  # takes so many seconds; the pids that remain
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36

_guardian: int | None = None  # in the supervisor: the pid of its guardian
_lifeline: int | None = None  # there, too: a pipe that comes to its end with the guardian
sessions: Sessions | None = None  # of a guarded supervisor
engine: EngineNote | None = None  # likewise


def guard(run: Callable[[], int]) -> int:
    """Run the supervisor in a child process; its exit code, after all its descendants have gone.

    128 + N if signal N killed it. Call it first thing, from the main thread, before any other
    thread exists. In the child it does not return.
    """
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {*WAITED_FOR, *TERMINAL})
    nohup = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    before = signal.signal(signal.SIGCHLD, _do_nothing)  # ignored, children would not be waited for
    subreaper = become_subreaper()
    sys.stdout.flush()
    sys.stderr.flush()
    guardian = os.getpid()
    ready, tell = os.pipe()
    lifeline, hold = os.pipe()  # the guardian holds it until it ends, however that happens
    begun, note = Sessions(), EngineNote()
    supervisor = os.fork()
    if supervisor == 0:
        os.close(ready)
        os.close(hold)
        _supervise(run, guardian, mask, tell, lifeline=lifeline, begun=begun, note=note)
    os.close(tell)
    os.close(lifeline)
    os.read(ready, 1)  # returns at end of file: it has its own group, or is dead already
    os.close(ready)
    try:
        deaf = {signal.SIGHUP} if nohup else set()
        return _keep_watch(supervisor, deaf, _sweep if subreaper else partial(end_sessions, begun))
    finally:
        remove_containers(note)
        os.close(hold)
        signal.signal(signal.SIGCHLD, before or signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def adopter() -> int | None:
    """For the supervisor: whose child becomes what its processes leave behind, if anybody's."""
    return _guardian


def guardian_is_gone() -> bool:
    """For the supervisor, on SIGTERM: nobody is left to sweep, so stop at once, without grace."""
    return _guardian is not None and os.getppid() != _guardian


def lifeline() -> int | None:
    """For the supervisor: a descriptor that is readable once the guardian has gone."""
    return _lifeline


def become_subreaper() -> bool:
    """Make orphaned descendants our children; False where the system cannot."""
    return _prctl(PR_SET_CHILD_SUBREAPER, 1)


# ------------------------------------------------------------------ the supervisor's side


def _supervise(
    run: Callable[[], int],
    guardian: int,
    mask: Collection[int],
    tell: int,
    *,
    lifeline: int,
    begun: Sessions,
    note: EngineNote,
) -> None:
    """Settle in, run, and leave the process; never returns."""
    global _guardian, _lifeline, sessions, engine
    code = 1
    try:
        os.setpgid(0, 0)  # the terminal's Ctrl-C goes to the guardian alone
        _guardian, _lifeline, sessions, engine = guardian, lifeline, begun, note
        _prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() == guardian:  # it may have died before we asked to be told
            _prepare_signals(mask)
            os.close(tell)
            code = run()
    except SystemExit as leaving:
        code = _code_of(leaving)
    except KeyboardInterrupt:
        code = KILLED + signal.SIGINT
    except BaseException:  # noqa: BLE001 - shown, as the interpreter itself would
        sys.excepthook(*sys.exc_info())
    _leave(code)


def _prepare_signals(mask: Collection[int]) -> None:
    """Hear everything but the terminal's suspensions, and ignore nothing.

    What is ignored stays so in every service; a handler ends at exec. For SIGTTOU a handler
    would not do (the write is tried again for ever), so it is blocked, and `child.spawn` clears
    the mask. What came in before we had our own group reached the guardian as well, who passes it
    on: here it is thrown away.
    """
    for signum in signal.sigpending() & {*PASSED_ON, signal.SIGTSTP, signal.SIGQUIT}:
        signal.sigwait({signum})
    for signum in signal.valid_signals() - set(PYTHONS):
        if signal.getsignal(signum) is signal.SIG_IGN:
            signal.signal(signum, signal.SIG_DFL if signum in TERMINAL else _do_nothing)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, {*mask, *TERMINAL} - set(WAITED_FOR))


def _leave(code: int) -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            pass  # a closed terminal has nobody to tell
    os._exit(code)  # not exit(): the guardian's cleanups are the guardian's


def _code_of(leaving: SystemExit) -> int:
    if leaving.code is None:
        return 0
    if isinstance(leaving.code, int):
        return leaving.code & 0xFF
    _say(str(leaving.code))
    return 1


# ------------------------------------------------------------------ the guardian's side


def _keep_watch(supervisor: int, deaf: Collection[signal.Signals], sweep: Sweep) -> int:
    """Sleep until a signal comes; nothing else wakes the guardian."""
    while True:
        received = signal.Signals(signal.sigwait(WAITED_FOR))
        if received is signal.SIGCHLD:
            status = dict(_bury()).get(supervisor)
            if status is not None:
                return _conclude(status, sweep)
        elif received is signal.SIGQUIT:  # the way out that needs nobody's help
            _pass_on(supervisor, signal.SIGKILL)
        elif received is signal.SIGTSTP:
            _say("rpx: not suspended: its services would hang; Ctrl-C stops them")
        elif received not in deaf:  # started by nohup
            _pass_on(supervisor, received)
            _pass_on(supervisor, signal.SIGCONT)  # one that is suspended hears nothing


def _pass_on(supervisor: int, signum: signal.Signals) -> None:
    """To a child that is not reaped yet: nobody else can have its number."""
    try:
        os.kill(supervisor, signum)
    except ProcessLookupError:
        pass


def _conclude(status: int, sweep: Sweep) -> int:
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        name = signal.Signals(-code).name
        _say(f"rpx: the supervisor was killed by {name}; ending what it had started")
    left = sweep(SWEEP_TAKES)
    if left:
        _say(f"rpx: still there after {SWEEP_TAKES:g} s: pid {', '.join(map(str, left))}")
    return KILLED - code if code < 0 else code


def _sweep(seconds: float) -> list[int]:
    """Kill until no child is left; the pids of those that remain all the same.

    Killing a child makes its children ours, so generation after generation ends here.
    """
    deadline = time.monotonic() + seconds
    pause = 0.001
    while children := _children():
        if time.monotonic() > deadline:
            return children
        for pid in children:
            _pass_on(pid, signal.SIGKILL)
        time.sleep(pause)
        pause = min(pause * 1.5, 0.02)
        for _ in _bury():
            pass
    return []


def _bury() -> Iterator[tuple[int, int]]:
    """Reap every child that has ended, the adopted ones too: pid and wait status."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        yield pid, status


def _children() -> list[int]:
    """By the process table: not every kernel has /proc/self/task/<id>/children."""
    me = os.getpid()
    pids = map(int, filter(str.isdigit, os.listdir("/proc")))
    return [pid for pid in pids if _parent(pid) == me and not is_shared(pid)]


def is_shared(pid: int) -> bool:
    """Whether it is what a container engine has started for all containers of this machine."""
    try:
        with open(f"/proc/{pid}/comm", "rb", buffering=0) as file:
            return file.read().strip() in SHARED
    except OSError:
        return False


def _parent(pid: int) -> int | None:
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
            text = file.read()
    except OSError:
        return None  # it ended while we looked
    return int(text[text.rindex(b")") + 2 :].split(None, 2)[1])  # after the name: state, parent


# ------------------------------------------------------------------ both


def _prctl(option: int, value: int) -> bool:
    if sys.platform != "linux":
        return False
    import ctypes  # noqa: PLC0415 - only where there is a prctl

    return bool(ctypes.CDLL(None).prctl(option, value, 0, 0, 0) == 0)


def _do_nothing(_signum: int, _frame: FrameType | None) -> None:
    """A handler, where SIG_IGN would be inherited."""


def _say(line: str) -> None:
    # Not by sys.stderr: it keeps what a terminal that is gone doesn't take, and ends us with 120.
    try:
        os.write(2, f"{line}\n".encode(errors="backslashreplace"))
    except OSError:
        pass  # nobody is there to be told
