"""Logs on the dashboard, in a browser: windows of a long list, what is chosen, and its moments."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.browser import browser, needs_chromium
from tests.support.project import Project

pytestmark = [pytest.mark.real, pytest.mark.programs, needs_chromium]

HERE = "--host-resolver-rules=MAP *.localhost 127.0.0.1"
MANY = 30_000
PROCESSES = f"""\
processes:
  talker:
    command: >-
      seq 1 {MANY} | sed 's/^/level=info number=/'; echo '{{"level":"error","msg":"out of stock"}}';
      echo 'level=warn msg=low'; sleep 1000
"""
ROW = "document.querySelectorAll('.line-of-log:not(.coming)')"
LIST = "document.querySelector('.window')"


def test_lines_are_shown_in_windows_chosen_and_lead_to_requests(project: Project) -> None:
    project.copies(1, PROCESSES)
    with project.up(), browser(project.folder, HERE) as chromium:
        project.get("api.localhost", "/until?file=rpx.yaml")
        tab = chromium.open(project.rpx("open", "--dashboard", "--print").stdout.strip())
        tab.go(str(tab.run("location.origin")) + "/logs")
        tab.until(f"{ROW}.length > 5 && {LIST}.innerText.includes('msg=low')", "the newest lines")
        count = "parseInt(document.querySelector('.count').innerText.replaceAll(',', ''))"
        tab.until(f"{count} >= {MANY}", "all are counted")
        assert tab.run(f"{ROW}.length") < 150  # only those that can be seen are there
        tab.run(f"{LIST}.scrollTop = 0")
        tab.until(f"{LIST}.innerText.includes('number=1\\n')", "the first lines")
        assert tab.run("document.querySelector('.check input').checked") is False
        tab.run(f"{LIST}.scrollTop = {LIST}.scrollHeight / 2")
        tab.until(
            f"{ROW}.length > 5 && {LIST}.innerText.includes('number={MANY // 200}')", "between"
        )

        tab.go(str(tab.run("location.origin")) + "/logs?level=warn&without=rpx,api")
        tab.until(f"{ROW}.length === 2", "warnings and errors")
        assert tab.run(f"[...{ROW}].map((row) => row.classList[1]).join()") == "error,warn"
        tab.go(str(tab.run("location.origin")) + "/logs?q=NUMBER%3D777")
        tab.until(f"{ROW}.length === 11", "the search")
        assert tab.run("document.querySelector('mark').innerText") == "number=777"

        chip = "[...document.querySelectorAll('.chip')].find((c) => c.innerText === 'talker')"
        tab.run(f"{chip}.click()")
        tab.until(f"{ROW}.length === 0 && location.search.includes('without=talker')", "it is off")
        assert tab.run(f"{chip}.getAttribute('aria-pressed')") == "false"

        [row] = json.loads(project.rpx("requests", "--json", "path:/until").stdout)
        tab.go(f"{tab.run('location.origin')}/logs?q=out+of+stock%22%7D&without=rpx")
        tab.until(f"{ROW}.length >= 1", "a line")
        tab.run(f"{ROW}[0].click()")
        tab.until("!!document.querySelector('.drawer .whole-line')", "the line as a whole")
        assert '"msg": "out of stock"' in tab.run("document.querySelector('.whole-line').innerText")
        assert parse_qs(urlsplit(str(tab.run("location.href"))).query)["of"] == ["talker"]
        tab.go(str(tab.run("location.href")))  # a copied address shows the same
        tab.until("document.querySelector('.whole-line')?.innerText.includes('stock')", "it")
        moment = row["time"] + row["ms"] / 2000
        tab.go(f"{tab.run('location.origin')}/logs?of=api&at={moment}&line=0")
        tab.until("document.querySelectorAll('.of-moment .request').length === 1", "its request")
        tab.run("document.querySelector('.of-moment .request').click()")
        tab.until(f"location.search === '?id={row['id']}'", "the drawer of that request")
