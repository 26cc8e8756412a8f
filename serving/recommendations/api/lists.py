"""Lists by user, movie and popularity."""

from __future__ import annotations

from flask import Response

from serving.publications.reading.reader import Publication
from serving.recommendations.answers import problems
from serving.recommendations.answers.asked import asked_user
from serving.recommendations.answers.chosen import Chosen
from serving.recommendations.answers.lists import (
    list_text,
    personal_text,
    provenance,
    render_compared,
    render_popular,
)
from serving.recommendations.answers.metrics import LISTS
from serving.recommendations.answers.parameters import (
    AsOf,
    ListQuery,
    MoviePath,
    PopularQuery,
    UserListQuery,
    UserMoviePath,
    UserPath,
)
from serving.recommendations.answers.responses import json_answer
from serving.recommendations.answers.search import known_movie
from serving.recommendations.api import schemas
from serving.web.operations import Operation, Operations
from serving.web.problems import ProblemError


def _unknown_user(publication: Publication, user_id: int) -> ProblemError:
    return ProblemError(
        problems.UNKNOWN_USER,
        f"There is no list for user {asked_user(publication, user_id)}: see the popular movies instead.",
        {**provenance(publication, "unknown-user"), "popular": "/v1/popular", "newcomers": "/v1/recommendations"},
    )


def without_discoveries(publication: Publication) -> ProblemError:
    """Return the problem of a publication without lists of the long tail."""
    return ProblemError(
        problems.NOT_IN_PUBLICATION,
        "This publication was built without discoveries: ask without discovery, or with discovery=0.",
        provenance(publication, "personalised"),
    )


def user_list_operation(api: Operations) -> None:
    """Declare the list of a user."""

    @api.add(
        Operation(
            "GET",
            "/v1/users/<user>/recommendations",
            "Movies for a user, none of which the user has rated.",
            "lists",
            path=UserPath,
            query=UserListQuery,
            answer=schemas.Recommendations,
            kinds=(problems.UNKNOWN_USER, problems.NOT_IN_PUBLICATION),
        )
    )
    def user_recommendations(path: UserPath, chosen: Chosen[UserListQuery]) -> Response:
        hundredths = chosen.query.discovery
        if hundredths and not chosen.publication.has_discoveries:
            raise without_discoveries(chosen.publication)
        text = personal_text(chosen.publication, path.user, chosen.page, hundredths)
        if text is None:
            raise _unknown_user(chosen.publication, path.user)
        LISTS.labels("personalised").inc()
        return json_answer(text, chosen)


def explanation_operation(api: Operations) -> None:
    """Declare the reasons of one entry of a user's list."""

    @api.add(
        Operation(
            "GET",
            "/v1/users/<user>/recommendations/<movie>",
            "Why a movie stands where it does in a user's list.",
            "lists",
            path=UserMoviePath,
            query=AsOf,
            answer=schemas.Explanation,
            kinds=(problems.UNKNOWN_USER, problems.UNKNOWN_MOVIE, problems.NOT_RECOMMENDED),
        )
    )
    def explanation(path: UserMoviePath, chosen: Chosen[AsOf]) -> Response:
        publication, user_id, movie_id = chosen.publication, path.user, path.movie
        entries = publication.recommendations(user_id)
        if entries is None:
            raise _unknown_user(publication, user_id)
        found = known_movie(publication, movie_id)
        ranks = {entry[0]: rank for rank, entry in enumerate(entries, 1)}
        if movie_id not in ranks:
            raise ProblemError(
                problems.NOT_RECOMMENDED,
                f"Movie {publication.shown_movie(movie_id)} is not among the {len(entries)} of user "
                f"{publication.shown_user(user_id)}: either rated already, or others "
                "score higher.",
                provenance(publication, "personalised"),
            )
        _, score, reasons = entries[ranks[movie_id] - 1]
        popularity = publication.prior(movie_id)
        cosines = {entry[0]: entry[1] for entry in publication.similar_movies(movie_id)}
        because = [
            {
                "movie_id": publication.shown_movie(reason),
                "title": publication.movies[reason].title,
                "similarity": cosines.get(reason),
            }
            for reason in reasons
        ]
        answer = {
            "user_id": publication.shown_user(user_id),
            **provenance(publication, "personalised"),
            "rank": ranks[movie_id],
            "of": len(entries),
            "movie": found.as_dict(),
            "score": score,
            "personal": None if popularity is None else round(score - popularity, 6),
            "popularity": None if popularity is None else round(popularity, 6),
            "because": because,
        }
        return json_answer(answer, chosen)


def similar_movies_operation(api: Operations) -> None:
    """Declare the list of a movie."""

    @api.add(
        Operation(
            "GET",
            "/v1/movies/<movie>",
            "A movie, and the movies most similar to it.",
            "lists",
            path=MoviePath,
            query=ListQuery,
            answer=schemas.SimilarMovies,
            kinds=(problems.UNKNOWN_MOVIE,),
        )
    )
    def movie_with_similar(path: MoviePath, chosen: Chosen[ListQuery]) -> Response:
        publication = chosen.publication
        head = {"movie": known_movie(publication, path.movie).as_dict()}
        LISTS.labels("similar").inc()
        entries = publication.similar_movies(path.movie)
        return json_answer(list_text(publication, head, "similar", entries, chosen.page, render_compared), chosen)


def popular_operations(api: Operations) -> None:
    """Declare the popular movies and their scopes."""

    @api.add(
        Operation(
            "GET",
            "/v1/popular",
            "The most popular movies: of all, recent, of a genre or of a decade.",
            "lists",
            query=PopularQuery,
            answer=schemas.PopularMovies,
            kinds=(problems.UNKNOWN_SCOPE,),
        )
    )
    def popular_movies(chosen: Chosen[PopularQuery]) -> Response:
        publication, scope = chosen.publication, chosen.query.scope
        entries = publication.popular_movies(scope)
        if entries is None:
            detail = f"There is no list of popular movies for {scope[:40]!r}."
            raise ProblemError(problems.UNKNOWN_SCOPE, detail, {"scopes": publication.scopes})
        LISTS.labels("popular").inc()
        text = list_text(publication, {"scope": scope}, "popular", entries, chosen.page, render_popular)
        return json_answer(text, chosen)

    @api.add(
        Operation(
            "GET",
            "/v1/popular/scopes",
            "The scopes that have a list of popular movies.",
            "lists",
            query=AsOf,
            answer=schemas.Scopes,
        )
    )
    def popular_scopes(chosen: Chosen[AsOf]) -> Response:
        publication = chosen.publication
        return json_answer({"publication": publication.publication_id, "scopes": publication.scopes}, chosen)
