"""The pages without a browser: who sees which, what forged or stale forms meet, both languages, and the list of now."""

from __future__ import annotations

import http.server
import json
import re
import threading
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any, ClassVar

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, update

from serving.accounts.application import create_app
from serving.accounts.database.changes import now
from serving.accounts.database.engine import Transactions
from serving.accounts.database.models import Movie, Session, User
from serving.accounts.domain.registration import register
from serving.accounts.pages.recommendation_client import RecommendationClient, UnreachableError

from ..api.test_access import endpoints_of
from ..conftest import FIRST_USER, PASSWORD, SECRET

OPEN = {
    "GET /account/static/{filename}",
    "GET /account/sign-in",
    "POST /account/sign-in",
    "GET /account/sign-up",
    "POST /account/sign-up",
    "POST /account/language",
    "GET /account/movies/{movie}/reviews",
    "POST /account/movies/{movie}/review",
}
SIGNED_IN = {
    "GET /account",
    "GET /account/ratings",
    "POST /account/ratings/{movie}",
    "GET /account/settings",
    "GET /account/export",
    "POST /account/password",
    "POST /account/sign-out",
    "POST /account/sign-out-everywhere",
    "POST /account/delete",
    "POST /account/reviews/{review}/delete",
    "POST /account/reviews/{review}/helpful",
    "POST /account/reviews/{review}/hide",
    "POST /account/reviews/{review}/show",
    "GET /account/staff/reviews",
}


class Api(http.server.BaseHTTPRequestHandler):
    """Answers as the recommendation API does; the test says what, and reads what was asked."""

    answers: ClassVar[dict[str, tuple[int, Any]]] = {}
    asked: ClassVar[list[tuple[str, Any]]] = []
    visitors: ClassVar[list[str | None]] = []

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.asked.append((self.path, json.loads(self.rfile.read(length)) if length else None))
        self.visitors.append(self.headers.get("X-Forwarded-For"))
        status, data = self.answers.get(self.path, (404, {}))
        body = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def one_api() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def api(one_api: str) -> str:
    Api.answers, Api.asked, Api.visitors = {}, [], []
    return one_api


@pytest.fixture
def app(engine: Engine, database_url: str, api: str) -> Iterator[Flask]:
    settings = {"MARQUEE_ACCOUNTS_SECRET": SECRET, "MARQUEE_ACCOUNTS_DATABASE": database_url, "MARQUEE_API_URL": api}
    app = create_app({**settings, "MARQUEE_SERVING_LOG_LEVEL": "error"})
    yield app
    app.extensions["marquee-engine"].dispose()


def token_of(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found, page
    return found[1]


def send(client: FlaskClient, path: str, **form: str) -> Any:
    """Send a form of a page, with the token that the page has, and follow to where it leads."""
    token = token_of(client.get("/account/sign-in").text)
    return client.post(path, data={"csrf_token": token, **form}, follow_redirects=True)


@pytest.fixture
def ada(client: FlaskClient) -> FlaskClient:
    """A browser in which Ada has just signed up."""
    answer = send(client, "/account/sign-up", name="Ada", password=PASSWORD)
    assert answer.status_code == 200
    assert "Signed in as Ada" in answer.text
    return client


def test_every_page_is_for_everybody_or_for_who_is_signed_in(app: Flask) -> None:
    pages = {name for name in endpoints_of(app) if re.match(r"\w+ /account(/|$)", name)}
    assert pages == OPEN | SIGNED_IN


Spoil = Callable[[FlaskClient, Transactions], None]


def no_cookie(client: FlaskClient, _: Transactions) -> None:
    client.delete_cookie("marquee_account", path="/account")


def tampered(client: FlaskClient, _: Transactions) -> None:
    cookie = client.get_cookie("marquee_account", path="/account")
    assert cookie is not None
    # Another first letter of the signature.
    data, _, signature = cookie.value.rpartition(".")
    changed = ("A" if signature[0] != "A" else "B") + signature[1:]
    client.set_cookie("marquee_account", f"{data}.{changed}", path="/account")


def expired(_: FlaskClient, factory: Transactions) -> None:
    with factory.begin() as database:
        database.execute(update(Session).values(expires_at=now()))


def revoked(_: FlaskClient, factory: Transactions) -> None:
    with factory.begin() as database:
        database.execute(update(Session).values(revoked_at=now()))


def deleted(_: FlaskClient, factory: Transactions) -> None:
    with factory.begin() as database:
        database.query(User).delete()


@pytest.mark.parametrize("spoil", [no_cookie, tampered, expired, revoked, deleted])
@pytest.mark.parametrize("endpoint", sorted(SIGNED_IN))
def test_who_is_not_signed_in_is_led_to_where_one_signs_in(
    ada: FlaskClient, factory: Transactions, endpoint: str, spoil: Spoil
) -> None:
    spoil(ada, factory)
    method, address = endpoint.split(" ")
    token = token_of(ada.get("/account/sign-in").text)
    form = {"csrf_token": token, "stars": "4", "password": PASSWORD} if method == "POST" else None
    answer = ada.open(address.format(movie=1, review=1), method=method, data=form)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/account/sign-in")


@pytest.mark.parametrize("endpoint", sorted(name for name in OPEN | SIGNED_IN if name.startswith("POST")))
@pytest.mark.parametrize("token", [None, "", "made-up"])
def test_a_form_without_the_pages_token_changes_nothing(
    ada: FlaskClient, factory: Transactions, endpoint: str, token: str | None
) -> None:
    form = {"stars": "4", "password": PASSWORD, "name": "Eve"} | ({} if token is None else {"csrf_token": token})
    answer = ada.post(endpoint.removeprefix("POST ").format(movie=1, review=1), data=form)
    assert answer.status_code == 400
    assert "This form is out of date" in unescape(answer.text)
    with factory() as database:
        assert [user.name for user in database.query(User)] == ["Ada"]
        assert [session.revoked_at for session in database.query(Session)] == [None]
    assert "no-store" in answer.headers["Cache-Control"]


def test_the_answer_to_a_forged_form_leaves_the_cookie_alone(app: Flask) -> None:
    # Another site's form comes without the cookie (SameSite): a new one in the answer would sign its owner out.
    answer = app.test_client().post("/account/ratings/1", data={"stars": "1"})
    assert answer.status_code == 400
    assert "Set-Cookie" not in answer.headers


def test_a_token_of_another_browser_is_not_taken(ada: FlaskClient, app: Flask) -> None:
    other = token_of(app.test_client().get("/account/sign-in").text)
    assert ada.post("/account/sign-out", data={"csrf_token": other}).status_code == 400


def test_the_api_takes_no_cookie_and_the_pages_no_bearer(ada: FlaskClient, app: Flask) -> None:
    assert ada.get("/accounts/v1/me").status_code == 401
    assert ada.put(f"/accounts/v1/users/{FIRST_USER}/ratings/1", json={"rating": 4}).status_code == 401
    pair = ada.post("/accounts/v1/login", json={"name": "Ada", "password": PASSWORD}).get_json()
    bearer = {"Authorization": f"Bearer {pair['access_token']}"}
    assert app.test_client().get("/account/ratings", headers=bearer).status_code == 303


@pytest.mark.parametrize(("certificate", "secure"), [("", False), ("/chain.pem", True)])
def test_the_cookie_is_for_this_server_alone_and_secure_with_tls(
    engine: Engine, database_url: str, certificate: str, secure: bool
) -> None:
    settings = {"MARQUEE_ACCOUNTS_SECRET": SECRET, "MARQUEE_ACCOUNTS_DATABASE": database_url}
    app = create_app({**settings, "MARQUEE_GATEWAY_CERTIFICATE": certificate, "MARQUEE_SERVING_LOG_LEVEL": "error"})
    header = app.test_client().get("/account/sign-in").headers["Set-Cookie"]
    attributes = {part.strip() for part in header.split(";")[1:]}
    assert {"HttpOnly", "SameSite=Lax", "Path=/account"} <= attributes
    assert ("Secure" in attributes) is secure
    app.extensions["marquee-engine"].dispose()


def test_signing_in_begins_a_session_of_its_own(app: Flask, factory: Transactions) -> None:
    register(factory, "Ada", PASSWORD)
    client = app.test_client()
    client.get("/account/sign-in")
    before = client.get_cookie("marquee_account", path="/account")
    token = token_of(client.get("/account/sign-in").text)
    send(client, "/account/sign-in", name="ada", password=PASSWORD)
    # Those who knew the earlier token can't use it for the session that began.
    assert client.post("/account/sign-out", data={"csrf_token": token}).status_code == 400
    after = client.get_cookie("marquee_account", path="/account")
    assert before is not None
    assert after is not None
    assert before.value != after.value
    # What was in the cookie before is no session.
    client.set_cookie("marquee_account", before.value, path="/account")
    assert client.get("/account").status_code == 303


def test_signing_out_ends_the_session_on_the_server(ada: FlaskClient) -> None:
    cookie = ada.get_cookie("marquee_account", path="/account")
    assert cookie is not None
    assert "You are signed out." in send(ada, "/account/sign-out").text
    ada.set_cookie("marquee_account", cookie.value, path="/account")
    assert ada.get("/account").status_code == 303


@pytest.mark.parametrize(
    ("path", "form", "status", "message"),
    [
        (
            "sign-in",
            {"name": "Ada", "password": "wrong kettles"},
            401,
            "The name and the password do not belong together.",
        ),
        ("sign-in", {}, 400, "Something is missing or not allowed."),
        ("sign-up", {"name": "ADA", "password": PASSWORD}, 409, "Somebody else has this name"),
        ("sign-up", {"name": "Eve", "password": "password1"}, 422, "This password is too short, too common"),
        ("sign-up", {"name": "<script>", "password": PASSWORD}, 400, "A name has 3 to 40 letters"),
    ],
)
def test_what_was_wrong_is_said_on_the_form_and_the_name_is_kept(
    client: FlaskClient, factory: Transactions, path: str, form: dict[str, str], status: int, message: str
) -> None:
    register(factory, "Ada", PASSWORD)
    answer = send(client, f"/account/{path}", **form)
    assert answer.status_code == status
    assert message in unescape(answer.text)
    name = form.get("name", "").replace("<", "&lt;").replace(">", "&gt;")
    assert f'name="name" value="{name}"' in answer.text
    assert "kettles" not in answer.text


def test_one_finds_rates_and_takes_back(ada: FlaskClient, factory: Transactions) -> None:
    found = ada.get("/account?q=alien").text
    assert re.findall(r'href="/\?movie=(\d)"', found) == ["5", "6"]
    assert "Alien: 4 stars." in send(ada, "/account/ratings/5", stars="4").text
    assert 'value="4" aria-label="4 stars" aria-pressed="true"' in ada.get("/account?q=alien").text
    assert "Your rating: 4.0" in ada.get("/account/ratings").text
    assert "Alien: rating removed." in send(ada, "/account/ratings/5", stars="none").text
    assert "You have rated nothing yet." in ada.get("/account/ratings").text


@pytest.mark.parametrize(
    ("movie", "stars", "status"),
    [("77", "4", 404), ("9999999999", "4", 404), ("1", "6", 400), ("1", "", 400), ("x", "4", 404)],
)
def test_an_odd_rating_is_refused_on_a_page(ada: FlaskClient, movie: str, stars: str, status: int) -> None:
    answer = send(ada, f"/account/ratings/{movie}", stars=stars)
    assert (answer.status_code, answer.mimetype) == (status, "text/html")
    assert "That did not work" in answer.text


def signing_up(app: Flask, name: str, language: str = "en") -> Any:
    browser = app.test_client()
    browser.get("/account/sign-up")
    form = csrf_of(browser)
    browser.post("/account/language", data={"csrf_token": form, "language": language})
    form = csrf_of(browser)
    cookie = browser.get_cookie("marquee_account", path="/account")
    assert cookie is not None
    answers = []
    for _ in range(2):
        # As if the first answer, with its cookie, was lost.
        browser.set_cookie("marquee_account", cookie.value, path="/account")
        data = {"csrf_token": form, "name": name, "password": PASSWORD}
        answers.append(browser.post("/account/sign-up", data=data))
    return answers


def csrf_of(browser: FlaskClient) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', browser.get("/account/sign-up").text)
    assert found is not None
    return found[1]


@pytest.mark.parametrize(
    ("language", "message"),
    [("en", "U+202E RIGHT-TO-LEFT OVERRIDE is not allowed here."), ("ko", "U+202E RIGHT-TO-LEFT OVERRIDE 문자는")],
)
def test_a_page_names_the_character_that_a_name_may_not_have(app: Flask, language: str, message: str) -> None:
    answer = signing_up(app, "\u202eadA", language)[0]
    assert answer.status_code == 400
    assert message in unescape(answer.text)


def test_a_form_for_signing_up_that_is_sent_twice_makes_one_account_and_signs_in(
    app: Flask, factory: Transactions
) -> None:
    answers = signing_up(app, "Grace")
    assert [answer.status_code for answer in answers] == [303, 303]
    with factory() as database:
        assert database.query(User).count() == 1


def test_a_rating_that_is_taken_back_twice_is_gone_as_it_was_asked(ada: FlaskClient) -> None:
    send(ada, "/account/ratings/5", stars="4")
    for _ in range(2):
        answer = send(ada, "/account/ratings/5", stars="none")
        assert (answer.status_code, answer.request.path) == (200, "/account/ratings")
    assert "You have rated nothing yet." in answer.text


@pytest.mark.parametrize("query", ["alien\u200b", "\u202ealien", "al\u00adien", "\ufeffalien", "a\u200dlien\x00"])
def test_a_search_finds_what_is_seen_of_a_pasted_title(ada: FlaskClient, query: str) -> None:
    assert re.findall(r'href="/\?movie=(\d)"', ada.get("/account", query_string={"q": query}).text) == ["5", "6"]


@pytest.mark.parametrize(
    "query",
    [
        "q=%00",
        "q=" + "x" * 5000,
        "q=%27%3B--",
        "after=x&q=a",
        "after=" + "9" * 30 + "&q=a",
        "after=" + "9" * 5000 + "&q=a",
        "after=%D9%A3&q=a",
        "after=%C2%B2&q=a",
        "after=-0&q=a",
        "after=1e400&q=a",
        "after=True&q=a",
    ],
)
def test_an_odd_search_finds_nothing_and_is_no_defect(ada: FlaskClient, query: str) -> None:
    assert ada.get(f"/account?{query}").status_code == 200


ITEM = {"movie_id": 6, "title": "Aliens", "release_year": 1986, "genres": ["Action"], "rank": 1, "score": 1.0}
BECAUSE = [{"movie_id": 5, "title": "Alien", "adds": 0.5}]


def given(title: str, data_through: str | None = "2026-11-23T19:00:00Z") -> tuple[int, Any]:
    items = [{**ITEM, "title": title, "because": BECAUSE}]
    return 200, {"items": items, "publication": "20261123T190000", "data_through": data_through, "ignored": []}


def test_the_list_of_now_is_made_from_ones_ratings_and_the_nightly_one_says_what_it_includes(ada: FlaskClient) -> None:
    Api.answers = {
        "/v1/recommendations": given("Made now"),
        f"/v1/users/account:{FIRST_USER}/recommendations?limit=100": given("Made at night"),
    }
    page = send(ada, "/account/ratings/5", stars="4").text
    assert [path for path, _ in Api.asked[-2:]] == list(Api.answers)
    body = Api.asked[-2][1]
    assert (body["limit"], body["exclude"]) == (100, [])
    assert [(entry["movie_id"], entry["rating"]) for entry in body["ratings"]] == [(5, 4.0)]
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", body["ratings"][0]["rated_at"])
    assert page.index("Made now") < page.index("Made at night")
    assert "Made this moment from your 1 ratings." in page
    assert "Includes ratings up to 2026-11-23T19:00:00Z." in page
    assert page.count("Because of Alien") == 2
    assert '<a href="/v1/publications/20261123T190000">' in page


def test_without_a_nightly_list_the_page_says_when_there_will_be_one(ada: FlaskClient) -> None:
    page = ada.get("/account").text
    assert "The next nightly run makes this list from your ratings." in page
    assert "You have rated nothing yet." in page


def test_where_the_api_knows_none_of_the_movies_the_page_says_so(ada: FlaskClient) -> None:
    status, popular = given("Made of nothing")
    Api.answers = {"/v1/recommendations": (status, {**popular, "ignored": [5]})}
    page = send(ada, "/account/ratings/5", stars="4").text
    assert "None of the movies that you rated is in the published catalogue yet." in page
    assert "Made of nothing" not in page


@pytest.mark.parametrize("status", [429, 500, 503])
def test_without_the_api_ratings_go_on(ada: FlaskClient, status: int) -> None:
    Api.answers = {"/v1/recommendations": (status, {})}
    page = send(ada, "/account/ratings/5", stars="4").text
    assert "Recommendations can't be shown at the moment." in unescape(page)
    assert "Your rating: 4.0" in ada.get("/account/ratings").text


def test_an_api_that_is_not_there_is_unreachable() -> None:
    with pytest.raises(UnreachableError):
        RecommendationClient("http://127.0.0.1:9").nightly(1, "192.0.2.1")


def test_no_more_is_sent_than_the_api_takes_and_no_rated_movie_comes_back(api: str) -> None:
    status, answer = given("x")
    items = [{**ITEM, "movie_id": movie} for movie in (700, 701, 750, 751)]
    Api.answers = {"/v1/recommendations": (status, {**answer, "items": items, "ignored": [1, 2]})}
    rated = [(movie, 4.0, "2026-11-23T19:00:00Z") for movie in range(1, 751)]
    found = RecommendationClient(api).now(rated, "192.0.2.1")
    body = Api.asked[0][1]
    assert [entry["movie_id"] for entry in body["ratings"]] == list(range(1, 501))
    assert body["exclude"] == list(range(501, 701))
    assert found is not None
    assert [item["movie_id"] for item in found.items] == [751]
    assert found.ratings == 498


def test_the_api_is_told_for_whom_it_is_asked(ada: FlaskClient) -> None:
    send(ada, "/account/ratings/5", stars="4")
    Api.visitors.clear()
    ada.get("/account", environ_base={"REMOTE_ADDR": "203.0.113.7"})
    assert Api.visitors == ["203.0.113.7", "203.0.113.7"]


def test_the_page_says_of_how_many_ratings_the_list_is_made(ada: FlaskClient) -> None:
    status, answer = given("Made now")
    Api.answers = {"/v1/recommendations": (status, {**answer, "ignored": [4]})}
    send(ada, "/account/ratings/4", stars="4")
    page = send(ada, "/account/ratings/5", stars="4").text
    assert "Made this moment from 1 of your 2 ratings." in page


def test_a_withdrawn_movie_is_on_neither_list_and_the_next_one_takes_its_place(
    ada: FlaskClient, factory: Transactions
) -> None:
    with factory.begin() as database:
        database.get_one(Movie, 6).withdrawn_at = now()
    items = [{**ITEM, "movie_id": movie, "title": f"Movie {movie}.", "because": []} for movie in (6, *range(101, 112))]
    answer = (200, {**given("")[1], "items": items})
    Api.answers = {
        "/v1/recommendations": answer,
        f"/v1/users/account:{FIRST_USER}/recommendations?limit=100": answer,
    }
    page = send(ada, "/account/ratings/5", stars="4").text
    assert re.findall(r"Movie (\d+)\.</a>", page) == [str(movie) for movie in range(101, 111)] * 2


def test_the_password_is_changed_and_the_account_deleted_with_the_password(ada: FlaskClient) -> None:
    wrong = send(ada, "/account/password", current_password="wrong kettles", new_password="nine yellow kettles")
    assert wrong.status_code == 401
    changed = send(ada, "/account/password", current_password=PASSWORD, new_password="nine yellow kettles")
    assert "The password is changed" in changed.text
    assert send(ada, "/account/delete", password=PASSWORD).status_code == 401
    assert "Your account is deleted." in send(ada, "/account/delete", password="nine yellow kettles").text
    assert send(ada, "/account/sign-in", name="Ada", password="nine yellow kettles").status_code == 401


def test_ones_data_come_as_a_file(ada: FlaskClient) -> None:
    answer = ada.get("/account/export")
    assert (
        answer.headers["Content-Disposition"]
        == f'attachment; filename="marquee-account-{FIRST_USER}-without-reviews.json"'
    )
    assert answer.get_json()["account"]["name"] == "Ada"


def test_signing_out_everywhere_ends_the_other_sessions_too(ada: FlaskClient) -> None:
    pair = ada.post("/accounts/v1/login", json={"name": "Ada", "password": PASSWORD}).get_json()
    assert "You are signed out." in send(ada, "/account/sign-out-everywhere").text
    bearer = {"Authorization": f"Bearer {pair['access_token']}"}
    assert ada.get("/accounts/v1/me", headers=bearer).status_code == 401


# --- languages


@pytest.mark.parametrize(
    ("header", "expected"), [("ko-KR,ko;q=0.9,en;q=0.8", "ko"), ("en", "en"), ("de", "en"), ("", "en")]
)
def test_the_browsers_language_is_taken(client: FlaskClient, header: str, expected: str) -> None:
    page = client.get("/account/sign-in", headers={"Accept-Language": header}).text
    assert f'<html lang="{expected}">' in page
    assert {"en": "Sign in", "ko": "로그인"}[expected] in page


def test_a_chosen_language_stays_also_after_signing_in(client: FlaskClient) -> None:
    assert "회원 가입" in send(client, "/account/language", language="ko", back="/account/sign-up").text
    assert "Ada 님으로 로그인함" in send(client, "/account/sign-up", name="Ada", password=PASSWORD).text


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "/v1/popular", ""])
def test_choosing_a_language_leads_nowhere_else(client: FlaskClient, back: str) -> None:
    token = token_of(client.get("/account/sign-in").text)
    answer = client.post("/account/language", data={"csrf_token": token, "language": "ko", "back": back})
    assert answer.headers["Location"] == "/account"


def test_pages_load_nothing_from_other_hosts_and_have_no_script(ada: FlaskClient) -> None:
    for path in ("/account", "/account/ratings", "/account/settings"):
        page = ada.get(path)
        loaded = re.findall(r"""(?:src|href|action)=["']([^"']+)""", page.text)
        assert all(link.startswith(("/", "#", "?", "data:,")) and not link.startswith("//") for link in loaded)
        assert "<script" not in page.text
        assert "script-src" not in page.headers["Content-Security-Policy"]
        assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert page.headers["Referrer-Policy"] == "same-origin"
