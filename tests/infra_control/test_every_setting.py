"""Rubbish in every setting: each is refused by its name before anything starts, or is a value that can be used."""

import string
from pathlib import Path

import pytest
from marquee.ingest.datasets import DATASETS

from infra.control.given.kinds import KINDS, checked, is_host
from infra.control.settings import TABLE, Setting, Settings, SettingsError

RUBBISH = {
    "blanks": "   ",
    "word": "rubbish",
    "words": "two words",
    "negative": "-1",
    "zero": "0",
    "over all ports": "70000",
    "exponent": "1e3",
    "underscore": "1_000",
    "Arabic digit": "٣",
    "no number": "NaN",
    "infinity": "Infinity",
    "huge": str(2**70),
    "leading zero": "08080",
    "fraction": "1.5",
    "newline": "a\nb",
    "carriage return": "80\r",
    "NUL": "a\0b",
    "escape": "\x1b[31m",
    "not UTF-8": "a\udce9",
    "invisible": "a\u200bb",
    "reversed": "\u202ea",
    "dollar": "$HOME/x",
    "shell": "$(touch ran)",
    "semicolon": "a;b",
    "quote": "a'b",
    "double quote": 'a"b',
    "comma": "a,b",
    "percent": "a%20b",
    "colon": "a:b",
    "option": "-x",
    "IPv6": "::1",
    "short address": "127.1",
    "long": "x" * 5000,
}
# What each kind takes of it. All else is refused.
TAKEN = {
    "port": set(),
    "number": {"zero", "over all ports"},
    "decimal": {"zero", "negative", "fraction", "short address"},
    "yes or no": set(),
    "choice": set(),
    "cron": set(),
    "address": {"word", "exponent", "underscore", "no number", "infinity"},
    "networks": {"IPv6"},
    "hosts": {"word", "words", "exponent", "underscore", "no number", "infinity"},
    "path": {"word", "zero", "over all ports", "exponent", "underscore", "Arabic digit", "no number"}
    | {"infinity", "huge", "leading zero", "fraction", "short address"},
    "file": set(RUBBISH)
    - {"blanks", "newline", "carriage return", "NUL", "escape", "not UTF-8", "invisible", "reversed"}
    - {"dollar", "shell", "long"},
    "password": set(RUBBISH)
    - {"blanks", "newline", "carriage return", "NUL", "escape", "not UTF-8", "invisible", "reversed", "long"},
}
TAKEN_BY_NAME = {
    "MARQUEE_INSTANCE": {"word", "zero", "over all ports", "exponent", "no number", "infinity", "huge", "leading zero"},
    "MARQUEE_DATASET": {"word", "zero", "over all ports", "exponent", "underscore"}
    | {"huge", "leading zero", "fraction", "short address"},
    "MARQUEE_SOURCE": {"word", "zero", "over all ports", "exponent", "underscore", "no number", "infinity"}
    | {"huge", "leading zero", "fraction", "short address"},
    "MARQUEE_QUERY": TAKEN["password"],
    "MARQUEE_SINCE": TAKEN["password"] - {"IPv6"},
    "MARQUEE_HADOOP_USER": {"word"},
    "MARQUEE_MASTERS": {"words"},
    "MARQUEE_QUORUM": set(),
    "MARQUEE_OPENLINEAGE": set(),
    "MARQUEE_GIT_COMMIT": {"huge"},
    "MARQUEE_SPARK_MASTER": set(),
    "MARQUEE_SPARK_IMAGE": {"colon"},
    "MARQUEE_SPARK_NAMESPACE": {"word", "zero", "over all ports", "exponent", "huge", "leading zero"},
    "MARQUEE_ANNOUNCE": set(),
    "MARQUEE_ADVISORIES": set(),
    "MARQUEE_API_CORS_ORIGIN": set(),
    "MARQUEE_AIRFLOW_USER": {"word", "zero", "over all ports", "exponent", "underscore", "no number", "infinity"}
    | {"huge", "leading zero", "fraction", "short address", "negative", "option"},
    "MARQUEE_ACCOUNTS_ADMIN_USER": {"word", "words", "over all ports", "exponent", "underscore", "no number"}
    | {"infinity", "huge", "leading zero", "fraction", "short address"},
    # A column of somebody's file may have any name that can be printed.
    **dict.fromkeys(("MARQUEE_SENTIMENT_TEXT", "MARQUEE_SENTIMENT_LABEL"), TAKEN["password"]),
}


def taken(setting: Setting) -> set[str]:
    if setting.kind == "text":
        return TAKEN_BY_NAME[setting.name]
    names = set(TAKEN[setting.kind])
    if setting.kind in ("number", "decimal"):
        names = {name for name in names if setting.minimum <= float(RUBBISH[name]) <= setting.maximum}
    return names


@pytest.mark.parametrize("setting", TABLE, ids=lambda setting: setting.name)
def test_rubbish_is_refused_in_one_sentence_that_names_the_setting_and_what_is_allowed(
    setting: Setting, tmp_path: Path
) -> None:
    accepted = set()
    for name, value in RUBBISH.items():
        try:
            Settings.load(tmp_path / "none", {"MARQUEE_STATE": str(tmp_path), setting.name: value})
        except SettingsError as error:
            message = str(error)
            assert setting.name in message
            assert len(message) < 700
            assert message.isprintable()
            assert value not in message or setting.kind != "password"
            assert setting.words in message or "IPv6" in message or "longest" in message, message
        else:
            accepted.add(name)
    assert accepted == taken(setting)


def test_what_is_empty_gives_the_default(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("".join(f"{setting.name}=\n" for setting in TABLE), encoding="ascii")
    empty = Settings.load(tmp_path / ".env", {setting.name: "" for setting in TABLE})
    assert empty.values == {setting.name: setting.default for setting in TABLE}


@pytest.mark.parametrize("setting", [setting for setting in TABLE if setting.default], ids=lambda setting: setting.name)
def test_every_default_is_allowed(setting: Setting) -> None:
    assert KINDS[setting.kind][0](setting, setting.default)


def test_where_a_value_came_from_is_said(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("MARQUEE_API_PORT=x\n", encoding="ascii")
    with pytest.raises(SettingsError, match=r"Correct it in \.env\.$"):
        Settings.load(tmp_path / ".env", {})
    with pytest.raises(SettingsError, match=r"Correct it in the environment\.$"):
        Settings.load(tmp_path / ".env", {"MARQUEE_API_PORT": "y"})


def test_a_password_is_never_shown() -> None:
    setting = next(setting for setting in TABLE if setting.name == "MARQUEE_AIRFLOW_PASSWORD")
    with pytest.raises(SettingsError) as raised:
        checked(setting, "secret\n", ".env")
    assert str(raised.value) == (
        "MARQUEE_AIRFLOW_PASSWORD is not printable text of at most 200 characters, without blanks at its ends "
        "(password of Airflow's administrator). Correct it in .env."
    )


def test_an_ipv6_address_is_refused_as_one(tmp_path: Path) -> None:
    for name, value in (
        ("MARQUEE_BIND_HOST", "::1"),
        ("MARQUEE_BIND_HOST", "[::1]"),
        ("MARQUEE_BIND_HOST", "::"),
        ("MARQUEE_GATEWAY_HOST", "2001:db8::7"),
        ("MARQUEE_BIND_HOST", "::ffff:127.0.0.1"),
        ("MARQUEE_BIND_HOST", "fe80::1%eth0"),
        ("MARQUEE_HOSTS", "namenode=::1"),
    ):
        with pytest.raises(SettingsError, match=rf"^{name}='.*' is an IPv6 address, and Hadoop supports IPv4 alone"):
            Settings.load(tmp_path / "none", {name: value})


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "0.0.0.0", "localhost", "nn.example.org", "my_host", "a-b", "3com.example"]
)
def test_an_ipv4_address_and_a_name_are_hosts(host: str) -> None:
    assert is_host(host)


@pytest.mark.parametrize("host", ["127.1", "0", "2130706433", "0x7f.1", "0x7f000001", "a.1", "1.2.3.4.5", "256.0.0.1"])
def test_what_programs_guess_an_address_from_is_no_host(host: str) -> None:
    assert not is_host(host)


@pytest.mark.parametrize(
    "schedule", ["0 3 * * *", "*/15 0-5/2 1,15 jan *", "0 6 * * SUN", "0 6 * * fri-mon", "@daily", "59 23 31 12 7"]
)
def test_schedules_of_cron_are_taken(schedule: str, tmp_path: Path) -> None:
    assert Settings.load(tmp_path / "none", {"MARQUEE_SCHEDULE": schedule})["MARQUEE_SCHEDULE"] == schedule


@pytest.mark.parametrize(
    "schedule",
    [
        *("0 3 * *", "0 3 * * * *", "60 3 * * *", "0 24 * * *", "0 3 0 * *", "0 3 * 13 *", "0 3 * * 8", "nightly"),
        *("*/0 * * * *", "0 3 * * mondy", "@never", "0,,3 * * * *", "٣ 3 * * *"),
    ],
)
def test_what_cron_does_not_know_is_no_schedule(schedule: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="is not a cron expression of five fields"):
        Settings.load(tmp_path / "none", {"MARQUEE_SCHEDULE": schedule})


def test_the_setting_of_the_data_set_names_those_of_ingest_and_allows_a_name_of_ones_own(tmp_path: Path) -> None:
    setting = next(setting for setting in TABLE if setting.name == "MARQUEE_DATASET")
    assert setting.meaning.partition("`make run`: ")[2].removesuffix(", or a name of your own").split(", ") == [
        *DATASETS
    ]
    assert Settings.load(tmp_path / "none", {"MARQUEE_DATASET": "my-shop.2026"})["MARQUEE_DATASET"] == "my-shop.2026"
    with pytest.raises(SettingsError, match="MARQUEE_DATASET"):
        Settings.load(tmp_path / "none", {"MARQUEE_DATASET": "My shop"})


def test_a_passwords_every_printable_character_is_allowed(tmp_path: Path) -> None:
    password = (string.digits + string.ascii_letters + string.punctuation).strip()
    loaded = Settings.load(tmp_path / "none", {"MARQUEE_POSTGRES_PASSWORD": password})
    assert loaded["MARQUEE_POSTGRES_PASSWORD"] == password
