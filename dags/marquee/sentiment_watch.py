"""Create the tasks that watch the live sentiment model."""

from __future__ import annotations

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator

from marquee import settings
from marquee.operators.program import ProgramOperator
from marquee.operators.retraining import DecideRetrainingOperator

TRAINING_DAG = "train_sentiment"
_WATCHING = (settings.SENTIMENT_PYTHON, "-m", "serving.reviews.watching")
_REVIEWS_PYTHON = settings.REVIEWS_PYTHON or settings.PYTHON
_MLFLOW = ("--tracking-uri", settings.MLFLOW_URL)


def find_last_training_task() -> ProgramOperator:
    """Ask MLflow when the newest training was."""
    return ProgramOperator(
        task_id="find_last_training",
        argv=[*_WATCHING, "last-training", *_MLFLOW],
        execution_timeout=settings.SHORT_TASK,
    )


def measure_feedback_task() -> ProgramOperator:
    """Measure accuracy on feedback, and count labelled texts since the last training.

    The program reads the database's address from the environment, because it holds a password.
    """
    since = "{{ ti.xcom_pull(task_ids='find_last_training')['at'] }}"
    return ProgramOperator(
        task_id="measure_feedback",
        argv=[_REVIEWS_PYTHON, "-m", "serving.reviews.measure_feedback", "--labelled-since", since],
        execution_timeout=settings.SHORT_TASK,
    )


def decide_retraining_task() -> DecideRetrainingOperator:
    """Log the accuracy to MLflow; continue only where a training is due."""
    measured = "{{ ti.xcom_pull(task_ids='measure_feedback') | tojson }}"
    return DecideRetrainingOperator(
        task_id="decide_retraining",
        training_dag=TRAINING_DAG,
        if_due="start_training",
        argv=[
            *(*_WATCHING, "decide", *_MLFLOW, "--measured", measured),
            *(part for limit in settings.RETRAINING_LIMITS.items() for part in limit),
        ],
        execution_timeout=settings.SHORT_TASK,
    )


def start_training_task() -> TriggerDagRunOperator:
    """Start a run of the training that is named after its cause: no cause starts two."""
    decision = "ti.xcom_pull(task_ids='decide_retraining')"
    return TriggerDagRunOperator(
        task_id="start_training",
        trigger_dag_id=TRAINING_DAG,
        trigger_run_id=f"watch__{{{{ {decision}['cause'] }}}}",
        conf={"cause": f"{{{{ {decision}['reason'] }}}}"},
        skip_when_already_exists=True,
        execution_timeout=settings.SHORT_TASK,
    )
