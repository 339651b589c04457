"""`rpx open`."""

from __future__ import annotations

import webbrowser
from collections.abc import Sequence
from urllib.parse import urlsplit

import click

from rpx.cli.at_tab.offered import PROXIES
from rpx.cli.command import Command, Common
from rpx.cli.terminal.output import say
from rpx.config.settings.host_names import as_browsers_ask
from rpx.errors import Exit, RpxError, UsageError
from rpx.policy.naming import like
from rpx.policy.plan import page_at

EXAMPLES = """\
rpx open                        # the first proxy, in your browser
rpx open api                    # another one, by its name or host
rpx open --dashboard            # the page to watch and steer the project
rpx open --dashboard --print    # print a link that is good once, for a minute
BROWSER=firefox rpx open        # in another browser
"""


@click.command("open", cls=Command, examples=EXAMPLES)
@click.argument("name", required=False, type=PROXIES)
@click.option("--dashboard", is_flag=True, help="The project's own page.")
@click.option("--print", "only_print", is_flag=True, help="Print the URL, and open nothing.")
@click.pass_obj
def open_(common: Common, name: str | None, *, dashboard: bool, only_print: bool) -> int:
    """Open a proxy's URL in the browser, and print it.

    The browser is that of $BROWSER, else the desktop's. Without one, the URL is only printed, and
    the exit code is 1.
    """
    client = common.client()
    if dashboard:
        if name is not None:
            raise UsageError(f"the dashboard is that of the project: `{name}` is one too many")
        return _open(client.dashboard(), only_print=only_print)
    rows = client.ps(routes=True)
    urls = {row.name: page_at(row.url) for row in rows if row.url}
    if not urls:
        raise RpxError("this project has no proxy, and so no URL", hint="see `rpx ps`")
    url = _chosen(urls, [url for row in rows for url in row.other_urls], name)
    if "*" in url:
        raise UsageError(
            f"{url} is a pattern: which of its hosts is meant?",
            hint="open one of them yourself, with a name in the place of the `*`",
        )
    return _open(url, only_print=only_print)


def _open(url: str, *, only_print: bool) -> int:
    print(url, flush=True)
    if not only_print and not webbrowser.open(url):
        say("there is no browser to open it with; $BROWSER names one")
        return Exit.FAILED
    return Exit.FINE


def _chosen(urls: dict[str, str], others: Sequence[str], name: str | None) -> str:
    """The URL of a proxy by its name or one of its hosts, which have `others` but the first."""
    if name is None or name in urls:
        return next(iter(urls.values())) if name is None else urls[name]
    asked, slash, path = name.lower().translate({ord("["): None, ord("]"): None}).partition("/")
    for url in (*urls.values(), *others):
        parts = urlsplit(url)
        if f"{as_browsers_ask(asked)}{slash}{path}" == f"{parts.hostname}{parts.path}":
            return url
    known = like(str(name), urls)
    known += f"the proxies of this project are {', '.join(urls)}"
    raise UsageError(f"there is no proxy `{name}` here", hint=known)
