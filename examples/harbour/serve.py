"""Serves the book of arrivals over HTTP: python3 serve.py PORT. Its data lies in data/ beside this file."""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "src"))
from harbour.book import Book  # noqa: E402

TREE = os.environ.get("SEATRIAL_TREE", "")


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(lambda: {"status": "ok", "tree": TREE, "arrivals": self.server.book.count()})

    def do_POST(self):
        ship = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.answer(lambda: {"berth": self.server.book.arrive(ship["name"], ship["length"])})

    def answer(self, ask):
        try:
            status, body = 200, ask()
        except Exception as problem:
            status, body = 500, {"status": "broken", "why": f"{type(problem).__name__}: {problem}"}
        said = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_):
        pass


def main():
    data = HERE / "data"
    data.mkdir(exist_ok=True)
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
    server.book = Book(str(data / "harbour.db"))
    beside = data / "harbour.pid.new"
    beside.write_text(str(os.getpid()))
    beside.replace(data / "harbour.pid")
    server.serve_forever()


if __name__ == "__main__":
    main()
