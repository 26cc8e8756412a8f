"""Run a program over local copies of HDFS's files, and put what it writes in place there."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airflow.sdk import Context

from marquee import settings
from marquee.cluster import hdfs
from marquee.cluster.attempts import Attempt
from marquee.cluster.programs import result_of
from marquee.operators.program import ProgramOperator, not_retried

LOCAL = f"{settings.WORK}/"


@dataclass(frozen=True)
class LiveModelFile:
    """The live sentiment model: its file, and what its bytes must be."""

    publication: str
    file: Path
    sha256: str


def live_model(store: Path) -> LiveModelFile | None:
    """Return the model that is live in a publication store, or None."""
    live = store / "live"
    if not live.exists():
        return None
    publication = live.resolve()
    manifest = json.loads((publication / "manifest.json").read_text(encoding="utf-8"))
    return LiveModelFile(publication.name, publication / "model.joblib", manifest["sha256"])


def remove_left_behind(name: str, seconds: float = settings.LONG_TASK.total_seconds()) -> None:
    """Delete local folders of a task that killed tries left, as they may hold texts.

    A folder that changed in the last `seconds` may be in use: no task runs longer than the default.
    """
    for folder in settings.TEMPORARY.glob(f"{name}-*"):
        if folder.is_dir() and time.time() - folder.stat().st_mtime >= seconds:
            shutil.rmtree(folder, ignore_errors=True)


class LocalFilesOperator(ProgramOperator):
    """Run a program in a temporary folder; WORK/ stands for that folder in `argv`.

    `inputs` names what the folder holds before, by the paths in HDFS. `outputs` names what the program writes, by the paths
    that it replaces. `documents` makes further files for the program, each a JSON document. `attempts` is the folder in HDFS
    that its tries work in.
    """

    template_fields: Sequence[str] = (*ProgramOperator.template_fields, "inputs", "outputs", "attempts", "attempt")

    def __init__(
        self,
        *,
        inputs: Mapping[str, str],
        outputs: Mapping[str, str],
        documents: Mapping[str, Callable[[Context], Any]] | None = None,
        attempts: str = f"{settings.MODEL_PATH}/_attempts",
        attempt: str = settings.ATTEMPT,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.inputs = dict(inputs)
        self.outputs = dict(outputs)
        self.documents = dict(documents or {})
        self.attempts = attempts
        self.attempt = attempt
        self._attempt: Attempt | None = None

    def arguments(self) -> list[str]:
        """Return arguments that are known only when the task runs."""
        return []

    def execute(self, context: Context) -> dict[str, Any]:
        """Return the program's result."""
        client = hdfs.client()
        self._attempt = Attempt(client, self.log, f"{self.attempts}/{self.task_id}", self.attempt, self.outputs)
        self._attempt.begin()
        settings.TEMPORARY.mkdir(parents=True, exist_ok=True)
        remove_left_behind(self.task_id)
        work = Path(tempfile.mkdtemp(prefix=f"{self.task_id}-", dir=settings.TEMPORARY))
        try:
            for name, path in self.inputs.items():
                client.download(path, str(work / name))
            for name, document in self.documents.items():
                text = json.dumps(document(context), indent=1, sort_keys=True)
                (work / name).write_text(text, encoding="utf-8")
            result = self._result(work)
            for name in self.outputs:
                client.upload(f"{self._attempt.work}/{name}", str(work / name))
                self._attempt.collect(name, f"{self._attempt.work}/{name}")
            self._attempt.commit()
        finally:
            shutil.rmtree(work)
        return result

    def _result(self, work: Path) -> dict[str, Any]:
        argv = [argument.replace(LOCAL, f"{work}/") for argument in (*self.argv, *self.arguments())]
        with not_retried():
            return result_of(self.run(argv))

    def on_kill(self) -> None:
        """Give up the output and stop the program."""
        if self._attempt is not None:
            self._attempt.abandon()
        super().on_kill()


class TrainSentimentOperator(LocalFilesOperator):
    """Train and compare with the champion: the model that is live in `store`."""

    def __init__(self, *, store: Path, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.store = store

    def arguments(self) -> list[str]:
        """Return the live model's file and its checksum, if there is one."""
        live = live_model(self.store)
        if live is None:
            self.log.info("No model is live, so that the plain recipe alone is the one to beat.")
            return []
        return ["--champion", str(live.file), "--champion-sha256", live.sha256]
