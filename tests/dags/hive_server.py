"""A HiveServer2 that speaks Thrift and runs statements as a test says."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from TCLIService import TCLIService, ttypes
from thrift.protocol import TBinaryProtocol
from thrift.server import TServer
from thrift.transport import TSocket, TTransport

STATES = ttypes.TOperationState
SUCCESS = ttypes.TStatus(ttypes.TStatusCode.SUCCESS_STATUS)


class HiveServer:
    """Keep statements with their states; `run` does a statement's work and may raise."""

    def __init__(self) -> None:
        self.statements: list[str] = []
        self.settings: list[str] = []
        self.states: dict[bytes, int] = {}
        self.texts: dict[bytes, str] = {}
        self.run: Callable[[str], None] = lambda statement: None
        # A statement that contains it goes on until it is cancelled.
        self.endless = ""
        self.port = 0

    def state_of(self, statement: str) -> str:
        (state,) = [self.states[guid] for guid, text in self.texts.items() if statement in text]
        return str(STATES._VALUES_TO_NAMES[state])

    def OpenSession(self, req: Any) -> Any:
        handle = ttypes.TSessionHandle(_identifier())
        return ttypes.TOpenSessionResp(SUCCESS, req.client_protocol, handle, {})

    def CloseSession(self, req: Any) -> Any:
        return ttypes.TCloseSessionResp(SUCCESS)

    def ExecuteStatement(self, req: Any) -> Any:
        if req.statement.startswith("USE "):
            return self._handle(req.statement, STATES.FINISHED_STATE)
        assert req.runAsync, "a statement that the client waits for goes on when the client has gone"
        if req.statement.startswith("SET "):
            self.settings.append(req.statement)
            return self._handle(req.statement, STATES.FINISHED_STATE)
        self.statements.append(req.statement)
        if "refused" in req.statement:
            failed = ttypes.TStatus(ttypes.TStatusCode.ERROR_STATUS, errorMessage="Table not found")
            return ttypes.TExecuteStatementResp(failed)
        try:
            self.run(req.statement)
        except RuntimeError:
            return self._handle(req.statement, STATES.ERROR_STATE)
        if self.endless and self.endless in req.statement:
            return self._handle(req.statement, STATES.RUNNING_STATE)
        return self._handle(req.statement, STATES.FINISHED_STATE)

    def GetOperationStatus(self, req: Any) -> Any:
        state = self.states[req.operationHandle.operationId.guid]
        message = "Tez has no memory" if state == STATES.ERROR_STATE else None
        return ttypes.TGetOperationStatusResp(SUCCESS, operationState=state, errorMessage=message)

    def CancelOperation(self, req: Any) -> Any:
        self.states[req.operationHandle.operationId.guid] = STATES.CANCELED_STATE
        return ttypes.TCancelOperationResp(SUCCESS)

    def CloseOperation(self, req: Any) -> Any:
        return ttypes.TCloseOperationResp(SUCCESS)

    def _handle(self, statement: str, state: int) -> Any:
        identifier = _identifier()
        self.states[identifier.guid], self.texts[identifier.guid] = state, statement
        handle = ttypes.TOperationHandle(identifier, ttypes.TOperationType.EXECUTE_STATEMENT, False)
        return ttypes.TExecuteStatementResp(SUCCESS, handle)


def _identifier() -> Any:
    return ttypes.THandleIdentifier(uuid.uuid4().bytes, uuid.uuid4().bytes)


class _Server(TServer.TThreadedServer):  # type: ignore[misc] # thrift is untyped
    """A server that ends when its socket is closed."""

    def serve(self) -> None:
        self.serverTransport.listen()
        while (client := self._accepted()) is not None:
            threading.Thread(target=self.handle, args=(client,), daemon=True).start()

    def _accepted(self) -> Any:
        try:
            return self.serverTransport.accept()
        except OSError:
            return None


@contextmanager
def hive_server() -> Iterator[HiveServer]:
    """Run a server on a free port of the loopback address."""
    server = HiveServer()
    transport = TSocket.TServerSocket("127.0.0.1", 0)
    factory = TBinaryProtocol.TBinaryProtocolFactory()
    running = _Server(
        TCLIService.Processor(server), transport, TTransport.TBufferedTransportFactory(), factory, daemon=True
    )
    thread = threading.Thread(target=running.serve, daemon=True)
    thread.start()
    while not (transport.handle and transport.handle.getsockname()[1]):
        pass
    server.port = transport.handle.getsockname()[1]
    try:
        yield server
    finally:
        # The thread ends before the socket is gone: else it may ask a closed one for the next client.
        transport.handle.shutdown(2)
        thread.join(5)
        transport.close()
