"""The environment that every process of the platform gets, and the configuration files rendered from the same values."""

from __future__ import annotations

import base64
import getpass
import json
import os
import re
import secrets
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

from infra.control.settings import REPOSITORY, TABLE, Settings, SettingsError

_OPENED_PACKAGES = [
    "java.lang",
    "java.util",
    "java.util.concurrent",
    "java.util.concurrent.atomic",
    "java.net",
    "java.nio",
    "java.io",
    "java.text",
    "java.util.regex",
    "java.time",
]
# JDK 17 closes these packages; the Tez and MapReduce application masters and their tasks reflect into them.
JAVA_OPENS = (
    " ".join(f"--add-opens=java.base/{p}=ALL-UNNAMED" for p in _OPENED_PACKAGES)
    + " --add-opens=java.sql/java.sql=ALL-UNNAMED"
)
# Short-lived JVMs on two cores: the serial collector starts fastest.
JAVA_SMALL = "-XX:+UseSerialGC"


class ConfigurationTemplate(Template):
    """`@{NAME}`: Hadoop's own files use `${name}`."""

    delimiter = "@"


def _token() -> str:
    return secrets.token_urlsafe(24)


def _fernet_key() -> str:
    return base64.urlsafe_b64encode(os.urandom(32)).decode()


def _secret(settings: Settings, name: str, chosen: str = "", make: Callable[[], str] = _token) -> str:
    """Returns the chosen secret, else the one kept for this instance, made at its first use. Raises SettingsError for an empty file."""
    if chosen:
        return chosen
    path = settings.instance / "secrets" / name
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        private_write(path, make())
    kept = path.read_text(encoding="utf-8").strip()
    if not kept:
        raise SettingsError(f"{path} is empty: put the secret back from a backup, or delete the file to have one made.")
    return kept


def _database(settings: Settings, driver: str, name: str, password: str) -> str:
    """Returns SQLAlchemy's address of one of the databases; its role has the database's name."""
    address = f"{settings.host('postgres')}:{settings.port('POSTGRES')}"
    return f"postgresql+{driver}://{name}:{quote(password, safe='')}@{address}/{name}"


def environment(settings: Settings) -> dict[str, str]:
    """Returns the platform's variables (not the caller's environment): ports with their offset, paths, URLs, connections, secrets."""
    bind, host = settings["MARQUEE_BIND_HOST"], settings.host
    software, instance = settings.software, settings.instance
    values = {s.name: settings[s.name] for s in TABLE if s.kind != "port"}
    for setting in TABLE:
        if setting.kind == "port":
            values[setting.name] = str(int(settings[setting.name]) + settings.number("PORT_OFFSET"))
    # The ports have it already: a control command in a shell with these variables would add it again.
    values["MARQUEE_PORT_OFFSET"] = "0"
    postgres_password = _secret(settings, "postgres-password", settings["MARQUEE_POSTGRES_PASSWORD"])
    mlflow_url = f"http://{host('mlflow')}:{settings.port('MLFLOW')}"
    venv_bin = settings.python.parent
    spark_home = settings.python.parents[1] / "lib" / "python3.11" / "site-packages" / "pyspark"
    values |= {
        "MARQUEE_STATE": str(settings.state),
        "MARQUEE_HOME": str(REPOSITORY),
        "MARQUEE_SOFTWARE": str(software),
        "MARQUEE_INSTANCE_DIR": str(instance),
        "MARQUEE_USER": getpass.getuser(),
        "MARQUEE_PYTHON": str(settings.python),
        "MARQUEE_SERVING_PYTHON": str(settings.serving_python),
        "MARQUEE_POSTGRES_PASSWORD": postgres_password,
        "MARQUEE_AIRFLOW_PASSWORD": _secret(settings, "airflow-password", settings["MARQUEE_AIRFLOW_PASSWORD"]),
        "MARQUEE_AIRFLOW_URL": f"http://{host('airflow-api-server')}:{settings.port('AIRFLOW')}",
        "MARQUEE_WEBHDFS_URL": f"http://{host('namenode')}:{settings.port('NAMENODE_HTTP')}",
        "MARQUEE_HDFS_URI": f"hdfs://{settings.hosts.get('namenode', settings.local_host)}:{settings.port('NAMENODE_RPC')}",
        "MARQUEE_HDFS_USER": getpass.getuser(),
        "MARQUEE_MLFLOW_URL": mlflow_url,
        "MARQUEE_MLFLOW_DATABASE": _database(settings, "psycopg2", "mlflow", postgres_password),
        "MARQUEE_API_URL": f"http://{host('recommendations')}:{settings.port('API')}",
        "MARQUEE_YARN_RM_URL": f"http://{host('resourcemanager')}:{settings.port('RESOURCEMANAGER_HTTP')}",
        "MARQUEE_JOBHISTORY_URL": f"http://{host('jobhistory')}:{settings.port('JOBHISTORY_HTTP')}",
        "MARQUEE_HIVESERVER2_URL": f"http://{host('hiveserver2')}:{settings.port('HIVESERVER2_HTTP')}",
        "MARQUEE_POSTGRES_HOST": host("postgres"),
        "MARQUEE_ACCOUNTS_PYTHON": str(settings.accounts_python),
        "MARQUEE_ACCOUNTS_HOST": bind,
        "MARQUEE_ACCOUNTS_SECRET": _secret(settings, "accounts-secret"),
        "MARQUEE_ACCOUNTS_DATABASE": _database(settings, "psycopg", "accounts", postgres_password),
        "MARQUEE_ACCOUNTS_ADMIN_PASSWORD": _secret(
            settings, "accounts-admin-password", settings["MARQUEE_ACCOUNTS_ADMIN_PASSWORD"]
        ),
        # The gateway; it alone says where a request comes from.
        "MARQUEE_ACCOUNTS_PROXIES": "1",
        "MARQUEE_GATEWAY_URL": f"{_gateway_scheme(settings)}://{host('gateway')}:{settings.port('GATEWAY')}",
        "MARQUEE_PUBLICATION_STORE": str(instance / "data" / "serving"),
        "MARQUEE_DATA_DOCS": str(instance / "data" / "data-docs"),
        "MARQUEE_CACHE_DIR": str(settings.state / "cache"),
        "MARQUEE_SERVING_HOST": bind,
        "MARQUEE_SERVING_PORT": str(settings.port("API")),
        "MARQUEE_SERVING_WORKERS": settings["MARQUEE_API_WORKERS"],
        "MARQUEE_SERVING_CORS_ORIGIN": settings["MARQUEE_API_CORS_ORIGIN"],
        "MARQUEE_PROMETHEUS_URL": f"http://{host('prometheus')}:{settings.port('PROMETHEUS')}",
        "HADOOP_HOME": str(software / "hadoop"),
        "HADOOP_CONF_DIR": str(instance / "conf" / "hadoop"),
        "YARN_CONF_DIR": str(instance / "conf" / "hadoop"),
        **{f"HADOOP_{part}_HOME": str(software / "hadoop") for part in ("COMMON", "HDFS", "YARN", "MAPRED")},
        "HIVE_HOME": str(software / "hive"),
        "HIVE_CONF_DIR": str(instance / "conf" / "hive"),
        "SPARK_HOME": str(spark_home),
        "SPARK_CONF_DIR": str(instance / "conf" / "spark"),
        "PYSPARK_PYTHON": str(settings.python),
        "PYSPARK_DRIVER_PYTHON": str(settings.python),
        "OPENBLAS_NUM_THREADS": "1",
        "MLFLOW_TRACKING_URI": mlflow_url,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        # Its job runners would triple its memory, and nothing here uses them.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "GX_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "TMPDIR": str(instance / "tmp"),
        "TZ": "UTC",
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(REPOSITORY),
        "PATH": os.pathsep.join(
            [
                str(venv_bin),
                str(REPOSITORY / "infra/services/hadoop/bin"),
                str(REPOSITORY / "infra/services/hive/bin"),
                os.environ.get("PATH", "/usr/bin:/bin"),
            ]
        ),
    }
    # Images of the services that need no JVM have none.
    if settings["JAVA_HOME"] or shutil.which("java"):
        values["JAVA_HOME"] = str(settings.java_home)
    if not settings.hosts:
        values["SPARK_LOCAL_IP"] = bind
    if "mlflow" in settings.hosts:
        # By default it answers to addresses alone.
        names = ("localhost", "127.0.0.1", host("mlflow"))
        values["MLFLOW_SERVER_ALLOWED_HOSTS"] = ",".join(f"{name}:{settings.port('MLFLOW')}" for name in names)
    values |= _airflow(settings, values)
    values |= _openlineage(settings)
    return values


def _airflow(settings: Settings, values: dict[str, str]) -> dict[str, str]:
    host = settings.host
    home = settings.instance / "data" / "airflow"
    master = settings["MARQUEE_SPARK_MASTER"]
    if master.startswith("spark://") and not re.fullmatch(r"spark://[^:/].*:\d+", master):
        raise SettingsError(f"MARQUEE_SPARK_MASTER={master!r} is not spark://host:port. Correct it in .env.")
    spark_host, _, spark_port = master.rpartition(":") if master.startswith("spark://") else (master, "", "")
    spark: dict[str, Any] = {
        "conn_type": "spark",
        "host": spark_host,
        "extra": {"deploy-mode": "client", "spark-binary": "spark-submit"},
    }
    if spark_port:
        spark["port"] = int(spark_port)
    hive = {
        "conn_type": "hiveserver2",
        "host": host("hiveserver2"),
        "port": settings.port("HIVESERVER2"),
        "schema": "default",
        "login": values["MARQUEE_USER"],
        "extra": {"auth_mechanism": "NONE"},
    }
    webhdfs = {
        "conn_type": "webhdfs",
        "host": host("namenode"),
        "port": settings.port("NAMENODE_HTTP"),
        "login": values["MARQUEE_USER"],
    }
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(REPOSITORY / "dags" / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": settings["MARQUEE_AIRFLOW_PARALLELISM"],
        "AIRFLOW__CORE__FERNET_KEY": _secret(settings, "fernet-key", make=_fernet_key),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{values['MARQUEE_AIRFLOW_URL']}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{settings['MARQUEE_AIRFLOW_USER']}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": _database(
            settings, "psycopg2", "airflow", values["MARQUEE_POSTGRES_PASSWORD"]
        ),
        "AIRFLOW__API__HOST": settings["MARQUEE_BIND_HOST"],
        "AIRFLOW__API__PORT": str(settings.port("AIRFLOW")),
        "AIRFLOW__API__BASE_URL": f"http://{settings.browser_host}:{settings.port('AIRFLOW')}",
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__SECRET_KEY": _secret(settings, "airflow-secret-key"),
        "AIRFLOW__API_AUTH__JWT_SECRET": _secret(settings, "airflow-jwt-secret"),
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(settings.instance / "logs" / "airflow"),
        # The default lets one process render a page and the scheduler hand out tasks a second late; two cores bear more.
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
        # A killed scheduler's tasks end with it. Its successor looks for them at once, when the dead one still counts as alive, and
        # by default only five minutes later again.
        "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "60",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "30",
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
        # A cleared, succeeded SparkSubmitOperator task would be taken as done already (Airflow pull request 71358).
        "AIRFLOW__STATE_STORE__CLEAR_ON_SUCCESS": "True",
        "AIRFLOW_CONN_HIVESERVER2_DEFAULT": json.dumps(hive),
        "AIRFLOW_CONN_WEBHDFS_DEFAULT": json.dumps(webhdfs),
        "AIRFLOW_CONN_SPARK_DEFAULT": json.dumps(spark),
    }


def _gateway_scheme(settings: Settings) -> str:
    return "https" if settings["MARQUEE_GATEWAY_CERTIFICATE"] else "http"


def _gateway_listen(settings: Settings) -> str:
    """Returns nginx's directives of where the gateway listens, with TLS where a certificate is set."""
    listen = f"listen {settings['MARQUEE_GATEWAY_HOST']}:{settings.port('GATEWAY')}"
    if _gateway_scheme(settings) == "http":
        return f"{listen};"
    lines = [
        f"{listen} ssl;",
        # nginx would take a relative path for one of the configuration's folder.
        f'ssl_certificate "{REPOSITORY / settings["MARQUEE_GATEWAY_CERTIFICATE"]}";',
        f'ssl_certificate_key "{REPOSITORY / settings["MARQUEE_GATEWAY_KEY"]}";',
        'add_header Strict-Transport-Security "max-age=31536000" always;',
    ]
    return "\n    ".join(lines)


def _openlineage(settings: Settings) -> dict[str, str]:
    """Returns the variables of Airflow's OpenLineage provider. Raises SettingsError for a destination it cannot have."""
    destination = settings["MARQUEE_OPENLINEAGE"]
    if not destination:
        return {"AIRFLOW__OPENLINEAGE__DISABLED": "True"}
    if destination == "file":
        events = settings.instance / "logs" / "openlineage.ndjson"
        transport = {"type": "file", "log_file_path": str(events), "append": True}
    elif destination.startswith(("http://", "https://")):
        transport = {"type": "http", "url": destination}
    else:
        raise SettingsError(
            f"MARQUEE_OPENLINEAGE={destination!r} is neither `file` nor an http(s) address. Correct it in .env."
        )
    return {
        "AIRFLOW__OPENLINEAGE__NAMESPACE": "marquee",
        "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(transport),
    }


def _prometheus_targets(settings: Settings) -> dict[str, str]:
    """Returns the addresses of the services of which there may be several: of this machine, or how to find all of a host name."""
    datanodes = range(settings.port("DATANODE_HTTP"), settings.port("DATANODE_HTTP") + settings.number("DATANODES"))
    ports = {
        "datanode1": datanodes,
        "nodemanager": [settings.port("NODEMANAGER_HTTP")],
        "recommendations": [settings.port("API")],
    }
    here, elsewhere = {}, {}
    for service, numbers in ports.items():
        host = settings.hosts.get(service)
        addresses = ", ".join(f'"{settings["MARQUEE_BIND_HOST"]}:{number}"' for number in numbers)
        here[service] = "" if host else addresses
        elsewhere[service] = f"{{names: [{host}], type: A, port: {numbers[0]}}}" if host else ""
    return {
        "DATANODE_TARGETS": here["datanode1"],
        "NODEMANAGER_TARGETS": here["nodemanager"],
        "API_TARGETS": here["recommendations"],
        "HADOOP_REPLICAS": ", ".join(filter(None, (elsewhere["datanode1"], elsewhere["nodemanager"]))),
        "API_REPLICAS": elsewhere["recommendations"],
    }


def template_values(settings: Settings, variables: dict[str, str]) -> dict[str, str]:
    """Returns what `@{NAME}` stands for in infra's configuration templates."""
    values = {name.removeprefix("MARQUEE_"): value for name, value in variables.items()}
    for server in ("NAMENODE", "RESOURCEMANAGER", "JOBHISTORY", "METASTORE", "HIVESERVER2", "POSTGRES"):
        values[f"{server}_HOST"] = settings.hosts.get(server.lower(), settings.local_host)
    values |= {
        "OWN_HOST": settings.own_host,
        "API_HOST": settings.host("recommendations"),
        "ACCOUNTS_HOST": settings.host("accounts"),
        "EXPORTER_HOST": settings.host("exporter"),
        "INSTANCE": str(settings.instance),
        "GATEWAY_LISTEN": _gateway_listen(settings),
        "HADOOP_METRICS": str(settings.monitoring).lower(),
        **_prometheus_targets(settings),
        "SOFTWARE": str(settings.software),
        "JAVA_OPENS": JAVA_OPENS,
        "JAVA_SMALL": JAVA_SMALL,
        # A container holds the heap, the JVM's own memory and, for streaming, the Python process.
        "MAPREDUCE_CONTAINER": str(settings.number("MAPREDUCE_HEAP") + 256),
        "TEZ_CONTAINER": str(settings.number("TEZ_HEAP") + 256),
    }
    return values


CONFIGURATION = {
    "hadoop": "infra/services/hadoop/conf",
    "hive": "infra/services/hive/conf",
    "spark": "infra/services/spark",
    "gateway": "infra/services/gateway",
    "monitoring": "infra/monitoring/conf",
}


def render(settings: Settings, variables: dict[str, str]) -> None:
    """Writes the instance's conf/ and env.sh from infra's templates."""
    values = template_values(settings, variables)
    escaped = {name: escape(value) for name, value in values.items()}
    for target, source in CONFIGURATION.items():
        folder = settings.instance / "conf" / target
        folder.mkdir(parents=True, exist_ok=True)
        for template in sorted((REPOSITORY / source).iterdir()):
            if template.suffix in (".xml", ".properties", ".conf", ".yml"):
                text = ConfigurationTemplate(template.read_text(encoding="utf-8"))
                private_write(folder / template.name, text.substitute(escaped if template.suffix == ".xml" else values))
    exports = "".join(
        f"export {name}={shlex.quote(value)}\n" for name, value in sorted(variables.items()) if name != "PATH"
    )
    path = variables["PATH"].removesuffix(os.environ.get("PATH", ""))
    private_write(
        settings.instance / "env.sh",
        f"# source this to use hdfs, yarn, hive, airflow and mlflow by hand\n{exports}export PATH={path}$PATH\n",
    )


def private_write(path: Path, text: str) -> None:
    """Writes a file that may hold a password: readable by its owner alone, replaced whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    fresh.touch(mode=0o600)
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)
