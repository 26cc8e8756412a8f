"""A push to main of a bare repository is deployed to staging."""

import os
import shutil
import subprocess
from pathlib import Path

from infra.hooks.install import make_bare_repository
from tests.infra_deploy.conftest import Place, place

REPOSITORY = Path(__file__).resolve().parents[2]
__all__ = ["place"]


def test_a_push_to_main_goes_to_staging_and_one_to_another_branch_does_not(place: Place, tmp_path: Path) -> None:
    """Push versions that hold the real Makefile and programs of release and deployment, over the small platform."""
    bare = tmp_path / "bare.git"
    make_bare_repository(bare, place.state)
    shutil.copy(REPOSITORY / "Makefile", place.repository)
    for folder in ("infra/release", "infra/deploy/environments", "infra/control"):
        shutil.copytree(REPOSITORY / folder, place.repository / folder, dirs_exist_ok=True)
    small = (Path(REPOSITORY) / "tests/infra_deploy/small_platform.py").read_text(encoding="utf-8")
    # Checks of arguments and the state folder are the real program's; what runs in staging is the small platform's.
    real = (REPOSITORY / "infra/control/__main__.py").read_text(encoding="utf-8")
    (place.repository / "infra/control/real.py").write_text(real, encoding="utf-8")
    choose = (
        "import os, sys\n"
        "if sys.argv[1:2] in (['given'], ['state']):\n"
        "    from infra.control.real import main\n"
        "    sys.exit(main())\n"
    )
    (place.repository / "infra/control/__main__.py").write_text(choose + small, encoding="utf-8")
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
