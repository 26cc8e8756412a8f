"""Movies of a publication's catalogue: by id, and by words of their titles."""

from __future__ import annotations

from collections.abc import Iterator

from serving.publications.reading.catalogue import Movie
from serving.publications.reading.reader import Publication
from serving.publications.search.index import ids_behind
from serving.recommendations.answers import problems
from serving.recommendations.answers.asked import asked_movie
from serving.recommendations.answers.parameters import MovieFilter
from serving.web.problems import ProblemError


def known_movie(publication: Publication, movie_id: int) -> Movie:
    """Return a movie of the catalogue. Raise a problem if the id is unknown."""
    movie = publication.movies.get(movie_id)
    if movie is None:
        raise ProblemError(
            problems.UNKNOWN_MOVIE,
            f"There is no movie {asked_movie(publication, movie_id)}.",
            {"publication": publication.publication_id, "search": "/v1/movies?q="},
        )
    return movie


def found_movies(publication: Publication, text: str, wanted: MovieFilter | None, after: int = 0) -> Iterator[Movie]:
    """Yield the movies that `text` may mean, the likeliest first.

    Without a text these are all movies by id. They come from behind the movie `after`; none where it is not among them.
    """
    if text.strip():
        ids = publication.search_index().find(text)
        found: Iterator[Movie] = (publication.movies[int(movie_id)] for movie_id in ids_behind(ids, after))
    else:
        found = publication.movies.behind(after)
    for movie in found:
        if wanted is None or wanted.keeps(movie):
            yield movie
