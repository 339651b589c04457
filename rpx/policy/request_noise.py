"""Requests that are seldom looked for: files of pages, and what tools of front ends ask for."""

from __future__ import annotations

import re
from typing import Final

_FILE: Final = (
    rb"\.(?:css|m?js|cjs|jsx|tsx?|vue|svelte|map|png|jpe?g|gif|svg|webp|avif|ico|woff2?|ttf|otf"
    rb"|eot|wasm)"
)
# Of Vite, webpack's dev server, Next.js, Nuxt, Parcel, SvelteKit, Live Reload.
_TOOL: Final = (
    rb"/(?:@vite|@id|@fs|@react-refresh|@vite-plugin|node_modules|__vite_ping|__webpack_hmr"
    rb"|sockjs-node|_next/(?:static|webpack-hmr|image)|__nextjs[^/]*|_nuxt|__parcel|_app/immutable"
    rb"|livereload|browser-sync|\.well-known/appspecific)(?:[/?].*|\Z)"
)
_NOISE: Final = re.compile(rb"[^?]*%b(?:\?.*)?\Z|%b" % (_FILE, _TOOL), re.DOTALL)


def noise(target: bytes) -> bool:
    """Whether what was asked for, with or without its query, is an asset or a hot reload."""
    return _NOISE.match(target) is not None
