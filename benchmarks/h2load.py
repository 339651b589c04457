"""The client for HTTP/2: h2load, and what it says as figures."""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks.machine import find
from benchmarks.processes import HOST, Failed

# What Chromium says with every request for a module of a page, besides where that is.
BROWSER = (
    "user-agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/131.0.0.0 Safari/537.36",
    'sec-ch-ua: "Chromium";v="131", "Not_A Brand";v="24"',
    "sec-ch-ua-mobile: ?0",
    'sec-ch-ua-platform: "Linux"',
    "accept: */*",
    "sec-fetch-site: same-origin",
    "sec-fetch-mode: cors",
    "sec-fetch-dest: script",
    f"referer: https://{HOST}/src/main.tsx",
    "accept-encoding: gzip, deflate, br, zstd",
    "accept-language: en-US,en;q=0.9",
    "cookie: session=0123456789abcdef0123456789abcdef",
    "priority: u=1",
)
MODULES = 200  # of a page, asked for in turn

_TOOK = re.compile(r"^finished in ([\d.]+)(us|ms|s|m)", re.MULTILINE)
_DONE = re.compile(r"(\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout")
_BODIES = re.compile(r"\((\d+)\) data")
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}


def command(
    path: str,
    port: int,
    folder: Path,
    *,
    connections: int,
    streams: int,
    requests: int,
    browser: bool,
    upload: int,
) -> tuple[str, ...]:
    """Return the command for so many `requests`; `upload`: bytes of the body of each."""
    words = ["-n", str(requests), "-c", str(connections), "-m", str(streams)]
    words.append(f"--connect-to=127.0.0.1:{port}")
    if upload:
        body = folder / f"body-{upload}"
        if not body.exists():
            body.write_bytes(bytes(upload))
        words += ["-d", str(body)]
    if not browser:
        return (str(find("h2load")), *words, f"https://{HOST}:{port}{path}")
    for line in BROWSER:
        words += ["-H", line]
    urls = folder / "modules"
    urls.write_text(
        "".join(
            f"https://{HOST}:{port}{path}?module=/src/components/module-{number}.tsx&t={number:06}\n"
            for number in range(MODULES)
        )
    )
    return (str(find("h2load")), *words, "-i", str(urls))


def figures(text: str, size: int) -> dict[str, float]:
    """Return what it has measured, as wrk's figures are. `size`: bytes of each upload.

    Raises: Failed if it has said something else.
    """
    took, done, bodies = _TOOK.search(text), _DONE.search(text), _BODIES.search(text)
    if took is None or done is None or bodies is None:
        raise Failed(f"h2load says {text[-500:]!r}")
    succeeded, *failed = map(int, done.groups())
    return {
        "requests": succeeded,
        "bytes": int(bodies[1]) + succeeded * size,
        "microseconds": float(took[1]) * _SECONDS[took[2]] * 1e6,
        "median": 0.0,  # it tells only the mean
        "errors": failed[0],  # those that were errors are counted there, too
    }
