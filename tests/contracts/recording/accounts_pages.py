"""What is asked of the pages of the accounts service, of its states of failure, and the export of its ratings."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from tests.contracts.recorded_applications import recommendation_application, run_export
from tests.contracts.recording.accounts_service import ADA, NEXT_PASSWORD, PASSWORD, V1, Caller, accounts, served
from tests.contracts.recording.exchanges import Asker, Exchange, Recorder
from tests.contracts.recording.publications import Store

KOREAN = {"Accept-Language": "ko"}
REVIEWS = "/account/movies/5/reviews"
PAGES = ("/account", "/account/ratings", "/account/settings", "/account/sign-in", "/account/sign-up")


def record_pages(recorder: Recorder, work: Path, store: Store) -> None:
    """Ask the pages as a browser does, in both languages."""
    with served(recommendation_application(store.root)) as api:
        service = accounts(work, api)
        ada = Asker(recorder, service.application, browser=True)
        for path in (*PAGES, "/account/export", "/account/nothing", "/account/", "/account/static/pages.css"):
            ada.ask(f"GET {path}", "not signed in")
        for path in ("/account/sign-in", "/account/nothing"):
            ada.ask(f"GET {path}", "not signed in, in Korean", headers=KOREAN)
        for path in (REVIEWS, "/account/movies/999/reviews", f"/account/sign-in?next={REVIEWS}"):
            ada.ask(f"GET {path}", "not signed in, without the reviews service")
        ada.ask(f"GET {REVIEWS}", "not signed in, without the reviews service, in Korean", headers=KOREAN)
        without = Asker(recorder, service.application)
        for path in ("/account/sign-in", "/account/sign-up", "/account/delete", "/account/language"):
            without.ask(f"POST {path}", "without the form's token", form={"name": "Ada", "password": PASSWORD})
        without.ask("POST /account/sign-in", "without the form's token, in Korean", form={}, headers=KOREAN)
        without.ask("DELETE /account/settings")
        _signing_up(ada)
        _rating(ada)
        _settings(ada)
    away = Asker(recorder, accounts(work.with_name("away"), MARQUEE_GATEWAY_CERTIFICATE="x").application, browser=True)
    away.ask("GET /account/sign-in", "by TLS", quiet=True)
    tls = {"Referer": "https://localhost/account/sign-in"}
    away.ask("POST /account/sign-in", "by TLS", form={"name": "Root", "password": PASSWORD}, headers=tls)


def _signing_up(ada: Asker) -> None:
    ada.ask("GET /account/sign-up", quiet=True)
    for note, name, password in (
        *(("a short name", "A", PASSWORD), ("a weak password", "Ada", "kettles"), ("a taken name", "Root", PASSWORD)),
        ("good", "Ada", PASSWORD),
    ):
        ada.ask("POST /account/sign-up", note, form={"name": name, "password": password})
    ada.ask("GET /account", "signed up")
    ada.ask("GET /account/staff/reviews", "not staff")
    ada.ask("POST /account/movies/5/review", "without the reviews service", form={"text": "Good."})
    ada.ask("POST /account/sign-out", form={})
    ada.ask("GET /account/sign-in", "signed out")
    for note, name, password in (
        *(("a wrong password", "Ada", "wrong kettles"), ("an unknown name", "<b>", PASSWORD), ("empty", "", "")),
        ("good", " ada ", PASSWORD),
    ):
        ada.ask("POST /account/sign-in", note, form={"name": name, "password": password})


def _rating(ada: Asker) -> None:
    for query in ("", "?q=alien", "?q=zzz", "?q=alien&after=5", "?q=%00", "?after=x"):
        ada.ask(f"GET /account{query}", "no ratings")
    for movie, stars in (
        (5, "5"),
        (9, "1"),
        (5, "2"),
        (9, "none"),
        (9, "none"),
        (5, "6"),
        (999, "4"),
        (2147483648, "4"),
    ):
        note = f"{stars} stars" if (movie, stars) != (9, "none") else "taken back"
        if (movie, stars) == (9, "none") and f"POST /account/ratings/9 ({note})" in ada.recorder.exchanges:
            note = "taken back again"
        ada.ask(f"POST /account/ratings/{movie}", note, form={"stars": stars})
    ada.ask("POST /account/ratings/3", "3 stars", form={"stars": "3"})
    for path in PAGES:
        ada.ask(f"GET {path}", "one who rated")
    ada.ask("GET /account/export", "one who rated")
    for language in ("ko", "xx"):
        ada.ask("POST /account/language", language, form={"language": language, "back": "/account/ratings"})
        for path in (*PAGES, "/account?q=alien", "/account/nothing") if language == "ko" else ("/account/settings",):
            ada.ask(f"GET {path}", f"after the language {language}")
    ada.ask("POST /account/language", "en", form={"language": "en", "back": "https://example.org/"})


def _settings(ada: Asker) -> None:
    for note, current, following in (
        *(("wrong", "wrong kettles", NEXT_PASSWORD), ("weak", PASSWORD, "kettles"), ("good", PASSWORD, NEXT_PASSWORD)),
        ("empty", "", ""),
    ):
        form = {"current_password": current, "new_password": following}
        ada.ask("POST /account/password", note, form=form)
        ada.ask("GET /account/settings", f"after a password: {note}")
    ada.ask("POST /account/sign-out-everywhere", form={})
    ada.ask("GET /account", "signed out everywhere")
    ada.ask("GET /account/sign-in", "signed out everywhere")
    ada.ask("POST /account/sign-in", "again", form={"name": "Ada", "password": NEXT_PASSWORD})
    ada.ask("POST /account/delete", "a wrong password", form={"password": "wrong kettles"})
    ada.ask("POST /account/delete", "the right password", form={"password": NEXT_PASSWORD})
    ada.ask("GET /account/sign-in", "deleted")


def record_states(recorder: Recorder, work: Path) -> None:
    """Ask a service whose database lacks a row, a version and a table; and its pages without the recommendation API."""
    service = accounts(work)
    asker, browser = Asker(recorder, service.application), Asker(recorder, service.application, browser=True)
    browser.ask("GET /account/sign-in", quiet=True)
    browser.ask("POST /account/sign-in", "a state", form={"name": "Root", "password": PASSWORD})
    browser.ask("GET /account", "the API is away")
    browser.ask("GET /account", "the API is away, in Korean", headers=KOREAN)
    root = Caller(asker, "Root")
    root.sign_in(quiet=True)
    service.change("DELETE FROM change_clock")
    root.ask(f"GET {V1}/ratings", "a defect")
    browser.ask("POST /account/ratings/5", "a defect", form={"stars": "5"})
    service.change("UPDATE alembic_version SET version_num = '0'")
    asker.ask("GET /accounts/ready", "tables of another version")
    service.change("ALTER TABLE movies RENAME TO films")
    asker.ask(f"GET {V1}/movies", "a table is missing")
    browser.ask("GET /account?q=alien", "a table is missing")
    asker.ask("GET /accounts/health", "a table is missing")


def exported_ratings(work: Path) -> Exchange:
    """Return the files that the export's program writes of two users' ratings."""
    service = accounts(work)
    asker = Asker(Recorder(lambda: None), service.application)
    for number, name in enumerate(("Ada", "Bob")):
        asker.ask(f"POST {V1}/users", name, json_body={"name": name, "password": PASSWORD})
        caller = Caller(asker, name)
        caller.sign_in()
        for movie in range(1 + number, 6, 2):
            caller.ask(f"PUT {V1}/users/{ADA + number}/ratings/{movie}", body={"rating": movie / 2 + 1})
    database = f"sqlite:///{service.file}"
    assert run_export(["--output", str(work / "out"), "--batch-id", "20270101T000000", "--database", database]) == 0
    files = sorted((work / "out" / "20270101T000000").iterdir())
    return {
        file.name: {"sha256": sha256(file.read_bytes()).hexdigest(), "lines": file.read_text("utf-8").splitlines()}
        for file in files
    }
