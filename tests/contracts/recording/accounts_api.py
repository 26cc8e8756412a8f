"""What is asked of the API of the accounts service: by the administrator, two users, clients, and those without a token."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any

from tests.contracts.recording.accounts_service import ADA, ADMIN, BOB, NEXT_PASSWORD, PASSWORD, V1, Caller, accounts
from tests.contracts.recording.exchanges import Asker, Recorder


def record_api(recorder: Recorder, work: Path) -> None:
    """Ask every operation."""
    service = accounts(work)
    asker = Asker(recorder, service.application)
    for path in ("/health", "/ready", "/openapi.json", "/docs", "/v2", "/v1/movies/", "", "/oauth/token"):
        asker.ask(f"GET /accounts{path}")
    root, ada, bob = (Caller(asker, name) for name in ("Root", "Ada", "Bob"))
    _registering(asker)
    root.sign_in()
    first = ada.sign_in()
    bob.sign_in()
    _movies(asker, root, ada)
    _ratings(root, ada, bob)
    _own_account(asker, root, ada, first)
    _administration(root, ada)
    _clients_and_oauth(asker, root)
    _refused_everywhere(asker, bob)
    _retries(asker)
    _too_many_attempts(asker)
    root.ask(f"DELETE {V1}/users/{BOB}")
    bob.ask(f"GET {V1}/me", "the account is gone")


def _retries(asker: Asker) -> None:
    for note, name, key in (
        *(("with a key", "Dan", "a-key-of-the-recording"), ("its retry", "Dan", "a-key-of-the-recording")),
        *(("another name", "Eve", "a-key-of-the-recording"), ("a short key", "Eve", "short")),
    ):
        body, headers = {"name": name, "password": PASSWORD}, {"Idempotency-Key": key}
        asker.ask(f"POST {V1}/users", note, json_body=body, headers=headers)
    for name in ("\u0410da", "A\u200dda", "\u3164\u3164\u3164", "\u202eadA"):
        asker.ask(f"POST {V1}/users", f"named {name!a}", json_body={"name": name, "password": PASSWORD})


def _registering(asker: Asker) -> None:
    for name, password in (
        *(("Ada", PASSWORD), ("Bob", PASSWORD), ("ADA", PASSWORD), ("A", PASSWORD), ("Cy", ""), ("Cyd", "short")),
        *(("Cyd", "password123"), ("Cyd", "x" * 201), ("Cy  d", PASSWORD), ("<Cyd>", PASSWORD), ("김하나", PASSWORD)),
    ):
        note = f"{name!r} with {password[:12]!r}"
        asker.ask(f"POST {V1}/users", note, json_body={"name": name, "password": password})
    for note, body in (("no name", {"password": PASSWORD}), ("a number", {"name": 5, "password": PASSWORD})):
        asker.ask(f"POST {V1}/users", note, json_body=body)
    asker.ask(f"POST {V1}/users", "an unknown field", json_body={"name": "Cyd", "password": PASSWORD, "role": "admin"})
    asker.ask(f"POST {V1}/users?x=1", json_body={"name": "Cyd", "password": PASSWORD})
    asker.ask(f"POST {V1}/users", "a form", form={"name": "Cyd", "password": PASSWORD})
    for note, text in (("not JSON", b"{"), ("an array", b"[]"), ("empty", b""), ("too large", b" " * 70_000)):
        asker.ask(f"POST {V1}/users", note, body=text, headers={"Content-Type": "application/json"})
    for name, password in (("Ada", "wrong kettles"), ("Nobody", PASSWORD), ("ada", PASSWORD), ("", PASSWORD)):
        note = f"{name!r} with {password!r}"
        asker.ask(f"POST {V1}/login", note, json_body={"name": name, "password": password})


def _movies(asker: Asker, root: Caller, ada: Caller) -> None:
    for query in (
        *("", "?limit=3", "?limit=3&after=3", "?q=alien", "?q=AMELIE", "?q=alien&limit=1", "?q=zzz", "?limit=0"),
        *("?limit=101", "?limit=ten", "?after=-1", "?limit=1&limit=2", "?unknown=1", f"?q={'x' * 101}", "?q=%00"),
    ):
        asker.ask(f"GET {V1}/movies{query}")
    for movie in ("5", "8", "999", "0", "x", "2147483648", "99999999999"):
        asker.ask(f"GET {V1}/movies/{movie}")
    asker.ask(f"HEAD {V1}/movies/5")
    asker.ask(f"OPTIONS {V1}/movies/5")
    asker.ask(f"PATCH {V1}/movies/5")
    kettle = {"title": " The Third Kettle ", "release_year": 2026, "genres": ["Drama", "War", "Drama"]}
    asker.ask(f"POST {V1}/movies", "nobody", json_body=kettle)
    ada.ask(f"POST {V1}/movies", body=kettle)
    root.ask(f"POST {V1}/movies", body=kettle)
    root.ask(f"POST {V1}/movies", "a title alone", {"title": "Kettles"})
    for note, body in (
        ("no title", {}),
        ("an empty title", {"title": " "}),
        ("a year of long ago", {"title": "Kettles", "release_year": 1869}),
        ("a genre with a bar", {"title": "Kettles", "genres": ["a|b"]}),
        ("a year that is a text", {"title": "Kettles", "release_year": "2026"}),
    ):
        root.ask(f"POST {V1}/movies", note, body)
    root.ask(f"PUT {V1}/movies/14", body={"title": "Ran (Chaos)", "release_year": 1985, "genres": ["Drama"]})
    root.ask(f"PUT {V1}/movies/999", body={"title": "Kettles"})
    ada.ask(f"PUT {V1}/movies/14", body={"title": "Kettles"})
    ada.ask(f"DELETE {V1}/movies/13")
    root.ask(f"DELETE {V1}/movies/13")
    root.ask(f"DELETE {V1}/movies/13", "again")
    asker.ask(f"GET {V1}/movies/13", "withdrawn")
    asker.ask(f"GET {V1}/movies?after=11", "after the changes")


def _ratings(root: Caller, ada: Caller, bob: Caller) -> None:
    own = f"{V1}/users/{ADA}/ratings"
    ada.ask(f"GET {own}", "none yet")
    for note, movie, stars in (
        *(
            ("the first", 5, 4.5),
            ("an integer", 6, 5),
            ("the lowest", 3, 0.5),
            ("one that was added", 1_000_000_001, 3),
        ),
        *(("the same again", 5, 4.5), ("another", 5, 4), ("too high", 5, 5.5), ("too low", 5, 0), ("no half", 5, 3.3)),
        *(("a text", 5, "4"), ("true", 5, True), ("null", 5, None), ("withdrawn", 13, 4), ("unknown", 999, 4)),
    ):
        ada.ask(f"PUT {own}/{movie}", note, {"rating": stars})
    ada.ask(f"PUT {own}/5", "no rating", {})
    ada.ask(f"PUT {own}/5", "two", {"rating": 5, "rated_at": 0})
    bob.ask(f"PUT {V1}/users/{BOB}/ratings/5", body={"rating": 1})
    bob.ask(f"PUT {own}/5", "another's", {"rating": 1})
    for path in (own, f"{own}?limit=2", f"{own}/5", f"{own}/1", f"{own}?limit=0", f"{V1}/users/{ADMIN}/ratings"):
        ada.ask(f"GET {path}")
    ada.ask(f"GET {own}?limit=2&after=4")
    bob.ask(f"GET {own}", "another's")
    root.ask(f"GET {own}", "another's")
    ada.ask(f"DELETE {own}/3")
    ada.ask(f"DELETE {own}/3", "again")
    for query in ("", "?limit=2", "?limit=2&after=5", "?after=9007199254740993"):
        root.ask(f"GET {V1}/ratings{query}")
    ada.ask(f"GET {V1}/ratings")


def _own_account(asker: Asker, root: Caller, ada: Caller, first: dict[str, Any]) -> None:
    own = f"{V1}/users/{ADA}"
    for path in (f"{V1}/me", own, f"{own}/sessions", f"{own}/export"):
        ada.ask(f"GET {path}")
    again = {"refresh_token": first["refresh_token"]}
    following = asker.ask(f"POST {V1}/refresh", "good", json_body=again).get_json()
    asker.ask(f"POST {V1}/refresh", "its retry", json_body=again)
    asker.ask(f"POST {V1}/refresh", "the next one", json_body={"refresh_token": following["refresh_token"]})
    for note, given in (
        ("used", first["refresh_token"]),
        ("unknown", "x"),
        ("empty", ""),
    ):
        asker.ask(f"POST {V1}/refresh", note, json_body={"refresh_token": given})
    ada.ask(f"GET {V1}/me", "the session is revoked")
    asker.ask(f"GET {V1}/me", "no token")
    # Another first letter of the signature: its last one holds bits that do not count.
    signed, _, signature = str(root.token).rpartition(".")
    forged = f"{signed}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"
    for token in ("Bearer x", "Basic eDp4", "Bearer", f"bearer {root.token}", f"Bearer {forged}"):
        note = "in small letters" if token.startswith("bearer") else token if len(token) < 20 else "another signature"
        if note == "another signature":
            asker.recorder.names[token.removeprefix("Bearer ")] = "<an access token with another signature>"
        asker.ask(f"GET {V1}/me", note, headers={"Authorization": token})
    ada.sign_in("Ada again")
    second = Caller(asker, "Ada's second session")
    second.name = "Ada"
    second.sign_in("Ada twice")
    ada.ask(f"GET {own}/sessions", "two")
    for note, current, following in (
        *(("wrong", "wrong kettles", NEXT_PASSWORD), ("weak", PASSWORD, "kettles")),
        *(("guessed", PASSWORD, "ada12345"), ("good", PASSWORD, NEXT_PASSWORD)),
    ):
        ada.ask(f"PUT {own}/password", note, {"current_password": current, "new_password": following})
    second.ask(f"GET {V1}/me", "the other session is over")
    ada.ask(f"PUT {own}/password", "one field", {"new_password": NEXT_PASSWORD})
    root.ask(f"PUT {own}/password", "another's", {"current_password": PASSWORD, "new_password": NEXT_PASSWORD})
    ada.ask(f"POST {V1}/logout")
    ada.ask(f"POST {V1}/logout", "again")
    ada.sign_in("Ada with the new password", NEXT_PASSWORD)


def _administration(root: Caller, ada: Caller) -> None:
    for query in ("", "?limit=1", "?limit=1&after=1000000001", "?after=1000000009", "?limit=x"):
        root.ask(f"GET {V1}/users{query}")
    ada.ask(f"GET {V1}/users")
    for user in (ADA, 1_000_000_009, 3_000_000_000):
        root.ask(f"GET {V1}/users/{user}")
    root.ask(f"GET {V1}/users/{ADA}/sessions")
    root.ask(f"GET {V1}/users/{ADA}/export")
    root.ask(f"PUT {V1}/users/{ADMIN}/role", "the last", {"role": "user"})
    root.ask(f"DELETE {V1}/users/{ADMIN}", "the last")
    root.ask(f"PUT {V1}/users/{ADA}/role", "a role that is none", {"role": "owner"})
    root.ask(f"PUT {V1}/users/{ADA}/role", "an administrator", {"role": "admin"})
    ada.ask(f"GET {V1}/users", "as administrator")
    root.ask(f"PUT {V1}/users/{ADA}/role", "a user", {"role": "user"})
    root.ask(f"PUT {V1}/users/1000000009/role", body={"role": "user"})
    ada.ask(f"PUT {V1}/users/{ADA}/role", "one's own role", {"role": "admin"})
    root.ask(f"DELETE {V1}/users/{ADA}/sessions")
    root.ask(f"DELETE {V1}/users/1000000009/sessions")
    root.ask(f"DELETE {V1}/users/1000000009")
    ada.ask(f"GET {V1}/me", "the sessions are over")


def _clients_and_oauth(asker: Asker, root: Caller) -> None:
    both = root.ask(
        f"POST {V1}/clients", "both scopes", {"name": "Takes on", "scopes": ["ratings:read", "movies:write"]}
    )
    one = root.ask(f"POST {V1}/clients", "one scope", {"name": "Reads", "scopes": ["ratings:read"]}).get_json()
    for note, scopes in (("no scope", []), ("an unknown scope", ["all"]), ("a text", "ratings:read")):
        root.ask(f"POST {V1}/clients", note, {"name": "Reads", "scopes": scopes})
    # By drawn ids, so not in an order of their own: one is removed before they are listed.
    root.ask(f"DELETE {V1}/clients/{both.get_json()['client_id']}")
    root.ask(f"GET {V1}/clients")
    root.ask(f"DELETE {V1}/clients/00")
    root.ask(f"DELETE {V1}/clients/XYZ")
    given = _grants(asker, {"client_id": one["client_id"], "client_secret": one["client_secret"]})
    reader = Caller(asker, "Reads")
    reader.token = given["a client"]["access_token"]
    for line in (f"GET {V1}/ratings", f"GET {V1}/ratings?limit=1", f"GET {V1}/me", f"GET {V1}/users"):
        reader.ask(line)
    reader.ask(f"POST {V1}/movies", body={"title": "Kettles"})
    for note, form in (
        *(("a client's", {"token": reader.token}), ("unknown", {"token": "x"}), ("none", {})),
        *(
            ("a wrong client", {"token": "x", "client_id": "00"}),
            ("a user's", {"token": given["an empty one"]["refresh_token"]}),
        ),
    ):
        asker.ask("POST /accounts/oauth/revoke", note, form=form)
    reader.ask(f"GET {V1}/ratings", "revoked")


def _grants(asker: Asker, client: dict[str, str]) -> dict[str, Any]:
    """Ask for tokens in every way; return the answers by note."""
    mine = {"grant_type": "client_credentials", **client}
    user = {"grant_type": "password", "username": "Bob", "password": PASSWORD}
    grants = [
        *(("a client", mine), ("a scope", mine | {"scope": "ratings:read"}), ("a wrong scope", mine | {"scope": "x"})),
        *(("no secret", {"grant_type": "client_credentials"}), ("a wrong secret", mine | {"client_secret": "x"})),
        *(
            ("a user", user),
            ("a wrong password", user | {"password": "wrong"}),
            ("a scope of a user", user | {"scope": "x"}),
        ),
        *(("a user by a client", user | client), ("no password", {"grant_type": "password", "username": "Bob"})),
        *(("an unknown grant", {"grant_type": "authorization_code"}), ("no grant", {"username": "Bob"})),
        *(
            ("no refresh token", {"grant_type": "refresh_token"}),
            ("an empty one", user | {"refresh_token": "", "x": "y"}),
        ),
        ("an unknown refresh token", {"grant_type": "refresh_token", "refresh_token": "x"}),
        ("a long name", user | {"username": "x" * 201}),
    ]
    given = {note: asker.ask("POST /accounts/oauth/token", note, form=form).get_json() for note, form in grants}
    refresh = {"grant_type": "refresh_token", "refresh_token": given["a user"]["refresh_token"]}
    asker.ask("POST /accounts/oauth/token", "a refresh token", form=refresh)
    asker.ask("POST /accounts/oauth/token", "a used refresh token", form=refresh)
    basic = b64encode(f"{client['client_id']}:{client['client_secret']}".encode()).decode()
    for note, value in (("the header", basic), ("a wrong header", b64encode(b"00:x").decode())):
        recorded = {"Authorization": f"Basic {value}"}
        asker.recorder.names[value] = f"<basic credentials: {note}>"
        asker.ask("POST /accounts/oauth/token", note, form={"grant_type": "client_credentials"}, headers=recorded)
        asker.ask("POST /accounts/oauth/token", f"{note} and a secret", form=mine, headers=recorded)
    asker.ask("POST /accounts/oauth/token?grant_type=password", form=user)
    asker.ask("POST /accounts/oauth/token", "JSON", json_body=user)
    twice = b"grant_type=password&grant_type=password"
    form_type = {"Content-Type": "application/x-www-form-urlencoded"}
    asker.ask("POST /accounts/oauth/token", "twice", headers=form_type, body=twice)
    return given


def _refused_everywhere(asker: Asker, bob: Caller) -> None:
    """Ask what is for administrators and owners without a token, and as another user."""
    own = f"{V1}/users/{ADA}"
    for line in (
        *(f"GET {V1}/users", f"GET {own}", f"DELETE {own}", f"GET {own}/export", f"GET {own}/sessions"),
        *(f"DELETE {own}/sessions", f"GET {V1}/clients", f"DELETE {V1}/clients/00", f"DELETE {own}/ratings/5"),
    ):
        asker.ask(line, "no token")
        bob.ask(line, "another user")


def _too_many_attempts(asker: Asker) -> None:
    wrong = {"name": "Dora", "password": "wrong kettles"}
    for _ in range(10):
        asker.ask(f"POST {V1}/login", json_body=wrong, quiet=True)
    asker.ask(f"POST {V1}/login", "the eleventh", json_body=wrong)
    form = {"grant_type": "password", "username": "Dora", "password": "wrong kettles"}
    asker.ask("POST /accounts/oauth/token", "the eleventh", form=form)
