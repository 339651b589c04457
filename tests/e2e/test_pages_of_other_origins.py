"""What a script in a browser can read of another origin, which is what CORS is about."""

from __future__ import annotations

import pytest

from tests.e2e.test_treatment import BACKEND, say
from tests.support.browser import Browser, browser, needs_chromium
from tests.support.machine import Machine
from tests.support.project import free_ports, until

pytestmark = [pytest.mark.real, pytest.mark.programs, needs_chromium]
TEXT = """
name: shop
https: {redirect: false}
proxies:
  - {to: web.shop.localhost, respond: a page}
  - to: api.shop.localhost
    from: localhost:ONE
    start: PYTHON app.py ONE
    cors: {credentials: true}
    routes:
      - {path: /down, from: localhost:DOWN, name: down, hold: 0s}
      - {path: /private, from: localhost:ONE, name: private, auth: {basic: {ann: secret}}}
      - {path: /p/*, strip_prefix: /p, from: localhost:ONE, name: prefixed}
  - {to: closed.shop.localhost, from: localhost:ONE, name: closed, cors: {origins: [http://a.test]}}
"""
# What a script sees of an answer; nothing, where the browser keeps it from it.
SEES = """
fetch("URL", {credentials: "include", ...OPTIONS}).then(
  async answer => [answer.status, answer.url, await answer.text()], () => [0, "", ""])
"""


class Page:
    """A tab with a page of `http://web.shop.localhost` or of its like with TLS."""

    def __init__(self, chromium: Browser, scheme: str, port: int) -> None:
        self._chromium, self._scheme, self._port = chromium, scheme, port
        self.tab = chromium.open(f"{scheme}://web.shop.localhost:{port}/")

    def sees(self, path: str, options: str = "{}", host: str = "api") -> tuple[int, str, str]:
        """Status, path and body of an answer; 0 where that isn't for its eyes."""
        status, url, text = self.tab.run(self._script(path, options, host))
        return status, url.partition(str(self._port))[2], text

    def nobody_sees(self, path: str) -> bool:
        """Whether it isn't for the eyes of a page that has no origin."""
        tab = self._chromium.open("data:text/html,x")
        found: list[object] = tab.run(self._script(path, "{}", "api"))
        return found == [0, "", ""]

    def _script(self, path: str, options: str, host: str) -> str:
        url = f"{self._scheme}://{host}.shop.localhost:{self._port}{path}"
        return SEES.replace("URL", url).replace("OPTIONS", options)


def test_a_page_reads_what_it_may_also_the_status_of_an_error(machine: Machine) -> None:
    project = machine.project("shop", TEXT.replace("DOWN", str(free_ports(1)[0])))
    (project.folder / "app.py").write_text(BACKEND)
    with project.up(ready=False), browser(project.folder) as chromium:
        app = f"api:{machine.ports['shop']}"
        until(lambda: project.states().get(app) == "ready", "its backend is ready")
        for scheme, port in (("http", machine.http), ("https", machine.https)):
            page = Page(chromium, scheme, port)
            assert page.sees("/x" + say("Access-Control-Allow-Origin: *", "Vary: Accept"))[0] == 200
            status, _, text = page.sees("/x", '{method: "PUT", headers: {"X-A": "1"}}')
            assert (status, '"method": "PUT"' in text, '["x-a", "1"]' in text) == (200, True, True)
            assert page.sees("/down")[0] == 502
            assert page.sees("/private", '{credentials: "omit"}')[0] == 401
            password = '{headers: {Authorization: "Basic " + btoa("ann:secret")}}'
            assert page.sees("/private", password)[0] == 200
            assert page.nobody_sees("/x")
            assert page.sees("/x", host="closed")[0] == 0
            assert page.sees("/x", '{method: "DELETE"}', host="closed")[0] == 0

            # Cookies and redirects of a backend that knows nothing of its prefix.
            page.sees("/p/login" + say(f"Set-Cookie: sid={scheme}; Path=/"))
            assert page.sees("/p/jump" + say("Location: /who", status="302"))[1] == "/p/who"
            assert f'sid={scheme}"' in page.sees("/p/who")[2]
            assert "sid=" not in page.sees("/x")[2]
