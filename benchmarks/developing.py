"""What a developer waits for: requests while a file is saved, and the memory of a large upload."""

from __future__ import annotations

import http.client
import importlib.util
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.contenders import RPX, environment
from benchmarks.lifetime import Figure
from benchmarks.machine import family, free_ports, memory, running_as
from benchmarks.processes import HOST, Failed, running
from benchmarks.rounds import Origins, Pace

# Half a second stands for what a real application imports.
APP = """
import time
time.sleep(0.5)

async def app(scope, receive, send):
    if scope["type"] == "http":
        headers = [(b"content-length", b"5")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"VERSION"})
"""
SINK = str(Path(__file__).with_name("sink.py"))
PAUSE = 0.05  # seconds between two requests
BETWEEN = 4.0  # seconds between two saves
GIGABYTES = 2


def saving(pace: Pace, origins: Origins, folder: Path) -> list[Figure]:
    """The longest request while a file is saved again and again: `watch`, and uvicorn's own way."""
    del origins
    folder.mkdir()
    if importlib.util.find_spec("uvicorn") is None:
        sys.stderr.write("saving: left out, since uvicorn is not installed: pip install uvicorn\n")
        return []
    app = folder / "app.py"
    app.write_text(APP.replace("VERSION", "v0000"))
    port, one, two, alone = free_ports(4)
    uvicorn = f"{sys.executable} -m uvicorn app:app --log-level warning --port"
    text = (
        f"listen: {{host: 127.0.0.1, http_port: {port}}}\nto: {HOST}\n"
        f"from: [127.0.0.1:{one}, 127.0.0.1:{two}]\n"
        f'start: {{command: {uvicorn} $PORT, watch: "*.py"}}\n'
    )
    (folder / "rpx.yaml").write_text(text)
    with running((*RPX, "up"), port, folder / "log", environment(folder)):
        ours, failed = _longest(port, app, pace.rounds)
    reload = (*uvicorn.split(), str(alone), "--reload")
    with running(reload, alone, folder / "log", environment(folder)):
        theirs, lost = _longest(alone, app, pace.rounds)
    note = (
        f"{failed} failed in {pace.rounds} saves; `uvicorn --reload` {theirs:.2f} s, {lost} failed"
    )
    return [Figure("saving", "longest request while saving", ours, 0.15, "s", note)]


def _longest(port: int, app: Path, saves: int) -> tuple[float, int]:
    """Save `app` so many times under requests: the longest of these in seconds, how many failed."""
    over = threading.Event()

    def save() -> None:
        for number in range(1, saves + 1):
            app.write_text(APP.replace("VERSION", f"v{number:04}"))
            time.sleep(BETWEEN)
        over.set()

    saver = threading.Thread(target=save)
    saver.start()
    longest, failed, seen = 0.0, 0, b""
    while not over.is_set():
        began = time.perf_counter()
        answer = _ask(port)
        longest = max(longest, time.perf_counter() - began)
        failed += answer is None
        seen = answer or seen
        time.sleep(PAUSE)
    saver.join()
    if seen != b"v%04d" % saves:
        raise Failed(f"the last save was never seen: {seen!r}")
    return longest, failed


def _ask(port: int) -> bytes | None:
    """What the application says; None for a request that has failed."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", "/", headers={"Host": HOST})
        answer = connection.getresponse()
        return answer.read() if answer.status == 200 else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def upload(pace: Pace, origins: Origins, folder: Path) -> list[Figure]:
    """The most memory that rpx has while an upload of 2 GB goes through it."""
    del pace, origins
    folder.mkdir()
    port, sink = free_ports(2)
    text = f"listen: {{host: 127.0.0.1, http_port: {port}}}\nto: {HOST}\nfrom: 127.0.0.1:{sink}\n"
    (folder / "rpx.yaml").write_text(f"{text}start: [{sys.executable}, {SINK}]\n")
    with running((*RPX, "up"), port, folder / "log", environment(folder)) as pid:
        of_rpx = running_as(family(pid), "up")
        most, over = 0.0, threading.Event()

        def watch() -> None:
            nonlocal most
            while not over.wait(0.05):
                most = max(most, memory(of_rpx)["rss"])

        watching = threading.Thread(target=watch)
        watching.start()
        began = time.perf_counter()
        try:
            arrived = _upload(port, GIGABYTES << 30)
        finally:
            over.set()
            watching.join()
        took = time.perf_counter() - began
    if arrived != GIGABYTES << 30:
        raise Failed(f"of {GIGABYTES << 30} bytes {arrived} arrived")
    return [Figure("upload", "memory, 2 GB upload", most, 80, "MB", f"{GIGABYTES / took:.1f} GB/s")]


def _upload(port: int, size: int) -> int:
    """Send so many bytes; how many the backend says it got."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    connection.putrequest("PUT", "/", skip_host=True)
    connection.putheader("Host", HOST)
    connection.putheader("Content-Length", str(size))
    connection.endheaders()
    piece = bytes(1 << 20)
    for _ in range(size >> 20):
        connection.send(piece)
    answer = int(connection.getresponse().read())
    connection.close()
    return answer


FIGURES: dict[str, Callable[[Pace, Origins, Path], list[Figure]]] = {
    "saving": saving,
    "upload": upload,
}
