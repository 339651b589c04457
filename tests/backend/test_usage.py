"""Memory and CPU time of whole trees, of real processes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import trio

from rpx.backend.processes import trees
from rpx.backend.usage import measure
from tests.support.running import app, python, running, until

pytestmark = pytest.mark.real
MEGABYTE = 1024 * 1024


async def test_a_tree_has_children_grandchildren_and_daemons_and_nobody_else() -> None:
    async with running(app("forks"), grace=0) as family:
        await family.until_named("leader", "child", "grandchild", "daemon")
        command = python("import time; time.sleep(60)")
        with subprocess.Popen(command, start_new_session=True) as other:  # noqa: ASYNC220 - quick
            found = trees({family.child.pid, other.pid})
            other.kill()
        assert found[family.child.pid] >= {process.pid for process in family.named.values()}
        assert found[other.pid] == {other.pid}
        assert os.getpid() not in found[family.child.pid]


async def test_memory_and_cpu_time_are_those_of_all_of_them() -> None:
    script = (
        "import subprocess, sys, time\n"
        f'inner = \'x = b"x" * {50 * MEGABYTE}\\nprint("big", flush=True)\\n'
        "import time; time.sleep(60)'\n"
        "subprocess.Popen([sys.executable, '-c', inner])\n"
        "subprocess.run([sys.executable, '-c', 'for _ in range(3_000_000): pass'])\n"
        "print('worked', flush=True)\n"
        "time.sleep(60)\n"
    )
    async with running(python(script)) as tree:
        await tree.until_it_says("worked")
        await tree.until_it_says("big")
        usage = measure({"tree": tree.child.pid})["tree"]
        assert usage.processes == 2
        assert 50 * MEGABYTE < usage.memory < 200 * MEGABYTE
        assert usage.cpu > 0.02  # most of it of one that has ended


async def test_what_has_gone_uses_nothing() -> None:
    async with running((sys.executable, "-c", "")) as gone:
        await gone.child.wait()
        await until(lambda: measure({"gone": gone.child.pid}) == {}, "gone")
    assert measure({"gone": gone.child.pid}) == {}
    assert measure({}) == {}


async def test_a_look_at_twenty_trees_is_quick() -> None:
    """It is made whenever somebody says `rpx ps`."""
    async with running(python("import time; print('up', flush=True); time.sleep(60)")) as tree:
        await tree.until_it_says("up")
        began = trio.current_time()
        measure({str(n): tree.child.pid for n in range(20)})
        assert trio.current_time() - began < 1
