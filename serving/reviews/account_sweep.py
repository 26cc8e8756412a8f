"""A thread that deletes, from time to time, what belongs to accounts that are gone."""

from __future__ import annotations

import threading

from sqlalchemy.exc import SQLAlchemyError

from serving.reviews.api.service import Service
from serving.reviews.domain.deleted_accounts import UnbelievableError, sweep
from serving.web.logs import error_log
from serving.web.problems import ProblemError


class AccountSweep:
    """The sweep of one process; it does nothing without a client of scope users:read."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="account-sweep", daemon=True)

    def start(self) -> None:
        """Start the thread, where a client is set."""
        if self._service.accounts.may_list:
            self._thread.start()
        else:
            error_log.warning("reviews of deleted accounts stay: MARQUEE_REVIEWS_CLIENT_ID is not set")

    def stop(self) -> None:
        """End the thread."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._ending.wait(self._service.settings.sweep_seconds):
            try:
                gone = sweep(self._service.transactions, self._service.accounts)
            except (UnbelievableError, ProblemError, SQLAlchemyError) as error:
                reason = error.detail if isinstance(error, ProblemError) else str(error).splitlines()[0]
                error_log.error("deleted accounts were not looked for", extra={"fields": {"reason": reason}})
            else:
                if gone:
                    error_log.info(
                        "what belonged to deleted accounts is gone", extra={"fields": {"accounts": len(gone)}}
                    )
