"""`infra.control` of a platform that is small enough for tests: nginx before one server, which behaves as its version's file says."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path

FILE = dict(line.split("=") for line in Path(".env").read_text(encoding="ascii").split())
VALUES = {"MARQUEE_API_PORT": "8000", "MARQUEE_GATEWAY_PORT": "8090", **FILE, **os.environ}
STATE, PART = Path(VALUES["MARQUEE_STATE"]), VALUES["MARQUEE_PART"]
INSTANCE = STATE / "instances" / VALUES["MARQUEE_INSTANCE"]
PID, LOG = INSTANCE / "pid", STATE.parent / "log"
OFFSET = int(VALUES["MARQUEE_PORT_OFFSET"])
API, GATEWAY = (int(VALUES[f"MARQUEE_{name}_PORT"]) + OFFSET for name in ("API", "GATEWAY"))
BEHAVIOUR, VERSION = Path("behaviour").read_text(encoding="ascii").split()
NGINX = "/usr/sbin/nginx"
CONFIGURATION = """
daemon off; pid {0}/pid; error_log stderr; worker_processes 1; events {{ worker_connections 512; }}
http {{
  log_format json '{{"path":"$uri","status":$status,"seconds":$request_time}}';
  access_log {0}/logs/gateway.log json buffer=32k flush=1s;
  client_body_temp_path {0}/b; proxy_temp_path {0}/p; fastcgi_temp_path {0}/f; uwsgi_temp_path {0}/u; scgi_temp_path {0}/s;
  upstream api {{ server 127.0.0.1:{1}; keepalive 8; }}
  server {{
    listen 127.0.0.1:{2};
    location = /slot {{ access_log off; return 200 "{1}"; }}
    location / {{ proxy_pass http://api; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header X-Visitor yes; }}
  }}
}}
"""
REQUESTS = count()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body in one packet. Else the second waits 40 ms for the acknowledgement of the first.
    wbufsize = 8192

    def do_GET(self) -> None:
        # What smoke tests ask in the slot comes without the gateway.
        started = time.monotonic()
        visitor, lists = "X-Visitor" in self.headers, self.path.startswith("/v1/popular")
        if BEHAVIOUR == "slow" and lists:
            time.sleep(1.2)
        # Any version is slow for visitors while the machine has other work.
        busy = (STATE.parent / "busy").exists()
        if (BEHAVIOUR == "tenfold" or busy) and visitor and lists:
            time.sleep(0.25)
        refuses = INSTANCE / "data" / "refuses"
        old = self.command != "GET" and refuses.exists() and refuses.read_text(encoding="ascii") != VERSION
        failing = BEHAVIOUR == "broken" or old or (BEHAVIOUR == "sick" and visitor and next(REQUESTS) % 10 == 0)
        # One answer that has what each request of the smoke tests looks for.
        answer = {"items": [{"movie_id": 1, "rating": 4.5}], "user_id": 1, "access_token": "t", "review_id": 1}
        body = json.dumps({**answer, "publication": "p", "version": VERSION}).encode()
        self.send_response(500 if failing and (old or self.path.startswith("/v1")) else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        if not visitor:
            # As the slot's own gateway does.
            entry = {"path": self.path.partition("?")[0], "status": 200, "seconds": time.monotonic() - started}
            with (INSTANCE / "logs" / "gateway.log").open("a", encoding="ascii") as log:
                log.write(json.dumps(entry) + "\n")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.do_GET()

    do_PUT = do_DELETE = do_POST

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


def answers(port: int, path: str) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=1) as answer:
            return str(answer.read().decode())
    except OSError:
        return ""


def wait_for(port: int, path: str, text: str) -> None:
    for _ in range(200):
        if text in answers(port, path):
            return
        time.sleep(0.05)
    sys.exit("no answer")


def configure() -> Path:
    for folder in ("logs", "conf"):
        (INSTANCE / folder).mkdir(parents=True, exist_ok=True)
    file = INSTANCE / "conf" / "nginx.conf"
    file.write_text(CONFIGURATION.format(INSTANCE, API, GATEWAY), encoding="ascii")
    return file


def start(*command: str) -> None:
    quiet = subprocess.DEVNULL
    server = subprocess.Popen(command, start_new_session=True, stdin=quiet, stdout=quiet, stderr=quiet)
    PID.write_text(str(server.pid), encoding="ascii")


def up() -> None:
    INSTANCE.mkdir(parents=True, exist_ok=True)
    if PART == "batch":
        if BEHAVIOUR == "batch":
            sys.exit("Airflow does not start")
        start("sleep", "600")
    elif PART == "data":
        start(NGINX, "-e", "stderr", "-c", str(configure()))
        wait_for(GATEWAY, "/slot", str(API))
    else:
        if BEHAVIOUR == "mute":
            sys.exit("the API does not start")
        (INSTANCE / "logs").mkdir(exist_ok=True)
        (INSTANCE / "logs" / "gateway.log").touch()
        if not answers(API, "/health"):
            start(sys.executable, "-m", "infra.control", "serve")
        wait_for(API, "/health", VERSION)


def down() -> None:
    if PID.exists():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(PID.read_text(encoding="ascii")), signal.SIGTERM)
        PID.unlink(missing_ok=True)


def serves() -> bool:
    if PART == "batch":
        return PID.exists()
    return bool(answers(GATEWAY, "/slot") if PART == "data" else answers(API, "/health"))


def workers(nginx: str) -> set[str]:
    return set(subprocess.run(["pgrep", "-P", nginx], capture_output=True, text=True, check=False).stdout.split())


def reload() -> None:
    configure()
    nginx = PID.read_text(encoding="ascii").strip()
    earlier = workers(nginx)
    os.kill(int(nginx), signal.SIGHUP)
    wait_for(GATEWAY, "/slot", str(API))
    while workers(nginx) & earlier:
        time.sleep(0.05)


def migrate() -> None:
    """Migrate the data of the instance, which slots share, so that an older version may stop to write."""
    (INSTANCE / "data").mkdir(parents=True, exist_ok=True)
    if BEHAVIOUR == "refusing":
        (INSTANCE / "data" / "refuses").write_text(VERSION, encoding="ascii")


def backup() -> None:
    folder = STATE / "backups" / "1"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "accounts.dump").write_text("rows", encoding="ascii")
    (folder / "manifest.json").write_text('{"files": {"accounts.dump": "1", "models.tar": "2"}}', encoding="ascii")
    print(f"backup  written: {folder}", flush=True)


def pipeline(command: str) -> None:
    """Be `python -m infra.pipeline`, whose sentences tests/infra_pipeline holds."""
    if command == "stop":
        return
    print("Run manual__1: http://127.0.0.1/dags/build_recommendations/runs/manual__1", flush=True)
    print("[    0.1 s] train_als                 started", flush=True)
    if BEHAVIOUR == "endless":
        time.sleep(600)
    if BEHAVIOUR == "dag":
        print("Task train_als failed at attempt 3. Its log: /logs/task_id=train_als/attempt=3.log")
        print("  | MemoryError")
        sys.exit(1)
    if BEHAVIOUR in ("refused", "spam"):
        subject = {"refused": "model", "spam": "data"}[BEHAVIOUR]
        print(f"The gate's verdict is refuse, for its {subject}: worse than before.")
        sys.exit(3)


def main() -> None:
    command, *more = sys.argv[1:]
    with LOG.open("a", encoding="utf-8") as log:
        log.write(f"{VERSION} {PART or 'data'} {command}\n")
    contracting = VALUES.get("MARQUEE_MIGRATIONS") == "all"
    if command == "serve":
        own_gateway = ThreadingHTTPServer(("127.0.0.1", GATEWAY), Handler)
        threading.Thread(target=own_gateway.serve_forever, daemon=True).start()
        ThreadingHTTPServer(("127.0.0.1", API), Handler).serve_forever()
    elif command == "exec" and more[1:4] == ["python3", "-m", "infra.pipeline"]:
        pipeline(more[4])
    elif command == "exec":
        os.environ["MARQUEE_GATEWAY_URL"] = f"http://127.0.0.1:{API}"
        os.execvp(more[1], more[1:])
    elif command == "status":
        sys.exit(0 if serves() else 1)
    elif command in (BEHAVIOUR, "migrate" if BEHAVIOUR == "contract" and contracting else None):
        sys.exit(f"{command} fails")
    else:
        {"up": up, "down": down, "reload-gateway": reload, "migrate": migrate, "backup": backup}.get(
            command, lambda: None
        )()


if __name__ == "__main__":
    main()
