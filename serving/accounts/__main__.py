"""Migrate the database, load the catalogue, make an administrator or a client."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError

from serving.accounts.application import DEFAULT_DATABASE
from serving.accounts.database.engine import migrate, open_database, transactions
from serving.accounts.database.errors import AccountsError
from serving.accounts.database.models import User
from serving.accounts.domain.access import SCOPES
from serving.accounts.domain.catalogue import live_publication, load_catalogue, load_live, rows_of_export
from serving.accounts.domain.clients import set_client
from serving.accounts.domain.registration import register
from serving.accounts.domain.schemas.accounts import NewAccount
from serving.accounts.names import name_key
from serving.web.problems import ProblemError

_CLIENT_SECRET_CHARACTERS = 32
_CLIENT_ID_CHARACTERS = 40


def arguments() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m serving.accounts",
        description=__doc__,
        epilog="The database is MARQUEE_ACCOUNTS_DATABASE. The last line of standard output is one JSON object.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    migrating = commands.add_parser("migrate", help="bring the tables to this program's version")
    migrating.add_argument("--down-to", metavar="REVISION", help="go back to a revision instead; base: drop all tables")
    migrating.add_argument(
        "--phase",
        choices=("all", "expand"),
        default=os.environ.get("MARQUEE_MIGRATIONS") or "all",
        help="expand: only what programs of the version before can work with",
    )
    loading = commands.add_parser("load-catalogue", help="load the movies from the warehouse")
    source = loading.add_mutually_exclusive_group(required=True)
    source.add_argument("--export", type=Path, metavar="FOLDER", help="Hive's export of movies, tab-separated")
    source.add_argument("--store", type=Path, metavar="FOLDER", help="publication store; its live publication is read")
    admin = commands.add_parser("create-admin", help="make an administrator, unless the name has one already")
    admin.add_argument("--name", required=True)
    admin.add_argument(
        "--password-variable",
        metavar="NAME",
        help="environment variable with the password; default: the program asks for it",
    )
    client = commands.add_parser("create-client", help="make a program's client, or give it another secret")
    client.add_argument("--id", required=True, help="letters and digits")
    client.add_argument("--scope", required=True, action="append", choices=list(SCOPES), help="may be given again")
    client.add_argument("--secret-variable", required=True, metavar="NAME", help="environment variable with the secret")
    return parser


def _load(engine: Engine, options: argparse.Namespace) -> dict[str, Any]:
    factory = transactions(engine)
    if options.export is not None:
        return {
            "source": options.export.name,
            "movies": load_catalogue(factory, options.export.name, rows_of_export(options.export)),
        }
    if live_publication(options.store) is None:
        raise AccountsError(f"{options.store} has nothing published. Run the pipeline first (`make run`).")
    return {"loaded": load_live(factory, options.store)}


def _create_admin(engine: Engine, name: str, password: str) -> dict[str, Any]:
    factory = transactions(engine)
    with factory() as database:
        present = database.scalar(select(User).where(User.name_key == name_key(name)))
    if present is None:
        try:
            given = NewAccount(name=name, password=password)
        except ValidationError as error:
            reasons = "; ".join(found["msg"] for found in error.errors(include_url=False, include_input=False))
            raise AccountsError(f"This account can't be made: {reasons}. Give another name or password.") from None
        return {"user_id": register(factory, given.name, given.password, "admin").user_id, "created": True}
    if present.role != "admin":
        raise AccountsError(f"{name} is an ordinary user's name. Give another one.")
    return {"user_id": present.user_id, "created": False}


def _create_client(engine: Engine, options: argparse.Namespace) -> dict[str, Any]:
    secret = os.environ.get(options.secret_variable, "")
    if len(secret) < _CLIENT_SECRET_CHARACTERS:
        raise AccountsError(
            f"{options.secret_variable} has fewer than 32 characters. Put a random text of 32 or more there."
        )
    if not (options.id.isascii() and options.id.isalnum() and len(options.id) <= _CLIENT_ID_CHARACTERS):
        raise AccountsError(f"{options.id[:60]!r} is no client's id. Give 1 to 40 letters and digits.")
    set_client(transactions(engine), options.id, options.id, options.scope, secret)
    return {"client_id": options.id, "scopes": options.scope}


def _password(options: argparse.Namespace) -> str:
    if not options.password_variable:
        return getpass.getpass(f"Password of {options.name}: ")
    password = os.environ.get(options.password_variable)
    if not password:
        raise AccountsError(f"{options.password_variable} is not set. Put the administrator's password there.")
    return password


def main(argv: list[str] | None = None) -> int:
    """Run one command; return the exit status."""
    options = arguments().parse_args(argv)
    try:
        engine = open_database(os.environ.get("MARQUEE_ACCOUNTS_DATABASE") or DEFAULT_DATABASE)
        match options.command:
            case "migrate":
                migrate(engine, options.down_to or "head", down=options.down_to is not None, phase=options.phase)
                answer: dict[str, Any] = {"revision": options.down_to or "head"}
            case "load-catalogue":
                answer = _load(engine, options)
            case "create-client":
                answer = _create_client(engine, options)
            case _:
                answer = _create_admin(engine, options.name, _password(options))
        engine.dispose()
    except (AccountsError, SQLAlchemyError) as error:
        print(f"accounts: {str(error).splitlines()[0]}", file=sys.stderr)
        return 1
    except ProblemError as error:
        print(f"accounts: {error.detail}", file=sys.stderr)
        return 1
    print(json.dumps(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main())
