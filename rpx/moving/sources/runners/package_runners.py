"""Scripts of a package.json that run several others: concurrently, npm-run-all, run-p, run-s."""

from __future__ import annotations

import fnmatch
import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rpx.config.variables.env_files import label_of
from rpx.errors import Exit, RpxError
from rpx.moving.command_ports import watches
from rpx.moving.commands import service_of, start_in
from rpx.moving.draft import Draft, DraftService
from rpx.moving.given import ForeignSource, Given, text_of_file
from rpx.moving.package_scripts import Resolved, resolved, script_origin, scripts_of
from rpx.moving.remarks import Origin
from rpx.moving.service_names import fresh, give_hosts, name_of

_ORDER = ("dev", "develop", "start:dev", "dev:all", "serve", "start", "watch")
_CONCURRENTLY = re.compile(r"(?:^|\s|&&\s*)(?:npx\s+)?(?:concurrently|conc)\s+(.*)\Z", re.DOTALL)
_ALL = re.compile(r"(?:^|\s)(?:npx\s+)?(npm-run-all2?|run-p|run-s)\s+(.*)\Z", re.DOTALL)
_WITH_VALUE = {
    "-n", "--names", "-c", "--prefix-colors", "-p", "--prefix", "-l", "--prefix-length", "-s",
    "--success", "-t", "--timestamp-format", "--restart-tries", "--restart-after", "-m",
    "--max-processes", "--name-separator", "--hide", "--kill-signal", "-i-t", "--handle-input",
    "--default-input-target", "--teardown", "-P-x", "--kill-timeout", "--shell",
}  # fmt: skip
_NO_VALUE_EVER = {"--handle-input"}
_NPM = re.compile(r"(npm|pnpm|yarn|bun|node|deno):(\S+)(.*)\Z", re.DOTALL)
_WAIT = re.compile(
    r"(?:npx\s+)?wait-on\s+((?:-\S+\s+(?:\d+\s+)?)*)(\S+)((?:\s+\S+)*?)\s*&&\s*(.*)\Z", re.DOTALL
)
_WAITED_PORT = re.compile(r"(?:tcp|https?(?:-get)?):(?://)?(?:[\w.-]*:)?(\d{2,5})(/\S*)?\Z")
_PLAIN = re.compile(r"[^a-z0-9]+")


@dataclass(slots=True)
class Several:
    """What such a script starts, as pairs of a name and a command; `told` is what else it says."""

    commands: list[tuple[str, str]]
    told: list[tuple[str, str, str]] = field(default_factory=list)  # what, why, what to do
    one_after_another: bool = False


def runner_script(scripts: dict[str, str]) -> str:
    """The script that is for developing, if it runs several; "" else."""
    named = [name for name in _ORDER if name in scripts]
    return named[0] if named and several(scripts[named[0]], scripts) else ""


def several(text: str, scripts: dict[str, str]) -> Several | None:
    """What a script starts; None where it isn't one of these."""
    try:
        if found := _CONCURRENTLY.search(text):
            return _concurrently(shlex.split(found[1]), scripts)
        if found := _ALL.search(text):
            return _all(found[1], shlex.split(found[2]), scripts)
    except ValueError:  # a quote without its other one
        return None
    return None


def _concurrently(words: list[str], scripts: dict[str, str]) -> Several:
    found, names, commands = Several([]), list[str](), list[str]()
    at = 0
    while at < len(words):
        word, equals, value = words[at].partition("=")
        if not word.startswith("-"):
            commands.append(words[at])
        else:
            if not equals and word in _WITH_VALUE - _NO_VALUE_EVER:
                at += 1
                value = words[at] if at < len(words) else ""
            if word in {"-n", "--names"}:
                names = [name.strip() for name in value.split(",")]
            else:
                _option(word, value, found)
        at += 1
    expanded = [each for command in commands for each in _expanded(command, scripts)]
    for number, command in enumerate(expanded):
        given = names[number] if number < len(names) and names[number] else ""
        found.commands.append((given or _name_for(command), command))
    return found


def _option(word: str, value: str, found: Several) -> None:
    text = f"{word} {value}".strip()
    if word in {"-k", "--kill-others", "--kill-others-on-fail", "--kill-others-on-failure"}:
        why = "one that ends does not end the others"
        found.told.append((text, why, "`rpx up --abort-on-exit` ends all with the first one"))
    elif word in {"-s", "--success"}:
        why = "whose exit code counts is not said in a file"
        found.told.append((text, why, "`rpx up --exit-code-from NAME`"))
    elif word in {"--restart-tries", "--restart-after"}:
        why = "rpx starts who has crashed again, after 100 ms, 200 ms …"
        found.told.append((text, why, "`restart: {max_restarts: …}`"))
    elif word in {"-m", "--max-processes"}:
        found.told.append((text, "rpx starts all at once", "`depends_on`"))
    elif word == "--teardown":
        found.told.append((text, "rpx runs nothing when all has ended", "`stop_command`"))


def _all(program: str, words: list[str], scripts: dict[str, str]) -> Several:
    found = Several([], one_after_another=program == "run-s")
    if program.startswith("npm-run-all"):
        found.one_after_another = not {"-p", "--parallel"} & set(words)
    for word in words:
        if word in {"-p", "--parallel", "-s", "--serial", "--sequential", "-l", "-n", "--silent"}:
            continue
        if word.startswith("-"):
            why = "means nothing here" if word not in {"-r", "--race"} else "who ends ends nobody"
            found.told.append((word, why, ""))
            continue
        for command in _expanded(f"npm:{word}", scripts):
            found.commands.append((_name_for(command), command))
    return found


def _expanded(command: str, scripts: dict[str, str]) -> Iterator[str]:
    """`npm:watch-*` is each script of such a name, and `npm:dev` is `npm run dev`."""
    found = _NPM.match(command)
    if found is None:
        yield command
        return
    manager, pattern, more = found[1], found[2], found[3]
    names = [pattern]
    if "*" in pattern:
        names = [name for name in scripts if fnmatch.fnmatchcase(name, pattern.split("(")[0])]
    for name in names:
        yield f"{manager} run {name}{more}"


def _name_for(command: str) -> str:
    """A name for a command that was given none: `npm run dev:api` is api."""
    command = _WAIT.sub(lambda found: found[4], command)
    script = re.search(r"\b(?:run|yarn|pnpm|bun)\s+([\w:.-]+)", command)
    word = script[1].rpartition(":")[2] if script else command.split()[0].rpartition("/")[2]
    return name_of(word, "service")


def read(given: Given) -> Draft:
    """The draft of a package.json. Raises: RpxError where nothing is known that it starts."""
    file = given.files[0]
    folder = file.parent
    try:
        json.loads(text_of_file(file))
    except ValueError as error:
        label, line = label_of(file), getattr(error, "lineno", 1)
        raise _refused(f"{label} is no JSON: {error}", f"{label}:{line}") from None
    scripts = scripts_of(folder)
    name = runner_script(scripts)
    draft = Draft()
    where = script_origin(folder, name)
    found = several(scripts[name], scripts)
    if found is None or not found.commands:
        raise _refused(f"the script `{name}` starts nothing that is known", str(where))
    for what, why, hint in found.told:
        draft.lost("", what, why, where, hint)
    waits: dict[str, list[str]] = {}
    for called, command in found.commands:
        service = fresh(name_of(called), draft.services)
        alone, waits[service] = _without_waits(command)
        _add(draft, service, resolved(alone, folder), given, where)
    _depend(draft, waits, where)
    if found.one_after_another:
        _in_turn(draft, where)
    give_hosts(draft, given.root.name)
    return draft


def _refused(what: str, where: str) -> RpxError:
    hint = "`rpx init` looks at the whole folder"
    return RpxError(what, where=where, hint=hint, exit_code=Exit.USAGE)


def _add(draft: Draft, name: str, found: Resolved, given: Given, where: Origin) -> None:
    """One service in its folder."""
    here = found.origin or where
    web = name in {"web", "client", "frontend", "ui"}
    service = service_of(draft, name, found.command, here, text=found.text, web=web)
    start_in(draft, service, str(found.folder), given.root, given)
    draft.add(service)


def _without_waits(command: str) -> tuple[str, list[str]]:
    """A command without `wait-on tcp:3005 &&` before it, and what it waits for."""
    found = _WAIT.match(command.strip())
    if found is None:
        return command, []
    waited = [found[2], *found[3].split()]
    if any(not _WAITED_PORT.match(each) for each in waited if not each.startswith("-")):
        return command, []
    return found[4], [each for each in waited if not each.startswith("-")]


def _depend(draft: Draft, waits: dict[str, list[str]], where: Origin) -> None:
    """Turn what services wait for into `depends_on`, by the port of another one."""
    for name, waited in waits.items():
        for each in waited:
            found = _WAITED_PORT.match(each)
            owner = _owner(draft, name, int(found[1]), where) if found else None
            if owner is None:
                draft.lost(name, f"wait-on {each}", "nobody here listens there", where)
                continue
            depends = draft.services[name].settings.setdefault("depends_on", [])
            depends.append(owner)
            draft.carried(name, f"wait-on {each}", f"is `depends_on: [{owner}]`", where)


def _owner(draft: Draft, waiting: str, port: int, where: Origin) -> str | None:
    """Who listens at a port: who says so, else the first other one that may."""
    for service in draft.services.values():
        if service.settings.get("from") == f"localhost:{port}":
            return service.name
    for service in list(draft.services.values()):
        command = service.settings.get("command")
        if service.name == waiting or service.is_proxy or not isinstance(command, str):
            continue
        if watches(command) and _PLAIN.sub("", service.name) in {"css", "js", "assets", "tailwind"}:
            continue
        start = {word: said for word, said in service.settings.items() if word != "depends_on"}
        settings = {"to": "", "from": f"localhost:{port}", "start": start}
        draft.services[service.name] = DraftService(service.name, settings, service.origin)
        why = f"`{waiting}` waits for that port, and nobody else is known to have it"
        draft.guessed(service.name, f"from: localhost:{port}", why, where)
        return service.name
    return None


def _in_turn(draft: Draft, where: Origin) -> None:
    before = ""
    for service in draft.services.values():
        if before:
            service.settings["depends_on"] = [before]
        before = service.name
    draft.carried("", "run-s", "one after another is `depends_on`", where,
                  "`oneshot: true` for what ends by itself")  # fmt: skip


def _found(folder: Path) -> tuple[Path, ...]:
    return (folder / "package.json",) if runner_script(scripts_of(folder)) else ()


def _is_like(text: str) -> bool:
    """Whether it runs several; also what is broken, of which it is said where."""
    try:
        content = json.loads(text)
    except ValueError:
        return text.lstrip().startswith("{")
    scripts = content.get("scripts") if isinstance(content, dict) else None
    if not isinstance(scripts, dict):
        return False
    return bool(
        runner_script({name: said for name, said in scripts.items() if isinstance(said, str)})
    )


PACKAGE_RUNNERS = ForeignSource(
    "a package.json that runs several scripts",
    ("package.json",),
    read,
    _is_like,
    found=_found,
    choosy=True,
)
