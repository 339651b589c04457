"""The page of the demo: asks the api three times a second and shows which copy answered."""

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PORT = int(os.environ["PORT"])
PAGE = Path(__file__).with_name("page.html").read_text(encoding="utf-8")
BODY = PAGE.replace("{{API}}", os.environ["RPX_API_PUBLIC_URL"]).encode()


class Web(BaseHTTPRequestHandler):
    def do_GET(self):
        found = self.path in ("/", "/index.html")
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(BODY) if found else 0))
        self.end_headers()
        self.wfile.write(BODY if found else b"")

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", PORT), Web)
print(f"listening on {PORT}")
server.serve_forever()
