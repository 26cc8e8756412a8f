"""Movies of a publication's catalogue: by id, and by words of their titles."""

from __future__ import annotations

from collections.abc import Iterator

from serving.publications.reader import Movie, Publication
from serving.publications.titles import fold
from serving.recommendations.answers import problems
from serving.recommendations.answers.parameters import MovieFilter
from serving.web.problems import ProblemError


def known_movie(publication: Publication, movie_id: int) -> Movie:
    """Return a movie of the catalogue. Raise a problem if the id is unknown."""
    movie = publication.movies.get(movie_id)
    if movie is None:
        raise ProblemError(
            problems.UNKNOWN_MOVIE,
            f"There is no movie {movie_id}.",
            {"publication": publication.publication_id, "search": "/v1/movies?q="},
        )
    return movie


def found_movies(publication: Publication, text: str, wanted: MovieFilter | None, after: int = 0) -> Iterator[Movie]:
    """Yield the movies whose titles hold all the words of `text`, by id.

    Case and accents do not matter.
    """
    words = fold(text).split()
    for movie in publication.movies.values():
        if (
            movie.movie_id > after
            and all(word in movie.search_text for word in words)
            and (wanted is None or wanted.keeps(movie))
        ):
            yield movie
