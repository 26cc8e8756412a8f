"""Score the stored film reviews.

**Purpose.** Each night, and whenever another sentiment model goes live, Spark judges all reviews of the reviews service by the one
model that is live. Hive adds the scores up by movie and month into the mart `movie_sentiment`, and the reviews service shows it at
`GET /v1/movies/{id}/sentiment` next to the figures of now, in which each review keeps what the model of its day said.

**Texts.** They leave the reviews database for the time of a run alone, whether it succeeds or fails. A review that was hidden or
deleted, or whose author is gone, is in no later mart. The warehouse keeps scores without texts and authors.

**Rerun rule.** Everything carries its `batch_id`, and each task replaces its own output. You can clear any task with its downstream
tasks: Airflow then runs `export_stored_reviews` before it and `forget_texts` at the end again. The reviews database keeps the mart of
the newest batch: an older run that ends late is held back.

**Triage.** The log of a failed task ends with its program's last lines. You can run the command at its top by hand.

| task | usual cause | what to do |
|---|---|---|
| `wait_for_other_runs` | it waits while another run scores | nothing; or let the other run fail |
| `find_live_model` | skipped: no model is live | run `train_sentiment` |
| `export_stored_reviews`, `publish_movie_sentiment` | the reviews database is down or not migrated | start it, clear the task |
| `score_reviews` | the model's file is not the published one | verify the store, clear `find_live_model` |
| `create_scoring_tables`, `load_movie_sentiment`, `export_movie_sentiment` | HiveServer2 is down | read its log, clear it |
| `validate_scores` | scores break a rule: see the log and the button Data docs | find the cause; never skip it |
| `forget_texts` | HDFS does not answer | clear it; the next run deletes the texts too |

A failed run leaves the mart of the run before.
"""

from __future__ import annotations

from airflow.sdk import DAG, AssetOrTimeSchedule, chain
from marquee import schedules, scoring_tasks, settings, tasks
from marquee.sentiment_tasks import LIVE_SENTIMENT

with DAG(
    dag_id="build_movie_sentiment",
    description="Stored reviews to a mart of sentiment by movie: Spark, Hive, PostgreSQL",
    doc_md=__doc__,
    schedule=AssetOrTimeSchedule(timetable=schedules.cron(settings.SCORING_SCHEDULE), assets=[LIVE_SENTIMENT]),
    catchup=False,
    max_active_runs=1,
    tags=["marquee", "reviews", "publishes"],
    template_searchpath=[str(settings.HQL)],
    user_defined_macros=settings.TEMPLATE_MACROS,
    default_args=tasks.DEFAULT_ARGS,
) as dag:
    find_live_model = scoring_tasks.find_live_model()
    export_stored_reviews = scoring_tasks.export_stored_reviews_task()
    score_reviews = scoring_tasks.score_reviews_task()
    load_movie_sentiment = scoring_tasks.load_movie_sentiment_task()

    chain(tasks.wait_for_other_runs_task(), find_live_model, export_stored_reviews, score_reviews, load_movie_sentiment)
    chain(find_live_model, scoring_tasks.create_scoring_tables_task(), load_movie_sentiment)
    chain(
        *(load_movie_sentiment, scoring_tasks.validate_scores_task(), scoring_tasks.export_movie_sentiment_task()),
        scoring_tasks.publish_movie_sentiment_task(),
        # As a teardown it runs after a failure too, and does not make a failed run succeed.
        scoring_tasks.forget_texts().as_teardown(setups=export_stored_reviews),
    )
