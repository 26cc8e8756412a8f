"""Watch the live sentiment model: `python -m serving.reviews.watching last-training|decide`.

`last-training` prints when MLflow's newest training was. `decide` logs what serving.reviews.measure_feedback found to MLflow,
and says whether to train again and why. It starts nothing. The last line of the output is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from serving.reviews.watching import tracking
from serving.reviews.watching.decision import Limits, decide, figures

_MOST_TEXTS = 1_000_000_000
_NUMBER = re.compile(r"[0-9]{1,10}(\.[0-9]{1,17})?", re.ASCII)


def _measured(text: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(text)
        figures(found["languages"])
        int(found["labelled"])
        if not {"publication", "model_version"} <= found.keys():
            raise LookupError
    except (ValueError, OverflowError, LookupError, TypeError, AttributeError):
        raise argparse.ArgumentTypeError("this is not what serving.reviews.measure_feedback prints") from None
    return found


def _number(text: str, most: int) -> float:
    if not _NUMBER.fullmatch(text) or float(text) > most:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no number from 0 to {most}.")
    return float(text)


def _count(text: str) -> int:
    if "." in text or not _NUMBER.fullmatch(text) or int(text) > _MOST_TEXTS:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no whole number from 0 to {_MOST_TEXTS}.")
    return int(text)


def _share(text: str) -> float:
    return _number(text, 1)


def _hours(text: str) -> float:
    return _number(text, 1_000_000)


def arguments() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(prog="serving.reviews.watching", description=(__doc__ or "").partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    mlflow = argparse.ArgumentParser(add_help=False)
    mlflow.add_argument("--tracking-uri", required=True, help="MLflow's address")
    commands.add_parser("last-training", parents=[mlflow], help="print when the newest training was")
    deciding = commands.add_parser("decide", parents=[mlflow], help="log the accuracy, and decide on a training")
    deciding.add_argument(
        "--measured",
        type=_measured,
        required=True,
        metavar="JSON",
        help="what serving.reviews.measure_feedback printed",
    )
    deciding.add_argument(
        "--least-feedback", type=_count, default=Limits.least_feedback, help="labelled texts that tell"
    )
    deciding.add_argument("--drop", type=_share, default=Limits.drop, help="accuracy below the gate's that is a cause")
    deciding.add_argument(
        "--least-labelled",
        type=_count,
        default=Limits.least_labelled,
        help="labelled texts for training that are a cause",
    )
    deciding.add_argument(
        "--pause-hours", type=_hours, default=Limits.pause.total_seconds() / 3600, help="time between two trainings"
    )
    return parser


def _decide(options: argparse.Namespace) -> dict[str, Any]:
    client = tracking.connect(options.tracking_uri)
    found = figures(options.measured["languages"])
    run = tracking.log_feedback(client, options.measured, found)
    pause = timedelta(hours=options.pause_hours)
    limits = Limits(options.least_feedback, options.drop, options.least_labelled, pause)
    decision = decide(options.measured, tracking.last_training(client), datetime.now(UTC), limits)
    if run and decision.cause:
        tracking.log_decision(client, run, decision)
    return {**asdict(decision), "mlflow_run": run}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command, print its result and return the exit status."""
    options = arguments().parse_args(argv)
    # MLflow's own errors: of the connection, and of the server.
    from mlflow.exceptions import MlflowException

    try:
        if options.command == "decide":
            result = _decide(options)
        else:
            moment = tracking.last_training(tracking.connect(options.tracking_uri))
            result = {"at": moment.isoformat() if moment else ""}
    except MlflowException as error:
        reason = f"MLflow at {options.tracking_uri} did not answer as expected: {str(error).splitlines()[0]}"
        print(f"{options.command}: {reason}", file=sys.stderr)
        print(json.dumps({"status": "failed", "error": reason}))
        return 1
    print(json.dumps({"status": "succeeded", **result}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
