"""Run Hive statements so that they end with their task.

HiveServer2 runs a statement on when its client has gone, if the client waits for the answer of the call that began it.
Here each statement runs in the background, and the task asks for its state. HiveServer2 then sees a broken connection
at once, and ends the session with its statement.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from typing import Any

from airflow.providers.apache.hive.hooks.hive import HiveServer2Hook
from pyhive.exc import OperationalError
from TCLIService import ttypes
from thrift.Thrift import TException

from marquee import settings
from marquee.cluster.programs import Log

SECONDS_BETWEEN_QUESTIONS = 0.05
STATES = ttypes.TOperationState
ENDED = {
    *(STATES.FINISHED_STATE, STATES.CANCELED_STATE, STATES.CLOSED_STATE, STATES.ERROR_STATE),
    *(STATES.UKNOWN_STATE, STATES.TIMEDOUT_STATE),
}


class HiveError(RuntimeError):
    """Report a statement that failed or was stopped."""


class HiveStatements:
    """Run statements in one session; `stop` ends the one that runs.

    The session's application on YARN gets the `tags`. HiveServer2 forgets it when a statement is cancelled while it starts.
    """

    def __init__(self, log: Log, tags: Sequence[str] = ()) -> None:
        self._log = log
        self._tags = ",".join(tags)
        self._hook = HiveServer2Hook(hiveserver2_conn_id=settings.HIVE_CONNECTION)
        self._running: Any = None
        self._stopped = False

    def run(self, statements: Iterable[str], before_each: Callable[[], None] = lambda: None) -> None:
        """Run the statements one after the other; raise HiveError if one fails."""
        connection = self._hook.get_conn()
        try:
            cursor = connection.cursor()
            if self._tags:
                self._run(cursor, f"SET hive.query.tag={self._tags}")
            for statement in statements:
                before_each()
                self._run(cursor, statement)
            cursor.close()
        except BaseException:
            self.stop()
            # An interrupted call leaves the connection out of step, so that it takes no other.
            connection._transport.close()
            raise
        connection.close()

    def stop(self) -> None:
        """Cancel the running statement and let no other begin.

        A signal may interrupt a call on the session's connection, so the cancellation has its own.
        """
        self._stopped = True
        running, self._running = self._running, None
        if running is None:
            return
        try:
            with closing(self._hook.get_conn()) as connection:
                answer = connection.client.CancelOperation(ttypes.TCancelOperationReq(running))
        except (TException, OSError, OperationalError) as error:
            # The broken connection ends the statement too.
            self._log.warning("HiveServer2 did not take the cancellation: %s. It ends the statement by itself.", error)
            return
        self._log.info("HiveServer2 answered the cancellation: %s", answer.status.errorMessage or "cancelled")

    def _run(self, cursor: Any, statement: str) -> None:
        self._raise_if_stopped()
        try:
            cursor.execute(statement, async_=True)
        except OperationalError as error:
            raise HiveError(_reason(error, statement)) from None
        self._running = cursor._operationHandle
        # HiveServer2 answers when the statement has ended, or after half a second, later after up to five.
        while (answer := cursor.poll(get_progress_update=False)).operationState not in ENDED:
            self._raise_if_stopped()
            time.sleep(SECONDS_BETWEEN_QUESTIONS)
        self._running = None
        self._raise_if_stopped()
        if answer.operationState != STATES.FINISHED_STATE:
            state = STATES._VALUES_TO_NAMES[answer.operationState]
            raise HiveError(f"Hive ended a statement in state {state}: {answer.errorMessage}\n{statement}")

    def _raise_if_stopped(self) -> None:
        if self._stopped:
            # The stop may have come before the statement's handle.
            self.stop()
            raise HiveError("The statement was stopped because its task was.")


def _reason(error: OperationalError, statement: str) -> str:
    """Return HiveServer2's own words; the error holds the whole answer."""
    status = getattr(error.args[0], "status", None) if error.args else None
    return f"Hive refused a statement: {getattr(status, 'errorMessage', None) or error}\n{statement}"
