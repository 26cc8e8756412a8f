"""The settings of the reviews service, read once from the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_LOG_LEVELS: Final = ("debug", "info", "warning", "error")
_SECRET_CHARACTERS: Final = 32


class SettingError(Exception):
    """A setting is missing or wrong; the message says which one, and what to give."""


@dataclass(frozen=True)
class Settings:
    """What the service is started with.

    `watch_seconds` is how often the store's live pointer is read, `queue` how many unfinished jobs there may be, and
    `job_threads` how many of this process's threads work on them.
    """

    database: str
    store: Path
    secret: str
    accounts_url: str = "http://127.0.0.1:8001"
    accounts_client: str = ""
    accounts_client_secret: str = ""
    root_path: str = ""
    log_level: str = "info"
    watch_seconds: float = 1.0
    queue: int = 20
    job_threads: int = 1
    job_days: int = 7
    upload_bytes: int = 64 << 20
    sweep_seconds: float = 60.0

    @classmethod
    def load(cls, environment: Mapping[str, str]) -> Settings:
        """Return the settings of an environment; an empty value means the default.

        MARQUEE_REVIEWS_DATABASE (required): URL of the migrated database, postgresql+psycopg://...
        MARQUEE_SENTIMENT_STORE (required): folder of the publication store of models; it may still be empty.
        MARQUEE_REVIEWS_SECRET (required): at least 32 random characters; predictions' ids are signed with it.
        MARQUEE_ACCOUNTS_URL: the accounts service; default http://127.0.0.1:8001.
        MARQUEE_REVIEWS_CLIENT_ID, MARQUEE_REVIEWS_CLIENT_SECRET: client of scope users:read, which finds deleted accounts;
            default: none, and reviews of deleted accounts stay.
        MARQUEE_REVIEWS_ROOT: path below which a gateway shows the service; default none.
        MARQUEE_REVIEWS_QUEUE, MARQUEE_REVIEWS_JOB_THREADS, MARQUEE_REVIEWS_JOB_DAYS, MARQUEE_REVIEWS_UPLOAD_MIB,
        MARQUEE_REVIEWS_WATCH_SECONDS, MARQUEE_REVIEWS_SWEEP_SECONDS: numbers, see the class.
        MARQUEE_SERVING_LOG_LEVEL: info (each request) or warning; default info.
        Raises SettingError.
        """
        read = _Reader(environment)
        settings = cls(
            database=read.needed("MARQUEE_REVIEWS_DATABASE", "Give postgresql+psycopg://..."),
            store=Path(read.needed("MARQUEE_SENTIMENT_STORE", "Give the folder of the models' publication store.")),
            secret=read.needed("MARQUEE_REVIEWS_SECRET", "Give a random text of 32 characters or more."),
            accounts_url=read.text("MARQUEE_ACCOUNTS_URL", cls.accounts_url).rstrip("/"),
            accounts_client=read.text("MARQUEE_REVIEWS_CLIENT_ID", ""),
            accounts_client_secret=read.text("MARQUEE_REVIEWS_CLIENT_SECRET", ""),
            root_path=read.text("MARQUEE_REVIEWS_ROOT", "").rstrip("/"),
            log_level=read.text("MARQUEE_SERVING_LOG_LEVEL", cls.log_level),
            watch_seconds=read.seconds("MARQUEE_REVIEWS_WATCH_SECONDS", cls.watch_seconds),
            queue=read.number("MARQUEE_REVIEWS_QUEUE", cls.queue, 1),
            job_threads=read.number("MARQUEE_REVIEWS_JOB_THREADS", cls.job_threads, 0),
            job_days=read.number("MARQUEE_REVIEWS_JOB_DAYS", cls.job_days, 1),
            upload_bytes=read.number("MARQUEE_REVIEWS_UPLOAD_MIB", cls.upload_bytes >> 20, 1) << 20,
            sweep_seconds=read.seconds("MARQUEE_REVIEWS_SWEEP_SECONDS", cls.sweep_seconds),
        )
        settings.check()
        return settings

    def check(self) -> None:
        """Raise SettingError for values that no service can work with."""
        if len(self.secret) < _SECRET_CHARACTERS:
            raise SettingError(
                "MARQUEE_REVIEWS_SECRET is shorter than 32 characters. Give a random text of 32 or more."
            )
        if self.log_level not in _LOG_LEVELS:
            raise SettingError(f"MARQUEE_SERVING_LOG_LEVEL is {self.log_level!r}: give {', '.join(_LOG_LEVELS)}.")
        if not self.accounts_url.startswith(("http://", "https://")):
            raise SettingError(f"MARQUEE_ACCOUNTS_URL is {self.accounts_url!r}. Give an http or https address.")


class _Reader:
    """Reads single settings; one that is not set and an empty one are the same."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def text(self, name: str, default: str) -> str:
        return self._environment.get(name) or default

    def needed(self, name: str, advice: str) -> str:
        value = self._environment.get(name)
        if not value:
            raise SettingError(f"{name} is not set. {advice}")
        return value

    def number(self, name: str, default: int, least: int) -> int:
        value = self._environment.get(name) or str(default)
        if not (value.isascii() and value.isdecimal() and int(value) >= least):
            raise SettingError(f"{name} is {value!r}. Give a whole number of {least} or more.")
        return int(value)

    def seconds(self, name: str, default: float) -> float:
        value = self._environment.get(name) or str(default)
        try:
            seconds = float(value)
        except ValueError:
            seconds = 0.0
        if not 0 < seconds < 1e6:
            raise SettingError(f"{name} is {value!r}. Give seconds above 0, such as {default}.")
        return seconds
