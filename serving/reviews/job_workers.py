"""Threads that work on the jobs in the database, next to the requests of the process."""

from __future__ import annotations

import threading
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from serving.reviews.api.metrics import ANSWERED, REJECTED, count_predictions
from serving.reviews.api.service import Service
from serving.reviews.domain.jobs import forget_old, work_on_next
from serving.reviews.domain.texts import fault_of
from serving.reviews.domain.uploads import ANSWER_COLUMNS, Row
from serving.reviews.live_model import LoadedModel
from serving.reviews.model.sentiment import Prediction
from serving.web.logs import error_log

# How long an idle worker waits before it looks again, and how long after an error of the database.
_IDLE_SECONDS = 0.5
_ERROR_SECONDS = 5.0
_BLANK: Row = dict.fromkeys(ANSWER_COLUMNS)
_UNREADABLE = "The model could not read this text. Report it with the job's id."


class JobWorkers:
    """The workers of one process."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._ending = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, name=f"job-worker-{number}", daemon=True)
            for number in range(service.settings.job_threads)
        ]

    def start(self) -> None:
        """Start the workers."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End the workers after the chunks that they are at."""
        self._ending.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        pause = 0.0
        while not self._ending.wait(pause):
            try:
                pause = self._work()
            except SQLAlchemyError as error:
                error_log.error("a chunk was not answered", exc_info=error)
                pause = _ERROR_SECONDS

    def _work(self) -> float:
        """Answer one chunk; return how long to wait before the next."""
        loaded = self._service.live.current
        if loaded is None:
            # Jobs wait for a model.
            return _IDLE_SECONDS
        worked = work_on_next(self._service.transactions, answering_by(loaded))
        if worked is None:
            with self._service.transactions.begin() as database:
                forget_old(database, self._service.settings.job_days)
            return _IDLE_SECONDS
        ANSWERED.inc(worked.rows - worked.refused)
        REJECTED.inc(worked.refused)
        return 0.0


def answering_by(loaded: LoadedModel) -> Callable[[list[Row], str], list[Row]]:
    """Return a function that answers the rows of a chunk by one model."""

    def answer(rows: list[Row], text_column: str) -> list[Row]:
        texts = [row.get(text_column) for row in rows]
        faults = [fault_of(text) for text in texts]
        made = _predicted([str(text) for text, fault in zip(texts, faults, strict=True) if fault is None], loaded)
        count_predictions([prediction for prediction in made if prediction is not None], loaded)
        following = iter(made)
        return [_row(next(following), loaded) if fault is None else _refused(fault) for fault in faults]

    return answer


def _predicted(texts: list[str], loaded: LoadedModel) -> list[Prediction | None]:
    """Return a prediction for each text, and None for one that the model cannot read."""
    try:
        return [*loaded.model.predict_many(texts, with_terms=False)]
    except Exception as error:  # noqa: BLE001 - one text must not stop a job for ever
        if len(texts) > 1:
            half = len(texts) // 2
            return [*_predicted(texts[:half], loaded), *_predicted(texts[half:], loaded)]
        error_log.error("a text of a job was not read", exc_info=error)
        return [None]


def _refused(fault: str) -> Row:
    return {**_BLANK, "predicted_error": fault}


def _row(prediction: Prediction | None, loaded: LoadedModel) -> Row:
    if prediction is None:
        return _refused(_UNREADABLE)
    return {
        **_BLANK,
        "predicted_label": prediction.label,
        "predicted_probability": prediction.probability,
        "predicted_confident": prediction.confident,
        "predicted_language": prediction.language,
        "predicted_publication": loaded.publication,
    }
