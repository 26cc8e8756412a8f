"""Finding and changing the movies of the catalogue."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session as DatabaseSession

from serving.accounts.database.changes import next_change
from serving.accounts.database.engine import Transactions
from serving.accounts.database.models import FIRST_OWN_ID, Movie
from serving.accounts.domain import problems
from serving.accounts.domain.own_data.ids import live_dataset, movie_named, of_dataset, of_live, shown_id, shown_ids
from serving.accounts.domain.retries import RequestKey, made_once
from serving.accounts.domain.schemas import movies as schemas
from serving.accounts.domain.search import search_index
from serving.publications.format import MAX_ID
from serving.publications.own_data.spelling import number_of_account, own_id_of
from serving.publications.search.index import ids_behind
from serving.web.problems import ProblemError

# Of the movies that a search finds, so many are read together.
_AT_ONCE: Final = 200
# Of an id that nobody has, an answer repeats so many characters.
_LONGEST_SHOWN: Final = 40


def shown_movie(database: DatabaseSession, shown: int | str) -> Movie:
    """Return the live data set's movie of an id, unless it is withdrawn.

    Raises the problem not-found.
    """
    movie = movie_named(database, shown)
    if movie is None or movie.withdrawn_at is not None:
        raise ProblemError(problems.NOT_FOUND, f"There is no movie {str(shown)[:_LONGEST_SHOWN]}.")
    return movie


def titles_of(
    database: DatabaseSession, movies: set[tuple[str | None, int | str]]
) -> dict[tuple[str | None, int | str], str]:
    """Return titles by data set and id, those of withdrawn movies too."""
    keys = {shown for _, shown in movies if isinstance(shown, int)}
    rows = database.execute(select(Movie.movie_id, Movie.title).where(Movie.movie_id.in_(keys)))
    titles: dict[tuple[str | None, int | str], str] = {(None, row.movie_id): row.title for row in rows}
    for dataset in {dataset for dataset, _ in movies if dataset is not None}:
        shown = [str(shown) for name, shown in movies if name == dataset]
        added = [number for number in map(number_of_account, shown) if number]
        named = or_(Movie.own_id.in_(map(own_id_of, shown)), Movie.movie_id.in_(added))
        found = database.scalars(select(Movie).where(named, of_dataset(dataset)))
        titles |= {(dataset, shown_id(movie)): movie.title for movie in found}
    return titles


def as_movie(movie: Movie) -> schemas.Movie:
    """Return a movie as answers show it."""
    number: dict[str, Any] = {} if movie.dataset is None else {"number": movie.movie_id}
    return schemas.Movie(
        **shown_ids(movie),
        title=movie.title,
        release_year=movie.release_year,
        genres=movie.genres.split("|") if movie.genres else [],
        **number,
    )


def find_movies(database: DatabaseSession, text: str, after: int, limit: int) -> list[Movie]:
    """Return up to `limit` movies that a text may mean, the likeliest first.

    They are of the live data set. Without a text these are all movies by key. They come from behind the movie
    `after`; none where a text does not mean that one.
    """
    shown = select(Movie).where(Movie.withdrawn_at.is_(None), of_live(database))
    if not text.strip():
        by_id = shown.where(Movie.movie_id > min(after, MAX_ID)).order_by(Movie.movie_id)
        return list(database.scalars(by_id.limit(limit)))
    ids = ids_behind(search_index(database).find(text), after)
    movies: list[Movie] = []
    for start in range(0, len(ids), _AT_ONCE):
        some = ids[start : start + _AT_ONCE].tolist()
        # The index holds withdrawn movies too, so that a page can follow one.
        found = {movie.movie_id: movie for movie in database.scalars(shown.where(Movie.movie_id.in_(some)))}
        movies += [found[movie_id] for movie_id in some if movie_id in found]
        if len(movies) >= limit:
            break
    return movies[:limit]


def without_withdrawn(database: DatabaseSession, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return those of a list's items whose movies are not withdrawn here.

    Items of another data set than the live one are left out: the API follows a switch earlier than the catalogue.
    """
    dataset = live_dataset(database)
    listed: list[int | str] = [item["movie_id"] for item in items]
    kept: set[int | str]
    if dataset is None:
        same = [movie_id for movie_id in listed if isinstance(movie_id, int)]
        gone = select(Movie).where(Movie.movie_id.in_(same), Movie.withdrawn_at.is_not(None), of_dataset(None))
        kept = set(listed).intersection(same) - {shown_id(movie) for movie in database.scalars(gone)}
    else:
        own_ids = [own_id_of(movie_id) for movie_id in listed if isinstance(movie_id, str)]
        there = select(Movie).where(Movie.own_id.in_(own_ids), Movie.withdrawn_at.is_(None), of_dataset(dataset))
        kept = {shown_id(movie) for movie in database.scalars(there)}
    return [item for item in items if item["movie_id"] in kept]


def add_movie(factory: Transactions, body: schemas.MovieBody, key: RequestKey | None = None) -> schemas.Movie:
    """Add a movie that the catalogue lacks, and return it.

    Its id is above those of MovieLens. A retry with the same key gets the movie as it is now. Raises the problem
    key-reused, and not-found for a retry whose movie has been withdrawn.
    """

    def make(database: DatabaseSession) -> str:
        # Holds the clock's lock, so that two additions at once get different ids.
        added_at = next_change(database).moment
        highest = database.scalar(select(func.max(Movie.movie_id)).where(Movie.movie_id >= FIRST_OWN_ID))
        key = (highest or FIRST_OWN_ID - 1) + 1
        movie = Movie(movie_id=key, created_at=added_at, dataset=live_dataset(database))
        _write(movie, body)
        database.add(movie)
        return str(movie.movie_id)

    made = made_once(factory, key, make)
    with factory() as database:
        movie = database.get(Movie, int(made.id))
        if movie is None or movie.withdrawn_at is not None:
            raise ProblemError(problems.NOT_FOUND, f"There is no movie {made.id}.")
        return as_movie(movie)


def change_movie(factory: Transactions, shown: int | str, body: schemas.MovieBody) -> schemas.Movie:
    """Change a movie and return it. Raises the problem not-found."""
    with factory.begin() as database:
        next_change(database)
        movie = shown_movie(database, shown)
        _write(movie, body)
        return as_movie(movie)


def withdraw_movie(factory: Transactions, shown: int | str) -> None:
    """Withdraw a movie. Raises the problem not-found."""
    with factory.begin() as database:
        withdrawn_at = next_change(database).moment
        shown_movie(database, shown).withdrawn_at = withdrawn_at


def _write(movie: Movie, body: schemas.MovieBody) -> None:
    """Write an administrator's fields.

    Loading the catalogue leaves the row alone from then on.
    """
    genres = "|".join(dict.fromkeys(body.genres))
    movie.title, movie.release_year, movie.genres = body.title, body.release_year, genres
    movie.edited = True
