"""A release is tagged only where each point of its checklist holds."""

import subprocess
from pathlib import Path

import pytest

from infra.release.checklist import make_tag, points, tag_of
from infra.release.errors import ReleaseError


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
    command = ["git", *identity, "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "Test")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "test@example.org")
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "0.2.0"\n', encoding="ascii")
    (tmp_path / "README.md").write_text("[a page](docs/a.md)\n", encoding="ascii")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("[back](../README.md), [web](https://example.org)\n", encoding="ascii")
    (tmp_path / "CHANGELOG.md").write_text("## [Unreleased]\n\n## [0.2.0] - 2026-11-28\n\n- New.\n", encoding="ascii")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "all")
    return tmp_path


def faults(repository: Path, version: str = "0.2.0") -> list[str]:
    return [fault for _, fault in points(repository, version) if fault]


def test_a_checkout_that_is_ready_has_no_fault_and_gets_its_tag(repository: Path) -> None:
    assert faults(repository) == []
    assert make_tag(repository, "0.2.0") == "v0.2.0"
    assert git(repository, "tag", "--list") == "v0.2.0"
    assert faults(repository) == ["0.2.0 is released already. Take a higher version."]


@pytest.mark.parametrize(
    ("file", "text", "fault"),
    [
        ("pyproject.toml", '[project]\nversion = "0.1.0"\n', "pyproject.toml has the version 0.1.0. Set it to 0.2.0."),
        ("CHANGELOG.md", "## [Unreleased]\n", "CHANGELOG.md has no section"),
        ("CHANGELOG.md", "## [0.2.0] - 2026-11-28\n\n## [0.1.0] - 2026-11-01\n\n- Old.\n", "is empty. Fill it."),
        ("docs/a.md", "[gone](gone.md)", "docs/a.md links to gone.md, which does not exist."),
    ],
)
def test_each_point_can_fail(repository: Path, file: str, text: str, fault: str) -> None:
    (repository / file).write_text(text, encoding="ascii")
    git(repository, "commit", "-q", "-a", "-m", "change")
    (found,) = faults(repository)
    assert fault in found


def test_a_changed_file_is_a_fault(repository: Path) -> None:
    (repository / "README.md").write_text("changed", encoding="ascii")
    assert "Files differ from the commit" in faults(repository)[0]


@pytest.mark.parametrize(
    "version", ["", "1", "0.2", "v0.2.0", "0.2.0-rc1", "00.1.0", "0.2.0\n", "\u0660.\u0662.\u0660"]
)
def test_what_is_no_version_is_refused(version: str) -> None:
    with pytest.raises(ReleaseError, match="is no version"):
        tag_of(version)
