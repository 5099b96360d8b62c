"""A web server on the loopback interface, whose files and answers a test decides on."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class WebServer:
    """Serves `files`, a dict of path to (content, headers), with a `status`, to those who know the `password`."""

    def __init__(self, url):
        self.url = url
        self.files = {}
        self.status = 200
        self.answers_head = True
        self.password = None
        self.requests = []

    def put(self, path, content, **headers):
        self.files[path] = (content, {name.replace("_", "-"): text for name, text in headers.items()})
        return f"{self.url}{path}"


class _Handler(BaseHTTPRequestHandler):
    site = None

    def do_HEAD(self):
        if self.site.answers_head:
            self._answer(with_content=False)
        else:
            self.send_error(405)

    def do_GET(self):
        self._answer(with_content=True)

    def _answer(self, *, with_content):
        self.site.requests.append((self.command, self.path))
        if self.site.password and self.headers["Authorization"] != self.site.password:
            self.send_error(401)
            return
        content, headers = self.site.files.get(self.path, (None, {}))
        if content is None or self.site.status != 200:
            self.send_error(self.site.status if self.site.status != 200 else 404)
            return
        self.send_response(200)
        for name, text in {"Content-Length": str(len(content)), **headers}.items():
            if text:
                self.send_header(name, text)
        self.end_headers()
        if with_content:
            self.wfile.write(content)

    def log_message(self, *_):
        pass


@contextmanager
def web_server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {}))
    server.daemon_threads = True
    site = server.RequestHandlerClass.site = WebServer(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join(30)
