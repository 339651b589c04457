"""`rpx help`: how a command is used, and the documents that are installed with rpx."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from rpx.cli.at_tab.offered import TOPICS
from rpx.cli.command import Command, Common, Group
from rpx.cli.helpers.documents import Section, all_pages, found_sections, linked, page_named, topics
from rpx.cli.meant import command_meant
from rpx.cli.terminal.layout import laid_out
from rpx.cli.terminal.output import width
from rpx.cli.terminal.pager import print_long
from rpx.errors import UsageError
from rpx.model.suggest import nearest

WIDTH = 80  # columns where stdout is no terminal

EXAMPLES = """\
rpx help                        # every command and every page, a line for each
rpx help drill                  # the same as `rpx drill --help`
rpx help troubleshooting        # a page of the documents
rpx help health_check           # what stands below this heading
rpx help https.md               # the page, where a command has the same name
"""


@click.command("help", cls=Command, examples=EXAMPLES)
@click.argument("words", metavar="[COMMAND|TOPIC]…", nargs=-1, type=TOPICS)
@click.pass_context
def help_(ctx: click.Context, *, words: tuple[str, ...]) -> None:
    """Show how rpx or one of its commands is used, or a page of its documents.

    A topic is a page, words of a heading, or both: `rpx help configuration timeouts`. On a terminal
    that is too short for it, it is shown by PAGER, or less.
    """
    whole = ctx.find_root()
    if not words:
        print_long(f"{whole.get_help()}\n\n{_topics(ctx)}".splitlines())
        return
    if (text := _of_command(whole, words)) is not None:
        click.echo(text)
        if more := _more_about(words):
            click.echo(f"\nmore: {', '.join(f'`{each}`' for each in more)}", err=True)
        return
    found = found_sections(words)
    if not found:
        raise _unknown(whole, words)
    colour = ctx.ensure_object(Common).colour(sys.stdout)
    if len(found) > 1:
        click.echo(_places(found))
    else:
        print_long(_shown(found[0], _commands(whole), colour=colour))


def _of_command(whole: click.Context, words: Sequence[str]) -> str | None:
    """How a command is used, also `hosts add`; None where there is none of that name."""
    ctx = whole
    for place, word in enumerate(words):
        inner = ctx.command.get_command(ctx, word) if isinstance(ctx.command, Group) else None
        if inner is None:
            return ctx.get_help() if place and _are_taken(ctx.command, words[place:]) else None
        ctx = click.Context(inner, parent=ctx, info_name=word)
    return ctx.get_help()


def _are_taken(command: click.Command, words: Sequence[str]) -> bool:
    """Whether a command takes these words, and no others, as its argument."""
    kinds = [each.type for each in command.params if isinstance(each, click.Argument)]
    known = {word for kind in kinds if isinstance(kind, click.Choice) for word in kind.choices}
    return known.issuperset(words)


def _more_about(words: Sequence[str]) -> list[str]:
    """What prints the page that is called like a command, and what another says of it."""
    pages = [f"rpx help {words[0]}.md"] if len(words) == 1 and page_named(words[0]) else []
    return pages + [each.command for each in found_sections(("commands", "rpx", words[0]))[:1]]


def _topics(ctx: click.Context) -> str:
    formatter = ctx.make_formatter()
    for heading, pages in topics().items():
        with formatter.section(heading):
            formatter.write_dl([(each.name, each.gist) for each in pages])
    return formatter.getvalue().rstrip()


def _shown(section: Section, commands: Sequence[str], *, colour: bool) -> list[str]:
    lines = laid_out(section.text, width() or WIDTH, colour=colour)
    others = linked(section.text, section.page)
    if section != section.page.sections()[0]:
        others.insert(0, section.page.name)
    if others:
        more = ", ".join(f"`rpx help {name}{'.md' * (name in commands)}`" for name in others)
        lines += ["", *laid_out(f"More: {more}", width() or WIDTH, colour=colour)]
    return lines


def _places(sections: Sequence[Section]) -> str:
    """What is found at several places: how each is printed, and its heading."""
    wide = max(len(each.command) for each in sections)
    return "\n".join(f"{each.command:<{wide}}  # {each.title}" for each in sections)


def _commands(ctx: click.Context) -> list[str]:
    return ctx.command.list_commands(ctx) if isinstance(ctx.command, Group) else []


def _unknown(whole: click.Context, words: Sequence[str]) -> UsageError:
    """Neither a command nor a topic: what was probably meant, else what there is."""
    pages = all_pages()
    titles = {each.title.lower() for page in pages.values() for each in page.sections()}
    hint = command_meant(words[0], _commands(whole), whole.command_path)
    if near := nearest(" ".join(words).lower(), [*pages, *sorted(titles)]):
        hint = hint or f"did you mean `rpx help {near}`?"
    if words[0] in _commands(whole):
        hint = f"`rpx help {words[0]}` shows how it is used"
    hint = hint or f"there are {', '.join(pages)}; `rpx help` says what each is about"
    return UsageError(f"there is no command and no topic `{' '.join(words)}`", hint=hint)
