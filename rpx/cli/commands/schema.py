"""`rpx schema`."""

from __future__ import annotations

import click

from rpx.cli.command import Command
from rpx.config.schema_file import schema_file, schema_text
from rpx.errors import RpxError


@click.command(
    "schema",
    cls=Command,
    examples="""\
rpx schema > rpx.schema.json    # and then: check-jsonschema --schemafile rpx.schema.json rpx.yaml
rpx schema --path               # where it lies as a file: for the settings of an editor
""",
)
@click.option("--path", is_flag=True, help="Write it into a file of yours, and print where that is")
def schema(*, path: bool) -> None:
    """Print the JSON Schema of rpx.yaml, by which editors complete, explain and check it.

    It is draft-07, and refuses nothing that rpx takes. `rpx check` knows more: which names exist,
    which ports are taken, what does not go together.
    """
    if not path:
        click.echo(schema_text(), nl=False)
        return
    found = schema_file()
    if found is None:
        raise RpxError(
            "the schema can't be written: there is no home folder for it",
            hint="set XDG_DATA_HOME, or HOME, to a folder of yours; or `rpx schema > FILE`",
        )
    click.echo(found)
