"""A push to main of a bare repository is deployed to staging."""

import os
import subprocess
from pathlib import Path

from infra.hooks.install import make_bare_repository
from tests.infra_deploy.conftest import Place, place

__all__ = ["place"]


def test_a_push_to_main_goes_to_staging_and_one_to_another_branch_does_not(place: Place, tmp_path: Path) -> None:
    bare = tmp_path / "bare.git"
    make_bare_repository(bare, place.state)
    place.add_real_programs()
    commit = place.version("1")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MARQUEE_"))}
    push = ["git", "-C", str(place.repository), "push", str(bare)]
    other = subprocess.run([*push, "main:work"], env=environ, capture_output=True, text=True, check=True)
    assert "deploy" not in other.stderr
    assert place.answers(place.staging) is None
    pushed = subprocess.run([*push, "main"], env=environ, capture_output=True, text=True, check=True)
    assert f"remote: deploy  {commit[:12]} is live in staging" in pushed.stderr
    assert place.answers(place.staging) == "1"
    assert place.staging.live == commit
