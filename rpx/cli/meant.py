"""What somebody meant whose command or option rpx doesn't have: hints that can be typed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rpx.model.suggest import choices, nearest

# The words of docker compose, Procfile runners, process-compose, pm2, Caddy, nginx, mkcert and
# systemctl, where neither their spelling nor their beginning leads to ours.
_COMMANDS: Final = {
    "adapt": "import",
    "begin": "up",
    "boot": "up",
    "bye": "down",
    "c": "attach",
    "ca": "trust",
    "cert": "trust",
    "configtest": "check",
    "connect": "attach",
    "console": "attach",
    "convert": "import",
    "create": "init",
    "delete": "down",
    "describe": "why",
    "diagnose": "doctor",
    "echo": "logs -f",
    "exec": "run",
    "explain": "why",
    "follow": "logs -f",
    "images": "ps",
    "info": "ps",
    "inspect": "why",
    "install": "setup",
    "journal": "logs",
    "launch": "up",
    "lint": "check",
    "list": "ps",
    "ls": "projects",
    "metrics": "stats",
    "mon": "top",
    "monit": "top",
    "monitor": "top",
    "new": "init",
    "process": "ps",
    "quit": "down",
    "reread": "reload",
    "rm": "down",
    "serve": "up",
    "sh": "run",
    "shell": "run",
    "show": "ps",
    "shutdown": "down",
    "signal": "kill-backend",
    "status": "ps",
    "tail": "logs -f",
    "test": "check",
    "tui": "top",
    "unpause": "resume-backend",
    "update": "reload",
    "validate": "check",
    "verify": "check",
    "version": "--version",
    "view": "open",
    "wait": "up --wait",
}
# What there is no command for: the rest of a hint.
_NONE: Final = {
    "build": "rpx builds nothing: a service's `start` may, or a oneshot of `processes`",
    "disable": "`profiles` in rpx.yaml keep a service out of a run",
    "enable": "rpx starts no project at boot: run `rpx up -d` when you log in",
    "fmt": "rpx formats nothing; `rpx check` tells whether rpx.yaml is in order",
    "pull": "rpx has no images: `start` says what to run",
    "push": "rpx has no images: `start` says what to run",
    "startup": "rpx starts no project at boot: run `rpx up -d` when you log in",
    "uninstall": "`rpx setup --undo` takes back what `rpx setup` did; the rest is pip's",
    "watch": "`watch` of a service in rpx.yaml restarts it when its files change",
}
_OPTIONS: Final = {
    "--background": "--detach",
    "--config": "--file",
    "--daemon": "--detach",
    "--dry": "--dry-run",
    "--host": "--to",
    "--lines": "--tail",
    "--num": "--tail",
    "--output": "--json",
    "--port": "--http-port",
    "--procfile": "--file",
    "--quiet": "--json",
    "--ssl": "--https",
    "--tls": "--https",
    "--upstream": "--from",
}
_VERSION: Final = frozenset({"-v", "-V"})


def command_meant(word: str, known: Sequence[str], path: str) -> str:
    """A hint for a command of `path` that doesn't exist; `` if there is none."""
    lower = word.lower().replace("_", "-")
    if path == "rpx":
        if lower in _NONE:
            return _NONE[lower]
        if lower in _COMMANDS:
            return _did_you_mean([f"{path} {_COMMANDS[lower]}"])
    return _did_you_mean([f"{path} {name}" for name in _like(lower, known)])


def option_meant(flag: str, known: Sequence[str]) -> str:
    """A hint for an option that doesn't exist; `` if there is none.

    One letter is never taken for another: any two are as near to each other.
    """
    if flag in _VERSION:
        return "`rpx --version` prints the version"
    if not flag.startswith("--"):
        return ""
    if (same := _OPTIONS.get(flag)) in known:
        return f"did you mean `{same}`?"
    return _did_you_mean(_like(flag, [each for each in known if each.startswith("--")]))


def _like(word: str, known: Sequence[str]) -> list[str]:
    """Those that begin like it, else the nearest one."""
    if len(word.lstrip("-")) > 1 and (begun := [each for each in known if each.startswith(word)]):
        return begun
    near = nearest(word, known)
    return [near] if near else []


def _did_you_mean(words: Sequence[str]) -> str:
    return f"did you mean {choices(words)}?" if words else ""
