"""What the platform's processes get from the caller's environment: the variables named here, and no others.

A shell holds variables of other programs, which also steer Python, Java, Hadoop, PostgreSQL and others. With a list of what
to leave out, the next such variable would still reach them.
"""

from __future__ import annotations

import os
import pwd
import re
import socket
from collections.abc import Mapping
from pathlib import Path

from infra.control.settings import Settings

# What a program needs of its caller: where programs are, the terminal, and the certificates that this machine trusts.
_PASSED = frozenset(
    (
        *("PATH", "SHELL", "TERM", "COLORTERM", "NO_COLOR", "COLUMNS", "LINES"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"),
    )
)
# Where pip, uv, Maven and npm fetch packages from and keep them. Variables that change what they do are not among these.
_OF_DOWNLOADS = re.compile(
    r"PIP_(CACHE_DIR|CERT|CLIENT_CERT|CONFIG_FILE|DEFAULT_TIMEOUT|EXTRA_INDEX_URL|FIND_LINKS|INDEX_URL|NO_INDEX|PROXY"
    r"|RETRIES|TRUSTED_HOST)"
    r"|UV_(CACHE_DIR|CONFIG_FILE|DEFAULT_INDEX|EXTRA_INDEX_URL|FIND_LINKS|HTTP_TIMEOUT|INDEX|INDEX_URL|INSECURE_HOST"
    r"|LINK_MODE|NATIVE_TLS|NO_INDEX|OFFLINE|INDEX_\w+_(USERNAME|PASSWORD))"
    r"|MAVEN_(ARGS|OPTS)|(?i:npm_config_(registry|cache|cafile|userconfig|proxy|https_proxy|noproxy))|NETRC"
)
# An image's build sets them, so that what is installed holds no time.
_WITHOUT_TIMES = frozenset(("SOURCE_DATE_EPOCH", "PYC_INVALIDATION_MODE"))
_PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy")
# Programs of the platform follow these too. `make up` says which ones it left out.
_STEERING = re.compile(
    r"_?JAVA_(TOOL_)?OPTIONS|JDK_JAVA_OPTIONS|LD_\w+|LC_ALL|PG[A-Z]+|GUNICORN_CMD_ARGS|WEB_CONCURRENCY"
    r"|(AIRFLOW|FLASK|HADOOP|HDFS|HIVE|MAPRED|MLFLOW|PYSPARK|SPARK|UVICORN|YARN)_\w+"
)
# What a shell that reads env.sh forgets, for commands by hand.
VARIABLES_TO_UNSET = (
    *("JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "HADOOP_CLASSPATH", "SPARK_SUBMIT_OPTS"),
    *("PYTHONHOME", "PYTHONSAFEPATH", "GUNICORN_CMD_ARGS", "PGOPTIONS", "PGSERVICE", "PGSSLMODE"),
    # Other kernels of the linear algebra give factors with other last bits.
    "OPENBLAS_CORETYPE",
)
# Files that are installed or rendered must be readable for nginx's workers and PostgreSQL, which run as other users.
# Secrets are written with a mode of their own.
UMASK = 0o022


def system_user() -> str:
    """Return the name of the user that this process runs as.

    USER and LOGNAME may name another one, while Hadoop asks the system. A container's user may have no name.
    """
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def passed_on(settings: Settings, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the caller's variables for a process of the platform.

    A download by such a process uses the caller's proxy. Requests to the platform's own hosts do not.
    """
    environ = os.environ if environ is None else environ
    user = system_user()
    return {
        **{name: value for name, value in environ.items() if name in _PASSED},
        **_proxies(settings, environ),
        "HOME": _home(settings, environ),
        "USER": user,
        "LOGNAME": user,
    }


def for_downloads(settings: Settings, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the caller's variables for a program that installs packages.

    In addition to those of `passed_on`, these are package indexes, caches and a folder for temporary files.
    """
    environ = os.environ if environ is None else environ
    values = passed_on(settings, environ) | {"LC_ALL": "C.UTF-8", "LANG": "C.UTF-8"}
    values |= {
        name: value for name, value in environ.items() if _OF_DOWNLOADS.fullmatch(name) or name in _WITHOUT_TIMES
    }
    if (temporary := environ.get("TMPDIR", "")) and _is_writable(temporary):
        values["TMPDIR"] = temporary
    if values["HOME"] != environ.get("HOME"):
        # Java asks the system for the home folder, and Maven keeps what it fetched below it.
        values["MAVEN_OPTS"] = f"{values.get('MAVEN_OPTS', '')} -Duser.home={values['HOME']}".strip()
    return values


def download_settings(variables: Mapping[str, str]) -> list[str]:
    """Return the names of the variables that say how packages are fetched."""
    return sorted(name for name in variables if _OF_DOWNLOADS.fullmatch(name) or name in _PROXIES)


def maven_proxy(variables: Mapping[str, str]) -> list[str]:
    """Return Maven's options for the proxy, since Maven reads no such variable."""
    options = []
    for scheme in ("http", "https"):
        proxy = variables.get(f"{scheme}_proxy") or variables.get("all_proxy", "")
        found = re.fullmatch(r"(?:http://)?(?:[^@/]*@)?([^:/@]+|\[[^]]+\]):(\d+)/?", proxy)
        if found:
            options += [f"-D{scheme}.proxyHost={found[1]}", f"-D{scheme}.proxyPort={found[2]}"]
    if options:
        hosts = [re.sub(r"^\.", "*.", host) for host in variables.get("no_proxy", "").split(",")]
        options += [f"-Dhttp.nonProxyHosts={'|'.join(hosts)}", "-Daether.connector.http.useSystemProperties=true"]
    return options


def left_out(variables: Mapping[str, str], environ: Mapping[str, str] | None = None) -> str:
    """Return one line that names the steering variables that are left out.

    It is empty where there are none. `variables` are those that the processes get: a shell that has read env.sh holds
    the same values.
    """
    environ = os.environ if environ is None else environ
    names = sorted(
        name for name, value in environ.items() if _STEERING.fullmatch(name) and variables.get(name) != value
    )
    if not names:
        return ""
    return (
        f"These variables of your shell do not reach the platform's programs: {', '.join(names)}. "
        "What can be set is in .env.example."
    )


def own_hosts(settings: Settings) -> list[str]:
    """Return each host by which the platform's processes reach each other."""
    hosts = ["localhost", "127.0.0.1", "::1", settings["MARQUEE_BIND_HOST"], settings["MARQUEE_GATEWAY_HOST"]]
    return list(dict.fromkeys([*hosts, socket.gethostname(), *settings.hosts, *settings.hosts.values()]))


def _proxies(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the proxies in small and capital letters: programs read either.

    As in most programs, the name in small letters wins.
    """
    spared = _either(environ, "no_proxy")
    values = {"no_proxy": ",".join(filter(None, [*own_hosts(settings), spared]))}
    # `*` is every host, and in a longer list it would have no meaning.
    if "*" not in spared.split(","):
        values |= {name: value for name in _PROXIES if (value := _either(environ, name))}
    return values | {name.upper(): value for name, value in values.items()}


def _either(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name, environ.get(name.upper(), "")).strip()


def _home(settings: Settings, environ: Mapping[str, str]) -> str:
    """Return HOME, or an own folder if HOME cannot be written to."""
    home = environ.get("HOME", "")
    if home and Path(home).is_absolute() and _is_writable(home):
        return home
    own = settings.instance / "home"
    own.mkdir(parents=True, exist_ok=True)
    return str(own)


def _is_writable(folder: str) -> bool:
    return Path(folder).is_dir() and os.access(folder, os.W_OK | os.X_OK)
