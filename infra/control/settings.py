"""Every setting of the platform, written once: name, default, meaning. `.env.example` and the README follow from this table."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


class SettingsError(Exception):
    """A setting is unknown or has a value that can't be used; the message names it and says what it should be."""


@dataclass(frozen=True)
class Setting:
    """One line of `.env`."""

    name: str
    default: str
    meaning: str
    section: str
    kind: str = "text"  # text | port | number | path | yes or no


def _section(title: str, *rows: tuple[str, str, str, str]) -> list[Setting]:
    return [Setting(name, default, meaning, title, kind) for name, default, meaning, kind in rows]


TABLE: list[Setting] = [
    *_section(
        "Where things are",
        (
            "MARQUEE_STATE",
            ".marquee",
            "folder of everything that is installed, stored or logged; relative to the repository",
            "path",
        ),
        (
            "MARQUEE_INSTANCE",
            "default",
            "name of this installation below MARQUEE_STATE/instances; `make test` uses another",
            "text",
        ),
        (
            "MARQUEE_PORT_OFFSET",
            "0",
            "added to every port below, so that a second instance runs beside the first",
            "number",
        ),
        (
            "MARQUEE_BACKUPS",
            "",
            "folder of the backups that `make backup` writes; empty: backups/ below MARQUEE_STATE",
            "path",
        ),
        ("MARQUEE_BIND_HOST", "127.0.0.1", "address that every port binds to", "text"),
        (
            "MARQUEE_OPEN_WITHOUT_LOGIN",
            "no",
            "yes: that address may be one of the network, though HDFS, YARN, Hive and others ask for no login",
            "yes or no",
        ),
        (
            "MARQUEE_HOSTS",
            "",
            "services that `make up` leaves to other hosts, such as `namenode=nn.example.org mlflow=ml.example.org`; see docs/cluster.md",
            "text",
        ),
        ("JAVA_HOME", "", "JDK 17; here it wins over the environment; empty: found through `java` on PATH", "path"),
    ),
    *_section(
        "The pipeline",
        ("MARQUEE_SCHEDULE", "0 3 * * *", "cron expression (UTC) of the nightly run", "text"),
        ("MARQUEE_TUNING_SCHEDULE", "0 6 * * 0", "cron expression (UTC) of the weekly search for settings", "text"),
        ("MARQUEE_DATASET", "movielens-embedded", "data set of the nightly run and the default of `make run`", "text"),
        (
            "MARQUEE_ARCHIVE",
            "",
            "local zip or folder of that data set; empty: embedded or the official address",
            "path",
        ),
        ("MARQUEE_RETRIES", "3", "how often a failed task is tried again", "number"),
        (
            "MARQUEE_RETRY_DELAY_SECONDS",
            "20",
            "seconds before the first of these; each later one waits twice as long",
            "number",
        ),
        (
            "MARQUEE_RECENT_POPULARITY_MARGIN",
            "0",
            "nDCG@10 by which a model must beat recent popularity to be published; negative: may be missed by",
            "text",
        ),
        (
            "MARQUEE_BATCHES_KEPT",
            "14",
            "batches that the warehouse keeps, beside what is live, pinned or may be rolled back to",
            "number",
        ),
        (
            "MARQUEE_PUBLICATIONS_KEPT",
            "7",
            "earlier publications that the serving store keeps to roll back to; their batches stay in the warehouse",
            "number",
        ),
        (
            "MARQUEE_DRIFT_ROWS_WARNING",
            "0.1",
            "relative change of a table's rows against the batch before that is shown as a warning",
            "text",
        ),
        ("MARQUEE_DRIFT_ROWS_ERROR", "0.5", "the change that stops the run", "text"),
        (
            "MARQUEE_DRIFT_PSI_WARNING",
            "0.1",
            "population stability index of a column against the batch before that is shown as a warning",
            "text",
        ),
        ("MARQUEE_DRIFT_PSI_ERROR", "0.25", "the index that stops the run", "text"),
        (
            "MARQUEE_OPENLINEAGE",
            "",
            "where Airflow sends OpenLineage events: an http(s) address, or `file` for the instance's logs; empty: nowhere",
            "text",
        ),
        (
            "MARQUEE_GIT_COMMIT",
            "",
            "commit that the lineage names, where there is no checkout; empty: that of the checkout",
            "text",
        ),
        ("MARQUEE_SPARK_MASTER", "yarn", "yarn, local[*] or spark://host:port", "text"),
    ),
    *_section(
        "Who may log in (passwords left empty are generated once and kept in MARQUEE_STATE)",
        ("MARQUEE_AIRFLOW_USER", "admin", "Airflow's administrator", "text"),
        ("MARQUEE_AIRFLOW_PASSWORD", "", "its password", "text"),
        (
            "MARQUEE_POSTGRES_PASSWORD",
            "",
            "password of PostgreSQL's roles; another one holds from the next start",
            "text",
        ),
        ("MARQUEE_ACCOUNTS_ADMIN_USER", "admin", "administrator of the accounts service", "text"),
        ("MARQUEE_ACCOUNTS_ADMIN_PASSWORD", "", "its first password; change it there", "text"),
    ),
    *_section(
        "The gateway (one address for the web pages and both APIs)",
        ("MARQUEE_GATEWAY_HOST", "127.0.0.1", "address that it binds to; 0.0.0.0: every one, then set TLS too", "text"),
        ("MARQUEE_GATEWAY_CERTIFICATE", "", "PEM file of its certificate chain; empty: no TLS", "path"),
        ("MARQUEE_GATEWAY_KEY", "", "PEM file of the certificate's key", "path"),
        ("MARQUEE_GATEWAY_RATE", "200", "requests a second that one address may send", "number"),
        ("MARQUEE_GATEWAY_SIGN_IN_RATE", "30", "of these, registrations and sign-ins a minute", "number"),
    ),
    *_section(
        "Monitoring",
        (
            "MARQUEE_MONITORING",
            "no",
            "yes: also Prometheus with rules and alerts, an exporter with a page of four views, and metrics of Hadoop and Hive",
            "yes or no",
        ),
        (
            "MARQUEE_NODEMANAGERS",
            "1",
            "how many NodeManagers there should be, else there is an alert; `make up` starts one",
            "number",
        ),
        (
            "MARQUEE_APIS",
            "1",
            "how many recommendation APIs there should be, likewise",
            "number",
        ),
    ),
    *_section(
        "Ports",
        ("MARQUEE_AIRFLOW_PORT", "8080", "Airflow UI and API", "port"),
        ("MARQUEE_API_PORT", "8000", "recommendation API", "port"),
        ("MARQUEE_ACCOUNTS_PORT", "8001", "accounts service", "port"),
        ("MARQUEE_GATEWAY_PORT", "8090", "gateway", "port"),
        ("MARQUEE_MLFLOW_PORT", "5000", "MLflow tracking server", "port"),
        ("MARQUEE_NAMENODE_RPC_PORT", "9000", "NameNode, fs.defaultFS", "port"),
        ("MARQUEE_NAMENODE_HTTP_PORT", "9870", "NameNode UI and WebHDFS", "port"),
        ("MARQUEE_DATANODE_DATA_PORT", "9861", "first DataNode's data transfer; the others follow", "port"),
        ("MARQUEE_DATANODE_HTTP_PORT", "9881", "first DataNode's UI and WebHDFS; the others follow", "port"),
        ("MARQUEE_DATANODE_IPC_PORT", "9891", "first DataNode's IPC; the others follow", "port"),
        ("MARQUEE_RESOURCEMANAGER_PORT", "8032", "ResourceManager, applications", "port"),
        ("MARQUEE_RESOURCEMANAGER_SCHEDULER_PORT", "8030", "ResourceManager, scheduler", "port"),
        ("MARQUEE_RESOURCEMANAGER_TRACKER_PORT", "8031", "ResourceManager, NodeManagers", "port"),
        ("MARQUEE_RESOURCEMANAGER_ADMIN_PORT", "8033", "ResourceManager, administration", "port"),
        ("MARQUEE_RESOURCEMANAGER_HTTP_PORT", "8088", "ResourceManager UI", "port"),
        ("MARQUEE_NODEMANAGER_PORT", "8041", "NodeManager, containers", "port"),
        ("MARQUEE_NODEMANAGER_LOCALIZER_PORT", "8040", "NodeManager, localiser", "port"),
        ("MARQUEE_NODEMANAGER_HTTP_PORT", "8042", "NodeManager UI", "port"),
        ("MARQUEE_NODEMANAGER_COLLECTOR_PORT", "8048", "NodeManager, collector service", "port"),
        ("MARQUEE_SHUFFLE_PORT", "13562", "NodeManager, MapReduce and Tez shuffle", "port"),
        ("MARQUEE_JOBHISTORY_PORT", "10020", "JobHistory server", "port"),
        ("MARQUEE_JOBHISTORY_ADMIN_PORT", "10033", "JobHistory server, administration", "port"),
        ("MARQUEE_JOBHISTORY_HTTP_PORT", "19888", "JobHistory UI", "port"),
        ("MARQUEE_POSTGRES_PORT", "15432", "PostgreSQL", "port"),
        ("MARQUEE_METASTORE_PORT", "9083", "Hive metastore", "port"),
        ("MARQUEE_HIVESERVER2_PORT", "10000", "HiveServer2, thrift", "port"),
        ("MARQUEE_HIVESERVER2_HTTP_PORT", "10002", "HiveServer2 UI", "port"),
        ("MARQUEE_SPARK_MASTER_PORT", "7077", "Spark master, where Spark has a cluster of its own", "port"),
        ("MARQUEE_SPARK_MASTER_HTTP_PORT", "8085", "Spark master's UI", "port"),
        ("MARQUEE_SPARK_WORKER_PORT", "7078", "Spark worker", "port"),
        ("MARQUEE_PROMETHEUS_PORT", "9090", "Prometheus", "port"),
        ("MARQUEE_EXPORTER_PORT", "9095", "exporter and its page", "port"),
        ("MARQUEE_METASTORE_METRICS_PORT", "9404", "Hive metastore, metrics", "port"),
        ("MARQUEE_HIVESERVER2_METRICS_PORT", "9405", "HiveServer2, metrics", "port"),
    ),
    *_section(
        "The recommendation API",
        (
            "MARQUEE_SERVING_LOG_LEVEL",
            "info",
            "of it and of the accounts service: info logs each request, warning does not",
            "text",
        ),
        ("MARQUEE_API_CORS_ORIGIN", "", "origin whose pages may call it from a browser, or *; empty: none", "text"),
    ),
    *_section(
        "Sizes (heaps in MiB)",
        ("MARQUEE_DATANODES", "4", "number of DataNodes; replication is 3, so the fourth is the spare", "number"),
        ("MARQUEE_NAMENODE_HEAP", "256", "NameNode", "number"),
        ("MARQUEE_DATANODE_HEAP", "160", "each DataNode", "number"),
        ("MARQUEE_RESOURCEMANAGER_HEAP", "320", "ResourceManager", "number"),
        ("MARQUEE_NODEMANAGER_HEAP", "256", "NodeManager", "number"),
        ("MARQUEE_JOBHISTORY_HEAP", "192", "JobHistory server", "number"),
        ("MARQUEE_METASTORE_HEAP", "384", "Hive metastore", "number"),
        ("MARQUEE_HIVESERVER2_HEAP", "768", "HiveServer2", "number"),
        ("MARQUEE_HADOOP_CLIENT_HEAP", "384", "`hdfs`, `yarn`, `hadoop jar` as clients", "number"),
        ("MARQUEE_YARN_MEMORY", "6144", "what YARN may give to containers", "number"),
        ("MARQUEE_YARN_VCORES", "4", "virtual cores that YARN may give to containers", "number"),
        ("MARQUEE_MAPREDUCE_HEAP", "384", "each MapReduce task and application master", "number"),
        ("MARQUEE_TEZ_HEAP", "640", "each Tez task and application master", "number"),
        ("MARQUEE_SPARK_DRIVER_HEAP", "1024", "Spark driver", "number"),
        ("MARQUEE_SPARK_EXECUTOR_HEAP", "1024", "each Spark executor", "number"),
        ("MARQUEE_SPARK_EXECUTORS", "1", "Spark executors on YARN", "number"),
        ("MARQUEE_SPARK_EXECUTOR_CORES", "2", "cores of each Spark executor", "number"),
        ("MARQUEE_AIRFLOW_PARALLELISM", "3", "tasks that Airflow runs at once", "number"),
        ("MARQUEE_API_WORKERS", "2", "workers of the recommendation API", "number"),
        ("MARQUEE_ACCOUNTS_WORKERS", "2", "gunicorn workers of the accounts service", "number"),
        ("MARQUEE_MINIMUM_DISK", "6", "GiB of free disk without which nothing is started", "number"),
        ("MARQUEE_MINIMUM_MEMORY", "8", "GiB of available memory without which nothing is started", "number"),
    ),
]
_BY_NAME = {setting.name: setting for setting in TABLE}


_QUOTED = re.compile(r"""\s*(['"])(.*)\1\s*(?:\s#.*)?""")
_COMMENT = re.compile(r"\s#.*")


def read_env_file(path: Path) -> dict[str, str]:
    """Returns NAME=value pairs of a `.env` file, without quotes around a value and without a comment (` # ...`) after it.

    Raises SettingsError for other lines.
    """
    values: dict[str, str] = {}
    if not path.is_file():
        return values
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.partition("=")
        name = name.removeprefix("export ").strip()
        if not equals or not name.isidentifier():
            raise SettingsError(f"{path.name} line {number} is not NAME=value: {text!r}. Correct or remove it.")
        quoted = _QUOTED.fullmatch(value)
        values[name] = quoted[2] if quoted else _COMMENT.sub("", value).strip()
    return values


def _checked(setting: Setting, value: str) -> str:
    if setting.kind in ("port", "number"):
        if not value.isdecimal():
            raise SettingsError(
                f"{setting.name}={value!r} is not a whole number ({setting.meaning}). Correct it in .env."
            )
        if setting.kind == "port" and not 1 <= int(value) <= 65535:
            raise SettingsError(f"{setting.name}={value} is no port: 1 to 65535. Correct it in .env.")
    if setting.kind == "yes or no" and value not in ("yes", "no"):
        raise SettingsError(f"{setting.name}={value!r} is neither yes nor no ({setting.meaning}). Correct it in .env.")
    return value


@dataclass(frozen=True)
class Settings:
    """The settings in force: environment over `.env` over defaults; for JAVA_HOME, `.env` first. What is empty counts as not set.

    `Settings["NAME"]` gives text, `port` and `number` give ints.
    """

    values: dict[str, str]

    @classmethod
    def load(cls, env_file: Path | None = None, environ: dict[str, str] | None = None) -> Settings:
        """Reads `.env` and the environment. Raises SettingsError for an unknown MARQUEE_ name in `.env` or a bad value."""
        environ = dict(os.environ) if environ is None else environ
        path = env_file or REPOSITORY / ".env"
        file_values = read_env_file(path)
        unknown = sorted(name for name in file_values if name.startswith("MARQUEE_") and name not in _BY_NAME)
        if unknown:
            raise SettingsError(
                f"{path.name} sets {', '.join(unknown)}, which Marquee does not know; .env.example lists every setting."
            )
        chosen = {}
        for setting in TABLE:
            given = [environ.get(setting.name), file_values.get(setting.name)]
            # A shell's JAVA_HOME is for all programs, that of .env for this one.
            first, second = reversed(given) if setting.name == "JAVA_HOME" else given
            value = first or second or setting.default
            chosen[setting.name] = _checked(setting, value)
        if not chosen["MARQUEE_INSTANCE"].replace("-", "").isalnum():
            raise SettingsError(
                f"MARQUEE_INSTANCE={chosen['MARQUEE_INSTANCE']!r} may hold letters, digits and '-' only."
            )
        return cls(chosen)

    def __getitem__(self, name: str) -> str:
        return self.values[name]

    def port(self, name: str) -> int:
        """Returns a port with the offset added; the name is without MARQUEE_ and _PORT, e.g. "AIRFLOW"."""
        return int(self.values[f"MARQUEE_{name}_PORT"]) + int(self.values["MARQUEE_PORT_OFFSET"])

    def number(self, name: str) -> int:
        """Returns a number; the name is without MARQUEE_, e.g. "DATANODES"."""
        return int(self.values[f"MARQUEE_{name}"])

    @property
    def hosts(self) -> dict[str, str]:
        """The services that do not run on this machine, each with its host; one without `=` is a host of its name."""
        pairs = (word.partition("=") for word in self.values["MARQUEE_HOSTS"].split())
        return {service: host or service for service, _, host in pairs}

    def bind_host(self, service: str) -> str:
        """Returns the address that a service of this machine binds to."""
        return self.values["MARQUEE_GATEWAY_HOST" if service == "gateway" else "MARQUEE_BIND_HOST"]

    def host(self, service: str) -> str:
        """Returns the address at which a service answers; of one that binds to every address, the loopback."""
        bound = self.bind_host(service)
        return self.hosts.get(service, "127.0.0.1" if bound == "0.0.0.0" else bound)  # noqa: S104

    @property
    def local_host(self) -> str:
        """The name by which what runs here reaches what runs here: localhost, unless all binds to another address alone."""
        bound = self.values["MARQUEE_BIND_HOST"]
        return "localhost" if bound in ("127.0.0.1", "0.0.0.0") else bound  # noqa: S104

    @property
    def own_host(self) -> str:
        """The name by which other processes of the platform reach this machine."""
        return socket.gethostname() if self.hosts else self.local_host

    @property
    def browser_host(self) -> str:
        """The address of this machine's pages in a browser: one can't look at `every address`."""
        bound = self.values["MARQUEE_BIND_HOST"]
        return "127.0.0.1" if bound == "0.0.0.0" else bound  # noqa: S104

    @property
    def monitoring(self) -> bool:
        """Whether Prometheus, the exporter and the metrics of Hadoop and Hive are on."""
        return self.values["MARQUEE_MONITORING"] == "yes"

    @property
    def jmx_agent(self) -> Path:
        """Prometheus's JMX agent, installed for monitoring alone."""
        return self.software / "monitoring" / "jmx_prometheus_javaagent.jar"

    @property
    def state(self) -> Path:
        """The folder of everything installed, stored or logged."""
        return (REPOSITORY / self.values["MARQUEE_STATE"]).resolve()

    @property
    def software(self) -> Path:
        """Installed programs; shared by the instances."""
        return self.state / "software"

    @property
    def instance(self) -> Path:
        """This instance's folder: conf, data, logs, run, tmp, secrets."""
        return self.state / "instances" / self.values["MARQUEE_INSTANCE"]

    @property
    def backups(self) -> Path:
        """The folder of this instance's backups: outside of the instance, so that `make clean` keeps them."""
        chosen = self.values["MARQUEE_BACKUPS"]
        return (REPOSITORY / chosen if chosen else self.state / "backups") / self.values["MARQUEE_INSTANCE"]

    @property
    def python(self) -> Path:
        """Python of the platform's locked environment."""
        return self.software / "venv" / "bin" / "python"

    @property
    def serving_python(self) -> Path:
        """Python of the serving layer's own, smaller environment."""
        return self.software / "serving-venv" / "bin" / "python"

    @property
    def accounts_python(self) -> Path:
        """Python of the accounts service's environment."""
        return self.software / "accounts-venv" / "bin" / "python"

    @property
    def java_home(self) -> Path:
        """The JDK. Raises SettingsError if none is found."""
        if self.values["JAVA_HOME"]:
            home = Path(self.values["JAVA_HOME"])
        else:
            found = subprocess.run(
                ["sh", "-c", "command -v java"], capture_output=True, text=True, check=False
            ).stdout.strip()
            if not found:
                raise SettingsError(
                    "No `java` on PATH: install JDK 17 (apt-get install openjdk-17-jdk-headless) or set JAVA_HOME in .env."
                )
            home = Path(found).resolve().parents[1]
        if not (home / "bin" / "java").is_file():
            raise SettingsError(f"JAVA_HOME={home} holds no bin/java: set it to a JDK 17 in .env.")
        return home


def env_example() -> str:
    """Returns the text of `.env.example`: every setting with its default and meaning, commented out."""
    lines = [
        "# Copy to .env and change what you need; every line shows its default. The environment wins over .env, unless it is empty."
    ]
    section = ""
    for setting in TABLE:
        if setting.section != section:
            section = setting.section
            lines += ["", f"# --- {section}"]
        lines += [f"# {setting.meaning}", f"#{setting.name}={setting.default}"]
    return "\n".join(lines) + "\n"
