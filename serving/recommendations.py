"""The read-only recommendation API: a Flask application over a publication store.

Set MARQUEE_PUBLICATION_STORE to the store's folder and run `gunicorn -c serving/gunicorn.conf.py
"serving.recommendations:create_app()"`. The application holds no credentials and writes nothing but its log.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from http import HTTPStatus
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from flask import Flask, Response, g, render_template, request
from werkzeug.exceptions import HTTPException

from serving import problems
from serving.live_publication import LivePublication, NothingPublishedError
from serving.observability import (
    DEGRADED,
    LISTS,
    configure_logging,
    error_log,
    metrics_response,
    observe_requests,
    publication_failed,
    publication_serves,
)
from serving.openapi import openapi_document
from serving.pages import page_routes
from serving.problems import ProblemError, problem_response
from serving.publication_format import PUBLICATION_ID, PublicationError, format_time
from serving.publication_reader import Movie, Publication, fold
from serving.query_parameters import MovieFilter, Parameters, identifier

Answer = dict[str, Any]

_LIST_PARAMETERS = frozenset({"limit", "cursor", "genre", "year_from", "year_to", "exclude", "as_of"})
_MAX_BODY_BYTES = 64 << 10
# Below one network packet, compressing saves nothing.
_MIN_GZIP_BYTES = 1400
_IMMUTABLE = "public, max-age=31536000, immutable"
_REVALIDATE = "public, max-age=0, must-revalidate"
_PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; "
    "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"


class SettingError(Exception):
    """A setting of the server is missing or wrong."""


def create_app(settings: Mapping[str, str] | None = None) -> Flask:
    """Return the application; `settings` stands in for the environment.

    MARQUEE_PUBLICATION_STORE (required): the store's folder; it may still be empty.
    MARQUEE_SERVING_LOG_LEVEL: info (each request) or warning; default info.
    MARQUEE_SERVING_CORS_ORIGIN: origin that browsers may call from, or *; default none.
    Raises SettingError.
    """
    settings = os.environ if settings is None else settings
    root = settings.get("MARQUEE_PUBLICATION_STORE")
    if not root:
        raise SettingError("MARQUEE_PUBLICATION_STORE is not set: give the folder of the publication store.")
    level = settings.get("MARQUEE_SERVING_LOG_LEVEL", "info")
    if level not in ("debug", "info", "warning", "error"):
        raise SettingError(f"MARQUEE_SERVING_LOG_LEVEL is {level!r}: give debug, info, warning or error.")
    configure_logging(level)
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = _MAX_BODY_BYTES
    app.url_map.strict_slashes = False
    live = LivePublication(Path(root), publication_serves, publication_failed)
    _finish_responses(app, settings.get("MARQUEE_SERVING_CORS_ORIGIN"))
    observe_requests(app)
    _answer_errors(app)
    _list_routes(app, live)
    _catalogue_routes(app, live)
    _publication_routes(app, live)
    _operation_routes(app, live)
    page_routes(app, lambda: _current(live))
    return app


# --- choosing the publication ------------------------------------------------------------------------------------


def _current(live: LivePublication) -> Publication:
    try:
        publication = live.current()
    except NothingPublishedError as error:
        raise ProblemError(problems.NOTHING_PUBLISHED, str(error)) from None
    except PublicationError as error:
        # The message may hold a path of the server: it is in the log and not in the answer.
        error_log.error("nothing to serve", extra={"fields": {"reason": str(error)}})
        raise ProblemError(problems.NO_SOUND_PUBLICATION, "No publication passes verification.") from None
    g.publication = publication.publication_id
    return publication


def _named(live: LivePublication, name: str) -> Publication:
    try:
        publication = live.named(name)
    except PublicationError as error:
        error_log.warning("publication not served", extra={"fields": {"publication": name, "reason": str(error)}})
        raise ProblemError(problems.UNKNOWN_PUBLICATION, f"Publication {name} is not here, or not sound.") from None
    g.publication = publication.publication_id
    return publication


def _chosen(live: LivePublication, parameters: Parameters) -> tuple[Publication, int]:
    """Return the publication to answer from and the position to begin at.

    A cursor stays with the publication that it began in: the pages of one list never mix two.
    """
    as_of, cursor = parameters.publication(), parameters.cursor()
    if cursor and as_of and cursor[0] != as_of:
        raise ProblemError(problems.BAD_PARAMETER, "cursor belongs to another publication than as_of.")
    name = cursor[0] if cursor else as_of
    g.fixed_publication = name is not None
    publication = _named(live, name) if name else _current(live)
    return publication, cursor[1] if cursor else 0


# --- lists -------------------------------------------------------------------------------------------------------

Render = Callable[[Publication, list[Any]], Answer]


def _recommended(publication: Publication, entry: list[Any]) -> Answer:
    reasons = [publication.movies[movie_id] for movie_id in entry[2]]
    because = [{"movie_id": movie.movie_id, "title": movie.title} for movie in reasons]
    return {"score": entry[1], "because": because}


def _compared(_publication: Publication, entry: list[Any]) -> Answer:
    return {"score": entry[1]}


def _counted(_publication: Publication, entry: list[Any]) -> Answer:
    return {"score": entry[1], "ratings": entry[2]}


def _list_answer(
    publication: Publication,
    policy: str,
    entries: list[list[Any]],
    position: int,
    parameters: Parameters,
    render: Render,
) -> Answer:
    """Return the common members of each list: where it comes from, its policy, its items and the next page."""
    limit, wanted = parameters.limit, parameters.movie_filter()
    items: list[Answer] = []
    end = None
    for rank, entry in enumerate(entries[position:], position + 1):
        movie = publication.movies[entry[0]]
        if not wanted.keeps_all and not wanted.keeps(movie):
            continue
        if len(items) == limit:
            end = rank - 1
            break
        items.append({"rank": rank, **movie.as_dict(), **render(publication, entry)})
    LISTS.labels(policy).inc()
    return {**_provenance(publication, policy), "items": items, "next": _next_link(publication, end)}


def _provenance(publication: Publication, policy: str) -> Answer:
    return {
        "publication": publication.publication_id,
        "policy": policy,
        "data_through": publication.data_through,
    }


def _next_link(publication: Publication, position: int | None) -> str | None:
    if position is None:
        return None
    kept = {name: value for name, value in request.args.items() if name not in ("cursor", "as_of")}
    return f"{request.path}?{urlencode({**kept, 'cursor': f'{publication.publication_id}.{position}'})}"


def _list_routes(app: Flask, live: LivePublication) -> None:
    @app.get("/v1/users/<user>/recommendations")
    def user_recommendations(user: str) -> Response:
        user_id = identifier(user, "user")
        parameters = Parameters(request.args, _LIST_PARAMETERS)
        publication, position = _chosen(live, parameters)
        entries = publication.recommendations(user_id)
        if entries is None:
            raise ProblemError(
                problems.UNKNOWN_USER,
                f"There is no list for user {user_id}: see the popular movies instead.",
                {**_provenance(publication, "unknown-user"), "popular": "/v1/popular"},
            )
        answer = _list_answer(publication, "personalised", entries, position, parameters, _recommended)
        return _json({"user_id": user_id, **answer}, publication)

    @app.get("/v1/movies/<movie>")
    def movie_with_similar(movie: str) -> Response:
        movie_id = identifier(movie, "movie")
        parameters = Parameters(request.args, _LIST_PARAMETERS)
        publication, position = _chosen(live, parameters)
        found = _known_movie(publication, movie_id)
        entries = publication.similar_movies(movie_id)
        answer = _list_answer(publication, "similar", entries, position, parameters, _compared)
        return _json({"movie": found.as_dict(), **answer}, publication)

    @app.get("/v1/popular")
    def popular_movies() -> Response:
        parameters = Parameters(request.args, _LIST_PARAMETERS | {"scope"})
        publication, position = _chosen(live, parameters)
        scope = parameters.text("scope") or "all"
        entries = publication.popular_movies(scope)
        if entries is None:
            raise ProblemError(
                problems.UNKNOWN_SCOPE,
                f"There is no list of popular movies for {scope[:40]!r}.",
                {"scopes": publication.scopes},
            )
        answer = _list_answer(publication, "popular", entries, position, parameters, _counted)
        return _json({"scope": scope, **answer}, publication)

    @app.get("/v1/popular/scopes")
    def popular_scopes() -> Response:
        parameters = Parameters(request.args, frozenset({"as_of"}))
        publication, _ = _chosen(live, parameters)
        return _json({"publication": publication.publication_id, "scopes": publication.scopes}, publication)


def _known_movie(publication: Publication, movie_id: int) -> Movie:
    movie = publication.movies.get(movie_id)
    if movie is None:
        raise ProblemError(
            problems.UNKNOWN_MOVIE,
            f"There is no movie {movie_id}.",
            {"publication": publication.publication_id, "search": "/v1/movies?q="},
        )
    return movie


# --- catalogue and users -----------------------------------------------------------------------------------------


def _found_movies(publication: Publication, words: list[str], wanted: MovieFilter, after: int) -> Iterator[Movie]:
    """Yield the movies, by id, whose titles hold all the words."""
    for movie in publication.movies.values():
        if movie.movie_id > after and all(word in movie.search_text for word in words) and wanted.keeps(movie):
            yield movie


def _catalogue_routes(app: Flask, live: LivePublication) -> None:
    @app.get("/v1/movies")
    def movies() -> Response:
        parameters = Parameters(request.args, _LIST_PARAMETERS | {"q"})
        limit, wanted = parameters.limit, parameters.movie_filter()
        publication, after = _chosen(live, parameters)
        words = fold(parameters.text("q") or "").split()
        page = list(islice(_found_movies(publication, words, wanted, after), limit + 1))
        end = page[limit - 1].movie_id if len(page) > limit else None
        items = [movie.as_dict() for movie in page[:limit]]
        answer = {**_provenance(publication, "catalogue"), "items": items, "next": _next_link(publication, end)}
        return _json(answer, publication)

    @app.get("/v1/users")
    def users() -> Response:
        parameters = Parameters(request.args, frozenset({"limit", "cursor", "as_of"}))
        limit = parameters.limit
        publication, after = _chosen(live, parameters)
        page = publication.user_ids(after, limit + 1)
        end = page[limit - 1] if len(page) > limit else None
        answer = {"publication": publication.publication_id, "items": page[:limit]}
        return _json({**answer, "next": _next_link(publication, end)}, publication)


# --- publications ------------------------------------------------------------------------------------------------


def _publication_answer(live: LivePublication, publication: str) -> Answer:
    try:
        manifest = live.store.manifest(publication)
        serves, pin = live.store.live(), live.store.pinned()
    except PublicationError as error:
        error_log.warning("no manifest", extra={"fields": {"publication": publication, "reason": str(error)}})
        raise ProblemError(problems.UNKNOWN_PUBLICATION, f"Publication {publication} is not here.") from None
    return {
        "publication": publication,
        "live": publication == serves,
        "pinned": publication == pin,
        "schema_version": manifest.schema_version,
        "sha256": manifest.sha256,
        "bytes": manifest.size_bytes,
        "rows": manifest.rows,
        "data_through": format_time(manifest.data_through),
        "lineage": manifest.lineage,
    }


def _publication_routes(app: Flask, live: LivePublication) -> None:
    @app.get("/v1/publication")
    def live_publication() -> Response:
        Parameters(request.args, frozenset())
        return _json(_publication_answer(live, _current(live).publication_id))

    @app.get("/v1/publications")
    def publications() -> Response:
        moment = Parameters(request.args, frozenset({"at"})).moment("at")
        if moment is None:
            serves, pin = live.store.live(), live.store.pinned()
            names = live.store.publications()
            items = [{"publication": name, "live": name == serves, "pinned": name == pin} for name in names]
            return _json({"items": items})
        entry = live.store.live_at(moment)
        if entry is None:
            raise ProblemError(problems.UNKNOWN_PUBLICATION, f"Nothing was live at {moment.isoformat()}.")
        return _json({"at": moment.isoformat(), "publication": entry.publication, "entry": entry.as_dict()})

    @app.get("/v1/publications/<name>")
    def publication_by_id(name: str) -> Response:
        Parameters(request.args, frozenset())
        if not PUBLICATION_ID.fullmatch(name):
            raise ProblemError(problems.UNKNOWN_PUBLICATION, "A publication id looks like 20261123T190000.")
        return _json(_publication_answer(live, name))


# --- operation ---------------------------------------------------------------------------------------------------


@cache
def _openapi_text() -> str:
    return json.dumps(openapi_document(), ensure_ascii=False)


def _operation_routes(app: Flask, live: LivePublication) -> None:
    @app.get("/health")
    def health() -> Response:
        return _json({"status": "alive"}, cache_control="no-store")

    @app.get("/ready")
    def ready() -> Response:
        publication = _current(live)
        degraded = live.failure is not None
        answer = {
            "status": "degraded" if degraded else "ready",
            "publication": publication.publication_id,
            "live": live.store.live(),
            "data_through": publication.data_through,
        }
        if degraded:
            answer["detail"] = "The live publication failed verification; the last sound one is served. See the log."
        return _json(answer, cache_control="no-store")

    @app.get("/metrics")
    def metrics() -> Response:
        try:
            live.current()
        except PublicationError:
            DEGRADED.set(1)
        else:
            DEGRADED.set(live.failure is not None)
        return metrics_response()

    @app.get("/openapi.json")
    def openapi() -> Response:
        return Response(_openapi_text(), mimetype="application/json", headers={"Cache-Control": _REVALIDATE})

    @app.get("/docs")
    def docs() -> str:
        return render_template("docs.html", api=openapi_document(), kinds=problems.KINDS.values())


# --- responses ---------------------------------------------------------------------------------------------------


def _json(answer: Answer, publication: Publication | None = None, cache_control: str | None = None) -> Response:
    """Return JSON; with a publication, the answer is fixed by the address and that publication: its entity tag."""
    body = json.dumps(answer, ensure_ascii=False, separators=(",", ":")) + "\n"
    response = Response(body, mimetype="application/json")
    if publication is None:
        response.headers["Cache-Control"] = cache_control or "no-cache"
        return response
    response.headers["Cache-Control"] = _IMMUTABLE if g.get("fixed_publication") else _REVALIDATE
    response.set_etag(f"{publication.publication_id}-{publication.manifest.sha256[:16]}", weak=True)
    # The tag is the same with and without compression, hence weak.
    response.make_conditional(request)
    return response


def _finish_responses(app: Flask, cors_origin: str | None) -> None:
    @app.after_request
    def finish(response: Response) -> Response:
        headers = response.headers
        page = response.mimetype == "text/html"
        headers["Content-Security-Policy"] = _PAGE_POLICY if page else _DATA_POLICY
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "no-referrer"
        headers["Cross-Origin-Resource-Policy"] = "same-origin" if cors_origin is None else "cross-origin"
        if cors_origin is not None:
            headers["Access-Control-Allow-Origin"] = cors_origin
            headers["Access-Control-Expose-Headers"] = "ETag, X-Request-ID"
            if cors_origin != "*":
                response.vary.add("Origin")
        if request.path != "/metrics":
            _compress(response)
        return response


def _compress(response: Response) -> None:
    response.vary.add("Accept-Encoding")
    if (
        response.status_code == HTTPStatus.NOT_MODIFIED
        or response.direct_passthrough
        or response.is_streamed
        or "Content-Encoding" in response.headers
        or "gzip" not in request.headers.get("Accept-Encoding", "").lower()
        or request.accept_encodings.quality("gzip") <= 0
    ):
        return
    body = response.get_data()
    if len(body) >= _MIN_GZIP_BYTES:
        response.set_data(gzip.compress(body, compresslevel=3, mtime=0))
        response.headers["Content-Encoding"] = "gzip"


def _answer_errors(app: Flask) -> None:
    @app.errorhandler(ProblemError)
    def known(error: ProblemError) -> Response:
        return problem_response(error.kind, error.detail, request.path, error.extra)

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response:
        by_status = {
            HTTPStatus.NOT_FOUND: problems.NOT_FOUND,
            HTTPStatus.METHOD_NOT_ALLOWED: problems.METHOD_NOT_ALLOWED,
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE: problems.TOO_LARGE,
        }
        status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
        kind = by_status.get(status, problems.BAD_PARAMETER if status < 500 else problems.INTERNAL)
        response = problem_response(kind, kind.meaning, request.path)
        for name, value in error.get_headers():
            if name == "Allow":
                response.headers[name] = value
        return response

    @app.errorhandler(Exception)
    def defect(error: Exception) -> Response:
        error_log.error("defect", exc_info=error, extra={"fields": {"request_id": g.get("request_id")}})
        return problem_response(problems.INTERNAL, problems.INTERNAL.meaning, request.path)
