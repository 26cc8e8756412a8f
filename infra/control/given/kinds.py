"""The kinds of values that a setting or an argument can have, each with a check and the words for what is allowed."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from infra.control.given import cron, paths
from infra.control.given.errors import SettingsError

_SHOWN = 60
_LONGEST_TEXT = 500
_LONGEST_PASSWORD = 200
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,18})", re.ASCII)
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,8})(\.[0-9]{1,12})?", re.ASCII)
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?"
# Programs read such an end as an address of their own making.
_NUMERIC_END = re.compile(r"(^|\.)(0[xX][0-9A-Fa-f]*|[0-9]+)$", re.ASCII)
_HOST_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*", re.ASCII)


@dataclass(frozen=True)
class Setting:
    """One line of `.env`, or one argument of make's targets.

    `kind` is a key of `KINDS`. `minimum` and `maximum` bound a number, `choices` are all values, `pattern` is what a text
    must match, and `allowed` says it in words. `also` holds further characters of a path.
    """

    name: str
    section: str
    kind: str
    default: str
    meaning: str
    minimum: int = 0
    maximum: int = 0
    choices: tuple[str, ...] = ()
    pattern: str = ""
    allowed: str = ""
    also: str = ""

    @classmethod
    def from_row(cls, name: str, section: str, row: dict[str, Any]) -> Setting:
        """Return the setting of one row of a TOML table."""
        values: dict[str, Any] = {key: tuple(value) if key == "choices" else value for key, value in row.items()}
        return cls(name=name, section=section, **values)

    @property
    def words(self) -> str:
        """Return the allowed values in words."""
        return self.allowed or KINDS[self.kind][1].format(setting=self, choices=" or ".join(self.choices))


def is_printable(value: str) -> bool:
    """Return whether a text can be shown on one line.

    It then has no control characters, no bytes that are not UTF-8, and no blanks at its ends.
    """
    return value.isprintable() and value == value.strip()


def _whole(setting: Setting, value: str) -> bool:
    return bool(_WHOLE.fullmatch(value)) and setting.minimum <= int(value) <= setting.maximum


def _numbers(setting: Setting, value: str) -> bool:
    words = value.split(" ")
    return len(words) <= 20 and all(_whole(setting, word) for word in words)


def _decimal(setting: Setting, value: str) -> bool:
    return bool(_DECIMAL.fullmatch(value)) and setting.minimum <= float(value) <= setting.maximum


def _text(setting: Setting, value: str) -> bool:
    return (
        is_printable(value)
        and len(value) <= _LONGEST_TEXT
        and (not setting.pattern or bool(re.fullmatch(setting.pattern, value)))
    )


def _password(_: Setting, value: str) -> bool:
    return is_printable(value) and len(value) <= _LONGEST_PASSWORD


def is_ipv6(value: str) -> bool:
    """Return whether a value is an IPv6 address, with or without brackets or a zone."""
    try:
        return ipaddress.ip_address(value.strip("[]")).version == 6
    except ValueError:
        return False


def is_host(value: str) -> bool:
    """Return whether a value is an IPv4 address or a host's name.

    `127.1` and `2130706433` are neither.
    """
    try:
        return ipaddress.ip_address(value).version == 4
    except ValueError:
        return len(value) <= 253 and bool(_HOST_NAME.fullmatch(value)) and not _NUMERIC_END.search(value)


def _hosts(_: Setting, value: str) -> bool:
    pairs = [word.partition("=") for word in value.split()]
    return (
        bool(pairs)
        and value.isprintable()
        and all(is_host(name) and (not equals or is_host(host)) for name, equals, host in pairs)
    )


def _networks(_: Setting, value: str) -> bool:
    return value.isprintable() and bool(value.split()) and all(map(_is_network, value.split()))


def _is_network(word: str) -> bool:
    """Return whether a word is an address or a network, but not that of all."""
    try:
        return "%" not in word and ipaddress.ip_network(word).prefixlen > 0
    except ValueError:
        return False


def _safe_path(setting: Setting, value: str) -> bool:
    return is_printable(value) and not paths.fault(value, also=setting.also) and len(os.fsencode(value)) <= 1000


def _any_path(_: Setting, value: str) -> bool:
    return is_printable(value) and "$" not in value and len(value.encode()) <= 4000


# The check of each kind, and the words for what it allows.
KINDS: dict[str, tuple[Callable[[Setting, str], bool], str]] = {
    "port": (
        lambda _, value: bool(_WHOLE.fullmatch(value)) and 1 <= int(value) <= 65535,
        "a port, which is 1 to 65535",
    ),
    "number": (_whole, "a whole number from {setting.minimum} to {setting.maximum}"),
    "numbers": (
        _numbers,
        "a list of at most 20 whole numbers from {setting.minimum} to {setting.maximum} with one blank between them",
    ),
    "decimal": (_decimal, "a number from {setting.minimum} to {setting.maximum}, such as 0.5"),
    "yes or no": (lambda _, value: value in ("yes", "no"), "yes or no"),
    "choice": (lambda setting, value: value in setting.choices, "{choices}"),
    "text": (_text, f"printable text of at most {_LONGEST_TEXT} characters, without blanks at its ends"),
    "password": (_password, f"printable text of at most {_LONGEST_PASSWORD} characters, without blanks at its ends"),
    "cron": (lambda _, value: cron.is_valid(value), cron.ALLOWED),
    "address": (lambda _, value: is_host(value), "an IPv4 address or the name of a host"),
    "hosts": (_hosts, "words of service=host, where a host is an IPv4 address or a name"),
    "networks": (_networks, "addresses and networks with a blank between them, such as 10.0.0.0/8"),
    "path": (_safe_path, f"a path of {paths.RULE}"),
    "file": (_any_path, "a path of printable characters without a $"),
}
_HIDDEN = ("password",)
_PATHS = ("path", "file")


def checked(setting: Setting, value: str, origin: str) -> str:
    """Return a value as it is used, with the person's folder in place of `~`.

    Raises SettingsError for a value that is not allowed. `origin` says where it was given: ".env", or "the environment".
    """
    used = os.path.expanduser(value) if setting.kind in _PATHS and value.startswith("~") else value  # noqa: PTH111
    if KINDS[setting.kind][0](setting, used):
        return used
    shown = setting.name
    if setting.kind not in _HIDDEN:
        shown += f"={value[:_SHOWN]!r}" + ("..." if len(value) > _SHOWN else "")
    if setting.kind in ("address", "hosts") and any(is_ipv6(word.rpartition("=")[2]) for word in value.split()):
        raise SettingsError(
            f"{shown} is an IPv6 address, and Hadoop supports IPv4 alone. "
            f"Give {setting.words} in {origin}, such as 127.0.0.1."
        )
    raise SettingsError(f"{shown} is not {setting.words} ({setting.meaning}). Correct it in {origin}.")
