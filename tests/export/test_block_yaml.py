"""What is written as YAML says the same again."""

from __future__ import annotations

import yaml
from hypothesis import given
from hypothesis import strategies as st

from rpx.export.block_yaml import Alias, Anchored, Noted, block_yaml

_texts = st.text(st.characters(blacklist_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["yes", "No", "0755", "1_000", "12:30:45", "a: b", "a #b", "- x", "a\nb\n", " a\nb", "~", "1e3",
     ".5", "0.0.0.0", "5s", "=", "-c", "--flag=x", "&a", "*a", "!x", "%x", "@x", "a:", "a,b"]
)  # fmt: skip
_scalars = _texts | st.integers() | st.booleans() | st.none()
_values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(_texts, _values, min_size=1, max_size=4))
def test_whatever_is_written_is_read_again(values: dict[str, object]) -> None:
    assert yaml.safe_load(block_yaml(values)) == values


def test_comments_anchors_and_blank_lines_are_for_people() -> None:
    text = block_yaml(
        {
            "x-told": Anchored("told", {"A": "1"}),
            "services": {
                "api": {"image": Noted("api:dev", "TODO build it"), "env": {"<<": Alias("told")}},
                "web": {"command": ["sh", "-c", "echo a\necho b"]},
            },
        },
        apart=2,
    )
    assert text == (
        'x-told: &told\n  A: "1"\n\nservices:\n  api:\n    image: api:dev  # TODO build it\n'
        "    env:\n      <<: *told\n\n  web:\n    command:\n      - sh\n      - -c\n      - |-\n"
        "        echo a\n        echo b\n"
    )
