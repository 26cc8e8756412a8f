"""Write the text of list answers.

These are pure functions of a publication and a page: the same page always has the same bytes. They join text that the
publication holds ready for each movie. That takes a tenth of the time of building objects and encoding them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from typing import Any
from urllib.parse import urlencode

from serving.publications.newcomers.discovery import WHOLE, blended
from serving.publications.reading.catalogue import compact_json
from serving.publications.reading.reader import Publication
from serving.recommendations.answers.parameters import DEFAULT_LIMIT, MovieFilter

# The longest list that recommend_top_n makes.
MAX_ENTRIES = 1000
# Returns the members of one entry that follow the movie's own, with a comma before each.
Render = Callable[[Publication, list[Any]], str]


@dataclass(frozen=True)
class Page:
    """Which part of a list a request asks for, and at which address.

    The link to the next page keeps `query`.
    """

    path: str
    limit: int = DEFAULT_LIMIT
    position: int = 0
    wanted: MovieFilter | None = None
    query: tuple[tuple[str, str], ...] = ()

    def link(self, publication: Publication, position: int | None) -> str | None:
        """Return the address of the page at `position`, or None after the last page."""
        if position is None:
            return None
        kept = f"{urlencode(self.query)}&" if self.query else ""
        return f"{self.path}?{kept}cursor={publication.publication_id}.{position}"


def provenance(publication: Publication, policy: str) -> dict[str, Any]:
    """Return the members of each list that say where it comes from and what it is."""
    return {
        "publication": publication.publication_id,
        "policy": policy,
        "data_through": publication.data_through,
    }


def render_recommended(publication: Publication, entry: list[Any]) -> str:
    """Render [movie_id, score, [reason_movie_id, ...]]."""
    because = ",".join([publication.movies.references[movie_id] for movie_id in entry[2]])
    return f',"score":{entry[1]},"because":[{because}]'


def render_compared(_publication: Publication, entry: list[Any]) -> str:
    """Render [movie_id, score]."""
    return f',"score":{entry[1]}'


def render_popular(_publication: Publication, entry: list[Any]) -> str:
    """Render [movie_id, score, ratings]."""
    return f',"score":{entry[1]},"ratings":{entry[2]}'


def render_best_of_genre(_publication: Publication, entry: list[Any]) -> str:
    """Render [movie_id, bayesian_mean, ratings]."""
    return f',"bayesian_mean":{entry[1]},"ratings":{entry[2]}'


def list_text(
    publication: Publication,
    head: dict[str, Any],
    policy: str,
    entries: list[list[Any]],
    page: Page,
    render: Render,
) -> str:
    """Return a page of a list as JSON.

    The members are those of `head`, the publication, the policy, the items and the next page.
    """
    items: list[str] = []
    end = None
    for rank, entry in enumerate(entries[page.position :], page.position + 1):
        if page.wanted is not None and not page.wanted.keeps(publication.movies[entry[0]]):
            continue
        if len(items) == page.limit:
            end = rank - 1
            break
        items.append(f'{{"rank":{rank},{publication.movies.members[entry[0]]}{render(publication, entry)}}}')
    return page_text({**head, **provenance(publication, policy)}, items, page.link(publication, end))


def page_text(head: dict[str, Any], items: list[str], following: str | None) -> str:
    """Return a page as JSON from its first members, its items and its next page."""
    return f'{compact_json(head)[:-1]},"items":[{",".join(items)}],"next":{compact_json(following)}}}\n'


def personal_text(publication: Publication, user_id: int, page: Page, hundredths: int = 0) -> str | None:
    """Return a page of a user's list, or None for a user without one.

    So many hundredths of the places are discoveries.
    """
    # Without a filter a page reads its own entries, and one more to know whether another page follows.
    count = page.position + page.limit + 1
    unfiltered = page.wanted is None
    entries = publication.first_recommendations(user_id, count) if unfiltered else publication.recommendations(user_id)
    if entries is None:
        return None
    head: dict[str, Any] = {"user_id": publication.shown_user(user_id)}
    if hundredths:
        # No place needs an entry beyond its own number of either list.
        found = publication.first_discoveries(user_id, count if unfiltered else MAX_ENTRIES)
        entries = blended(entries, found, hundredths, itemgetter(0))
        head["discovery"] = hundredths / WHOLE
    return list_text(publication, head, "personalised", entries, page, render_recommended)
