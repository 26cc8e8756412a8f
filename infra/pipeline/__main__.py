"""Run the pipeline and watch it, or show what it has made: `python -m infra.pipeline COMMAND`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial

from infra.pipeline.airflow_api import DAG_ID, AirflowApi
from infra.pipeline.arguments import UsageError, build_parser, conf_of, environment, logical_date_of
from infra.pipeline.http_json import ServiceError
from infra.pipeline.progress import Follower, duration_table, failure_report, was_published
from infra.pipeline.user_page import interface_lines, live_publication, user_page

PUBLISHED, FAILED, USAGE, REFUSED, INTERRUPTED = 0, 1, 2, 3, 130


def run_pipeline(options: argparse.Namespace, follow: bool) -> int:
    """Start a run, watch it if asked, and return the exit status."""
    say = partial(print, flush=True)
    conf, logical_date = conf_of(options), logical_date_of(options.batch_date)
    login = environment("MARQUEE_AIRFLOW_USER"), environment("MARQUEE_AIRFLOW_PASSWORD")
    api = AirflowApi(environment("MARQUEE_AIRFLOW_URL"), *login)
    api.unpause()
    run = api.trigger(conf, logical_date)
    run_id = run["dag_run_id"]
    say(f"Run {run_id}: {api.url}/dags/{DAG_ID}/runs/{run_id}")
    if not follow:
        return PUBLISHED
    try:
        state = Follower(api, say).follow(run_id)
    except KeyboardInterrupt:
        say(f"No longer watching. The run goes on: {api.url}/dags/{DAG_ID}/runs/{run_id}")
        return INTERRUPTED
    tasks = api.tasks(run_id)
    say("")
    for line in duration_table(tasks):
        say(line)
    if state != "success":
        for line in failure_report(api, run_id, tasks):
            say(line)
        say(f"\nRun {run_id} failed. Fix the cause, then clear the failed task, or start a new run.")
        return FAILED
    if not was_published(tasks):
        say(f"\nRun {run_id} succeeded, but its model was refused, so nothing new is published. See decide_promotion.")
        return REFUSED
    return PUBLISHED


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    options = build_parser().parse_args(arguments)
    try:
        if options.command == "run":
            return run_pipeline(options, options.follow)
        status = PUBLISHED
        if options.command == "demo":
            if live := live_publication(environment("MARQUEE_API_URL")):
                print(f"Publication {live} is live already. `make run` builds another.\n")
            else:
                status = run_pipeline(options, follow=True)
        if status == PUBLISHED:
            print("\n".join(user_page(environment("MARQUEE_API_URL"), options.user, options.limit)))
        if options.command == "demo":
            print("\n".join(["", *interface_lines()]))
    except UsageError as error:
        print(f"infra.pipeline: {error}", file=sys.stderr)
        return USAGE
    except ServiceError as error:
        print(f"infra.pipeline: {error}", file=sys.stderr)
        return FAILED
    return status


if __name__ == "__main__":
    sys.exit(main())
