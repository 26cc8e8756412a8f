"""The instance's configuration files, made from the templates of infra/services and infra/monitoring."""

from __future__ import annotations

import os
import shlex
from string import Template
from xml.sax.saxutils import escape

from infra.control.ambient import VARIABLES_TO_UNSET, own_hosts
from infra.control.secrets import private_write
from infra.control.settings import REPOSITORY, Settings
from infra.control.systems.availability import availability_values

# The folders of templates, by their folder below the instance's conf/.
CONFIGURATION = {
    "hadoop": "infra/services/hadoop/conf",
    "hive": "infra/services/hive/conf",
    "spark": "infra/services/spark",
    "gateway": "infra/services/gateway",
    "monitoring": "infra/monitoring/conf",
}
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
# JDK 17 closes these packages. The Tez and MapReduce application masters and their tasks use them by reflection.
JAVA_OPENS = (
    " ".join(f"--add-opens=java.base/{p}=ALL-UNNAMED" for p in _OPENED_PACKAGES)
    + " --add-opens=java.sql/java.sql=ALL-UNNAMED"
)
# The serial collector starts short-lived JVMs fastest on two cores.
JAVA_SMALL = "-XX:+UseSerialGC"
# An application master starts containers and waits. The optimising compiler would take a core from them and be done too late.
JAVA_MASTER = f"{JAVA_SMALL} -XX:TieredStopAtLevel=1"


class ConfigurationTemplate(Template):
    """A template with `@{NAME}`, since Hadoop's own files use `${name}`."""

    delimiter = "@"


def render(settings: Settings, variables: dict[str, str]) -> None:
    """Write the instance's conf/ and env.sh."""
    values = template_values(settings, variables)
    escaped = {name: escape(value) for name, value in values.items()}
    for target, source in CONFIGURATION.items():
        folder = settings.instance / "conf" / target
        folder.mkdir(parents=True, exist_ok=True)
        for template in sorted((REPOSITORY / source).iterdir()):
            if template.suffix in (".xml", ".properties", ".conf", ".yml"):
                text = ConfigurationTemplate(template.read_text(encoding="utf-8"))
                private_write(folder / template.name, text.substitute(escaped if template.suffix == ".xml" else values))
    _write_env_sh(settings, variables)


def _write_env_sh(settings: Settings, variables: dict[str, str]) -> None:
    file = settings.instance / "env.sh"
    exports = "".join(
        f"export {name}={shlex.quote(value)}\n" for name, value in sorted(variables.items()) if name != "PATH"
    )
    path = variables["PATH"].removesuffix(os.environ.get("PATH", ""))
    heading = "# source this to use hdfs, yarn, hive, airflow and mlflow by hand\n"
    # What these hold would change what Java, Python and Hadoop's commands do, and each JVM would write a line about it.
    unset = f"unset {' '.join(VARIABLES_TO_UNSET)}\n"
    hosts = ",".join(own_hosts(settings))
    proxies = f"export no_proxy={shlex.quote(hosts)}${{no_proxy:+,$no_proxy}}\nexport NO_PROXY=$no_proxy\n"
    private_write(file, f"{heading}{unset}{exports}{proxies}export PATH={path}$PATH\n")


def template_values(settings: Settings, variables: dict[str, str]) -> dict[str, str]:
    """Return the value of each `@{NAME}` in the templates."""
    values = {name.removeprefix("MARQUEE_"): value for name, value in variables.items()}
    for server in ("NAMENODE", "RESOURCEMANAGER", "JOBHISTORY", "METASTORE", "HIVESERVER2", "POSTGRES"):
        values[f"{server}_HOST"] = settings.hosts.get(server.lower(), settings.local_host)
    return values | {
        "OWN_HOST": settings.own_host,
        "API_HOST": settings.host("recommendations"),
        "ACCOUNTS_HOST": settings.host("accounts"),
        "REVIEWS_HOST": settings.host("reviews"),
        "EXPORTER_HOST": settings.host("exporter"),
        # A form has its boundaries and headers around the file.
        "REVIEWS_FORM_KIB": str(settings.number("REVIEWS_UPLOAD_MIB") * 1024 + 256),
        "INSTANCE": str(settings.instance),
        "GATEWAY_LISTEN": _gateway_listen(settings),
        "GATEWAY_TRUSTED": " ".join(f"{network} 1;" for network in settings["MARQUEE_GATEWAY_PROXIES"].split()),
        "GATEWAY_REAL_ADDRESS": _gateway_real_address(settings["MARQUEE_GATEWAY_PROXIES"].split()),
        "HADOOP_METRICS": str(settings.monitoring).lower(),
        "HADOOP_TOKENS_BY_ADDRESS": str(settings["MARQUEE_HADOOP_DNS"] == "no").lower(),
        **availability_values(settings),
        **_prometheus_targets(settings),
        "SOFTWARE": str(settings.software),
        "EXCLUDED": settings["MARQUEE_EXCLUDED"],
        "JAVA_OPENS": JAVA_OPENS,
        "JAVA_SMALL": JAVA_SMALL,
        "JAVA_MASTER": JAVA_MASTER,
        "SPARK_REGISTERED_RATIO": "0.0" if settings.number("SPARK_EXECUTORS") == 1 else "0.8",
        # Else a small job runs as a whole on the worker that reports first. On one machine that costs a heartbeat a task for nothing.
        "CONTAINERS_A_HEARTBEAT": "1" if settings.number("NODEMANAGERS") > 1 else "100",
        # A container holds the heap, the JVM's own memory and, for streaming, the Python process.
        "MAPREDUCE_CONTAINER": str(settings.number("MAPREDUCE_HEAP") + 256),
        "TEZ_CONTAINER": str(settings.number("TEZ_HEAP") + 256),
    }


def _gateway_listen(settings: Settings) -> str:
    """Return nginx's directives for the gateway's address.

    They turn on TLS where a certificate is set.
    """
    listen = f"listen {settings['MARQUEE_GATEWAY_HOST']}:{settings.port('GATEWAY')}"
    if settings.gateway_scheme == "http":
        return f"{listen};"
    lines = [
        f"{listen} ssl;",
        # nginx would look for a relative path in the folder of its configuration.
        f'ssl_certificate "{REPOSITORY / settings["MARQUEE_GATEWAY_CERTIFICATE"]}";',
        f'ssl_certificate_key "{REPOSITORY / settings["MARQUEE_GATEWAY_KEY"]}";',
        'add_header Strict-Transport-Security "max-age=31536000" always;',
    ]
    return "\n    ".join(lines)


def _gateway_real_address(proxies: list[str]) -> str:
    """Return nginx's directives that take a client's address from trusted proxies.

    The address is the last one of X-Forwarded-For that is not such a proxy's own.
    """
    if not proxies:
        return ""
    lines = [*(f"set_real_ip_from {network};" for network in proxies), "real_ip_header X-Forwarded-For;"]
    return "\n  ".join([*lines, "real_ip_recursive on;"])


def _prometheus_targets(settings: Settings) -> dict[str, str]:
    """Return the addresses of the services that may have several members.

    On this machine these are ports. On other hosts, Prometheus looks up every address of the host's name.
    """
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
