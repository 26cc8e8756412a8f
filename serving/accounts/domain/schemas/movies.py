"""Movies of the catalogue."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from serving.accounts.domain.schemas.bases import Answer, Body, Page
from serving.accounts.domain.schemas.fields import DatasetName, Genre, MovieId, Title, Words, Year


class MovieBody(Body):
    """A movie as an administrator writes it."""

    title: Annotated[Title, Field(examples=["The Third Kettle"])]
    release_year: Annotated[Year | None, Field(examples=[2026])] = None
    genres: Annotated[list[Genre], Field(max_length=8, examples=[["Drama"]])] = []  # noqa: RUF012 - Pydantic copies it


class Movie(Answer):
    """A movie of the catalogue."""

    movie_id: MovieId
    title: str
    release_year: int | None
    genres: list[str]
    dataset: DatasetName | None = None
    number: Annotated[
        int | None, Field(description="The key of own data's movie here, which reviews keep. It never changes.")
    ] = None


class Movies(Answer):
    """A page of movies, by id."""

    items: list[Movie]
    next: Annotated[str | None, Field(description="Address of the next page.")]


class MovieSearch(Page):
    """What a person types of a title; the likeliest movies come first."""

    q: Words = ""
