"""What `rpx init` and `rpx import` share: options, the table of what was found, the report."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import click

from rpx.cli.command import Common
from rpx.cli.helpers.new_file import NewFile
from rpx.cli.terminal.output import fitted, print_json, say, width
from rpx.cli.terminal.table import NONE, Cell, Column, Table
from rpx.config.variables.env_files import label_of
from rpx.errors import RpxError, UsageError, visible
from rpx.moving.draft import Draft, DraftService
from rpx.moving.found import Piles
from rpx.moving.remarks import Came, Remark
from rpx.moving.sources_joined import start_of
from rpx.moving.writing import text_of

COLUMNS = [Column("SERVICE"), Column("COMMAND", 1), Column("PORT"), Column("READ IN", 2)]
FREE = "free"  # a port of rpx's choice, which the process is told by PORT
SHORT = 40  # characters of a command where there is no room for all of it
OUTPUT = "Write this file, instead of the rpx.yaml of this folder"
HEADINGS = {
    Came.CARRIED: "in other words than you may think:",
    Came.GUESSED: "guessed, to be looked at:",
    Came.LOST: "not in rpx.yaml:",
}


def reading_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of both commands."""
    options = (
        click.option(
            "-f",
            "files",
            multiple=True,
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="Read this file; several of compose are merged, the last one wins",
        ),
        click.option("--stdout", "shown", is_flag=True, help="Print the file, and write none"),
        click.option("--force", is_flag=True, help="Write over an rpx.yaml that is there"),
        click.option("--json", "as_json", is_flag=True, help="Print the report as JSON"),
    )
    for option in reversed(options):
        command = option(command)
    return command


def target_of(common: Common, *, shown: bool, force: bool, as_json: bool) -> NewFile:
    """Where the command line has the file go. Raises: UsageError where that can't be."""
    if shown and as_json:
        raise UsageError("`--stdout` and `--json` both print", hint="take one of them")
    return NewFile.of(common, shown=shown, force=force)


def move(
    common: Common, target: NewFile, piles: Piles, draft: Draft, *, as_json: bool, ask: bool
) -> None:
    """Show what there is, check it, ask, and write. Raises: RpxError."""
    names = [label_of(file) for _, files in piles for file in files]
    text = text_of(draft, (f"Made by rpx from {', '.join(names)}. From here on it is yours.",))
    out = sys.stderr if target.shown else sys.stdout
    if not as_json:
        for line in (*_table(common, draft, out), *report_of(draft.remarks)):
            print(line, file=out)
        out.flush()
    try:
        target.load(text)
    except RpxError:
        target.print_for_a_look(text)
        raise
    if ask and not agreed(f"write {label_of(target.path)}?"):
        say("nothing was written")
        return
    target.write(text)
    if as_json:
        print_report(target, draft)
    if not target.shown:
        losses = len(draft.losses)
        lost = f"; {losses} thing{'s' * (losses > 1)} did not come over" if losses else ""
        say(f"wrote {label_of(target.path)}{lost}; next: `rpx up`")


def _table(common: Common, draft: Draft, out: Any) -> list[str]:  # noqa: ANN401 - a text stream
    """What is going to be written: a row for each service."""
    table = Table(COLUMNS)
    for service in draft.services.values():
        table.add(*_cells(service))
    return table.lines(width() if out is sys.stdout else None, colour=common.colour(out))


@dataclass(frozen=True, slots=True)
class _Row:
    """A service, for people and for scripts."""

    name: str
    to: object
    command: object
    image: object
    ports: list[object]
    file: str
    line: int | None

    @classmethod
    def of(cls, service: DraftService) -> _Row:
        start = start_of(service)
        command, build = start.get("command"), start.get("build")
        if isinstance(command, list):
            command = " ".join(map(str, command))
        context = build.get("context") if isinstance(build, dict) else build
        return cls(
            service.name,
            service.settings.get("to"),
            command,
            start.get("image") or (f"(built in {context})" if build else None),
            [*_listed(service.settings.get("from")), *_listed(start.get("ports"))],
            service.origin.file,
            service.origin.line or None,
        )


def _cells(service: DraftService) -> tuple[str | Cell, ...]:
    row = _Row.of(service)
    line = " ".join(str(row.command or row.image or NONE).split())
    short = line if len(line) <= SHORT else f"{line[: SHORT - 1]}…"
    return (
        service.name,
        Cell(line, short),
        ", ".join(map(str, row.ports)) or (FREE if row.to and row.command else NONE),
        str(service.origin),
    )


def _listed(written: object) -> Iterator[object]:
    for each in written if isinstance(written, list) else [written]:
        address = each.get("address", each.get("url")) if isinstance(each, dict) else each
        if address is not None:
            yield str(address).removeprefix("localhost:")


def report_of(remarks: Sequence[Remark], lost: str = HEADINGS[Came.LOST]) -> Iterator[str]:
    """What did not come over as it was, in lines. `lost` is the heading of what is not there."""
    for came, heading in {**HEADINGS, Came.LOST: lost}.items():
        found = _grouped([remark for remark in remarks if remark.came is came])
        if found:
            yield from ("", heading)
            for remark in found:
                first, *more = fitted(visible(f"{remark.origin}: {remark}"), 4)
                yield f"  {first}"
                yield from (f"    {line}" for line in more)


def _grouped(remarks: Sequence[Remark]) -> list[Remark]:
    """What is said of several services for one line, as of an anchor's, is said once."""
    found: dict[Remark, list[str]] = {}
    for remark in remarks:
        found.setdefault(replace(remark, service=""), []).append(remark.service)
    return [
        replace(remark, service=", ".join(dict.fromkeys(filter(None, services))))
        for remark, services in found.items()
    ]


def print_report(target: NewFile, draft: Draft) -> None:
    """For scripts."""
    print_json(
        {
            "file": str(target.path),
            "services": [asdict(_Row.of(service)) for service in draft.services.values()],
            "remarks": [_row(remark) for remark in draft.remarks],
        }
    )


def _row(remark: Remark) -> dict[str, object]:
    return {
        "came": str(remark.came),
        "service": remark.service or None,
        "what": remark.what,
        "why": remark.why,
        "hint": remark.hint or None,
        "file": remark.origin.file,
        "line": remark.origin.line or None,
    }


def on_terminal() -> bool:
    """Whether there is somebody to ask."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def agreed(question: str) -> bool:
    """Whether the one at the terminal agrees; Enter is a yes."""
    sys.stderr.write(f"{question} [Y/n] ")
    sys.stderr.flush()
    said = sys.stdin.readline()
    return said.strip().lower() in {"", "y", "yes"} and said != ""
