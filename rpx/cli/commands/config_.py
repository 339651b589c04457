"""`rpx config`."""

from __future__ import annotations

import os

import click

from rpx.cli.command import Command, Common, profile_option, realm_option
from rpx.cli.terminal.output import json_option, print_json, warn
from rpx.config import find_config, load_config
from rpx.config.checks.profiles import Selection
from rpx.config.variables.env_files import label_of
from rpx.config.written_out import as_yaml, read_later, written_out


@click.command(
    "config",
    cls=Command,
    examples="""\
rpx config                      # what rpx.yaml comes to here and now, as YAML
rpx config --profile full       # with the services of a profile
rpx config --json | jq '.processes | keys'
rpx config > /tmp/whole.yaml && rpx check -f /tmp/whole.yaml     # it is an rpx.yaml
""",
)
@profile_option
@realm_option
@json_option
@click.pass_obj
def config_(common: Common, *, profiles: tuple[str, ...], realm: str | None, as_json: bool) -> None:
    """Print rpx.yaml with everything filled in: variables, env files, anchors, defaults.

    It is an rpx.yaml that means the same, with absolute paths. Passwords stand in it as they are.
    """
    path = common.file or find_config()
    asked = Selection(profiles)
    found = load_config(path, os.environ, warn, asked, realm=realm)
    # A realm is in the hosts of what was loaded; here they stand as they are written.
    plain = load_config(path, os.environ, None, asked, realm="") if found.realm else found
    settings = written_out(found, [(each.to, *each.also) for each in plain.proxies])
    for name in read_later(found):
        warn(f"what the env files of `{name}` say is read when it starts, and is not in this")
    if as_json:
        print_json(settings)
        return
    click.echo(f"# {label_of(path)} with everything filled in; passwords stand here as they are")
    click.echo(as_yaml(settings), nl=False)
