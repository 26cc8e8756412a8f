"""Train and publish the sentiment model.

**Purpose.** One run takes labelled film reviews from their corpora to the model that the reviews service predicts with. Steps: a raw
snapshot in HDFS, cleaning with mrjob on YARN, the split into training and test, Hive tables, expectations, training in an
environment and process of its own with MLflow, the gate, a checksummed publication, the switch of the live pointer.

**Corpora.** The embedded ones, a file of one's own (`corpus`, with `text`, `label` and `language`), or both. The defaults are
`MARQUEE_SENTIMENT_CORPUS`, `_TEXT`, `_LABEL`, `_LANGUAGE` and `_EMBEDDED`, also for the weekly run. Texts that users of the
reviews service labelled and agreed to give join every run. Another `seed` tests on texts that the champion was trained on.

**Rerun rule.** Everything a run writes carries its `batch_id`, as in `build_recommendations`. Each task replaces its own output.
You can clear any task, with its downstream tasks, at any time: the same batch gives the same model. A backfill stores its
publication and never moves the live pointer.

**Triage.** The log of a failed task ends with its program's last lines. You can run the command at its top by hand.

| task | usual cause | what to do |
|---|---|---|
| `wait_for_other_runs` | it waits while another run trains | nothing; or let the other run fail |
| `ingest_reviews` | the corpus is missing, damaged or has other columns | correct `corpus`, `text` or `label`, trigger again |
| `mr_clean_reviews` | YARN has no memory left, or a node is down | see YARN's UI, clear the task |
| `split_reviews` | no row is clean: wrong columns, or labels that are stars | see `reason` in the quarantine, correct the corpus |
| `create_review_tables`, `load_reviews`, `export_reviews` | HiveServer2 or the metastore is down | read its log, clear it |
| `validate_reviews` | data break a rule or drifted: see the log and the button Data docs | fix the source; never skip it |
| `train_model` | a language has too few reviews; MLflow is down | add reviews or the embedded corpora; start MLflow, clear it |
| `pass_gate` | it never fails on a poor model, see `record_model_refusal` | read the reasons in the ledger |
| `build_model_publication`, `publish_model` | the store is full or read-only | free some space, clear the task |

A failed task and a refused model never change the live publication. To roll back, run `make sentiment-rollback`.
"""

from __future__ import annotations

from airflow.sdk import DAG, Param, chain
from marquee import parameters, schedules, sentiment_tasks, settings, tasks

ARGUMENTS = {
    "embedded": Param(settings.SENTIMENT_EMBEDDED, type="boolean", description="Train on the embedded corpora."),
    "corpus": Param(
        settings.SENTIMENT_CORPUS or None,
        type=["null", "string"],
        **parameters.NO_CONTROL_CHARACTERS,
        description="CSV, TSV or JSON Lines file of one's own on Airflow's machine, plain or as gz, xz or zip.",
    ),
    "text": Param(settings.SENTIMENT_TEXT, **parameters.COLUMN, description="Column of the text in that file."),
    "label": Param(settings.SENTIMENT_LABEL, **parameters.COLUMN, description="Column of the label in that file."),
    "language": Param(
        settings.SENTIMENT_LANGUAGE,
        type="string",
        enum=["", "en", "ko"],
        description="Language of that file. Empty: found.",
    ),
    "seed": Param(1, **parameters.SETTINGS["seed"], description="Seed of the split into training and test."),
}

with DAG(
    dag_id="train_sentiment",
    description="Labelled film reviews to a published sentiment model: HDFS, mrjob, Hive, scikit-learn, MLflow",
    doc_md=__doc__,
    schedule=schedules.cron(settings.SENTIMENT_SCHEDULE),
    catchup=False,
    max_active_runs=1,
    params=ARGUMENTS,
    tags=["marquee", "reviews", "publishes"],
    template_searchpath=[str(settings.HQL)],
    user_defined_macros=settings.TEMPLATE_MACROS,
    default_args=tasks.DEFAULT_ARGS,
) as dag:
    ingest_reviews = sentiment_tasks.ingest_reviews()
    create_review_tables = sentiment_tasks.create_review_tables_task()
    load_reviews = sentiment_tasks.load_reviews_task()
    train_model = sentiment_tasks.train_model_task()
    pass_gate = sentiment_tasks.pass_gate("build_model_publication", "record_model_refusal")

    chain(tasks.wait_for_other_runs_task(), [ingest_reviews, create_review_tables])
    chain(ingest_reviews, sentiment_tasks.mr_clean_reviews_task(), sentiment_tasks.split_reviews_task(), load_reviews)
    chain(create_review_tables, load_reviews)
    chain(load_reviews, sentiment_tasks.validate_reviews_task(), sentiment_tasks.export_reviews_task(), train_model)
    chain(train_model, pass_gate)
    chain(pass_gate, sentiment_tasks.build_model_publication_task(), sentiment_tasks.publish_model_task())
    chain(pass_gate, sentiment_tasks.record_model_refusal_task())
