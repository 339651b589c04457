"""What becomes of a target on its way to a backend, or to another place."""

from __future__ import annotations

import pytest

from rpx.policy.expression_trees import BadPattern
from rpx.policy.path_patterns import read_pattern
from rpx.policy.templates import PathChange, Template


@pytest.mark.parametrize(
    ("prefix", "target", "changed"),
    [
        ("/api", "/api/x", "/x"),
        ("/api", "/api", "/"),
        ("/api", "/api/", "/"),
        ("/api", "/api?x=1", "/?x=1"),
        ("/api", "/api/x/y?z=/api/", "/x/y?z=/api/"),
        ("/api", "/apix", "/apix"),
        ("/api", "/v2/api/x", "/v2/api/x"),
        ("/api", "/API/x", "/API/x"),
        ("/api", "/api//other.com/x", "/other.com/x"),
        ("/api", "/api/\\other.com", "/other.com"),
        ("/api/v1/", "/api/v1/x", "/x"),
        ("/api", "*", "*"),
    ],
)
def test_a_prefix_is_cut_off_where_it_stands(prefix: str, target: str, changed: str) -> None:
    change = PathChange(prefix, "")
    assert change
    assert change.target(target.encode(), read_pattern("/*")) == changed.encode()


@pytest.mark.parametrize(
    ("path", "template", "target", "changed"),
    [
        ("/api/*", "/v2/$1", "/api/x/y", "/v2/x/y"),
        ("/api/*", "/v2/$1", "/api", "/v2/"),
        ("/api/*", "/v2/$1", "/api/x?a=1&b", "/v2/x?a=1&b"),
        ("/api/*", "/v2/$1", "/api/x?", "/v2/x"),
        ("/api/*", "/v2?p=$1", "/api/x?a=1", "/v2?p=x"),
        ("/api/*", "/v2?p=$1&$query", "/api/x?a=1", "/v2?p=x&a=1"),
        ("/api/*", "/v2?p=$1&$query", "/api/x", "/v2?p=x"),
        ("/api/*", "/v2?$query", "/api/x", "/v2"),
        ("/api/*", "/v2?", "/api/x?a=1", "/v2"),
        ("/:a/*", "/${1}x/$a", "/p/q", "/qx/p"),
        ("/a", "/100%/$$1", "/a", "/100%/$1"),
        ("/*", "/$1", "//other.com/x", "/other.com/x"),
        ("/*", "/$1", "/\\other.com", "/other.com"),
        ("/old/*", "/$1", "/old//other.com", "/other.com"),
        ("/old/*", "https://new.localhost/$1", "/old/x?a", "https://new.localhost/x?a"),
        ("/old/*", "/new#$1", "/old/x?a=1", "/new?a=1#x"),
        ("~/(a)?(b)?", "/$1-$2", "/b", "/-b"),
        ("/*", "/x", "*", "*"),
    ],
)
def test_a_path_is_put_together_from_parts_of_another(
    path: str, template: str, target: str, changed: str
) -> None:
    change = PathChange("", template)
    assert change.target(target.encode(), read_pattern(path)) == changed.encode()


def test_without_either_nothing_changes() -> None:
    change = PathChange("", "")
    assert not change
    assert change.target(b"/x?y", read_pattern("/*")) == b"/x?y"


def test_a_template_knows_its_names() -> None:
    assert Template("/$1/${name}/$query$$").names == ("1", "name", "query")


@pytest.mark.parametrize("text", ["/$", "/$-1", "/${}", "/${1", "/$ {1}"])
def test_a_lonely_dollar_is_refused(text: str) -> None:
    with pytest.raises(BadPattern, match="names nothing") as caught:
        Template(text)
    assert "`$$`" in caught.value.hint
