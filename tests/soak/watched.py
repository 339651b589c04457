"""`rpx`, with an eye inside: on SIGUSR1 it writes what it holds into the file $SOAK_TOLD."""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType

import trio

from rpx.cli.main import main

# What belongs to a request or its connections, and to nothing else.
OF_REQUESTS = ("Connection", "Exchange", "Upload", "Wire")


def tasks() -> Counter[str]:
    """The names of all tasks that live."""
    found: Counter[str] = Counter()
    root = trio.lowlevel.current_root_task()
    waiting = [root] if root is not None else []
    while waiting:
        task = waiting.pop()
        found[task.name] += 1
        for nursery in task.child_nurseries:
            waiting += nursery.child_tasks
    return found


def look() -> dict[str, object]:
    """What is alive."""
    gc.collect()
    objects: Counter[str] = Counter(dict.fromkeys(OF_REQUESTS, 0))
    held: dict[str, int] = {}
    for thing in gc.get_objects():
        kind = type(thing)
        room = str(kind.__module__)  # not always a text: C types have descriptors there
        if not room.startswith("rpx."):
            continue
        if kind.__name__ in OF_REQUESTS and room.startswith("rpx.proxy."):
            objects[kind.__name__] += 1
        elif kind.__name__ == "Endpoint":
            held[f"in flight at {thing.spec.label}"] = thing.in_flight
            held[f"lasting at {thing.spec.label}"] = thing.lasting
        elif kind.__name__ == "Pool":
            held[f"waiting for {thing.host}"] = thing.waiting
    return {"tasks": tasks(), "objects": objects, "held": held}


def tell(_signal: int, _frame: FrameType | None) -> None:
    """Write it down; the name appears when the file is whole."""
    path = Path(os.environ["SOAK_TOLD"])
    unfinished = path.with_suffix(".unfinished")
    try:
        unfinished.write_text(json.dumps(look()))
    except Exception as error:  # noqa: BLE001 - here it would end rpx
        unfinished.write_text(json.dumps({"error": str(error)}))
    unfinished.rename(path)


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, tell)
    sys.exit(main())
