"""Every setting of the platform, from settings.toml; `.env.example` is made from the same table."""

from __future__ import annotations

import difflib
import os
import shutil
import socket
import tomllib
from dataclasses import dataclass
from pathlib import Path

from infra.control.given.env_file import read_env_file
from infra.control.given.errors import SettingsError
from infra.control.given.kinds import Setting, checked
from infra.control.given.paths import check_place

__all__ = ["REPOSITORY", "TABLE", "Setting", "Settings", "SettingsError", "env_example"]

REPOSITORY = Path(__file__).resolve().parents[2]


def _read_table() -> list[Setting]:
    text = Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
    return [
        Setting.from_row(name, section, row)
        for section, rows in tomllib.loads(text).items()
        for name, row in rows.items()
    ]


TABLE = _read_table()
_NAMES = {setting.name for setting in TABLE}
# The kinds whose allowed values .env.example shows.
_EXPLAINED = ("number", "decimal", "choice")
# So near to a setting's name, a name is a typing error. Other names in .env are those of other programs.
_NEAR = 0.85


def _check_names(file: str, names: list[str]) -> None:
    """Check the names in `.env`.

    Raises SettingsError for one that is not a setting and was meant to be.
    """
    for name in sorted(names):
        near = difflib.get_close_matches(name.upper(), _NAMES, n=1, cutoff=_NEAR)
        if name in _NAMES or not (near or name.upper().startswith("MARQUEE_")):
            continue
        # All names begin alike, which would make any two of them near.
        word = name.upper().removeprefix("MARQUEE_")
        words = {known.removeprefix("MARQUEE_"): known for known in _NAMES}
        near = near or [words[found] for found in difflib.get_close_matches(word, words, n=1)]
        hint = f" Did you mean {near[0]}?" if near else ""
        raise SettingsError(f"{file} sets {name}, which Marquee does not know.{hint} .env.example lists every setting.")


def _resolved(path: Path, name: str) -> Path:
    try:
        return path.resolve()
    except RuntimeError:
        raise SettingsError(f"{name}={str(path)!r} is a link that leads back to itself. Give another folder.") from None


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

        Raises SettingsError for a bad value, for a name in `.env` that is no setting and was meant to be, and for a checkout
        or a folder whose path other programs would read as something else.
        """
        environ = dict(os.environ) if environ is None else environ
        path = env_file or REPOSITORY / ".env"
        file_values = read_env_file(path, _NAMES)
        _check_names(path.name, list(file_values))
        chosen = {}
        for setting in TABLE:
            given = [
                (environ.get(setting.name), "the environment"),
                (file_values.get(setting.name), path.name),
            ]
            # A shell sets JAVA_HOME for all programs, and .env for this one.
            first, second = reversed(given) if setting.name == "JAVA_HOME" else given
            value, origin = first if first[0] else second
            chosen[setting.name] = checked(setting, value, origin) if value else setting.default
        settings = cls(chosen)
        settings._check_places()
        return settings

    def _check_places(self) -> None:
        check_place(str(REPOSITORY), "The checkout lies in", "Move it to a folder")
        for name, folder in (("MARQUEE_STATE", self.state), ("MARQUEE_BACKUPS", self.backups.parent)):
            check_place(str(folder), f"{name} is the folder", f"Set {name} to a folder")
        software = _resolved(self.software, "MARQUEE_STATE")
        check_place(str(software), f"{self.software} is a link to", "Let it lead to a folder")

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
        return _resolved(REPOSITORY / self.values["MARQUEE_STATE"], "MARQUEE_STATE")

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
        folder = _resolved(REPOSITORY / chosen, "MARQUEE_BACKUPS") if chosen else self.state / "backups"
        return folder / self.values["MARQUEE_INSTANCE"]

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
    def sentiment_python(self) -> Path:
        """Return Python of the environment that trains the sentiment model."""
        return self.software / "sentiment-venv" / "bin" / "python"

    @property
    def reviews_python(self) -> Path:
        """Return Python of the reviews service's environment."""
        return self.software / "reviews-venv" / "bin" / "python"

    @property
    def java_home(self) -> Path:
        """Return the JDK's folder. Raises SettingsError if there is none."""
        if self.values["JAVA_HOME"]:
            home = REPOSITORY / self.values["JAVA_HOME"]
            if not (home / "bin" / "java").is_file():
                raise SettingsError(f"JAVA_HOME={home} holds no bin/java. Set it to a JDK 17 in .env.")
            return home
        java = shutil.which("java")
        if not java:
            raise SettingsError(
                "There is no `java` on PATH. "
                "Install JDK 17 (apt-get install openjdk-17-jdk-headless) or set JAVA_HOME in .env."
            )
        home = Path(java).resolve().parents[1]
        # A version manager puts a script of its own on PATH.
        if not (home / "bin" / "java").is_file():
            raise SettingsError(
                f"{java} on PATH does not lie in a JDK's bin folder. Set JAVA_HOME to a JDK 17 in .env."
            )
        return home


def env_example() -> str:
    """Return the text of `.env.example`.

    It has each setting with its default and meaning, commented out.
    """
    lines = [
        "# Copy this file to .env and change what you need. Every line shows its default.",
        "# The environment wins over .env, except where a variable is empty. A port is 1 to 65535, and a leading ~ of a path is",
        "# your home folder. A value with a $, a backslash or a quote goes in single quotes.",
    ]
    section = ""
    for setting in TABLE:
        if setting.section != section:
            section = setting.section
            lines += ["", f"# --- {section}"]
        range_ = f" ({setting.words})" if setting.kind in _EXPLAINED else ""
        lines += [f"# {setting.meaning}{range_}", f"#{setting.name}={setting.default}"]
    return "\n".join(lines) + "\n"
