"""Watch the live sentiment model, and train again when it is due.

**Purpose.** Once an hour, this DAG measures how often people call the live model's predictions right, and logs it to MLflow's
experiment `sentiment-feedback`, in a run for each publication. It starts `train_sentiment` in two cases:

- On `MARQUEE_SENTIMENT_RETRAIN_FEEDBACK` (200) or more labelled texts of a language, or of all, the model is right
  `MARQUEE_SENTIMENT_RETRAIN_DROP` (0.03) less often than the gate saw.
- `MARQUEE_SENTIMENT_RETRAIN_LABELLED` (500) or more different texts have been labelled for training since the last training.

**What holds it back.** A training of the last `MARQUEE_SENTIMENT_RETRAIN_PAUSE_HOURS` (24), promoted, refused or started by hand; and
a training that works or waits. A started run is named after its cause, and a cause starts one run. A low accuracy is a new
cause when the number of labelled texts has doubled, or another model is live. So a refused training does not repeat at once.

**Rerun rule.** Clear any task at any time: the same number of texts is logged once, and no second run has the same name.

**Triage.**

| task | usual cause | what to do |
|---|---|---|
| `find_last_training` | MLflow does not answer | see the alert ServiceDown; clear the task |
| `measure_feedback` | PostgreSQL does not answer, or the reviews service's tables are of another version | `make up` |
| `decide_retraining` | MLflow does not answer | clear the task |
| `start_training` is skipped | nothing is due, or its run exists | read the log of `decide_retraining` |
"""

from __future__ import annotations

from airflow.sdk import DAG
from marquee import schedules, sentiment_watch, settings, tasks

with DAG(
    dag_id="watch_sentiment",
    description="Logs the live sentiment model's accuracy on feedback, and starts a training when it is due",
    doc_md=__doc__,
    schedule=schedules.cron(settings.SENTIMENT_WATCH_SCHEDULE),
    catchup=False,
    max_active_runs=1,
    # It changes nothing by itself before there is feedback, so that it need not wait for a user to switch it on.
    is_paused_upon_creation=False,
    tags=["marquee", "sentiment"],
    default_args=tasks.DEFAULT_ARGS,
) as dag:
    (
        sentiment_watch.find_last_training_task()
        >> sentiment_watch.measure_feedback_task()
        >> sentiment_watch.decide_retraining_task()
        >> sentiment_watch.start_training_task()
    )
