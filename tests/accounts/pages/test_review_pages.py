"""The pages of reviews without a browser, over the real reviews service and a real PostgreSQL."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine
from werkzeug.serving import make_server

from serving.accounts.application import create_app
from serving.accounts.database.engine import transactions
from serving.accounts.domain.clients import add_client
from serving.accounts.domain.movies import withdraw_movie
from serving.accounts.domain.registration import register
from serving.accounts.domain.tokens import TokenMaker
from serving.accounts.pages.rendering import NOTICES
from serving.accounts.pages.reviews import drafts
from serving.publications.store import PublicationStore
from serving.reviews.api.schemas.reviews import HiddenBody
from serving.reviews.database.engine import migrate, open_database
from serving.reviews.database.models import Base
from serving.reviews.domain.texts import MAX_CHARACTERS
from tests.postgresql import running_postgresql

from ...serving.reviews.conftest import FIRST, publish
from ...serving.reviews.servers import Server
from ..conftest import PASSWORD, SECRET, filled
from .test_pages import csrf_of, send

MOVIE = "/account/movies/5"
REVIEWS, WRITE = f"{MOVIE}/reviews", f"{MOVIE}/review"
GOOD, BAD = "This film is wonderful.", "This film is boring."


@dataclass(frozen=True)
class Site:
    """The accounts service with its pages, and the tables of the reviews service behind it."""

    app: Flask
    reviews: Server
    tables: Engine

    @property
    def engine(self) -> Engine:
        engine: Engine = self.app.extensions["marquee-engine"]
        return engine

    def rows(self, columns: str) -> list[tuple[Any, ...]]:
        with self.tables.connect() as connection:
            found = connection.exec_driver_sql(f"SELECT {columns} FROM reviews ORDER BY review_id").all()
        return [tuple(row) for row in found]

    def person(self, name: str, role: str = "user") -> FlaskClient:
        """A browser in which a new account is signed in."""
        register(transactions(self.engine), name, PASSWORD, role)
        browser = self.app.test_client()
        assert send(browser, "/account/sign-in", name=name, password=PASSWORD).status_code == 200
        return browser


@pytest.fixture(scope="module")
def one_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    store = PublicationStore(folder / "models")
    publish(store, folder / "work", FIRST, "1")
    store.activate(FIRST, "test", "the first model")
    database = f"sqlite:///{folder / 'accounts.sqlite'}"
    accounts = filled(database)
    client = add_client(transactions(accounts), TokenMaker(SECRET), "reviews", ("users:read",))
    # The two services ask each other: this one's address is known before its application is.
    served: list[Flask] = []
    server = make_server("127.0.0.1", 0, lambda given, start: served[0](given, start), threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    with running_postgresql() as postgresql:
        tables = open_database(f"postgresql+psycopg://postgres@/postgres?host={postgresql}")
        migrate(tables)
        variables = {
            "MARQUEE_REVIEWS_DATABASE": tables.url.render_as_string(hide_password=False),
            "MARQUEE_SENTIMENT_STORE": str(store.root),
            "MARQUEE_REVIEWS_SECRET": SECRET,
            "MARQUEE_ACCOUNTS_URL": f"http://127.0.0.1:{server.server_port}",
            "MARQUEE_REVIEWS_CLIENT_ID": client.client_id,
            "MARQUEE_REVIEWS_CLIENT_SECRET": client.client_secret,
            "MARQUEE_REVIEWS_SWEEP_SECONDS": "0.3",
            "MARQUEE_REVIEWS_JOB_THREADS": "0",
        }
        reviews = Server(variables, folder / "reviews.log")
        served.append(application(database, reviews.address))
        yield Site(served[0], reviews, tables)
        reviews.kill()
        tables.dispose()
    server.shutdown()
    thread.join()
    server.server_close()
    accounts.dispose()
    served[0].extensions["marquee-engine"].dispose()


def application(database: str, reviews: str) -> Flask:
    settings = {"MARQUEE_ACCOUNTS_SECRET": SECRET, "MARQUEE_ACCOUNTS_DATABASE": database}
    return create_app({**settings, "MARQUEE_REVIEWS_URL": reviews, "MARQUEE_SERVING_LOG_LEVEL": "error"})


@pytest.fixture
def site(one_site: Site) -> Site:
    """No reviews and no accounts."""
    with one_site.tables.begin() as connection:
        connection.exec_driver_sql(f"TRUNCATE {', '.join(Base.metadata.tables)} RESTART IDENTITY")
    with one_site.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM users")
    return one_site


def page(browser: FlaskClient, path: str = REVIEWS, status: int = 200) -> str:
    answer = browser.get(path)
    assert answer.status_code == status, answer.text
    return unescape(answer.text)


def written(browser: FlaskClient, text: str, path: str = WRITE, **more: str) -> Any:
    """Send the form of a review as a browser does, and do not follow."""
    data = {"csrf_token": csrf_of(browser), "text": text, **more}
    return browser.post(path, data=data, content_type="multipart/form-data")


def texts(shown: str) -> list[str]:
    listed = shown.partition('<ol class="reviews">')[2]
    return re.findall(r'<div class="written"[^>]*>(.*?)</div>', listed, re.DOTALL)


def test_a_visitor_reads_signs_in_and_comes_back_to_the_movie(site: Site) -> None:
    written(site.person("Ada"), GOOD)
    visitor = site.app.test_client()
    shown = page(visitor)
    assert texts(shown) == [GOOD]
    assert "Text of the review" not in shown
    link = re.search(r'<a href="(/account/sign-in\?next=[^"]+)">Sign in to write a review', shown)
    assert link is not None
    form = page(visitor, link[1])
    assert f'name="next" value="{REVIEWS}"' in form
    assert f'href="/account/sign-up?next={REVIEWS}"' in form
    wrong = send(visitor, "/account/sign-in", name="Ada", password="wrong kettles", next=REVIEWS)
    assert f'name="next" value="{REVIEWS}"' in wrong.text
    back = send(visitor, "/account/sign-in", name="Ada", password=PASSWORD, next=REVIEWS)
    assert (back.status_code, back.request.path) == (200, REVIEWS)


@pytest.mark.parametrize(
    "address",
    [
        *("https://example.org/", "//example.org/account", "/\\example.org", "javascript:alert(1)", "example.org"),
        *("/account/export", "/account/static/pages.css", "/account/reviews/1/delete", "/accounts/v1/me", "/account/x"),
        *("/account/movies/5/review", "/account/movies//reviews", "/account/movies/5/6/reviews", "", "?", "/"),
        *("/account/movies/5/reviews\r\nSet-Cookie: a=b", "/account/../account/movies/5/reviews", "\0", "/account//"),
    ],
)
def test_signing_in_leads_to_no_page_but_these(site: Site, address: str) -> None:
    register(transactions(site.engine), "Ada", PASSWORD)
    browser = site.app.test_client()
    data = {"csrf_token": csrf_of(browser), "name": "Ada", "password": PASSWORD, "next": address}
    answer = browser.post("/account/sign-in", data=data)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/account")


HOSTILE = {
    "a script": "<script>alert(1)</script>",
    "an image": "<img src=x onerror=alert(1)>",
    "the end of the box": "</div></li></ol></main><h1>Gone</h1>",
    "the end of the field": "</textarea><script>alert(1)</script>",
    "quotes": "\"' onfocus=alert(1) x=\"'",
    "a template": "{{ 7 * 7 }} {% raw %} ${7*7} %(title)s %s",
    "entities": "&lt;script&gt; &#0; &amp;amp;",
    "Arabic and Hebrew": "فيلم رائع\n\u05e1\u05e8\u05d8 \u05e0\u05d4\u05d3\u05e8",
    "pictures": "👩‍👩‍👧‍👦👍🏽🇰🇷" * 50,
    "stacked marks": "Z" + "\u0335\u0321\u0341" * 400,
    "one long word": "w" * 5_000,
    "lines": "a\n" * 3_000 + "b",
    "the longest, of four bytes": "😀" * 20_000,
    "a link": "javascript:alert(1) http://example.org/?a=b&c=d",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_text_is_kept_as_it_is_and_shown_as_text(site: Site, text: str) -> None:
    ada, eve = site.person("Ada"), site.person("Eve", "admin")
    answer = written(ada, text)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{REVIEWS}#mine"), unescape(answer.text)[:3000]
    assert site.rows("text") == [(text,)]
    for browser, path in ((ada, REVIEWS), (site.app.test_client(), REVIEWS), (eve, "/account/staff/reviews")):
        raw = browser.get(path).text
        for tag in ("<script", "<img", "<h1>Gone"):
            assert tag not in raw
        # Nothing is lost between the beginning and the rest.
        shown = "".join(unescape(part) for part in texts(raw))
        assert re.sub(r"\s", "", shown) == re.sub(r"\s", "", text)
        assert raw.count("</textarea>") == (browser is ada)
    # The form has it too, unless a browser would read a first line end as none.
    assert "\n" + text in page(ada)


INVISIBLE = {
    "turned writing": ("\u202eneddih\u202c \u2066inside", "1", "U+202E RIGHT-TO-LEFT OVERRIDE"),
    "invisible between letters": ("wonder\u200bful \u00ad\u2060\ufeffx", "7", "U+200B ZERO WIDTH SPACE"),
    "controls": ("a\x01\x08\x1b[31mred\x7f", "2", "U+0001 without a name"),
    "other line ends": ("a\u2028b\u2029c\x85d\x0be", "2", "U+2028 LINE SEPARATOR"),
    "not characters": ("a\ufffe\uffff\U0010ffff", "2", "U+FFFE without a name"),
}


@pytest.mark.parametrize(("text", "place", "name"), INVISIBLE.values(), ids=INVISIBLE)
def test_a_text_that_reads_as_another_is_refused_by_its_character(site: Site, text: str, place: str, name: str) -> None:
    ada, eve = site.person("Ada"), site.person("Eve", "admin")
    which = f"{name}, can't be seen, or it turns the direction of writing. Remove it."
    answer = written(ada, text)
    assert answer.status_code == 422
    assert f"Character {place} of the review, {which}" in unescape(answer.text)
    assert site.rows("text") == []
    written(ada, GOOD)
    answer = send(eve, "/account/reviews/1/hide", reason=text, back=REVIEWS)
    assert answer.status_code == 422
    assert f"Character {place} of the reason, {which}" in unescape(answer.text)
    assert site.rows("hidden_reason") == [(None,)]


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize(
    ("text", "fault", "values"),
    [
        ("", "empty", {}),
        (" \r\n\t ", "empty", {}),
        ("\u200b\u200d\ufeff\u3164", "empty", {}),
        ("가" * 20_001, "too-long", {"count": "20,001", "most": "20,000"}),
        ("😀" * 60_000, "too-long", {"count": "60,000", "most": "20,000"}),
        ("good\0film", "null-byte", {"place": "5"}),
    ],
    ids=["nothing", "blanks", "invisible", "too long", "far too long", "null byte"],
)
def test_a_refused_text_stays_in_the_form_with_a_sentence(
    site: Site, language: str, text: str, fault: str, values: dict[str, str]
) -> None:
    ada = site.person("Ada")
    answer = written(ada, text, path=f"{WRITE}?lang={language}", may_train="yes")
    assert answer.status_code == 422
    with site.app.test_request_context(f"/?lang={language}"):
        from flask import g

        g.language = language
        sentence = drafts.sentence(fault, **values)
    shown = unescape(answer.text)
    assert f'<p id="fault" class="notice wide" role="alert">{sentence}</p>' in shown
    assert 'aria-invalid="true"' in shown
    assert 'aria-describedby="text-hint fault"' in shown
    assert text.strip() in shown
    assert 'type="checkbox" value="yes" checked' in shown
    assert site.rows("text") == []


def test_a_form_of_more_than_a_mebibyte_is_refused_by_a_page(site: Site) -> None:
    ada = site.person("Ada")
    answer = ada.post(WRITE, data={"csrf_token": csrf_of(ada), "text": "a" * (1 << 20)})
    assert (answer.status_code, answer.mimetype) == (413, "text/html")
    assert "This text is too long." in unescape(answer.text)


def test_only_the_form_of_a_review_may_be_long(site: Site) -> None:
    answer = written(site.person("Ada"), "a" * (70 << 10), path="/account/password")
    assert answer.status_code == 413


def test_bytes_that_are_no_utf8_and_line_ends_of_browsers_are_read(site: Site) -> None:
    ada = site.person("Ada")
    body = f"csrf_token={csrf_of(ada)}&text=a%0D%0Ab%0Dc%FF".encode()
    answer = ada.post(WRITE, data=body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 303
    assert site.rows("text") == [("a\nb\nc%FF",)]


def test_a_form_that_is_sent_twice_writes_once(site: Site) -> None:
    ada = site.person("Ada")
    with ThreadPoolExecutor() as pool:
        data = {"csrf_token": csrf_of(ada), "text": GOOD}
        cookie = ada.get_cookie("marquee_account", path="/account")
        assert cookie is not None

        def send_it(_: int) -> int:
            browser = site.app.test_client()
            browser.set_cookie("marquee_account", cookie.value, path="/account")
            return browser.post(WRITE, data=data).status_code

        assert set(pool.map(send_it, range(4))) == {303}
    assert site.rows("text") == [(GOOD,)]


def test_another_text_from_another_tab_is_asked_about_and_then_replaces(site: Site) -> None:
    ada = site.person("Ada")
    written(ada, GOOD)
    answer = written(ada, BAD)
    assert answer.status_code == 409
    shown = unescape(answer.text)
    assert drafts.FAULTS["already-reviewed"] in shown
    assert f"\n{BAD}</textarea>" in shown
    assert 'name="review" value="1"' in shown
    assert site.rows("text") == [(GOOD,)]
    assert written(ada, BAD, review="1").status_code == 303
    assert site.rows("text") == [(BAD,)]


def test_a_review_that_was_deleted_meanwhile_can_be_written_as_a_new_one(site: Site) -> None:
    ada = site.person("Ada")
    written(ada, GOOD)
    assert NOTICES["review_deleted"] in send(ada, "/account/reviews/1/delete", back=REVIEWS).text
    assert NOTICES["review_gone"] in send(ada, "/account/reviews/1/delete", back=REVIEWS).text
    answer = written(ada, BAD, review="1")
    assert answer.status_code == 404
    shown = unescape(answer.text)
    assert drafts.FAULTS["not-found"] in shown
    assert f"\n{BAD}</textarea>" in shown
    assert 'name="review"' not in shown
    assert written(ada, BAD).status_code == 303


def test_a_session_that_ends_while_one_writes_costs_no_text(site: Site) -> None:
    ada = site.person("Ada")
    token = csrf_of(ada)
    with site.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE sessions SET revoked_at = 1")
    answer = ada.post(WRITE, data={"csrf_token": token, "text": GOOD})
    assert answer.status_code == 401
    assert drafts.FAULTS["not-signed-in"] in unescape(answer.text)
    assert f"\n{GOOD}</textarea>" in answer.text
    assert site.rows("text") == []


def test_only_its_author_changes_or_deletes_a_review(site: Site) -> None:
    ada, bob, eve = site.person("Ada"), site.person("Bob"), site.person("Eve", "admin")
    written(ada, GOOD)
    for other in (bob, eve):
        answer = written(other, BAD, review="1")
        assert answer.status_code == 422
        assert drafts.FAULTS["other"] in unescape(answer.text)
        assert send(other, "/account/reviews/1/delete", back=REVIEWS).status_code == 403
        assert "Change my review" not in page(other)
    assert site.rows("text") == [(GOOD,)]


def test_staff_hide_with_a_reason_and_others_cannot(site: Site) -> None:
    ada, bob, eve = site.person("Ada"), site.person("Bob"), site.person("Eve", "admin")
    written(ada, GOOD)
    for path in ("/account/reviews/1/hide", "/account/reviews/1/show"):
        assert send(bob, path, reason="Mine is better.", back=REVIEWS).status_code == 403
    assert page(bob, "/account/staff/reviews", 403)
    assert "Hide this review" not in page(bob)
    assert "/account/staff/reviews" not in page(bob)
    for reason, said in (("", "no-reason"), (" \u200b", "no-reason"), ("x" * 501, "long-reason")):
        answer = send(eve, "/account/reviews/1/hide", reason=reason, back=REVIEWS)
        assert answer.status_code == 422
        assert drafts.FAULTS[said].split("%")[0] in unescape(answer.text)
    assert site.rows("hidden_reason") == [(None,)]
    reason = '<b>"Rude"</b> & spoils'
    assert NOTICES["review_hidden"] in send(eve, "/account/reviews/1/hide", reason=reason, back=REVIEWS).text
    assert texts(page(bob)) == []
    assert f"Only you and staff see it. Reason: {reason}" in page(ada)
    assert "<b>" not in ada.get(REVIEWS).text
    # Its author may still change it; it stays hidden.
    assert written(ada, BAD, review="1").status_code == 303
    assert site.rows("text, hidden_reason") == [(BAD, reason)]
    assert texts(page(eve, "/account/staff/reviews")) == []
    assert f"{reason}" in page(eve, "/account/staff/reviews?hidden=yes")
    back = "/account/staff/reviews?hidden=yes"
    answer = send(eve, "/account/reviews/1/show", back=back)
    assert answer.request.full_path == back
    assert texts(page(bob)) == [BAD]


def test_a_vote_is_given_and_taken_back_on_the_page_where_one_was(site: Site) -> None:
    ada, bob = site.person("Ada"), site.person("Bob")
    written(ada, GOOD)
    here = f"{REVIEWS}?order=helpful&cursor="
    data = {"csrf_token": csrf_of(bob), "helpful": "yes", "back": here}
    for _ in range(2):
        answer = bob.post("/account/reviews/1/helpful", data=data)
        assert (answer.status_code, answer.headers["Location"]) == (303, f"{REVIEWS}?order=helpful#review-1")
    assert "Helpful: 1" in page(bob)
    assert 'value="no" aria-pressed="true"' in page(bob)
    bob.post("/account/reviews/1/helpful", data={**data, "helpful": "no"})
    assert "Helpful: 0" in page(bob)
    assert send(ada, "/account/reviews/1/helpful", helpful="yes", back=REVIEWS).status_code == 403
    assert NOTICES["review_gone"] in send(bob, "/account/reviews/99/helpful", helpful="yes", back=REVIEWS).text
    assert site.rows("helpful") == [(0,)]


def test_each_review_is_on_one_page_in_either_order(site: Site) -> None:
    with site.tables.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO reviews (movie_id, author_id, author_name, text, may_train, helpful, created_at, changed_at) "
            "SELECT 5, n, 'R' || n, 'Text ' || n, false, n %% 7, now() - n * interval '1 day', now() "
            "FROM generate_series(1, 25) n"
        )
    visitor = site.app.test_client()
    for order, first in (("newest", "Text 1"), ("helpful", "Text 20")):
        found, path = [], f"{REVIEWS}?order={order}"
        while path:
            shown = page(visitor, path)
            found.append(texts(shown))
            following = re.search(r'href="([^"]+)#reviews">More reviews', shown)
            path = following[1] if following else ""
        assert [len(one) for one in found] == [10, 10, 5]
        assert found[0][0] == first
        assert {text for one in found for text in one} == {f"Text {number}" for number in range(1, 26)}
    for cursor in ("x", "%00", "a" * 300):
        assert "There is nothing here." in page(visitor, f"{REVIEWS}?cursor={cursor}", 404)
    assert texts(page(visitor, f"{REVIEWS}?order=worst"))[0] == "Text 1"


@pytest.mark.parametrize("movie", ["77", "2147483648", "9999999999", "0", "x", "3"])
def test_a_movie_that_is_not_there_has_no_page(site: Site, movie: str) -> None:
    if movie == "3":
        withdraw_movie(transactions(site.engine), 3)
    ada = site.person("Ada")
    page(ada, f"/account/movies/{movie}/reviews", 404)
    assert written(ada, GOOD, path=f"/account/movies/{movie}/review").status_code == 404


def test_the_share_of_positive_reviews_is_a_picture_a_sentence_and_a_table(site: Site) -> None:
    for number, text in enumerate((GOOD, GOOD, BAD)):
        written(site.person(f"Reader {number}"), text)
    with site.tables.begin() as connection:
        connection.exec_driver_sql("UPDATE reviews SET created_at = '2026-03-05T00:00Z' WHERE review_id = 1")
    shown = page(site.app.test_client())
    assert 'role="img" aria-label="67 % positive: 2 of 3 reviews"' in shown
    assert "<p>67 % positive: 2 of 3 reviews" in shown
    rows = re.findall(r'<tr><th scope="row">([^<]*)</th><td>(\d+)</td><td>(\d+)</td><td>(\d+) %', shown)
    assert len(rows) == 2
    assert rows[1] == ("2026-03", "1", "1", "100")
    assert rows[0][1:] == ("2", "1", "50")


def test_the_reviews_of_a_deleted_account_are_gone(site: Site) -> None:
    ada, bob = site.person("Ada"), site.person("Bob")
    written(ada, GOOD)
    written(bob, BAD)
    answer = send(ada, "/account/delete", password=PASSWORD)
    assert NOTICES["deleted"] in answer.text
    deadline = time.monotonic() + 30
    while texts(page(bob)) != [BAD]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert site.rows("author_name") == [("Bob",)]


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "Reviews can't be shown at the moment. Try again shortly."),
        ("ko", "지금은 리뷰를 보여 드릴 수 없습니다. 잠시 뒤에 다시 시도하세요."),
    ],
)
def test_without_the_reviews_service_pages_say_so_and_a_text_is_not_lost(
    site: Site, language: str, sentence: str
) -> None:
    app = application(str(site.engine.url), "http://127.0.0.1:9")
    register(transactions(site.engine), "Eve", PASSWORD, "admin")
    eve = app.test_client()
    send(eve, "/account/sign-in", name="Eve", password=PASSWORD)
    eve.get(f"/account?lang={language}")
    assert sentence in page(eve, REVIEWS, 503)
    assert sentence in page(eve, "/account/staff/reviews", 503)
    answer = written(eve, GOOD)
    assert answer.status_code == 503
    with app.test_request_context():
        from flask import g

        g.language = language
        assert drafts.sentence("unreachable") in unescape(answer.text)
    assert f"\n{GOOD}</textarea>" in answer.text
    for path in ("delete", "helpful", "hide", "show"):
        assert send(eve, f"/account/reviews/1/{path}", reason="x", back=REVIEWS).status_code == 503
    # The other pages go on.
    assert "Alien" in page(eve, "/account?q=alien")
    app.extensions["marquee-engine"].dispose()


def test_the_limits_of_the_form_are_those_of_the_service() -> None:
    assert drafts.MAX_CHARACTERS == MAX_CHARACTERS
    assert HiddenBody.model_json_schema()["properties"]["reason"]["maxLength"] == drafts.MAX_REASON


def test_ones_data_come_with_reviews_votes_and_feedback(site: Site) -> None:
    ada, bob = site.person("Ada"), site.person("Bob")
    written(ada, GOOD, may_train="yes")
    written(bob, BAD)
    send(ada, "/account/reviews/2/helpful", helpful="yes", back=REVIEWS)
    answer = ada.get("/account/export")
    data = answer.get_json()
    (review,) = data["reviews"]["reviews"]
    assert (review["text"], review["may_train"], data["reviews"]["votes"], data["missing"]) == (GOOD, True, [2], None)
    name = f"marquee-account-{data['account']['user_id']}.json"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    # The API gives the same file to a token.
    tokens = ada.post("/accounts/v1/login", json={"name": "Ada", "password": PASSWORD}).get_json()
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    by_api = ada.get(f"/accounts/v1/users/{data['account']['user_id']}/export", headers=bearer)
    assert (by_api.get_json()["reviews"], by_api.headers["Content-Disposition"]) == (
        *(data["reviews"], answer.headers["Content-Disposition"]),
    )


def test_ones_data_say_what_they_lack_where_the_reviews_service_is_away(site: Site) -> None:
    ada = site.person("Ada")
    written(ada, GOOD)
    app = application(str(site.engine.url), "http://127.0.0.1:9")
    browser = app.test_client()
    send(browser, "/account/sign-in", name="Ada", password=PASSWORD)
    answer = browser.get("/account/export")
    assert answer.status_code == 200
    assert answer.get_json()["reviews"] is None
    assert answer.get_json()["missing"].startswith("The reviews service did not answer.")
    assert "-without-reviews.json" in answer.headers["Content-Disposition"]
    app.extensions["marquee-engine"].dispose()
