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
BROWSER=firefox rpx open        # in another browser
"""


@click.command("open", cls=Command, examples=EXAMPLES)
@click.argument("name", required=False, type=PROXIES)
@click.pass_obj
def open_(common: Common, name: str | None) -> int:
    """Open a proxy's URL in the browser, and print it.

    The browser is that of $BROWSER, else the desktop's. Without one, the URL is only printed, and
    the exit code is 1.
    """
    client = common.client()
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
    print(url, flush=True)
    if not webbrowser.open(url):
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
