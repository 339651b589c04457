"""Which paths a pattern means, what it takes out of them, and which patterns are refused."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as some

from rpx.policy.expression_trees import BadPattern, compiled
from rpx.policy.expressions import read
from rpx.policy.linear_time import judge
from rpx.policy.path_patterns import read_pattern


@pytest.mark.parametrize(
    ("text", "meant", "not_meant"),
    [
        ("/a", "/a", "/a/ /ab /A /a/b / /%61 *"),
        ("/a/", "/a/", "/a /a/b"),
        ("/", "/", "/a //"),
        ("/a/*", "/a /a/ /a/b /a/b/c /a//", "/ab /A/b /%61/b / /a%2Fb *"),
        ("/*", "/ /a /a/b //", "*"),
        ("/a/*/c", "/a/b/c", "/a/c /a//c /a/b/b/c /a/b/c/ /a/b/cd"),
        ("/a/*/", "/a/b/", "/a/b /a//"),
        ("/*/c/*", "/a/c /a/c/ /a/c/d/e", "/c /a/b/c /a/cd"),
        ("/users/:id", "/users/7 /users/:id", "/users /users/ /users/7/x"),
        ("/:a/:b/*", "/x/y /x/y/ /x/y/z", "/x /x/ //y"),
        ("/*.png", "/a.png /.png /a.b.png", "/a/b.png /a.png/ /a.pngx /a.PNG"),
        ("/a/img-*-*.png", "/a/img-1-2.png /a/img--.png", "/a/img-1.png /a/img-1-/2.png"),
        ("/v*/x/*", "/v1/x /v/x/ /v1/x/y", "/w1/x /v1/y /v1/2/x"),
        ("/a.b/c+d/(e)", "/a.b/c+d/(e)", "/axb/c+d/(e) /a.b/ccd/(e)"),
        (r"~/api/(v[0-9]+)/(.*)", "/api/v1/ /api/v22/x/y", "/api/v/x /x/api/v1/y"),
        (r"~ ^/.*\.(png|jpe?g)$", "/a.png /a/b.jpeg /.jpg", "/a.pngx /a.png/ /png"),
        (r"~(?i)/A[b-d]/.*\.PHP", "/aB/x.PHP /Ad/.php", "/aa/x"),
        (r"~/api(/|$)(.*)", "/api /api/ /api/x", "/apix"),
        (r"~/\d{2,3}\w?/[^/]*?/[\]\-x]+", "/12/a/] /123a//-x]", "/1/a/x /12345/a/x /12/a/y"),
        (r"~/a\Z|/b\z|/\bc\B|/[\ta]d", "/a /b /ad", "/c /ab /a/b"),
        (r"~/x\x2Fy\.\+", "/x/y.+", "/x/yz+"),
        (r"~/(?:a|bc)+", "/a /bc /abca", "/ /b /abb"),
    ],
)
def test_a_pattern_means_these_paths_and_not_those(text: str, meant: str, not_meant: str) -> None:
    pattern = read_pattern(text)
    for path in meant.split():
        assert pattern.matches(path.encode()), path
    for path in not_meant.split():
        assert not pattern.matches(path.encode()), path


@pytest.mark.parametrize(
    ("text", "path", "taken"),
    [
        ("/a", "/a", {}),
        ("/a/*", "/a/b/c", {"1": "b/c"}),
        ("/a/*", "/a/", {"1": ""}),
        ("/a/*", "/a", {"1": ""}),
        ("/*", "/x/y", {"1": "x/y"}),
        ("/*", "/", {"1": ""}),
        ("/*/:name/x-*.js/*", "/a/b/x-c.js/d/e", {"1": "a", "name": "b", "2": "c", "3": "d/e"}),
        ("/*-*.png", "/a-b-c.png", {"1": "a", "2": "b-c"}),
        ("/:id/*", "/7", {"id": "7", "1": ""}),
        (r"~/(v[0-9])/(?:(?<rest>.*)|x)", "/v1/y", {"1": "v1", "2": "y", "rest": "y"}),
        (r"~/(a)?(?P<b>b)?", "/b", {"1": "", "2": "b", "b": "b"}),
    ],
)
def test_what_was_left_open_is_taken_by_number_and_name(
    text: str, path: str, taken: dict[str, str]
) -> None:
    pattern = read_pattern(text)
    assert pattern.taken(path.encode()) == {name: value.encode() for name, value in taken.items()}
    assert sorted(pattern.names) == sorted(taken)


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        ("", "begin with a `/`", "leave it out"),
        ("api/*", "begin with a `/`", "write it as /api/*"),
        ("*.png", "begin with a `/`", r"all folders `~/.*\.png`"),
        ("^/x$", "begin with a `/`", "`~^/x$`"),
        ("/a?b=1", "more than a path", "query: {v: 2}"),
        ("/a b", "character that no path can", "%20"),
        ("/bücher", "`ü`", "%C3%BC"),
        ("/a/**", "`**`", "`/*` at the end"),
        ("/:id/:id", "two segments called `:id`", "another name"),
        ("/:id.json", "a name that is none: `:id.json`", "whole segment"),
        ("/x/:", "a name that is none: `:`", "whole segment"),
        (r"~* \.php$", "nginx's `~*`", r"`~(?i)\.php$`"),
        (r"~\.php$", "matches no path", r"`~.*\.php`"),
        ("~(a|b)", "matches no path", "whole path"),
        ("~(a+)+", "exponential time", "take one of the two away"),
        ("~/(a", "`(` that nothing closes", r"`\(`"),
        ("~/a)", "`)` too many", r"`\)`"),
        ("~/[a", "`[` that nothing closes", r"`\[`"),
        ("~/[z-a]", "range that is none: `[z-a`", r"`\-`"),
        ("~/[[:alpha:]]", "a named set", "[A-Za-z0-9]"),
        ("~/a{2,1}", "counts backwards", "smaller"),
        ("~/a{x}", "begins no count", r"`\{`"),
        ("~/a**", "can't be repeated: `a**`", "remove"),
        ("~/a++", "can't be repeated: `a++`", "remove"),
        ("~/^*", "can't be repeated: `^*`", "remove"),
        ("~+", "repeats nothing", r"`\+`"),
        (r"~/\q", r"unknown escape: `\q`", "remove"),
        (r"~/(a)\1", r"refers back to a group: `\1`", "write out"),
        ("~/(?!api).*", "looks around itself: `(?!`", "a route of its own"),
        ("~/(?<=a)b", "looks around itself: `(?<=`", "lookbehind"),
        ("~/(?>a)", "unknown kind: `(?>`", "(?:…)"),
        ("~/(?m)a", "unknown kind: `(?m)`", "(?i)"),
        ("~/(?<a>b)(?P<a>c)", "two groups called `a`", "another name"),
        ("~/a b", "character that no path can: ` `", "%20"),
        (f"~/{'(' * 60}a{')' * 60}", "groups within groups", "50"),
        ("~/" + "a{900}" * 2, "is too long", "split"),
        (f"~/{'(a|b|c|d|e|f)' * 9}{'(.?[a-f]){12}' * 4}", "too many ways", "no two choices"),
    ],
)
def test_a_pattern_that_cannot_be_is_refused_with_a_way_out(
    text: str, what: str, hint: str
) -> None:
    with pytest.raises(BadPattern) as caught:
        read_pattern(text)
    assert what in str(caught.value)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("/(a+)+", "repeats what is repeated: `(a+)+`"),
        ("/(?:(a|b)+c?)*x", "repeats what is repeated: `(?:(a|b)+c?)*`"),
        ("/(x+x+)+y", "`(x+x+)+`"),
        ("/(([a-z])+.)+[A-Z]([a-z])+", "`(([a-z])+.)+`"),
        ("/(/.*)*x", "`(/.*)*`"),
        ("/(a?)*", "repeats what can be empty: `(a?)*`"),
        ("/(?:a*)*", "repeats what can be empty: `(?:a*)*`"),
        ("/(a{0,50}){0,50}b", "repeats what can be empty"),
        ("/(a|a)*b", "too many ways in `(a|a)*`"),
        ("/(a|aa)+", "too many ways in `(a|aa)+`"),
        ("/(a|b|ab)*c", "too many ways in `(a|b|ab)*`"),
        ("/.*x.*y", "`.*` and `.*` can both take the same characters"),
        ("/[^/]+[a-z]*/x", "`[a-z]*` and `[^/]+` can both"),
        (r"/.*\.[0-9]+.*\.js", "`.*` and `.*` can both"),
        ("/(.*?,){11}P", "too many ways in `.*?`"),
        ("/(a?){30}a{30}", "too many ways"),
        ("/" + "a?" * 30 + "a" * 30, "too many ways"),
    ],
)
def test_an_expression_that_may_take_long_is_refused_and_names_the_part(
    text: str, part: str
) -> None:
    with pytest.raises(BadPattern) as caught:
        read_pattern(f"~{text}")
    assert part in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        r"^/api/(v[0-9]+)/(.*)$",
        r"^/.*\.(png|jpe?g|gif|css|js|svg|woff2?)$",
        r"^/(.*)/(.*)$",
        r"^(/.+\.php)(/.+)$",
        r"^/(.*)\.[0-9]+\.(css|js)$",
        r"/.*\.php(/.*)?",
        r"/(?:[^/]+/)*index\.html",
        r"/(?:[a-z0-9]+-)*[a-z0-9]+",
        r"/([a-z]{2})(-[A-Z]{2})?/.*",
        r"/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
        r"/.*[0-9]{8}\.html",
        r"/(\w+)/(\d+)(?:/(.*))?",
        r"/.*?",
    ],
)
def test_what_people_write_for_nginx_passes(text: str) -> None:
    """And takes as long for a path that is twice as long, on its way to a failure: bounded runs."""
    assert read_pattern(f"~{text}").expression is not None


PIECES = ["a", "b", ".", "[ab]", "[^a]", "(a|b)", "(ab|a)?", "b*", "a+", "(?:ab)*", "b{1,2}", "/"]


@given(some.lists(some.sampled_from(PIECES), max_size=6), some.text("ab/", max_size=8))
def test_an_expression_means_what_python_says(pieces: list[str], rest: str) -> None:
    text = "/" + "".join(pieces)
    tree = read(text)
    path = f"/{rest}"
    assert bool(compiled(tree).fullmatch(path.encode())) == bool(re.fullmatch(text, path))
    try:
        judge(tree)
    except BadPattern as error:
        assert "linear" in str(error)  # noqa: PT017 - whether it is refused is not the question
