"""Every setting of the platform, from settings.toml; `.env.example` is made from the same table."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


class SettingsError(Exception):
    """A setting is unknown or can't be used.

    The message names it and what it should be.
    """


@dataclass(frozen=True)
class Setting:
    """One line of `.env`; `kind` is text, port, number, path or "yes or no"."""

    name: str
    section: str
    kind: str
    default: str
    meaning: str


def _read_table() -> list[Setting]:
    text = Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
    return [
        Setting(name, section, row["kind"], row["default"], row["meaning"])
        for section, rows in tomllib.loads(text).items()
        for name, row in rows.items()
    ]


TABLE = _read_table()
_NAMES = {setting.name for setting in TABLE}
_QUOTED = re.compile(r"""\s*(['"])(.*)\1\s*(?:\s#.*)?""")
_COMMENT = re.compile(r"\s#.*")


def read_env_file(path: Path) -> dict[str, str]:
    """Return the NAME=value pairs of a `.env` file.

    Quotes around a value and a comment (` # ...`) after it are left out. Raises SettingsError for other lines.
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
    name, meaning = setting.name, setting.meaning
    if setting.kind in ("port", "number"):
        if not value.isdecimal():
            raise SettingsError(f"{name}={value!r} is not a whole number ({meaning}). Correct it in .env.")
        if setting.kind == "port" and not 1 <= int(value) <= 65535:
            raise SettingsError(f"{name}={value} is not a port, which is 1 to 65535. Correct it in .env.")
    if setting.kind == "yes or no" and value not in ("yes", "no"):
        raise SettingsError(f"{name}={value!r} is neither yes nor no ({meaning}). Correct it in .env.")
    return value


@dataclass(frozen=True)
class Settings:
    """The settings in force; an empty value counts as not set.

    The environment wins over `.env`, and `.env` over the defaults. For JAVA_HOME, `.env` comes first.
    `settings["NAME"]` gives text; `port` and `number` give ints.
    """

    values: dict[str, str]

    @classmethod
    def load(cls, env_file: Path | None = None, environ: dict[str, str] | None = None) -> Settings:
        """Read `.env` and the environment.

        Raises SettingsError for a bad value, and for a name in `.env` that begins with MARQUEE_ and is not a setting.
        """
        environ = dict(os.environ) if environ is None else environ
        path = env_file or REPOSITORY / ".env"
        file_values = read_env_file(path)
        unknown = sorted(name for name in file_values if name.startswith("MARQUEE_") and name not in _NAMES)
        if unknown:
            raise SettingsError(
                f"{path.name} sets {', '.join(unknown)}, which Marquee does not know. .env.example lists every setting."
            )
        chosen = {}
        for setting in TABLE:
            given = [environ.get(setting.name), file_values.get(setting.name)]
            # A shell sets JAVA_HOME for all programs, and .env for this one.
            first, second = reversed(given) if setting.name == "JAVA_HOME" else given
            value = first or second or setting.default
            chosen[setting.name] = _checked(setting, value)
        instance = chosen["MARQUEE_INSTANCE"]
        if not instance.replace("-", "").isalnum():
            raise SettingsError(
                f"MARQUEE_INSTANCE={instance!r} is not a name of letters, digits and '-'. Correct it in .env."
            )
        return cls(chosen)

    def __getitem__(self, name: str) -> str:
        return self.values[name]

    def port(self, name: str) -> int:
        """Return a port with the offset.

        The name is without MARQUEE_ and _PORT: "AIRFLOW".
        """
        return int(self.values[f"MARQUEE_{name}_PORT"]) + int(self.values["MARQUEE_PORT_OFFSET"])

    def number(self, name: str) -> int:
        """Return a number; the name is without MARQUEE_: "DATANODES"."""
        return int(self.values[f"MARQUEE_{name}"])

    @property
    def hosts(self) -> dict[str, str]:
        """Return the services that run on other machines, each with its host.

        In MARQUEE_HOSTS, a service without `=` runs on a host of its own name.
        """
        pairs = (word.partition("=") for word in self.values["MARQUEE_HOSTS"].split())
        return {service: host or service for service, _, host in pairs}

    def bind_host(self, service: str) -> str:
        """Return the address that a service of this machine binds to."""
        return self.values["MARQUEE_GATEWAY_HOST" if service == "gateway" else "MARQUEE_BIND_HOST"]

    def host(self, service: str) -> str:
        """Return the address at which a service answers.

        A service of this machine that binds to every address answers at the loopback address.
        """
        bound = self.bind_host(service)
        return self.hosts.get(service, "127.0.0.1" if bound == "0.0.0.0" else bound)  # noqa: S104

    @property
    def local_host(self) -> str:
        """Return the name by which programs of this machine reach its services.

        It is localhost, unless MARQUEE_BIND_HOST is one other address.
        """
        bound = self.values["MARQUEE_BIND_HOST"]
        return "localhost" if bound in ("127.0.0.1", "0.0.0.0") else bound  # noqa: S104

    @property
    def own_host(self) -> str:
        """Return the name by which other processes of the platform reach this machine."""
        return socket.gethostname() if self.hosts else self.local_host

    @property
    def browser_host(self) -> str:
        """Return the address of this machine's pages in a browser, never 0.0.0.0."""
        bound = self.values["MARQUEE_BIND_HOST"]
        return "127.0.0.1" if bound == "0.0.0.0" else bound  # noqa: S104

    @property
    def gateway_scheme(self) -> str:
        """Return https where the gateway has a certificate, else http."""
        return "https" if self.values["MARQUEE_GATEWAY_CERTIFICATE"] else "http"

    @property
    def monitoring(self) -> bool:
        """Return whether Prometheus, the exporter and metrics of Hadoop and Hive are on."""
        return self.values["MARQUEE_MONITORING"] == "yes"

    @property
    def jmx_agent(self) -> Path:
        """Return the path of Prometheus's JMX agent, which only monitoring installs."""
        return self.software / "monitoring" / "jmx_prometheus_javaagent.jar"

    @property
    def state(self) -> Path:
        """Return the folder of everything installed, stored or logged."""
        return (REPOSITORY / self.values["MARQUEE_STATE"]).resolve()

    @property
    def software(self) -> Path:
        """Return the folder of installed programs, which the instances share."""
        return self.state / "software"

    @property
    def instance(self) -> Path:
        """Return this instance's folder: conf, data, logs, run, tmp and secrets."""
        return self.state / "instances" / self.values["MARQUEE_INSTANCE"]

    @property
    def backups(self) -> Path:
        """Return the folder of this instance's backups.

        It lies outside the instance's folder, so that `make clean` keeps the backups.
        """
        chosen = self.values["MARQUEE_BACKUPS"]
        return (REPOSITORY / chosen if chosen else self.state / "backups") / self.values["MARQUEE_INSTANCE"]

    @property
    def python(self) -> Path:
        """Return Python of the platform's locked environment."""
        return self.software / "venv" / "bin" / "python"

    @property
    def serving_python(self) -> Path:
        """Return Python of the smaller environment that the recommendation API uses."""
        return self.software / "serving-venv" / "bin" / "python"

    @property
    def accounts_python(self) -> Path:
        """Return Python of the accounts service's environment."""
        return self.software / "accounts-venv" / "bin" / "python"

    @property
    def java_home(self) -> Path:
        """Return the JDK's folder. Raises SettingsError if there is none."""
        if self.values["JAVA_HOME"]:
            home = Path(self.values["JAVA_HOME"])
        else:
            java = subprocess.run(
                ["sh", "-c", "command -v java"], capture_output=True, text=True, check=False
            ).stdout.strip()
            if not java:
                raise SettingsError(
                    "There is no `java` on PATH. "
                    "Install JDK 17 (apt-get install openjdk-17-jdk-headless) or set JAVA_HOME in .env."
                )
            home = Path(java).resolve().parents[1]
        if not (home / "bin" / "java").is_file():
            raise SettingsError(f"JAVA_HOME={home} holds no bin/java. Set it to a JDK 17 in .env.")
        return home


def env_example() -> str:
    """Return the text of `.env.example`.

    It has each setting with its default and meaning, commented out.
    """
    lines = [
        "# Copy this file to .env and change what you need. Every line shows its default.",
        "# The environment wins over .env, except where a variable is empty.",
    ]
    section = ""
    for setting in TABLE:
        if setting.section != section:
            section = setting.section
            lines += ["", f"# --- {section}"]
        lines += [f"# {setting.meaning}", f"#{setting.name}={setting.default}"]
    return "\n".join(lines) + "\n"
