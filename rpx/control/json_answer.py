"""JSON as the control API answers with it."""

from __future__ import annotations

import json

from starlette.responses import JSONResponse


class Json(JSONResponse):
    """In ASCII: what services print need not be text, and half of a character has no UTF-8."""

    def render(self, content: object) -> bytes:
        """`content` as JSON without spaces, in ASCII."""
        return json.dumps(content, separators=(",", ":")).encode()
