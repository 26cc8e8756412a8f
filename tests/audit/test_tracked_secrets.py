"""No secret is in git: each tracked file, searched by detect-secrets."""

import shutil
import subprocess
from pathlib import Path

import pytest

from infra.audit.tracked_files import tracked_files
from infra.audit.tracked_secrets import BASELINE, unknown_secrets
from infra.control.settings import REPOSITORY


def test_no_tracked_file_holds_a_secret() -> None:
    files = tracked_files(REPOSITORY)
    assert "infra/control/settings.py" in files
    assert unknown_secrets(REPOSITORY, files) == []


def test_settings_and_generated_secrets_are_not_tracked() -> None:
    assert not [name for name in tracked_files(REPOSITORY) if name == ".env" or name.startswith(".marquee/")]


# Put together here, so that this file holds none.
PRIVATE_KEY = "-----BEGIN " + "RSA PRIVATE KEY-----"
TOKEN = "ghp_" + "a1B2" * 9


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("key.pem", PRIVATE_KEY, "Private Key"),
        ("notes.md", f"the token is {TOKEN}", "GitHub Token"),
        ("settings.py", 'airflow_password = "' + "Tr0ub4dor-and-3" + '"', "Secret Keyword"),
        ("compose.yml", "url: postgresql://marquee:" + "hunter2hunter2" + "@db/marquee", "Basic Auth Credentials"),
    ],
)
def test_a_secret_that_is_added_is_found(tmp_path: Path, name: str, text: str, kind: str) -> None:
    shutil.copy(REPOSITORY / BASELINE, tmp_path)
    (tmp_path / name).write_text(f"first line\n{text}\n", encoding="utf-8")
    for command in (["init", "-q"], ["add", name]):
        subprocess.run(["git", "-C", str(tmp_path), *command], check=True)
    (tmp_path / "untracked.pem").write_text(PRIVATE_KEY, encoding="utf-8")
    assert tracked_files(tmp_path) == [name]
    (found,) = unknown_secrets(tmp_path, tracked_files(tmp_path))
    assert found.startswith(f"{name}:2 may hold a secret ({kind}). Take it out and change it where it is valid.")
