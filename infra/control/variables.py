"""The environment variables that every process of the platform gets."""

from __future__ import annotations

import json
import os
import shutil
from typing import Any
from urllib.parse import quote

from infra.control.ambient import passed_on, system_user
from infra.control.secrets import fernet_key, secret
from infra.control.settings import REPOSITORY, TABLE, Settings
from infra.control.systems.availability import hdfs_uri


def process_environment(settings: Settings) -> dict[str, str]:
    """Return the whole environment of a process of the platform.

    It holds the platform's variables, and the few of the caller's that processes need.
    """
    # With a `default` entry in the caller's .netrc, requests would send that login in place of its own.
    return passed_on(settings) | environment(settings) | {"NETRC": os.devnull}


def environment(settings: Settings) -> dict[str, str]:
    """Return the platform's variables, without those of the caller's environment.

    They hold ports with their offset, paths, addresses, connections and secrets.
    """
    postgres_password = secret(settings, "postgres-password", settings["MARQUEE_POSTGRES_PASSWORD"])
    return {
        **_settings(settings),
        "MARQUEE_POSTGRES_PASSWORD": postgres_password,
        **_places(settings),
        **_addresses(settings),
        **_serving(settings),
        **_accounts(settings, postgres_password),
        **_reviews(settings, postgres_password),
        **_hadoop_hive_and_spark(settings),
        **_mlflow(settings, postgres_password),
        **_other_programs(settings),
        **_airflow(settings, postgres_password),
        **_airflow_connections(settings),
        **_openlineage(settings),
    }


def _settings(settings: Settings) -> dict[str, str]:
    values = {setting.name: settings[setting.name] for setting in TABLE}
    offset = settings.number("PORT_OFFSET")
    values |= {setting.name: str(int(settings[setting.name]) + offset) for setting in TABLE if setting.kind == "port"}
    # The ports include the offset. A control command in a shell with these variables would add it a second time.
    values["MARQUEE_PORT_OFFSET"] = "0"
    return values


def _hadoop_user(settings: Settings) -> str:
    return settings["MARQUEE_HADOOP_USER"] or system_user()


def _places(settings: Settings) -> dict[str, str]:
    instance = settings.instance
    return {
        "MARQUEE_STATE": str(settings.state),
        "MARQUEE_HOME": str(REPOSITORY),
        "MARQUEE_SOFTWARE": str(settings.software),
        "MARQUEE_INSTANCE_DIR": str(instance),
        "MARQUEE_USER": _hadoop_user(settings),
        "MARQUEE_PYTHON": str(settings.python),
        "MARQUEE_SERVING_PYTHON": str(settings.serving_python),
        "MARQUEE_ACCOUNTS_PYTHON": str(settings.accounts_python),
        "MARQUEE_SENTIMENT_PYTHON": str(settings.sentiment_python),
        "MARQUEE_REVIEWS_PYTHON": str(settings.reviews_python),
        "MARQUEE_PUBLICATION_STORE": str(instance / "data" / "serving"),
        "MARQUEE_SENTIMENT_STORE": str(instance / "data" / "sentiment"),
        "MARQUEE_DATA_DOCS": str(instance / "data" / "data-docs"),
        "MARQUEE_CACHE_DIR": str(settings.state / "cache"),
        "TMPDIR": str(instance / "tmp"),
    }


def _url(settings: Settings, service: str, port: str, scheme: str = "http") -> str:
    return f"{scheme}://{settings.host(service)}:{settings.port(port)}"


def _addresses(settings: Settings) -> dict[str, str]:
    web_hdfs = _url(settings, "namenode", "NAMENODE_HTTP")
    return {
        "MARQUEE_ANNOUNCE_TO": {"yes": web_hdfs, "no": ""}.get(
            settings["MARQUEE_ANNOUNCE"], settings["MARQUEE_ANNOUNCE"]
        ),
        "MARQUEE_AIRFLOW_URL": _url(settings, "airflow-api-server", "AIRFLOW"),
        "MARQUEE_WEBHDFS_URL": web_hdfs,
        "MARQUEE_HDFS_URI": hdfs_uri(settings),
        "MARQUEE_HDFS_USER": _hadoop_user(settings),
        "MARQUEE_MLFLOW_URL": _url(settings, "mlflow", "MLFLOW"),
        "MARQUEE_API_URL": _url(settings, "recommendations", "API"),
        "MARQUEE_ACCOUNTS_URL": _url(settings, "accounts", "ACCOUNTS"),
        "MARQUEE_REVIEWS_URL": _url(settings, "reviews", "REVIEWS"),
        "MARQUEE_YARN_RM_URL": _url(settings, "resourcemanager", "RESOURCEMANAGER_HTTP"),
        "MARQUEE_JOBHISTORY_URL": _url(settings, "jobhistory", "JOBHISTORY_HTTP"),
        "MARQUEE_HIVESERVER2_URL": _url(settings, "hiveserver2", "HIVESERVER2_HTTP"),
        "MARQUEE_POSTGRES_HOST": settings.host("postgres"),
        "MARQUEE_GATEWAY_URL": _url(settings, "gateway", "GATEWAY", settings.gateway_scheme),
        "MARQUEE_PROMETHEUS_URL": _url(settings, "prometheus", "PROMETHEUS"),
    }


def _database(settings: Settings, driver: str, name: str, password: str) -> str:
    """Return SQLAlchemy's address of a database, whose role has the database's name."""
    address = f"{settings.host('postgres')}:{settings.port('POSTGRES')}"
    return f"postgresql+{driver}://{name}:{quote(password, safe='')}@{address}/{name}"


def _serving(settings: Settings) -> dict[str, str]:
    return {
        "MARQUEE_SERVING_HOST": settings["MARQUEE_BIND_HOST"],
        "MARQUEE_SERVING_PORT": str(settings.port("API")),
        "MARQUEE_SERVING_WORKERS": settings["MARQUEE_API_WORKERS"],
        "MARQUEE_SERVING_CORS_ORIGIN": settings["MARQUEE_API_CORS_ORIGIN"],
    }


def _accounts(settings: Settings, postgres_password: str) -> dict[str, str]:
    chosen = settings["MARQUEE_ACCOUNTS_ADMIN_PASSWORD"]
    return {
        "MARQUEE_ACCOUNTS_HOST": settings["MARQUEE_BIND_HOST"],
        # The gateway, which alone is trusted to name a request's address.
        "MARQUEE_ACCOUNTS_PROXIES": "1",
        "MARQUEE_ACCOUNTS_SECRET": secret(settings, "accounts-secret"),
        "MARQUEE_ACCOUNTS_DATABASE": _database(settings, "psycopg", "accounts", postgres_password),
        "MARQUEE_ACCOUNTS_ADMIN_PASSWORD": secret(settings, "accounts-admin-password", chosen),
    }


def _reviews(settings: Settings, postgres_password: str) -> dict[str, str]:
    return {
        "MARQUEE_REVIEWS_HOST": settings["MARQUEE_BIND_HOST"],
        "MARQUEE_REVIEWS_SECRET": secret(settings, "reviews-secret"),
        "MARQUEE_REVIEWS_DATABASE": _database(settings, "psycopg", "reviews", postgres_password),
        # The client by which the service asks the accounts service which accounts there are.
        "MARQUEE_REVIEWS_CLIENT_ID": "reviews",
        "MARQUEE_REVIEWS_CLIENT_SECRET": secret(settings, "reviews-client-secret"),
    }


def _hadoop_hive_and_spark(settings: Settings) -> dict[str, str]:
    hadoop, conf = str(settings.software / "hadoop"), settings.instance / "conf"
    spark_home = settings.python.parents[1] / "lib" / "python3.11" / "site-packages" / "pyspark"
    values = {
        **{f"HADOOP{part}_HOME": hadoop for part in ("", "_COMMON", "_HDFS", "_YARN", "_MAPRED")},
        "HADOOP_CONF_DIR": str(conf / "hadoop"),
        "YARN_CONF_DIR": str(conf / "hadoop"),
        "HIVE_HOME": str(settings.software / "hive"),
        "HIVE_CONF_DIR": str(conf / "hive"),
        "SPARK_HOME": str(spark_home),
        "SPARK_CONF_DIR": str(conf / "spark"),
        "PYSPARK_PYTHON": str(settings.python),
        "PYSPARK_DRIVER_PYTHON": str(settings.python),
        "OPENBLAS_NUM_THREADS": "1",
    }
    # Images of the services that need no JVM have none.
    if settings["JAVA_HOME"] or shutil.which("java"):
        values["JAVA_HOME"] = str(settings.java_home)
    if settings["MARQUEE_HADOOP_USER"]:
        values["HADOOP_USER_NAME"] = settings["MARQUEE_HADOOP_USER"]
    if settings["MARQUEE_KUBECONFIG"]:
        values["KUBECONFIG"] = str(REPOSITORY / settings["MARQUEE_KUBECONFIG"])
    if not settings.hosts:
        values["SPARK_LOCAL_IP"] = settings["MARQUEE_BIND_HOST"]
    return values


def _mlflow(settings: Settings, postgres_password: str) -> dict[str, str]:
    values = {
        "MARQUEE_MLFLOW_DATABASE": _database(settings, "psycopg2", "mlflow", postgres_password),
        "MLFLOW_TRACKING_URI": _url(settings, "mlflow", "MLFLOW"),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        # MLflow's job runners would triple its memory, and nothing here uses them.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    if "mlflow" in settings.hosts:
        # By default MLflow answers only requests for a numeric address or localhost.
        names = ("localhost", "127.0.0.1", settings.host("mlflow"))
        values["MLFLOW_SERVER_ALLOWED_HOSTS"] = ",".join(f"{name}:{settings.port('MLFLOW')}" for name in names)
    return values


def _other_programs(settings: Settings) -> dict[str, str]:
    folders = [
        str(settings.python.parent),
        str(REPOSITORY / "infra/services/hadoop/bin"),
        str(REPOSITORY / "infra/services/hive/bin"),
        os.environ.get("PATH", "/usr/bin:/bin"),
    ]
    return {
        "GX_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "TZ": "UTC",
        # A locale that this machine lacks would make each shell and JVM write a line to standard error, and a Turkish one
        # would change what Java's toLowerCase makes of an I.
        "LC_ALL": "C.UTF-8",
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(REPOSITORY),
        "PATH": os.pathsep.join(folders),
    }


def _airflow(settings: Settings, postgres_password: str) -> dict[str, str]:
    home = settings.instance / "data" / "airflow"
    return {
        "MARQUEE_AIRFLOW_PASSWORD": secret(settings, "airflow-password", settings["MARQUEE_AIRFLOW_PASSWORD"]),
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(REPOSITORY / "dags" / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": settings["MARQUEE_AIRFLOW_PARALLELISM"],
        "AIRFLOW__CORE__FERNET_KEY": secret(settings, "fernet-key", make=fernet_key),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{_url(settings, 'airflow-api-server', 'AIRFLOW')}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{settings['MARQUEE_AIRFLOW_USER']}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": _database(settings, "psycopg2", "airflow", postgres_password),
        "AIRFLOW__API__HOST": settings["MARQUEE_BIND_HOST"],
        "AIRFLOW__API__PORT": str(settings.port("AIRFLOW")),
        "AIRFLOW__API__BASE_URL": f"http://{settings.browser_host}:{settings.port('AIRFLOW')}",
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__SECRET_KEY": secret(settings, "airflow-secret-key"),
        "AIRFLOW__API_AUTH__JWT_SECRET": secret(settings, "airflow-jwt-secret"),
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(settings.instance / "logs" / "airflow"),
        # By default the scheduler hands out tasks up to a second late. Two cores allow it to look twice as often.
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
        # A killed scheduler's tasks end with it. Its successor looks for them at once, while the dead scheduler still counts
        # as alive, and by default looks again only five minutes later.
        "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "60",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "30",
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
        # Else a SparkSubmitOperator task that succeeded and was cleared counts as done (Airflow pull request 71358).
        "AIRFLOW__STATE_STORE__CLEAR_ON_SUCCESS": "True",
    }


def _airflow_connections(settings: Settings) -> dict[str, str]:
    login = _hadoop_user(settings)
    hive = {
        "conn_type": "hiveserver2",
        "host": settings.host("hiveserver2"),
        "port": settings.port("HIVESERVER2"),
        "schema": "default",
        "login": login,
        "extra": {"auth_mechanism": "NONE"},
    }
    webhdfs = {
        "conn_type": "webhdfs",
        "host": settings.host("namenode"),
        "port": settings.port("NAMENODE_HTTP"),
        "login": login,
    }
    return {
        "AIRFLOW_CONN_HIVESERVER2_DEFAULT": json.dumps(hive),
        "AIRFLOW_CONN_WEBHDFS_DEFAULT": json.dumps(webhdfs),
        "AIRFLOW_CONN_SPARK_DEFAULT": json.dumps(_spark_connection(settings, settings["MARQUEE_SPARK_MASTER"])),
        "AIRFLOW_CONN_SPARK_LOCAL_FILES": json.dumps(_spark_connection(settings, _master_of_local_files(settings))),
    }


def _master_of_local_files(settings: Settings) -> str:
    """Return the master of jobs whose driver reads files of this machine."""
    # No pod has these.
    master = settings["MARQUEE_SPARK_MASTER"]
    return "yarn" if master.startswith("k8s://") else master


def _spark_connection(settings: Settings, master: str) -> dict[str, Any]:
    """Return Airflow's connection to a Spark master."""
    host, _, port = master.rpartition(":") if master.startswith("spark://") else (master, "", "")
    extra = {"deploy-mode": "client", "spark-binary": "spark-submit"}
    if master.startswith("k8s://"):
        # Pods could not reach a driver on this machine.
        extra |= {"deploy-mode": "cluster", "namespace": settings["MARQUEE_SPARK_NAMESPACE"]}
    connection: dict[str, Any] = {"conn_type": "spark", "host": host, "extra": extra}
    return connection | ({"port": int(port)} if port else {})


def _openlineage(settings: Settings) -> dict[str, str]:
    """Return the variables of Airflow's OpenLineage provider."""
    destination = settings["MARQUEE_OPENLINEAGE"]
    if not destination:
        return {"AIRFLOW__OPENLINEAGE__DISABLED": "True"}
    if destination == "file":
        events = settings.instance / "logs" / "openlineage.ndjson"
        transport = {"type": "file", "log_file_path": str(events), "append": True}
    else:
        transport = {"type": "http", "url": destination}
    return {
        "AIRFLOW__OPENLINEAGE__NAMESPACE": "marquee",
        "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(transport),
    }
