"""What is asked of the recommendation API and its pages: on a sound store, and on stores in other states."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.contracts.recorded_applications import recommendation_application
from tests.contracts.recording.exchanges import Asker, Recorder
from tests.contracts.recording.publications import FIRST, PLAIN, SECOND, THIRD, Store

USER_1, USER_7 = "/v1/users/1/recommendations", "/v1/users/7/recommendations"
BAD_LIMITS = ("0", "-1", "101", "ten", "", "1.5", "9" * 30)
LISTS = [
    *(USER_1, USER_7, "/v1/users/1000000002/recommendations", f"{USER_1}?limit=2", f"{USER_1}?limit=100"),
    *(f"{USER_1}?genre=action", f"{USER_1}?genre=Drama&limit=1", f"{USER_1}?year_from=2002", f"{USER_1}?year_to=1960"),
    *(
        f"{USER_1}?year_from=1990&year_to=2001&exclude=3,2",
        f"{USER_1}?genre=nothing",
        f"{USER_1}?as_of={FIRST}&limit=2",
    ),
    *(f"{USER_1}?as_of={PLAIN}&limit=1", "/v1/users/2/recommendations", "/v1/users/2/recommendations?limit=ten"),
    *("/v1/users/0/recommendations", "/v1/users/2147483648/recommendations", "/v1/users/1e3/recommendations"),
    *("/v1/users/%F0%9F%8E%AC/recommendations", "/v1/users/7/recommendations/", "/v1/users/1"),
    *(f"{USER_1}/3", f"{USER_1}/8?as_of={FIRST}", f"{USER_7}/2", f"{USER_1}/1", f"{USER_1}/999", f"{USER_1}/x"),
    *(f"{USER_1}/3?limit=1", "/v1/users/2/recommendations/3"),
    *("/v1/movies/5", "/v1/movies/5?limit=1", "/v1/movies/5?genre=Action", "/v1/movies/4", "/v1/movies/8"),
    *("/v1/movies/9", "/v1/movies/999", "/v1/movies/0", "/v1/movies/x", f"/v1/movies/6?as_of={FIRST}"),
    *("/v1/popular", "/v1/popular?scope=genre:Horror", "/v1/popular?scope=decade:1990", "/v1/popular?scope=recent"),
    *("/v1/popular?scope=x", "/v1/popular?scope=", "/v1/popular?limit=2", "/v1/popular?exclude=1,5"),
    *("/v1/popular/scopes", f"/v1/popular/scopes?as_of={PLAIN}", "/v1/popular/scopes?limit=1"),
    *("/v1/movies", "/v1/movies?q=AMELIE", "/v1/movies?q=the%20one", "/v1/movies?q=%EC%98%AC%EB%93%9C"),
    *("/v1/movies?genre=drama&limit=2", "/v1/movies?q=zzz", "/v1/movies?year_from=2001", "/v1/movies?q="),
    *("/v1/users", "/v1/users?limit=1", "/v1/users?limit=0", "/v1/users?genre=Action"),
]
DISCOVERIES = [
    *(f"{USER_1}?discovery={value}" for value in ("0", "0.25", "0.50", "1", "1.0", "2", "0.123", "-0.1", "x", "")),
    *(f"{USER_1}?discovery=1&genre=Action", f"{USER_7}?discovery=1", "/v1/users/2/recommendations?discovery=1"),
    f"{USER_1}?discovery=1&as_of={PLAIN}",
]
MARTS = [
    *("/v1/marts/ratings_by_year", "/v1/marts/row_accounting", "/v1/marts/popular_by_genre"),
    *("/v1/marts/popular_by_genre/Horror", "/v1/marts/popular_by_genre/Horror?limit=1", "/v1/marts/popular_by_genre/x"),
    *(
        "/v1/marts/popular_by_genre/Crime?year_from=1990",
        "/v1/marts/movie_statistics/5",
        "/v1/marts/movie_statistics/4",
    ),
    *("/v1/marts/movie_statistics/999", "/v1/marts/movie_statistics/x", "/v1/marts", "/v1/marts/unknown"),
    *(f"/v1/marts/ratings_by_year?as_of={PLAIN}", f"/v1/marts/row_accounting?as_of={PLAIN}"),
    *(f"/v1/marts/popular_by_genre?as_of={PLAIN}", f"/v1/marts/popular_by_genre/Horror?as_of={PLAIN}"),
    *(f"/v1/marts/movie_statistics/5?as_of={PLAIN}", "/v1/marts/ratings_by_year?limit=5"),
]
PUBLICATIONS = [
    *("/v1/publication", "/v1/publication?x=1", "/v1/publications", "/v1/publications?at=2026-11-24T03:04:30Z"),
    *("/v1/publications?at=2026-11-24T04:05:30%2B01:00", "/v1/publications?at=2020-01-01", "/v1/publications?at=soon"),
    *("/v1/publications?at=2026-11-24T03:05:30", f"/v1/publications/{FIRST}", f"/v1/publications/{PLAIN}"),
    *(f"/v1/publications/{THIRD}", "/v1/publications/20260101T000000", "/v1/publications/latest"),
    *("/v1/publications/..%2F..%2Fetc", f"/v1/publications/{FIRST}?as_of={FIRST}"),
]
BAD_PARAMETERS = [
    *("limt=3", "limit=1&limit=2", "year_from=soon", "year_to=99", "exclude=a", "exclude=0", "genre=", "cursor=x"),
    *(f"cursor={THIRD}", f"cursor={THIRD}.1&as_of={FIRST}", "as_of=latest", "as_of=20260101T000000"),
    *("genre=" + "x" * 101, "exclude=" + ",".join(["1"] * 201), "cursor=20260101T000000.1"),
]
OTHERS = [
    *("/health", "/ready", "/openapi.json", "/docs", "/v2", "/v1", "/favicon.ico", "/robots.txt", "//v1/popular"),
    *("/static/pages.css", "/static/missing.css", "/static/../recommendations.py", "/%2e%2e/etc/passwd", "/v1/%00"),
]
PAGES = [
    *("/", "/?user=1", "/?user=7", "/?user=2", "/?user=x", "/?user=", "/?movie=5", "/?movie=7", "/?movie=999"),
    *("/?scope=genre:Horror", "/?scope=decade:1990", "/?scope=x", "/?unknown=1", "/rate", "/rate?q=alien"),
    *("/rate?r3=5", "/rate?r5=0.5&r6=4.5&r9=", "/rate?r3=6", "/rate?r999=5", "/statistics"),
    *("/statistics?genre=Crime", "/statistics?genre=x", "/statistics?limit=1"),
]
KOREAN_PAGES = (
    "/",
    "/?user=1",
    "/?user=2",
    "/?user=x",
    "/?movie=5",
    "/?movie=999",
    "/?scope=x",
    "/rate?r3=5",
    "/statistics",
)
RATED: dict[str, Any] = {"ratings": [{"movie_id": 3, "rating": 5}, {"movie_id": 9, "rating": 1}]}
NEWCOMERS: list[tuple[str, Any]] = [
    ("two ratings, one of a movie without factors", RATED),
    ("a limit", RATED | {"limit": 2}),
    ("filters", RATED | {"genre": "Horror", "year_from": 1980, "year_to": 1990, "exclude": [5]}),
    ("times", {"ratings": [{"movie_id": 3, "rating": 5, "rated_at": "2016-10-01T00:00:00Z"}], "limit": 2}),
    ("a movie without factors alone", {"ratings": [{"movie_id": 9, "rating": 5}], "limit": 3}),
    ("a movie that is not there", {"ratings": [{"movie_id": 999, "rating": 4.5, "rated_at": 1476640644}], "limit": 3}),
    ("no ratings", {"ratings": []}),
    ("no member ratings", {}),
    ("an array", []),
    ("an unknown member", RATED | {"user": 1}),
    ("a rating that is too high", {"ratings": [{"movie_id": 3, "rating": 11}]}),
    ("a rating with an unknown member", {"ratings": [{"movie_id": 3, "rating": 5, "stars": 5}]}),
    ("an id that is a text", {"ratings": [{"movie_id": "3", "rating": 5}]}),
    ("a movie twice", {"ratings": [{"movie_id": 3, "rating": 5}, {"movie_id": 3, "rating": 4}]}),
    ("a time that is none", {"ratings": [{"movie_id": 3, "rating": 5, "rated_at": "yesterday"}]}),
    ("a limit that is too high", RATED | {"limit": 101}),
    ("a limit that is true", RATED | {"limit": True}),
    ("a genre that is empty", RATED | {"genre": " "}),
    ("a year of long ago", RATED | {"year_from": 1799}),
    ("an exclude that is no list", RATED | {"exclude": 5}),
    ("a rating that is a number", {"ratings": [5]}),
]
KOREAN = {"Accept-Language": "ko-KR,ko;q=0.9,en;q=0.5"}


def record_api(recorder: Recorder, store: Store) -> None:
    """Ask every operation of a sound store."""
    asker = Asker(recorder, recommendation_application(store.root))
    for path in [*LISTS, *MARTS, *PUBLICATIONS, *OTHERS]:
        asker.ask(f"GET {path}")
    for limit in BAD_LIMITS:
        asker.ask(f"GET {USER_7}?limit={limit}")
    for query in BAD_PARAMETERS:
        asker.ask(f"GET {USER_7}?{query}")
    for path in (USER_1, "/v1/movies", "/v1/users", "/v1/popular", "/v1/movies/5", "/v1/marts/popular_by_genre/Horror"):
        size = 5 if path in (USER_1, "/v1/movies") else 1
        link = asker.ask(f"GET {path}?limit={size}", "begins pages").get_json()["next"]
        for number in range(2, 5):
            if link:
                link = asker.ask(f"GET {link}", f"page {number}").get_json()["next"]
    _newcomers(asker)
    _methods_and_headers(asker)


def _newcomers(asker: Asker) -> None:
    address = "/v1/recommendations"
    for note, body in NEWCOMERS:
        asker.ask(f"POST {address}", note, json_body=body)
    asker.ask(f"POST {address}?as_of={FIRST}", json_body=RATED | {"limit": 2})
    asker.ask(f"POST {address}?as_of={PLAIN}", json_body=RATED)
    asker.ask(f"POST {address}?limit=1", json_body=RATED)
    asker.ask(f"POST {address}", "not JSON", body=b"{", headers={"Content-Type": "application/json"})
    asker.ask(f"POST {address}", "not UTF-8", body=b'"\xff"', headers={"Content-Type": "application/json"})
    asker.ask(f"POST {address}", "NaN", body=b'{"ratings": NaN}', headers={"Content-Type": "application/json"})
    asker.ask(f"POST {address}", "a form", body=b"ratings=5", headers={"Content-Type": "text/plain"})
    asker.ask(f"POST {address}", "too large", body=b" " * 70_000, headers={"Content-Type": "application/json"})


def record_discoveries(recorder: Recorder, store: Store) -> None:
    """Ask for lists of the long tail.

    They are asked for last: each request moves the recorders' clock, and the answers of other services show its time.
    """
    asker = Asker(recorder, recommendation_application(store.root))
    for path in DISCOVERIES:
        asker.ask(f"GET {path}")
    link = asker.ask(f"GET {USER_1}?discovery=0.5&limit=4", "begins pages").get_json()["next"]
    asker.ask(f"GET {link}", "page 2")
    address = "/v1/recommendations"
    for discovery in (0.25, 0.5, 1, 0, 2, -0.5, "1", None):
        asker.ask(f"POST {address}", f"discovery {discovery!r}", json_body=RATED | {"discovery": discovery})
    asker.ask(f"POST {address}", "discoveries of a genre", json_body=RATED | {"discovery": 1, "genre": "action"})
    asker.ask(f"POST {address}?as_of={PLAIN}", "discoveries", json_body=RATED | {"discovery": 1})


def _methods_and_headers(asker: Asker) -> None:
    for path in (USER_1, "/v1/popular", "/", "/docs", "/health", "/openapi.json", "/static/pages.css", "/v2"):
        asker.ask(f"HEAD {path}")
    for path in (USER_1, "/v1/recommendations", "/", "/v2"):
        asker.ask(f"OPTIONS {path}")
    for line in (f"POST {USER_1}", "DELETE /v1/movies/5", "PUT /v1/popular", "GET /v1/recommendations", "POST /"):
        asker.ask(line)
    asker.ask("BREW /v1/popular")
    for path in (USER_1, "/v1/popular", "/v1/movies/5", "/v1/marts/ratings_by_year"):
        tag = asker.ask(f"GET {path}", quiet=True).headers["ETag"]
        asker.ask(f"GET {path}", "unchanged", headers={"If-None-Match": tag})
        asker.ask(f"GET {path}", "another tag", headers={"If-None-Match": 'W/"other"'})
    asker.ask(f"HEAD {USER_1}", "unchanged", headers={"If-None-Match": tag})
    asker.ask("GET /v1/popular", "any tag", headers={"If-None-Match": "*"})
    for encoding in ("gzip", "gzip;q=0", "br", "gzip, deflate, br"):
        for path in (USER_1, USER_7, "/docs"):
            asker.ask(f"GET {path}", f"Accept-Encoding: {encoding}", headers={"Accept-Encoding": encoding})
    for path in (USER_7, "/v1/popular", "/v2"):
        asker.ask(f"GET {path}", "a bad request id", headers={"X-Request-ID": "bad id"})
    asker.ask(f"GET {USER_1}", "another host", headers={"Host": "example.org:8443", "X-Forwarded-Proto": "https"})
    asker.ask("GET /v1/popular", "text is wanted", headers={"Accept": "text/html"})


def record_pages(recorder: Recorder, store: Store) -> None:
    """Ask every page in both languages."""
    asker = Asker(recorder, recommendation_application(store.root))
    for path in PAGES:
        asker.ask(f"GET {path}")
    for path in KOREAN_PAGES:
        asker.ask(f"GET {path}", "in Korean", headers=KOREAN)
    asker.ask("GET /?lang=ko&user=7")
    asker.ask("GET /?lang=en&user=7", "of a Korean browser", headers=KOREAN)
    asker.ask("GET /?lang=xx")
    asker.ask("GET /", "of a French browser", headers={"Accept-Language": "fr"})
    asker.ask("GET /?movie=5", "compressed", headers={"Accept-Encoding": "gzip"})


STATE_PATHS = ("/health", "/ready", USER_7, "/v1/popular", "/v1/publication", "/v1/publications", "/")


def record_states(recorder: Recorder, work: Path, built: Path) -> None:
    """Ask stores that have nothing live, that are damaged, that switch, and other settings."""

    def asker(name: str, *publications: str, **settings: str) -> tuple[Asker, Store]:
        store = Store(work / name, built, *publications)
        return Asker(recorder, recommendation_application(store.root, **settings)), store

    def all_states(asked: Asker, note: str) -> None:
        for path in STATE_PATHS:
            asked.ask(f"GET {path}", note)

    empty, _ = asker("empty")
    all_states(empty, "an empty store")
    for path in ("/rate", "/statistics"):
        empty.ask(f"GET {path}", "an empty store")
    empty.ask("GET /", "an empty store, in Korean", headers=KOREAN)
    empty.ask("POST /v1/recommendations", "an empty store", json_body=RATED)
    idle, _ = asker("idle", FIRST)
    idle.ask("GET /v1/publications", "nothing live")
    idle.ask(f"GET /v1/popular?as_of={FIRST}", "nothing live")
    damaged, store = asker("damaged", FIRST)
    store.activate(FIRST).damage(FIRST)
    all_states(damaged, "the only one damaged")
    damaged.ask("GET /", "the only one damaged, in Korean", headers=KOREAN)
    damaged.ask(f"GET /v1/popular?as_of={FIRST}", "the only one damaged")
    degraded, store = asker("degraded", FIRST, SECOND)
    store.activate(FIRST, SECOND).damage(SECOND)
    all_states(degraded, "the live one damaged")
    broken, store = asker("broken", FIRST)
    store.break_lists(FIRST).activate(FIRST)
    broken.ask("GET /v1/popular", "a list that is not JSON")
    broken.ask("GET /", "a list that is not JSON")
    _switches(*asker("switching", FIRST, SECOND, THIRD))
    for origin in ("*", "https://example.org"):
        crossed, store = asker(f"crossed-{len(origin)}", THIRD, MARQUEE_SERVING_CORS_ORIGIN=origin)
        store.activate(THIRD)
        for line in (f"GET {USER_7}", "GET /v1/popular", "OPTIONS /v1/recommendations", "GET /v2"):
            crossed.ask(line, f"other origins: {origin}", headers={"Origin": "https://example.org"})


def _switches(asked: Asker, store: Store) -> None:
    store.activate(FIRST)
    first = asked.ask(f"GET {USER_1}?limit=2", "before a switch")
    store.activate(SECOND, THIRD)
    tag = first.headers["ETag"]
    asked.ask(f"GET {USER_1}?limit=2", "after a switch", headers={"If-None-Match": tag})
    asked.ask(f"GET {first.get_json()['next']}", "after a switch")
    asked.ask(f"GET {USER_7}", "after a switch")
    store.change("rollback")
    for path in ("/ready", USER_7, "/v1/publication", "/v1/publications"):
        asked.ask(f"GET {path}", "rolled back")
    store.change("pin", "--publication", FIRST)
    for path in (
        USER_7,
        "/v1/publication",
        "/v1/publications",
        "/v1/publications?at=2027-01-01",
        f"/v1/publications/{SECOND}",
    ):
        asked.ask(f"GET {path}", "pinned")
