"""The door, killed again and again under load: `make soak-door`, 1,000 times each way.

Members and clients are processes of their own. It says how many connections were lost, and ends
with 1 if they are more than 1 in 10,000 (0 where a project is alone, or the door is replaced).
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rpx.door.roster import read_roster
from tests.support.door_load import DoorLoad
from tests.support.doors import DoorOfTest, FakeMember, retire, until

TOLERATED = 1e-4
WAYS = ("killed", "alone", "replaced")


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--only", choices=WAYS)
    parser.add_argument("--as", dest="role", choices=("member", "load"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.role == "member":
        return be_member(options.folder, options.port, options.names[0], options.names[1:])
    if options.role == "load":
        return be_load(options.port, options.names)
    fine = [soak(way, options.kills) for way in WAYS if options.only in (None, way)]
    return 0 if all(fine) else 1


def soak(way: str, kills: int) -> bool:
    """Kill or replace the door so often; tell whether few enough were lost."""
    names = ["shop"] if way == "alone" else ["shop", "blog"]
    with tempfile.TemporaryDirectory(prefix="rpx-soak.") as folder, ExitStack() as stack:
        door = DoorOfTest(Path(folder))
        stack.callback(door.close)
        door.start()
        for name in names:
            accepts = ["alone"] if way == "alone" else []
            said = ["member", "--folder", folder, "--port", str(door.http), name, *accepts]
            stack.enter_context(process(*said))
        until(lambda: len(door.roster().members) == len(names), "members")
        clients = [
            stack.enter_context(process("load", "--port", str(door.http), *names)) for _ in range(2)
        ]
        retirer = None
        if way == "replaced":
            retirer = FakeMember(door, "retirer", "retirer.localhost").joined()
            stack.callback(retirer.kill)
        began = time.monotonic()
        for _ in range(kills):
            round_of(way, door, len(names) + bool(retirer), retirer)
        return report(way, kills, clients, time.monotonic() - began)


def round_of(way: str, door: DoorOfTest, members: int, retirer: FakeMember | None) -> None:
    """Wait until all is well, let there be load, and end the door."""

    def whole() -> int:
        roster = read_roster(door.place)
        return roster.pid if roster is not None and len(roster.members) == members else 0

    until(whole, "all members back")
    time.sleep(0.05)  # of load
    pid = whole()
    if retirer is not None:
        retire(retirer, starts=True)
    elif pid:
        os.kill(pid, signal.SIGKILL)
    until(lambda: whole() not in {0, pid}, f"the next door ({way})")


def report(way: str, kills: int, clients: list[subprocess.Popen[str]], seconds: float) -> bool:
    """Add up what the clients have seen, and print it."""
    done, lost, longest = 0, Counter[str](), 0.0
    for client in clients:
        client.send_signal(signal.SIGTERM)
        said = json.loads(client.communicate(timeout=60)[0])
        done += said["done"]
        lost += Counter(said["lost"])
        longest = max(longest, said["longest"])
    print(  # noqa: T201
        f"{way}: {kills} times, {done} connections in {seconds:.0f} s, {lost.total()} lost"
        f" {dict(lost) or ''}, the slowest took {longest * 1000:.0f} ms",
        flush=True,
    )
    return lost.total() <= (done * TOLERATED if way == "killed" else 0)


@contextmanager
def process(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Another role of this program, until the end."""
    command = [sys.executable, "-m", "tests.soak.door", "--as", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as found:
        try:
            yield found
        finally:
            found.kill()


def be_member(folder: Path, port: int, name: str, how: list[str]) -> int:
    """Be a project until somebody ends it."""
    door = DoorOfTest(folder)
    door.http = port
    FakeMember(door, name, f"{name}.localhost", accepts=bool(how)).joined()
    signal.pause()
    return 0


def be_load(port: int, names: list[str]) -> int:
    """Be clients until SIGTERM; then say what came of them."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    load = DoorLoad(port, names, threads=4)
    signal.sigwait({signal.SIGTERM})
    load.stop()
    print(json.dumps({"done": load.done, "lost": load.lost, "longest": load.longest}))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
