"""Answer from the warehouse's marts as they were published."""

from __future__ import annotations

from flask import Response

from serving.recommendations.answers import problems
from serving.recommendations.answers.chosen import Chosen
from serving.recommendations.answers.lists import list_text, provenance, render_best_of_genre
from serving.recommendations.answers.parameters import AsOf, GenrePath, ListQuery, MoviePath
from serving.recommendations.answers.responses import json_answer
from serving.recommendations.answers.search import known_movie
from serving.recommendations.api import schemas
from serving.web.operations import Operation, Operations
from serving.web.problems import ProblemError


def _rows_answer(chosen: Chosen[AsOf], rows: list[dict[str, object]], table: str) -> Response:
    if not rows:
        raise ProblemError(problems.NOT_IN_PUBLICATION, f"This publication was built without {table}.")
    return json_answer({**provenance(chosen.publication, "statistics"), "items": rows}, chosen)


def mart_operations(api: Operations) -> None:
    """Declare activity by year and the best movies of each genre."""

    @api.add(
        Operation(
            "GET",
            "/v1/marts/ratings_by_year",
            "Ratings, users, movies and mean rating of each calendar year (UTC).",
            "marts",
            query=AsOf,
            answer=schemas.RatingsByYear,
            kinds=(problems.NOT_IN_PUBLICATION,),
        )
    )
    def ratings_by_year(chosen: Chosen[AsOf]) -> Response:
        return _rows_answer(chosen, chosen.publication.ratings_by_year(), "ratings_by_year")

    @api.add(
        Operation(
            "GET",
            "/v1/marts/popular_by_genre",
            "The genres that have a list of their best movies.",
            "marts",
            query=AsOf,
            answer=schemas.Genres,
        )
    )
    def genres(chosen: Chosen[AsOf]) -> Response:
        publication = chosen.publication
        return json_answer({"publication": publication.publication_id, "genres": publication.genres}, chosen)

    @api.add(
        Operation(
            "GET",
            "/v1/marts/popular_by_genre/<genre>",
            "The best movies of a genre, by a mean rating that few ratings cannot carry far.",
            "marts",
            path=GenrePath,
            query=ListQuery,
            answer=schemas.PopularByGenre,
            kinds=(problems.UNKNOWN_GENRE,),
        )
    )
    def popular_by_genre(path: GenrePath, chosen: Chosen[ListQuery]) -> Response:
        publication, genre = chosen.publication, path.genre
        entries = publication.popular_by_genre(genre)
        if entries is None:
            detail = f"There is no list of the best movies in {genre[:40]!r}."
            raise ProblemError(problems.UNKNOWN_GENRE, detail, {"genres": publication.genres})
        text = list_text(publication, {"genre": genre}, "statistics", entries, chosen.page, render_best_of_genre)
        return json_answer(text, chosen)


def statistics_operations(api: Operations) -> None:
    """Declare the ratings of one movie and the rows of each source file."""

    @api.add(
        Operation(
            "GET",
            "/v1/marts/movie_statistics/<movie>",
            "How often and how well a movie is rated, in all and by year; null where nobody has rated it.",
            "marts",
            path=MoviePath,
            query=AsOf,
            answer=schemas.MovieStatistics,
            kinds=(problems.UNKNOWN_MOVIE,),
        )
    )
    def movie_statistics(path: MoviePath, chosen: Chosen[AsOf]) -> Response:
        publication = chosen.publication
        answer = {
            **provenance(publication, "statistics"),
            "movie": known_movie(publication, path.movie).as_dict(),
            "statistics": publication.movie_statistics(path.movie),
        }
        return json_answer(answer, chosen)

    @api.add(
        Operation(
            "GET",
            "/v1/marts/row_accounting",
            "Where the rows of each source file went: rows_in is the sum of the others.",
            "marts",
            query=AsOf,
            answer=schemas.RowAccounting,
            kinds=(problems.NOT_IN_PUBLICATION,),
        )
    )
    def row_accounting(chosen: Chosen[AsOf]) -> Response:
        return _rows_answer(chosen, chosen.publication.row_accounting(), "row_accounting")
