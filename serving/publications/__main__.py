"""Build, fetch, switch and inspect publications.

Commands that change something print one JSON object as their last line. Exit status: 0 done, or nothing to do;
1 failed, or refused because something is wrong; 2 wrong arguments; 3 held back: the publication is sound, but a pin or
a newer live publication keeps it from going live.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
from collections.abc import Sequence

from serving.publications.commands import announcing, building, changing, inspecting
from serving.publications.commands.arguments import EXIT_FAILED
from serving.publications.format import PublicationError
from serving.publications.store import HeldBackError

EXIT_HELD_BACK = 3
# In the order of the help.
_COMMANDS = (
    building.add_build,
    building.add_build_model,
    changing.add_pull,
    changing.add_activate,
    changing.add_rollback,
    changing.add_pin,
    changing.add_unpin,
    changing.add_refuse,
    inspecting.add_list,
    inspecting.add_show,
    inspecting.add_ledger,
    inspecting.add_verify,
    inspecting.add_diff,
    changing.add_prune,
    announcing.add_announce,
    announcing.add_follow,
    building.add_rebuild,
)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands; their arguments are a contract, see `--help`."""
    parser = argparse.ArgumentParser(
        prog="python -m serving.publications",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add_command in _COMMANDS:
        add_command(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    parser = build_parser()
    options = parser.parse_args(arguments)
    # Python 3.11 takes the value `--` away and leaves a list.
    if left := [name for name, value in vars(options).items() if isinstance(value, list)]:
        parser.error(f"argument --{left[0]}: expected one argument")
    try:
        return int(options.run(options))
    except HeldBackError as error:
        return _fail(options.command, error, EXIT_HELD_BACK)
    except PublicationError as error:
        return _fail(options.command, error, EXIT_FAILED)
    except OSError as error:
        what = f"{error.filename or 'The store'}: {error.strerror or error}"
        advice = "Make sure that it is writable and that its disk has free space, and run the command again."
        return _fail(options.command, f"{what}. {advice}", EXIT_FAILED)
    except sqlite3.Error as error:
        advice = (
            "Free some space in the output and temporary folders and run the command again. If there is enough space, "
            "run `verify` to look for a damaged publication."
        )
        return _fail(options.command, f"SQLite failed: {error}. {advice}", EXIT_FAILED)


def _fail(command: str, error: object, status: int) -> int:
    print(f"{command}: {error}", file=sys.stderr)
    outcome = "held-back" if status == EXIT_HELD_BACK else "failed"
    print(json.dumps({"command": command, "outcome": outcome, "error": str(error)}))
    return status


if __name__ == "__main__":
    sys.exit(main())
