"""`infra.control` of a platform that is small enough for tests: one server, which behaves as its version's file `behaviour` says."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

STATE = Path(os.environ["MARQUEE_STATE"])
PID = STATE / "server.pid"
LOG = STATE / "log"
PORT = int(Path(".env").read_text(encoding="ascii").partition("=")[2])
BEHAVIOUR, VERSION = Path("behaviour").read_text(encoding="ascii").split()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if BEHAVIOUR == "slow" and self.path.startswith("/v1/popular"):
            time.sleep(1.2)
        self.send_response(500 if BEHAVIOUR == "broken" and self.path.startswith("/v1") else 200)
        self.end_headers()
        self.wfile.write(json.dumps({"publication": "p", "items": [1], "version": VERSION}).encode())

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


def up() -> None:
    if BEHAVIOUR == "mute":
        sys.exit("the API does not start")
    server = subprocess.Popen(
        [sys.executable, "-m", "infra.control", "serve"],
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    PID.write_text(str(server.pid), encoding="ascii")
    for _ in range(100):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{PORT}/health", timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    sys.exit("no answer")


def down() -> None:
    if PID.exists():
        os.kill(int(PID.read_text(encoding="ascii")), signal.SIGTERM)
        PID.unlink()


def main() -> None:
    STATE.mkdir(parents=True, exist_ok=True)
    command, *more = sys.argv[1:]
    with LOG.open("a", encoding="utf-8") as log:
        log.write(f"{VERSION} {command}\n")
    if command == os.environ.get("KILL_DEPLOYMENT_AT"):
        os.kill(os.getppid(), signal.SIGKILL)
        return
    if command == "up":
        up()
    elif command == "down":
        down()
    elif command == "serve":
        HTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
    elif command == "exec":
        os.environ["MARQUEE_GATEWAY_URL"] = f"http://127.0.0.1:{PORT}"
        os.execvp(more[1], more[1:])
    elif command == BEHAVIOUR:
        sys.exit(f"{command} fails")


if __name__ == "__main__":
    main()
