"""One copy of the api: says which copy it is, and in which process it runs."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

GREETING = "hello from"  # change it while the demo runs, save, and look at the page

COPY = os.environ["RPX_REPLICA"]
PORT = int(os.environ["PORT"])
PAGE = """<!doctype html><title>api, copy {copy}</title><link rel="icon" href="data:,">
<body style="font: 1.5rem system-ui; margin: 3rem">{greeting} copy {copy}
<p style="color: gray">port {port}, process {pid}. Reload the page: the copies take turns."""


class Api(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        about = {"greeting": GREETING, "copy": int(COPY), "port": PORT, "pid": os.getpid()}
        accept = self.headers.get("Accept", "")
        if self.path == "/health":
            self.answer("text/plain", "fine\n")
        elif "text/html" in accept:
            self.answer("text/html", PAGE.format(**about))
        elif "application/json" in accept:
            self.answer("application/json", json.dumps(about))
        else:
            self.answer("text/plain", "{greeting} copy {copy}, process {pid}\n".format(**about))

    def answer(self, kind, text):
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Access-Control-Allow-Origin", "*")  # the page is at web.localhost
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", PORT), Api)
print(f"listening on {PORT}")
server.serve_forever()
