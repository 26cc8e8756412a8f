"""Run a Spark job as a task."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from airflow.providers.apache.spark.hooks.spark_submit import SparkSubmitHook
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.sdk import Context

from marquee import settings
from marquee.cluster import hdfs, yarn
from marquee.cluster.attempts import CLAIM, WORK, Attempt
from marquee.cluster.programs import end_with_parent
from marquee.operators import spark_on_kubernetes as on_kubernetes


def configuration(job: str, java_options: str, overhead: str | None) -> dict[str, str]:
    """Return Spark's settings of one job: tags on YARN, options of JVMs, memory.

    The options come before those of spark-defaults.conf. `overhead` is what an executor has as well as its heap, where that is not what
    Spark gives it.
    """
    return {
        "spark.yarn.tags": f"marquee-{{{{ batch_id_of(ti) | lower }}}}-{job},marquee-{settings.ATTEMPT}",
        "spark.driver.defaultJavaOptions": java_options,
        "spark.executor.defaultJavaOptions": java_options,
    } | ({"spark.executor.memoryOverhead": overhead} if overhead else {})


class SparkJobOperator(SparkSubmitOperator):  # type: ignore[misc] # the provider is untyped
    """Run spark-submit into the try's own folder, then put the job's output in place.

    The job's result file is the task's result. `outputs` pairs each path below the try's folder with the path that it
    replaces. In `application_args`, settings.WORK stands for the try's folder, and settings.CLAIM for its claim. The
    connection says where the job runs: yarn, local[*], spark:// or k8s://.
    """

    template_fields: Sequence[str] = (
        *SparkSubmitOperator.template_fields,
        *("model_path", "result_name", "outputs", "batch_id", "attempt"),
    )
    application: str

    def __init__(
        self,
        *,
        application_args: Sequence[str],
        outputs: Sequence[tuple[str, str]],
        model_path: str = settings.MODEL_PATH,
        batch_id: str = settings.BATCH_ID,
        attempt: str = settings.ATTEMPT,
        **kwargs: Any,
    ) -> None:
        self.result_name = f"{kwargs['task_id']}.json"
        folder = f"hdfs://{model_path}/_attempts/{kwargs['task_id']}"
        work = f"{folder}/{WORK}{attempt}"
        places = {settings.WORK: work, settings.CLAIM: f"{folder}/{CLAIM}{attempt}"}
        arguments = [places.get(argument, argument) for argument in application_args]
        super().__init__(application_args=[*arguments, "--result", f"{work}/{self.result_name}"], **kwargs)
        self.model_path = model_path
        # Airflow renders the values of a dictionary, but not its keys.
        self.outputs = list(outputs)
        self.batch_id = batch_id
        self.attempt = attempt
        self._attempt: Attempt | None = None

    def execute(self, context: Context) -> dict[str, Any]:
        """Return the JSON object that the job wrote as its result."""
        client = hdfs.client()
        outputs = [*self.outputs, (self.result_name, f"{self.model_path}/{self.result_name}")]
        targets = {path.split("/")[0]: target for path, target in outputs}
        folder = f"{self.model_path}/_attempts/{self.task_id}"
        self._attempt = Attempt(client, self.log, folder, self.attempt, targets)
        self._attempt.begin()
        self._end_earlier_tries()
        super().execute(context)
        work = self._attempt.work
        with client.read(f"{work}/{self.result_name}", encoding="utf-8") as reader:
            text = reader.read()
        # The job names the folder that it wrote to, and its output is about to leave it.
        for path, target in outputs:
            text = text.replace(f"{work}/{path}", target)
        text = text.replace(work, self.model_path)
        client.write(f"{work}/{self.result_name}", data=text, encoding="utf-8", overwrite=True)
        for path, _ in outputs:
            self._attempt.collect(path.split("/")[0], f"{work}/{path}")
        self._attempt.commit()
        result: dict[str, Any] = json.loads(text)
        self.log.info("%s", json.dumps(result, indent=1, sort_keys=True))
        return result

    def on_kill(self) -> None:
        """Stop this try's YARN application, or its driver's pod, and spark-submit."""
        if self._attempt is not None:
            self._attempt.abandon()
            if not on_kubernetes.is_kubernetes(self._conn_id):
                yarn.kill_applications(yarn.attempt_tag(self.attempt), self.log)
        super().on_kill()

    def _end_earlier_tries(self) -> None:
        if on_kubernetes.is_kubernetes(self._conn_id):
            self.application = on_kubernetes.application_in_image(self.application)
            every_try = on_kubernetes.driver_name(self.batch_id, self.task_id)
            self._kubernetes_hook().delete_drivers(every_try, self.log)
        else:
            yarn.kill_applications(yarn.application_tag(self.batch_id, self.task_id), self.log)

    def _get_hook(self) -> SparkSubmitHook:
        hook = self._kubernetes_hook() if on_kubernetes.is_kubernetes(self._conn_id) else super()._get_hook()
        submit = hook.submit
        # Without that, spark-submit and the driver in it outlive a task process that is killed.
        hook.submit = lambda application: submit(application, preexec_fn=end_with_parent)
        return hook

    def _kubernetes_hook(self) -> on_kubernetes.KubernetesSubmitHook:
        return on_kubernetes.KubernetesSubmitHook(
            driver=on_kubernetes.driver_name(self.batch_id, self.task_id, self.attempt),
            conn_id=self._conn_id,
            conf=self.conf,
            name=self.name,
            application_args=self.application_args,
            spark_binary=self._spark_binary,
            properties_file=str(on_kubernetes.PROPERTIES),
        )
