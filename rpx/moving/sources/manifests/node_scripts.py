"""A script of package.json, taken apart as far as one has to know what it starts and where."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from rpx.moving.sources.manifests.node_tools import RUNNERS

_VARIABLE = re.compile(r"\w+=\S*$")
_WRAPPERS = frozenset({
    "cross-env", "cross-env-shell", "env", "npx", "bunx", "exec", "pnpx", "dotenvx",
})  # fmt: skip
_ANOTHER = re.compile(r"(?:npm run(?:-script)?|yarn(?: run)?|pnpm(?: run)?|bun run) ([\w:.-]+)$")
_PORT = re.compile(
    r"(?:^|\s)(?:(?:--port|--listen|-p|-l)[ =]?|PORT=)"
    r"(?:(\d{2,5})\b|\$\{PORT:-(\d{2,5})\}|(\$\{?PORT\b\}?))"
)
MANAGERS = frozenset({
    "npm", "yarn", "pnpm", "bun",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class NodeScript:
    """What a script says: the last of its commands, behind which arguments would come."""

    name: str  # of the script in which that stands: `start` may be `npm run dev`
    text: str
    program: str
    words: tuple[str, ...]  # behind the program

    @property
    def verb(self) -> str:
        """The first word behind the program; options don't count, but for `--serve`."""
        words = [w for w in self.words if not w.startswith("-") or w in {"--serve", "--watch"}]
        return words[0] if words else ""

    @property
    def port(self) -> int | None:
        """A port that it names, also as the one that holds when nobody says another."""
        found = _PORT.search(self.text)
        return int(found[1] or found[2]) if found and not found[3] else None

    @property
    def takes_port(self) -> bool:
        """Whether it passes `$PORT` on by itself."""
        found = _PORT.search(self.text)
        return bool(found and found[3])

    @property
    def runs_several(self) -> bool:
        """Whether it starts several scripts or packages, each of which is better on its own."""
        options = {"-r", "--recursive", "-w", "--workspace", "--workspaces", "--filter", "-F"}
        of_packages = self.program in MANAGERS and (
            options & set(self.words)
            or any(word.startswith(("--workspace=", "--filter=")) for word in self.words)
            or "workspaces" in self.words[:1]
            or "workspace" in self.words[:1]
            or "--cwd" in self.words
            or "--prefix" in self.words
        )
        return (
            self.program in RUNNERS
            or bool(of_packages)
            or bool(re.search(r"[^&]&(?!&)", self.text))
        )


def read_script(scripts: Mapping[str, str], name: str) -> NodeScript:
    """The script of a name, or the one that it stands for."""
    text = scripts[name].strip()
    seen = {name}
    while found := _ANOTHER.match(text):
        other = found[1]
        if other in seen or other not in scripts:
            break
        seen.add(other)
        name, text = other, scripts[other].strip()
    words = re.split(r"&&|;|\|\|", text)[-1].split()
    while words and (_VARIABLE.match(words[0]) or words[0] in _WRAPPERS or words[0] == "dotenv"):
        if words[0] == "dotenv" and "--" in words:
            words = words[words.index("--") :]
        words = words[1:]
    program = words[0].rsplit("/", 1)[-1] if words else ""
    return NodeScript(name, text, program.removeprefix("@11ty/"), tuple(words[1:]))
