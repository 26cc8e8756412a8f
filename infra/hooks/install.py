"""`python3 -m infra.hooks.install`: put git's hooks in place, or make a bare repository that deploys what is pushed."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from infra.control.settings import REPOSITORY, Settings, SettingsError

_MARK = "infra.hooks.pre_push"
_PRE_PUSH = f"#!/bin/sh\n# Written by `make hooks`.\nexec python3 -m {_MARK}\n"


class HookError(Exception):
    """A hook can't be put in place; the message says why and what to do."""


def _git(*arguments: str) -> str:
    ended = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise HookError(f"git {arguments[0]} failed: {ended.stderr.strip()}. Run the command in a checkout of git.")
    return ended.stdout.strip()


def install_pre_push(repository: Path) -> Path:
    """Write the hook pre-push and return its file.

    Raises HookError where there is a hook of another program.
    """
    hook = repository / _git("-C", str(repository), "rev-parse", "--git-path", "hooks") / "pre-push"
    if hook.exists() and _MARK not in hook.read_text(encoding="utf-8", errors="replace"):
        raise HookError(f"{hook} is a hook of another program. Call `python3 -m {_MARK}` in it, or remove it.")
    hook.parent.mkdir(parents=True, exist_ok=True)
    hook.write_text(_PRE_PUSH, encoding="ascii")
    hook.chmod(0o755)
    return hook


def make_bare_repository(folder: Path, state: Path) -> None:
    """Make a bare repository whose hook deploys pushes to main to staging.

    Raises HookError where the folder holds something else.
    """
    if folder.exists() and not folder.is_dir():
        raise HookError(f"{folder} is no folder. Name a new folder or a bare repository.")
    if folder.exists() and not (folder / "objects").is_dir() and any(folder.iterdir()):
        raise HookError(f"{folder} holds other files. Name a new folder or a bare repository.")
    _git("init", "--quiet", "--bare", "--initial-branch", "main", str(folder))
    _git("-C", str(folder), "config", "marquee.state", str(state))
    hook = folder / "hooks" / "post-receive"
    shutil.copy(Path(__file__).with_name("post-receive"), hook)
    hook.chmod(0o755)


def main() -> int:
    """Run the command and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m infra.hooks.install", description=__doc__)
    parser.add_argument("--bare-repository", metavar="FOLDER", help="make this instead of local hooks")
    options = parser.parse_args()
    given: str | None = options.bare_repository
    try:
        if given == "":
            raise HookError("No folder is named. Give FOLDER=, such as FOLDER=/srv/marquee.git.")
        if given:
            # Not every shell expands the ~ of `FOLDER=~/marquee.git`.
            bare = Path(os.path.expanduser(given)).resolve()  # noqa: PTH111 - it leaves an unknown user's ~ as it is
            make_bare_repository(bare, Settings.load().state.resolve())
            print(f"hooks  a push to main of {bare} goes to staging: git remote add staging {bare}")
        else:
            print(f"hooks  {install_pre_push(REPOSITORY)} runs the fast tests of what a push changes")
    except (HookError, SettingsError) as error:
        sys.exit(f"hooks: {error}")
    except OSError as error:
        sys.exit(f"hooks: {error.filename} can't be used: {error.strerror}. Name a folder that you may write to.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
