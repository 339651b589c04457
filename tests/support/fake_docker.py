"""Docker's command line without Docker: what it is told is recorded, and answered in its words.

As those of Docker 28 are. A container is a shell that waits for the file which its end is.
"""

from __future__ import annotations

import json
from pathlib import Path

SCRIPT = """\
#!PYTHON -IS
import json, os, signal, sys, time
home, words = "HOME", sys.argv[1:]
with open(f"{home}/told", "a") as file:
    file.write(json.dumps(words) + "\\n")
def value(flag):
    return words[words.index(flag) + 1]
def there(name):
    return f"{home}/containers/{name}"
def fail(text, code=1):
    print(text, file=sys.stderr)
    sys.exit(code)
def absent(name):
    fail(f"Error response from daemon: No such container: {name}")
if os.path.exists(f"{home}/away") and words != ["--version"]:
    fail("Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?")
match words:
    case ["version", *_]:
        print("28.2.2")
    case ["--version"]:
        print("Docker version 28.2.2, build e6534b4")
    case ["container", "inspect", "--format", format, name]:
        if not os.path.exists(there(name)):
            absent(name)
        print("" if "Labels" in format else "true 1 :/data 0")
    case ["image", "inspect", *_]:
        sys.exit(not os.path.exists(f"{home}/pulled") and 1)
    case ["pull", name]:
        print("16: Pulling from library/postgres\\nStatus: Downloaded newer image for " + name)
        open(f"{home}/pulled", "w").close()
    case ["volume", "inspect", *_]:
        fail("Error response from daemon: get x: no such volume")
    case ["volume" | "network", *_]:
        pass
    case ["ps", *_]:
        print("\\n".join(os.listdir(f"{home}/containers")))
    case ["run", *_]:
        name = value("--name")
        with open(value("--cidfile"), "x") as file:
            file.write("c" * 64)
        with open(there(name), "w") as file:
            file.write(json.dumps({key: os.environ.get(key) for key in ("SECRET", "PORT")}))
        print("inside", flush=True)
        while os.path.exists(there(name)):
            time.sleep(0.02)
        sys.exit(143)
    case ["stop", "-t", _, name] | ["kill", "--signal", _, name]:
        os.unlink(there(name)) if os.path.exists(there(name)) else absent(name)
    case ["rm", "-f", "-v", *names]:
        for name in names:
            os.unlink(there(name)) if os.path.exists(there(name)) else absent(name)
    case ["exec", *_]:
        print("ran")
"""


class FakeDocker:
    """In a folder that is to be the first on the PATH."""

    def __init__(self, home: Path, python: str) -> None:
        self.home = home
        self.folder = home / "bin"
        self.folder.mkdir(parents=True)
        (home / "containers").mkdir()
        program = self.folder / "docker"
        program.write_text(SCRIPT.replace("HOME", str(home)).replace("PYTHON", python))
        program.chmod(0o755)

    @property
    def told(self) -> list[list[str]]:
        """Every command line, without the program."""
        return [json.loads(line) for line in (self.home / "told").read_text().splitlines()]

    @property
    def containers(self) -> set[str]:
        """The names of those that run."""
        return {path.name for path in (self.home / "containers").iterdir()}
