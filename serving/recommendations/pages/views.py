"""Render the web pages: lists, a page to rate movies on, and statistics.

The server renders them without scripts, so that they work in any browser and need only this server. The ratings of a
person are in the address and nowhere else. English is in the code, other languages are in web/translations/.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import islice
from typing import Any

from flask import Flask, Response, make_response, render_template, request
from pydantic import BaseModel

from serving.publications.format import MAX_ID
from serving.publications.newcomers.discovery import WHOLE
from serving.publications.newcomers.fold_in import Rating, Recommendation
from serving.publications.reading.catalogue import Movie
from serving.publications.reading.live import LivePublication
from serving.publications.reading.reader import Publication
from serving.recommendations.answers import problems
from serving.recommendations.answers.asked import asked_movie, asked_user
from serving.recommendations.answers.chosen import current
from serving.recommendations.answers.newcomer_request import MAX_RATINGS
from serving.recommendations.answers.newcomers import newcomer_recommendations
from serving.recommendations.answers.parameters import (
    MAX_TEXT,
    MoviePath,
    Text,
    UserPath,
)
from serving.recommendations.answers.refusals import only, read
from serving.recommendations.answers.search import found_movies
from serving.recommendations.pages.charts import chart
from serving.recommendations.pages.reviews import MovieReviews
from serving.web.problems import ProblemError
from serving.web.translations import DEFAULT_LANGUAGE, TRANSLATIONS, gettext, language, translate_templates

_SHOWN = 20
_DISCOVERED = 10
_EXAMPLE_USERS = 50
_TO_RATE = 12
_RATED = re.compile(r"r([0-9]{1,10})")
STARS = [str(half / 2).removesuffix(".0") for half in range(10, 0, -1)]

Content = dict[str, Any]


class ScopeField(BaseModel):
    """The scope of popular movies."""

    scope: Text = "all"


class GenreField(BaseModel):
    """The genre of the statistics; None is the first one."""

    genre: Text | None = None


def page_routes(app: Flask, live: LivePublication, reviews: MovieReviews) -> None:
    """Add the pages."""
    translate_templates(app, TRANSLATIONS / "recommendations")
    app.jinja_env.globals["scope_name"] = scope_name

    def answered(template: str, content: Callable[[Publication], Content]) -> Response:
        try:
            publication = current(live)
        except ProblemError as error:
            return _page("message.html", error.kind.status, **_problem(error))
        common = {"publication": publication, "scopes": publication.scopes}
        try:
            return _page(template, 200, **common, **content(publication))
        except ProblemError as error:
            if error.kind is problems.UNKNOWN_USER:
                return _page("lists.html", 404, **common, **{**_popular(publication, "all"), **_problem(error)})
            return _page("message.html", error.kind.status, **common, **_problem(error))

    @app.get("/")
    def start() -> Response:
        return answered("lists.html", lambda publication: _lists(publication, reviews))

    @app.get("/rate")
    def rate() -> Response:
        return answered("rate.html", _rated)

    @app.get("/statistics")
    def statistics() -> Response:
        return answered("statistics.html", _statistics)


def _page(template: str, status: int, **values: Any) -> Response:
    response = make_response(render_template(template, **values), status)
    response.headers["Cache-Control"] = "no-cache"
    response.headers["Content-Language"] = language()
    response.vary.add("Accept-Language")
    return response


def _problem(error: ProblemError) -> Content:
    # The details exist in English only: other languages show the kind of error.
    detail = error.detail if language() == DEFAULT_LANGUAGE else gettext(error.kind.meaning)
    return {"heading": gettext(error.kind.title), "notice": detail}


# --- lists -------------------------------------------------------------------------------------------------------


def _lists(publication: Publication, reviews: MovieReviews) -> Content:
    """Return the heading, the items and their policy for what the address asks for."""
    given = only(request.args, "user", "movie", "scope", "lang")
    users = [publication.shown_user(number) for number in publication.user_ids(0, _EXAMPLE_USERS)]
    # An empty field is a form that was sent without an entry.
    if user := given.get("user", "").strip():
        return {"users": users, **_personal(publication, read(UserPath, {"user": user}).user)}
    if movie := given.get("movie", "").strip():
        content = _similar(publication, read(MoviePath, {"movie": movie}).movie)
        return {"users": users, **content, "reviews": reviews.of_movie(content["movie_id"])}
    return {"users": users, **_popular(publication, read(ScopeField, given).scope)}


def _personal(publication: Publication, user_id: int) -> Content:
    entries = publication.recommendations(user_id)
    if entries is None:
        detail = f"There is no list for user {asked_user(publication, user_id)}: here are the popular movies instead."
        raise ProblemError(problems.UNKNOWN_USER, detail)
    user = publication.shown_user(user_id)
    content: Content = {"heading": gettext("For user %(user)s", user=user), "user": user, "policy": "personalised"}
    content["items"] = _because(publication, entries[:_SHOWN])
    if publication.has_discoveries:
        content["discoveries"] = _because(publication, publication.first_discoveries(user_id, _DISCOVERED))
    return content


def _because(publication: Publication, entries: list[list[Any]]) -> list[Content]:
    """Return the entries of a user's list as a template shows them."""
    movies = publication.movies
    return [
        {"movie": movies[movie_id], "because": [movies[reason] for reason in reasons]}
        for movie_id, _, reasons in entries
    ]


def _similar(publication: Publication, movie_id: int) -> Content:
    movie = publication.movies.get(movie_id)
    if movie is None:
        raise ProblemError(problems.UNKNOWN_MOVIE, f"There is no movie {asked_movie(publication, movie_id)}.")
    items = [{"movie": publication.movies[entry[0]]} for entry in publication.similar_movies(movie_id)[:_SHOWN]]
    rated = publication.movie_statistics(movie_id)
    years = [(str(year["rating_year"]), year["mean_rating"]) for year in rated["by_year"]] if rated else []
    return {
        "heading": gettext("Similar to %(title)s", title=movie.title),
        "items": items,
        "policy": "similar",
        "movie_id": publication.shown_movie(movie_id),
        "rated": rated,
        "mean_by_year": chart(years, highest=5) if len(years) > 1 else None,
    }


def _popular(publication: Publication, scope: str) -> Content:
    entries = publication.popular_movies(scope)
    if entries is None:
        raise ProblemError(problems.UNKNOWN_SCOPE, f"There is no list of popular movies for {scope[:40]!r}.")
    items = [{"movie": publication.movies[entry[0]], "ratings": entry[2]} for entry in entries[:_SHOWN]]
    heading = gettext("Popular movies: %(scope)s", scope=scope_name(scope))
    return {"heading": heading, "scope": scope, "items": items, "policy": "popular"}


def scope_name(scope: str) -> str:
    """Return a scope of popular movies as the pages say it."""
    kind, _, name = scope.partition(":")
    if kind == "decade":
        return gettext("the %(decade)ss", decade=name)
    if kind == "genre":
        return name
    return {"all": gettext("of all time"), "recent": gettext("of late")}.get(scope, scope)


# --- rating ------------------------------------------------------------------------------------------------------


def _rated(publication: Publication) -> Content:
    """Return movies to rate, and the list for the ratings in the address.

    A rating is written as r<movie id>=stars.
    """
    stars = _given_ratings(publication)
    text = request.args.get("q", "").strip()[:MAX_TEXT]
    others = found_movies(publication, text, None) if text else _well_known(publication)
    to_rate = list(islice((movie for movie in others if movie.movie_id not in stars), _TO_RATE))
    content: Content = {
        "heading": gettext("Rate some movies"),
        "policy": "none",
        "query": text,
        "star_values": STARS,
        "rated_movies": [(publication.movies[movie_id], value) for movie_id, value in stars.items()],
        "to_rate": to_rate,
    }
    if stars:
        ratings = [Rating(movie_id, float(value)) for movie_id, value in stars.items()]
        policy, found = newcomer_recommendations(publication, ratings, _SHOWN, None)
        content |= {"items": _scored(publication, found), "policy": policy}
        if publication.has_discoveries and policy == "folded-in":
            _, found = newcomer_recommendations(publication, ratings, _DISCOVERED, None, hundredths=WHOLE)
            content["discoveries"] = _scored(publication, found)
    return content


def _scored(publication: Publication, found: list[Recommendation]) -> list[Content]:
    """Return the entries of a newcomer's list as a template shows them."""
    movies = publication.movies
    return [
        {
            "movie": movies[entry.movie_id],
            "because": [movies[reason.movie_id] for reason in entry.because],
            "personal": entry.personal,
            "popularity": entry.popularity,
        }
        for entry in found
    ]


def _given_ratings(publication: Publication) -> dict[int, str]:
    """Return the stars by movie that the address holds; empty fields are ignored."""
    stars: dict[int, str] = {}
    for name, value in request.args.items():
        if name in ("q", "lang") or not value:
            continue
        rated = _RATED.fullmatch(name)
        movie_id = int(rated[1]) if rated else 0
        if value not in STARS or not 1 <= movie_id <= MAX_ID or movie_id not in publication.movies:
            raise ProblemError(problems.BAD_PARAMETER, f"{name[:40]!r} is no rating of a movie from 0.5 to 5.")
        stars[movie_id] = value
    if len(stars) > MAX_RATINGS:
        raise ProblemError(problems.BAD_PARAMETER, f"Rate {MAX_RATINGS} movies at most.")
    return stars


def _well_known(publication: Publication) -> list[Movie]:
    return [publication.movies[entry[0]] for entry in publication.popular_movies("all") or []]


# --- statistics --------------------------------------------------------------------------------------------------


def _statistics(publication: Publication) -> Content:
    given = only(request.args, "genre", "lang")
    genre = read(GenreField, given).genre or next(iter(publication.genres), None)
    entries = publication.popular_by_genre(genre) if genre else []
    if entries is None:
        raise ProblemError(problems.UNKNOWN_GENRE, f"There is no list of the best movies in {genre!r}.")
    years = publication.ratings_by_year()
    by_year = [(str(year["rating_year"]), year) for year in years]
    return {
        "heading": gettext("Statistics"),
        "policy": "statistics",
        "years": years,
        "ratings_chart": chart([(label, year["ratings"]) for label, year in by_year]),
        "mean_chart": chart([(label, year["mean_rating"]) for label, year in by_year], highest=5),
        "genre": genre,
        "genres": publication.genres,
        "best": [
            {"movie": publication.movies[movie_id], "mean": mean, "ratings": ratings}
            for movie_id, mean, ratings in entries[:_SHOWN]
        ],
        "rows": publication.row_accounting(),
    }
