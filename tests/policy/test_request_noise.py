"""Which requests are noise: files of pages, and what tools of front ends ask for by themselves."""

from __future__ import annotations

import pytest

from rpx.policy.request_noise import noise


@pytest.mark.parametrize(
    "target",
    [
        *("/app.js", "/a/b/style.css?v=12", "/logo.svg", "/fonts/x.woff2", "/favicon.ico"),
        *("/src/main.tsx", "/src/App.vue?vue&type=style&lang.css", "/@vite/client", "/@id/x"),
        *("/node_modules/.vite/deps/react.js?v=1", "/_next/webpack-hmr?page=/", "/__webpack_hmr"),
        *("/sockjs-node/info?t=1", "/_next/static/chunks/main", "/a.png?x=/y"),
    ],
)
def test_assets_and_hot_reloads_are_noise(target: str) -> None:
    assert noise(target.encode())


@pytest.mark.parametrize(
    "target",
    [
        *("/", "/orders", "/orders?page=2&next=/app.js", "/api/v1.2/x", "/ws", "/files/report.pdf"),
        *("/@vitesse", "/a.json", "/index.html", "*", "/jsx", "/x?a=b.css", "/node_modulesx/y"),
    ],
)
def test_what_was_asked_for_by_somebody_is_not(target: str) -> None:
    assert not noise(target.encode())
