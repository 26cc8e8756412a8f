"""Migrate the database, and serve."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from serving.reviews.database.engine import migrate, open_database
from serving.reviews.database.errors import DatabaseError
from serving.reviews.settings import SettingError, Settings
from serving.web.metrics_folder import metrics_folder

_STOP_SECONDS = 15


def _whole(text: str, most: int) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 5 and 1 <= int(text) <= most):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no whole number from 1 to {most}.")
    return int(text)


def _port(text: str) -> int:
    return _whole(text, 65535)


def _workers(text: str) -> int:
    return _whole(text, 1000)


def arguments() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m serving.reviews",
        description=__doc__,
        epilog="Settings come from the environment, see serving/reviews/settings.py.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    migrating = commands.add_parser("migrate", help="bring the tables to this program's version")
    migrating.add_argument("--down-to", metavar="REVISION", help="go back to a revision instead; base: drop all tables")
    migrating.add_argument(
        "--phase",
        choices=("all", "expand"),
        default=os.environ.get("MARQUEE_MIGRATIONS") or "all",
        help="expand: only what programs of the version before can work with",
    )
    serving = commands.add_parser("serve", help="serve until a signal ends the server")
    serving.add_argument("--host", default=os.environ.get("MARQUEE_REVIEWS_HOST") or "127.0.0.1")
    serving.add_argument("--port", type=_port, default=os.environ.get("MARQUEE_REVIEWS_PORT") or "8002")
    serving.add_argument("--workers", type=_workers, default=os.environ.get("MARQUEE_REVIEWS_WORKERS") or "2")
    return parser


def _migrate(revision: str | None, phase: str) -> dict[str, Any]:
    address = os.environ.get("MARQUEE_REVIEWS_DATABASE")
    if not address:
        raise SettingError("MARQUEE_REVIEWS_DATABASE is not set. Give postgresql+psycopg://...")
    engine = open_database(address)
    migrate(engine, revision or "head", down=revision is not None, phase=phase)
    engine.dispose()
    return {"revision": revision or "head"}


def _serve(options: argparse.Namespace) -> None:
    Settings.load(os.environ)
    # A prediction is a small sum: one thread for each core would cost more time than it saves.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # The metrics library reads the variable when it is imported, and the samples of an earlier start would be added.
    for samples in metrics_folder().glob("*.db"):
        samples.unlink()
    import uvicorn

    uvicorn.run(
        "serving.reviews.application:create_app",
        factory=True,
        host=options.host,
        port=options.port,
        workers=options.workers,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_STOP_SECONDS,
        timeout_keep_alive=15,
        # A worker that does not answer its server for so long is killed. A busy machine may keep one waiting for seconds.
        timeout_worker_healthcheck=60,
    )


def main(argv: list[str] | None = None) -> int:
    """Run one command; return the exit status."""
    options = arguments().parse_args(argv)
    try:
        if options.command == "serve":
            _serve(options)
            return 0
        print(json.dumps(_migrate(options.down_to, options.phase)))
    except (SettingError, DatabaseError, SQLAlchemyError) as error:
        print(f"reviews: {str(error).splitlines()[0]}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
