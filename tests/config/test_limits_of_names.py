"""Names that nobody can have, numbers and circles beyond what is meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.config.support import load, refused


@pytest.mark.parametrize(
    "text",
    [
        "processes: {rpx: ./a}",
        "proxies: [{to: rpx.localhost, start: ./a}]",
        "proxies: [{to: a.localhost, name: rpx, start: ./a}]",
    ],
)
def test_nobody_has_the_name_of_what_rpx_itself_says(tmp_path: Path, text: str) -> None:
    [problem] = refused(tmp_path, text)
    assert problem.what.startswith("a service can't be called `rpx`")
    assert problem.where


def test_a_name_has_an_end(tmp_path: Path) -> None:
    load(tmp_path, f"processes: {{{'n' * 63}: ./a}}")
    [problem] = refused(tmp_path, f"processes: {{{'n' * 64}: ./a}}")
    assert "is too long for a name" in problem.what
    long = "/path" * 100
    text = f"proxies: [{{to: a.localhost{long}, start: ./a}}, {{to: a.localhost/b, start: ./b}}]"
    names = [proxy.name for proxy in load(tmp_path, text).config.proxies]
    assert max(map(len, names)) <= 63


@pytest.mark.parametrize("number", ["1e30", "9" * 40, "1e400"])
def test_a_number_without_measure_is_too_large(tmp_path: Path, number: str) -> None:
    text = f"proxies: [{{to: a, start: ./a, replicas: {number}}}]\nlimits: {{held: {number}}}"
    first, second = refused(tmp_path, text)
    assert first.what.startswith("`replicas` of proxy `a` is too large: ")
    assert second.what.startswith("`limits.held` is too large: ")


def test_a_circle_may_be_of_any_size(tmp_path: Path) -> None:
    count = 1500
    entries = [
        f"  s{i}: {{command: ./a, depends_on: [s{(i - 1) % count}]}}\n" for i in range(count)
    ]
    [problem] = refused(tmp_path, "processes:\n" + "".join(entries))
    assert "waits for itself: s0 → s1499 → s1498" in problem.what
    assert len(problem.what) < 200


def test_each_circle_is_told_of_once(tmp_path: Path) -> None:
    text = """\
        processes:
          a: {command: ./a, depends_on: [b, c]}
          b: {command: ./b, depends_on: [a]}
          c: {command: ./c, depends_on: [c, d]}
          d: {command: ./d, depends_on: [b]}
    """
    told = {each.what.partition(": ")[2] for each in refused(tmp_path, text)}
    assert told == {"a → b → a", "c → c"}


@pytest.mark.parametrize("env", ['[" B=x"]', '["B =x"]', '{" B": x}'])
def test_a_variable_has_no_space_around_its_name(tmp_path: Path, env: str) -> None:
    [problem] = refused(tmp_path, f"processes: {{a: {{command: ./a, env: {env}}}}}")
    assert "has a space around the name" in problem.what
    load(tmp_path, "processes: {a: {command: ./a, env: {a b: x, c.d-e: y}}}")
