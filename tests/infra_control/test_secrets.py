import stat
from pathlib import Path

import pytest

from infra.control.settings import Settings, SettingsError
from infra.control.variables import environment


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.load(tmp_path / ".env", {"MARQUEE_STATE": str(tmp_path), "MARQUEE_PORT_OFFSET": "10000"})


def test_generated_secrets_are_kept_and_private(settings: Settings) -> None:
    first, second = environment(settings), environment(settings)
    assert len(first["MARQUEE_AIRFLOW_PASSWORD"]) == 32
    assert first["MARQUEE_AIRFLOW_PASSWORD"] == second["MARQUEE_AIRFLOW_PASSWORD"]
    assert first["MARQUEE_AIRFLOW_PASSWORD"] != first["MARQUEE_POSTGRES_PASSWORD"]
    for file in (settings.instance / "secrets").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_secret_that_could_not_be_written_is_made_at_the_next_start(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_text", full)
        with pytest.raises(OSError, match="No space left"):
            environment(settings)
    assert len(environment(settings)["MARQUEE_POSTGRES_PASSWORD"]) == 32


def test_an_empty_secret_is_refused_by_its_path(settings: Settings) -> None:
    environment(settings)
    path = settings.instance / "secrets" / "fernet-key"
    path.write_text("\n", encoding="ascii")
    with pytest.raises(SettingsError) as raised:
        environment(settings)
    assert str(raised.value) == (
        f"{path} is empty. Put the secret back from a backup, or delete the file: a new secret is then made."
    )


def test_a_chosen_password_is_used(tmp_path: Path) -> None:
    chosen = Settings.load(tmp_path / ".env", {"MARQUEE_STATE": str(tmp_path), "MARQUEE_AIRFLOW_PASSWORD": "chosen"})
    assert environment(chosen)["MARQUEE_AIRFLOW_PASSWORD"] == "chosen"
