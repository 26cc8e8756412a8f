from pathlib import Path

import pytest

from infra.control.given.env_file import read_env_file
from infra.control.given.kinds import KINDS
from infra.control.settings import REPOSITORY, TABLE, Settings, SettingsError, env_example


def load(tmp_path: Path, text: str, **environ: str) -> Settings:
    (tmp_path / ".env").write_text(text, encoding="utf-8")
    return Settings.load(tmp_path / ".env", environ)


def test_the_environment_wins_over_env_file_and_env_file_over_default(tmp_path: Path) -> None:
    settings = load(tmp_path, "MARQUEE_API_PORT=8001\nMARQUEE_MLFLOW_PORT=5001\n", MARQUEE_API_PORT="8002")
    assert settings["MARQUEE_API_PORT"] == "8002"
    assert settings["MARQUEE_MLFLOW_PORT"] == "5001"
    assert settings["MARQUEE_AIRFLOW_PORT"] == "8080"


def test_the_offset_is_added_to_every_port(tmp_path: Path) -> None:
    settings = load(tmp_path, "MARQUEE_PORT_OFFSET=10000\n")
    assert settings.port("AIRFLOW") == 18080
    assert settings.port("NAMENODE_HTTP") == 19870


def test_quotes_comments_and_export_are_understood(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("# a comment\n\nexport A='one two'\nB=\"3\"\nC=x=y\n", encoding="utf-8")
    assert read_env_file(tmp_path / ".env") == {"A": "one two", "B": "3", "C": "x=y"}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("yarn    # or local[*]", "yarn"),
        ("# nothing yet", "# nothing yet"),
        (" # nothing yet", ""),
        ("p#1", "p#1"),
        ("'a # b' # c", "a # b"),
        ('"a # b"', "a # b"),
        ("0 3 * * *", "0 3 * * *"),
        ("it's # well", "it's"),
    ],
)
def test_a_comment_after_a_value_is_none_of_it(tmp_path: Path, written: str, value: str) -> None:
    (tmp_path / ".env").write_text(f"A={written}\n", encoding="utf-8")
    assert read_env_file(tmp_path / ".env") == {"A": value}


def test_the_settings_that_the_page_on_clusters_shows_can_be_loaded(tmp_path: Path) -> None:
    page = (REPOSITORY / "docs" / "cluster.md").read_text(encoding="utf-8")
    settings = load(tmp_path, page.split("### .env\n")[1].split("```sh\n")[1].split("```")[0])
    assert settings.number("DATANODES") == 0
    assert settings["MARQUEE_BIND_HOST"] == "0.0.0.0"
    assert settings["MARQUEE_SPARK_MASTER"] == "yarn"
    assert settings.hosts["namenode"] == "nn.example.org"


def test_what_is_empty_in_the_environment_counts_as_not_set(tmp_path: Path) -> None:
    assert load(tmp_path, "MARQUEE_API_PORT=8001\n", MARQUEE_API_PORT="")["MARQUEE_API_PORT"] == "8001"


@pytest.mark.parametrize(
    ("text", "environ", "expected"),
    [
        ("JAVA_HOME=/opt/jdk-17\n", "/opt/jdk-21", "/opt/jdk-17"),
        ("", "/opt/jdk-21", "/opt/jdk-21"),
        ("", "", ""),
    ],
)
def test_java_home_of_env_file_wins_over_that_of_the_shell(
    tmp_path: Path, text: str, environ: str, expected: str
) -> None:
    assert load(tmp_path, text, JAVA_HOME=environ)["JAVA_HOME"] == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "MARQUEE_API_PORT=many\n",
            "MARQUEE_API_PORT='many' is not a port, which is 1 to 65535 (recommendation API). Correct it in .env.",
        ),
        (
            "MARQUEE_APY_PORT=8000\n",
            "sets MARQUEE_APY_PORT, which Marquee does not know. Did you mean MARQUEE_API_PORT? .env.example lists",
        ),
        (
            "marquee_api_port=8000\n",
            "sets marquee_api_port, which Marquee does not know. Did you mean MARQUEE_API_PORT?",
        ),
        ("MARQEE_API_PORT=8000\n", "Did you mean MARQUEE_API_PORT?"),
        ("JAVA_HOM=/opt/jdk\n", "Did you mean JAVA_HOME?"),
        ("MARQUEE_XYZZY=1\n", "sets MARQUEE_XYZZY, which Marquee does not know. .env.example lists every setting."),
        ("just words\n", "line 1 is not NAME=value: 'just words'"),
        (
            "MARQUEE_INSTANCE=../elsewhere\n",
            "MARQUEE_INSTANCE='../elsewhere' is not a name of at most 40 letters, digits and '-' (",
        ),
    ],
)
def test_a_bad_setting_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SettingsError) as raised:
        load(tmp_path, text)
    assert message in str(raised.value)


def test_env_example_in_the_repository_documents_every_setting() -> None:
    written = (REPOSITORY / ".env.example").read_text(encoding="utf-8")
    assert written == env_example(), "run `python3 -m infra.control env-example > .env.example`"
    for setting in TABLE:
        assert f"\n#{setting.name}={setting.default}\n" in written


def test_the_table_has_a_section_a_known_kind_and_a_meaning_for_every_setting() -> None:
    assert len({setting.name for setting in TABLE}) == len(TABLE)
    assert {setting.kind for setting in TABLE} <= set(KINDS)
    assert [setting.name for setting in TABLE if not setting.section or not setting.meaning] == []
    assert Settings.load(REPOSITORY / "no.env", {}).values == {setting.name: setting.default for setting in TABLE}


def test_default_ports_differ_and_stay_below_the_ephemeral_range_of_the_test_instance() -> None:
    ports = [int(setting.default) for setting in TABLE if setting.kind == "port"]
    assert len(set(ports)) == len(ports)
    assert max(ports) + 10000 < 32768
