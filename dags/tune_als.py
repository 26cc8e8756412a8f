"""Search better settings for the model.

**Purpose.** Once a week, Optuna tries settings on the first half of the timeline of the live batch and proposes the
best. Each trial is a nested run in MLflow's experiment `marquee-tuning`. The search never sees the windows that the
promotion gate judges. If another version of the code saved the champion, the search cannot read its settings. It then
uses the defaults instead, and the task's log says so.

**Rerun rule.** Clear `search_settings` at any time: it adds a run to MLflow and replaces its result. The same batch,
trials and seed propose the same settings. Nothing uses a proposal by itself.

**Using a proposal.** Open the run in MLflow and copy its artifact `proposed_settings.json`. Give it as the parameter
`model_settings` when you trigger `build_recommendations`. The gate compares the new model with the champion and with
popularity, as it always does.

**Triage.**

| task | usual cause | what to do |
|---|---|---|
| `wait_for_other_runs` | it waits while another search works | nothing; or let the other one fail |
| `search_settings` | there is no champion yet | publish one |
| `search_settings` | its batch was removed | name `of_batch` |
| `search_settings` | Spark ran out of memory | lower `trials` |
"""

from __future__ import annotations

from airflow.sdk import DAG, Param
from marquee import parameters, schedules, settings, tasks

ARGUMENTS = {
    "of_batch": Param(
        "",
        type="string",
        pattern="^([0-9]{8}T[0-9]{6})?$",
        maxLength=15,
        description="Batch to search on. Empty: the live one's.",
    ),
    "trials": Param(20, **parameters.whole(1, 500), description="Number of settings to try."),
    "seed": Param(20261123, **parameters.SETTINGS["seed"], description="Seed of the search."),
}

SEARCH = [
    *("--database", settings.DATABASE, "--tracking-uri", settings.MLFLOW_URL, "--model-name", settings.MODEL),
    *(
        "--of-batch",
        "{{ params.of_batch }}",
        "--trials",
        "{{ params.trials | int }}",
        "--seed",
        "{{ params.seed | int }}",
    ),
]

with DAG(
    dag_id="tune_als",
    description="Searches better settings for the model, with Optuna and MLflow",
    doc_md=__doc__,
    schedule=schedules.cron(settings.TUNING_SCHEDULE),
    catchup=False,
    max_active_runs=1,
    params=ARGUMENTS,
    tags=["marquee", "movielens"],
    user_defined_macros=settings.TEMPLATE_MACROS,
    default_args=tasks.DEFAULT_ARGS,
) as dag:
    tasks.wait_for_other_runs_task() >> tasks.spark_task("search_settings", SEARCH)
