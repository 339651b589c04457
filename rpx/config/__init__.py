"""From YAML to nouns: find rpx.yaml, read it into a frozen Config, or say all that is wrong.

`load.py` is the way: `yaml/` makes a text a Document of values that know where they stand, and
`variables/` fills them in; `settings/` has what may be written (how one is added stands there);
`build.py` makes nouns of it; `checks/` compares them with each other; `mistakes/` says in words
what is wrong. `worktree.py` knows git's files. `assemble.py` goes from the Document to the Config.
`json_schema.py` says for editors what may be written, from the same settings; `written_out.py`
makes a file of a Config again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rpx.config.find import find_config
    from rpx.config.load import config_from_mapping, load_config, overlaid

__all__ = ["config_from_mapping", "find_config", "load_config", "overlaid"]


def __getattr__(name: str) -> object:
    # Lazy, so that a command that only looks for rpx.yaml doesn't pay for pydantic and PyYAML.
    if name == "find_config":
        from rpx.config import find  # noqa: PLC0415 - see above

        return find.find_config
    if name in __all__:
        from rpx.config import load  # noqa: PLC0415 - see above

        return getattr(load, name)
    raise AttributeError(f"module 'rpx.config' has no attribute {name!r}")
