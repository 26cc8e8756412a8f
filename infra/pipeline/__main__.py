"""Run the pipeline, watch it, stop it, or show what it has made: `python -m infra.pipeline COMMAND`."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Sequence
from functools import partial

from infra.pipeline.airflow_api import DAG_ID, SENTIMENT_DAG_ID, AirflowApi
from infra.pipeline.arguments import UsageError, build_parser, conf_of, environment, logical_date_of
from infra.pipeline.http_json import ServiceError
from infra.pipeline.sentiment import add_sentiment, conf_of_sentiment, live_predictions, name_champion
from infra.pipeline.stopping import Stopper, stop_command
from infra.pipeline.user_page import interface_lines, live_publication, user_page
from infra.pipeline.watching import FAILED, INTERRUPTED, PUBLISHED, REFUSED, watch, watch_run

USAGE = 2


def airflow(dag_id: str = DAG_ID) -> AirflowApi:
    """Return the connection that the environment describes. Raises UsageError."""
    login = environment("MARQUEE_AIRFLOW_USER"), environment("MARQUEE_AIRFLOW_PASSWORD")
    return AirflowApi(environment("MARQUEE_AIRFLOW_URL"), *login, dag_id)


def run_pipeline(options: argparse.Namespace, follow: bool) -> int:
    """Start a run, watch it if asked, and return the exit status."""
    conf, logical_date = conf_of(options), logical_date_of(options.batch_date)
    api = airflow()
    api.unpause()
    run = api.run_again(options.again) if options.again else api.trigger(conf, logical_date)
    return watch(api, run["dag_run_id"], follow)


def run_or_join(options: argparse.Namespace) -> int:
    """Watch the run that is going, or start one; return the exit status.

    Raises ServiceError if that run has other parameters than those asked for.
    """
    api, conf = airflow(), conf_of(options)
    # A backfill never goes live, so that its end would leave the demo with nothing to show.
    going = next((run for run in api.going() if run.get("run_type") != "backfill"), None)
    if going is None or options.batch_date:
        return run_pipeline(options, follow=True)
    run_id = going["dag_run_id"]
    if conf and conf != (going["conf"] or {}):
        raise ServiceError(
            f"Run {run_id} is {going['state']} with the parameters {json.dumps(going['conf'] or {})}. You asked for "
            f"{json.dumps(conf)}. Wait for its end, or stop it: {stop_command(api, run_id)}"
        )
    print("A run is going already. This command joins it and starts none.", flush=True)
    api.unpause()
    return watch(api, run_id)


def train_sentiment(options: argparse.Namespace) -> int:
    """Run the training, watch it, show predictions; return the exit status."""
    conf, api = conf_of_sentiment(options), airflow(SENTIMENT_DAG_ID)
    api.unpause()
    status = watch(api, api.trigger(conf, None)["dag_run_id"])
    if status in (PUBLISHED, REFUSED):
        print("\n".join(["", *live_predictions()]))
    return status


def show(options: argparse.Namespace) -> int:
    """Show a user's recommendations, for `demo` after a run; return the exit status."""
    status = PUBLISHED
    if options.command == "demo":
        if live := live_publication(environment("MARQUEE_API_URL")):
            print(f"Publication {live} is live already. `make run` builds another.\n")
        else:
            status = run_or_join(options)
    if status == PUBLISHED:
        print("\n".join(user_page(environment("MARQUEE_API_URL"), options.user, options.limit)))
    if options.command == "demo" and status != INTERRUPTED:
        print("\n".join(["", *interface_lines()]))
    return status


def dispatch(options: argparse.Namespace) -> int:
    """Run one command and return its exit status. Raises UsageError and ServiceError."""
    match options.command:
        case "run":
            return run_pipeline(options, options.follow)
        case "watch":
            return watch_run(airflow(options.dag), options.run)
        case "sentiment-champion":
            print(name_champion())
            return PUBLISHED
        case "sentiment":
            return train_sentiment(options)
        case "stop":
            return PUBLISHED if Stopper(airflow(options.dag), partial(print, flush=True)).stop(options.run) else FAILED
    return show(options)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    options = build_parser(add_sentiment).parse_args(arguments)
    try:
        return dispatch(options)
    except UsageError as error:
        print(f"infra.pipeline: {error}", file=sys.stderr)
        return USAGE
    except ServiceError as error:
        print(f"infra.pipeline: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("infra.pipeline: interrupted. If a run was started, it goes on: see `make watch-run`.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader, e.g. head, has ended. Python would report that again when it closes standard output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


if __name__ == "__main__":
    # A run outlives this program, however that is ended.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
