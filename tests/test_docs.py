"""What the documents say is so: settings, commands, options, examples, links."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

from rpx.cli.command import Common
from rpx.cli.flags import OPTIONS
from rpx.cli.helpers.documents import topics
from rpx.cli.main import COMMANDS, group
from rpx.cli.typed import name_project
from rpx.config import load_config
from rpx.config.settings.places import all_settings, settings_at
from rpx.config.settings.top_level import ONE_PROXY
from rpx.config.yaml.document import Steps, names_are_free
from rpx.errors import Exit
from rpx.setup import launch_daemon, low_ports, systemd_units

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "rpx.yaml.example"
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
IDS = [str(page.relative_to(ROOT)) for page in PAGES]

_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?:^ {4}.*\n)+", re.MULTILINE)
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
_COMMAND = re.compile(r"^(?:\$ )?rpx +([a-z][a-z-]*)(?![\w|])(.*)$")
_OPTION = re.compile(r"(?<![\w-])(--?[a-z][a-z-]*)")

every_page = pytest.mark.parametrize("page", PAGES, ids=IDS)


def blocks(text: str, language: str) -> Iterator[str]:
    """The fenced blocks of one language."""
    for found in _FENCE.finditer(text):
        if found[2] == language:
            yield found[3]


def code_lines(text: str) -> Iterator[str]:
    """What stands as code: the lines of blocks, and spans within sentences."""
    for found in _FENCE.finditer(text):
        for line in found[3].splitlines():
            if found[2] == "console" and not line.startswith("$ "):
                yield from _SPAN.findall(line)  # what came of it, and hints in that
            else:
                yield line
    prose = _FENCE.sub("", text)
    for indented in _INDENTED.findall(prose):
        yield from (line.strip() for line in indented.splitlines())
    yield from _SPAN.findall(prose)


def command_lines(text: str) -> Iterator[tuple[str, str]]:
    """Each `rpx verb …` that is code: the verb and what follows it."""
    for line in code_lines(text):
        for part in re.split(r"\s*(?:&&|[;|#]) *", line):
            found = _COMMAND.match(part.strip())
            if found:
                yield found[1], found[2]


def written_settings(
    value: object, at: Steps = ()
) -> Iterator[tuple[Steps, tuple[str, ...], set[str]]]:
    """Each mapping of settings with those that it may have and those that it has."""
    if isinstance(value, dict):
        if not names_are_free(at):
            keys = {key for key in value if not key.startswith("x-")}
            yield at, settings_at(at), keys
        for key, inner in value.items():
            yield from written_settings(inner, (*at, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from written_settings(inner, (*at, index))


def test_the_example_uses_every_setting_there_is() -> None:
    seen: dict[tuple[str, ...], set[str]] = {}
    for _, known, used in written_settings(yaml.safe_load(EXAMPLE.read_text())):
        seen.setdefault(known, set()).update(used)
    missing = [set(known) - used - {*_elsewhere(known)} for known, used in seen.items()]
    assert not any(missing)
    assert {name for known in seen for name in known} == all_settings()


def _elsewhere(known: tuple[str, ...]) -> tuple[str, ...]:
    """What needs no second example: a single proxy's settings, which cannot stand at top level
    beside a list of proxies, and what a process has in common with `start`.
    """
    if "proxies" in known:
        return ONE_PROXY
    if "strip_prefix" in known:  # what a route has in common with a proxy
        return settings_at(("proxies", 0))
    if "routes" in known:  # and the other way round
        return ("redirect", "respond")
    if "cert" in known:  # files that the example doesn't bring along
        return ("cert", "key")
    if "stop_command" in known and "oneshot" not in known:  # it is not to be run as root
        return ("user",)
    return settings_at(("start",)) if "oneshot" in known else ()


def test_the_example_is_in_order_and_needs_no_variable() -> None:
    warnings: list[str] = []
    config = load_config(EXAMPLE, {}, warnings.append)
    assert not warnings
    starts = [source.start for proxy in config.proxies for source in proxy.sources]
    for start in [each for each in starts if each and not each.container]:
        words = start.command.split() if isinstance(start.command, str) else start.command
        assert (ROOT / words[1]).is_file(), f"{words[1]} is not here"


@pytest.mark.parametrize("name", ["docs/configuration.md"])
def test_every_setting_is_documented(name: str) -> None:
    text = (ROOT / name).read_text()
    spans = set(_SPAN.findall(text))
    missing = {s for s in all_settings() if not any(s in re.split(r"[^\w]", x) for x in spans)}
    assert not missing


def test_every_command_and_each_of_its_options_is_documented() -> None:
    text = (ROOT / "docs/commands.md").read_text()
    for name in COMMANDS:
        assert f"\n## rpx {name}\n" in text, f"no section for `rpx {name}`"
        command = group.get_command(click.Context(group), name)
        assert command is not None
        section = text.split(f"\n## rpx {name}\n")[1].split("\n## ")[0]
        for parameter in command.params:
            flags = [*parameter.opts, *parameter.secondary_opts]
            if isinstance(parameter, click.Option) and not {"--file", "--color"} & set(flags):
                assert any(flag in section for flag in flags), f"`rpx {name}` has {flags}"


def test_every_flag_of_a_project_without_a_file_is_documented() -> None:
    text = (ROOT / "docs/commands.md").read_text()
    section = text.split("\n## rpx without a file\n")[1].split("\n## ")[0]
    for option in OPTIONS:
        assert f"| `{option.opts[0]} " in section or f"| `{option.opts[0]}` " in section


def test_every_exit_code_is_documented() -> None:
    text = (ROOT / "docs/commands.md").read_text()
    for code in Exit:
        assert f"| {code.value} |" in text


def test_what_setup_writes_is_on_the_page_about_what_is_left() -> None:
    text = (ROOT / "docs/install.md").read_text()
    for path in (low_ports.FILE, launch_daemon.PLIST):
        assert f"`{path}`" in text
    for unit in (systemd_units.SOCKET_UNIT, systemd_units.SERVICE_UNIT):
        assert f"`{unit}`" in text
    for path in (
        (ROOT / "docs/setup.md").read_text().split("## Completion")[1].split("\n## ")[0].split("`")
    ):
        assert not path.startswith("~/.local/share/bash") or f"`{path}`" in text
        assert not path.startswith("~/.config/fish") or f"`{path}`" in text


@every_page
def test_every_command_on_a_page_exists(page: Path) -> None:
    for verb, rest in command_lines(page.read_text()):
        command = group.get_command(click.Context(group), verb)
        assert command is not None, f"there is no `rpx {verb}`"
        known = {flag for p in command.params for flag in p.opts} | {"--help", "-h"}
        # Behind the name in `rpx run NAME …` stand another program's.
        own = re.split(r"(?<= )[^-]", f" {rest.strip()}")[0] if verb == "run" else rest
        for option in _OPTION.findall(own):
            assert option in known, f"`rpx {verb}` has no {option}"


def shell_lines(text: str) -> Iterator[str]:
    """What is typed in the blocks for a shell; a line that ends with a backslash goes on."""
    for language in ("sh", "bash", "console"):
        for block in blocks(text, language):
            for line in block.replace("\\\n", " ").splitlines():
                if language != "console":
                    yield line
                elif line.startswith("$ "):
                    yield line.removeprefix("$ ")


def simple_commands(line: str) -> Iterator[list[str]]:
    """The commands of a line, as words: `a && b | c` are three."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";|&<>()")
    lexer.whitespace_split = True
    lexer.commenters = "#"
    words: list[str] = []
    for word in [*lexer, ";"]:
        if set(word) <= set(";|&<>()"):
            yield words
            words = []
        else:
            words.append(word)


@every_page
def test_every_command_that_a_page_has_for_a_shell_is_called_as_it_can_be(page: Path) -> None:
    for line in shell_lines(page.read_text()):
        for words in simple_commands(line):
            ours = words[1:] if words[:1] == ["sudo"] else words
            if ours[:1] != ["rpx"]:
                continue
            try:
                root = group.make_context("rpx", ours[1:], obj=Common())
                rest = [*root._protected_args, *root.args]
                if rest:
                    _, command, arguments = group.resolve_command(root, rest)
                    assert command is not None
                    command.make_context(rest[0], arguments, parent=root)
            except click.exceptions.Exit:
                pass  # `--version` and `--help` are all of it
            except click.UsageError as error:
                pytest.fail(f"{line}: {error.message}")
            finally:
                name_project(None)  # which `-f FILE` has set


@every_page
def test_every_configuration_on_a_page_loads(page: Path, tmp_path: Path) -> None:
    for folder in ("api", "web", "data", "public", "dist", "media"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "index.html").touch()
    for number, block in enumerate(blocks(page.read_text(), "yaml")):
        file = tmp_path / f"{number}.yaml"
        file.write_text(block)
        load_config(file, {"API_KEY": "secret", "ANN_PASSWORD": "secret"})


@every_page
def test_every_python_example_on_a_page_compiles(page: Path) -> None:
    for block in blocks(page.read_text(), "python"):
        compile(block, str(page), "exec")


@every_page
def test_every_link_on_a_page_leads_somewhere(page: Path) -> None:
    for link in _LINK.findall(_FENCE.sub("", page.read_text())):
        if link.startswith(("http://", "https://")):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), f"{link} leads nowhere"
        if anchor:
            anchors = {slug(heading) for heading in _HEADING.findall(target.read_text())}
            assert anchor in anchors, f"{link} leads to no heading"


@every_page
def test_every_file_of_ours_that_a_page_names_is_there(page: Path) -> None:
    for name in re.findall(r"`((?:\w+/)+\w+\.py)`", page.read_text()):
        known = any((root / name).is_file() for root in (ROOT, ROOT / "rpx"))
        # The changelog tells of files that were, examples have an api/ of their own.
        assert known or page.name == "CHANGELOG.md" or name.startswith("api/"), name


def slug(heading: str) -> str:
    """A heading as GitHub makes it an anchor."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@every_page
def test_every_make_target_on_a_page_exists(page: Path) -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for line in code_lines(page.read_text()):
        if found := re.match(r"make (\w+)", line):
            assert found[1] in targets, f"there is no `make {found[1]}`"


def test_every_document_is_in_the_index_by_a_name_of_its_own() -> None:
    """`rpx help` lists and finds what docs/README.md has, with the same words."""
    listed = [page for found in topics().values() for page in found]
    there = {page for page in PAGES if page.is_relative_to(ROOT / "docs")}
    there -= {ROOT / "docs/README.md", *ROOT.glob("docs/adr/*")}
    assert {page.path for page in listed} == there
    assert len({page.name for page in listed}) == len(listed)


def test_the_architecture_stays_short() -> None:
    assert (ROOT / "ARCHITECTURE.md").read_text().count("\n") < 200


def bold_points(text: str) -> dict[str, list[str]]:
    """Return the points of lists that begin with a bold sentence, each with where it links to."""
    points = re.findall(r"^- (.*(?:\n  .*)*)", text, re.MULTILINE)
    return {point: _LINK.findall(point) for point in points if point.startswith("**")}


def test_what_holds_a_bold_sentence_of_the_architecture_stands_behind_it() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    for heading in ("Invariants", "What one might expect otherwise"):
        points = bold_points(text.split(f"\n## {heading}\n")[1].split("\n## ")[0])
        assert points
        for point, links in points.items():
            held = [link for link in links if re.match(r"tests/.*\.py$|docs/adr/.*\.md$", link)]
            assert held, f"nothing holds: {point}"
            for link in held:
                assert (ROOT / link).is_file(), f"{link} is not there"


def steps(text: str) -> list[str]:
    """Return the files, as written, of lines that lead from one to the next."""
    ways = re.findall(r"^\|.*\| (.* → .*) \|$", text, re.MULTILINE)
    return [step for way in ways for step in way.split(" → ")]


def test_each_file_that_the_architecture_leads_to_is_there() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    found = steps(text.split("\n## The ways\n")[1].split("\n## ")[0])
    assert found
    named = [*(f"{step}.py" for step in found), *re.findall(r"`([\w/]+\.py)`", text)]
    for name in named:
        assert (ROOT / "rpx" / name).is_file() or (ROOT / name).is_file(), f"{name} is not there"


def test_a_bold_sentence_without_a_link_is_found() -> None:
    text = "- **One** is so ([test](tests/a.py)).\n- **Two** is,\n  too.\n- three\n"
    assert bold_points(text) == {
        "**One** is so ([test](tests/a.py)).": ["tests/a.py"],
        "**Two** is,\n  too.": [],
    }


def test_a_rule_is_cited_by_its_rfc_and_not_by_the_number_of_a_list_that_nobody_has() -> None:
    number = re.compile(r"\bstatements? \d", re.IGNORECASE)
    for folder in ("rpx", "tests", "docs", "fixtures", "benchmarks"):
        for page in (ROOT / folder).rglob("*.*"):
            if page.suffix in {".py", ".md", ".http", ".yaml"}:
                found = number.findall(page.read_text("utf-8"))
                assert not found, f"{page.relative_to(ROOT)} says {found[0]!r}"
