"""Choose the publication that answers a request, or raise a problem."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from flask import g

from serving.publications.format import PublicationError
from serving.publications.reading.live import LivePublication, NothingPublishedError
from serving.publications.reading.reader import Publication
from serving.recommendations.answers import problems
from serving.recommendations.answers.asked import asked_address, looked_up
from serving.recommendations.answers.lists import Page
from serving.recommendations.answers.parameters import AsOf, Filtered, Paged
from serving.web.logs import error_log
from serving.web.problems import ProblemError

Query = TypeVar("Query", bound=AsOf)


@dataclass(frozen=True)
class Chosen(Generic[Query]):
    """The publication to answer from, what the request asks of it, and which page.

    `fixed` is True where the address names the publication: the same address then has the same answer for ever.
    """

    publication: Publication
    query: Query
    page: Page
    fixed: bool


def current(live: LivePublication) -> Publication:
    """Return the publication that serves now."""
    try:
        publication = looked_up(live)
    except NothingPublishedError as error:
        raise ProblemError(problems.NOTHING_PUBLISHED, str(error)) from None
    except PublicationError as error:
        # The message may hold a path of the server: it is in the log and not in the answer.
        error_log.error("nothing to serve", extra={"fields": {"reason": str(error)}})
        raise ProblemError(problems.NO_SOUND_PUBLICATION, "No publication passes verification.") from None
    g.publication = publication.publication_id
    return publication


def named(live: LivePublication, name: str) -> Publication:
    """Return a publication by its id, live or not."""
    try:
        publication = looked_up(live, name)
    except PublicationError as error:
        error_log.warning("publication not served", extra={"fields": {"publication": name, "reason": str(error)}})
        raise ProblemError(problems.UNKNOWN_PUBLICATION, f"Publication {name} is not here, or not sound.") from None
    g.publication = publication.publication_id
    return publication


def choose(live: LivePublication, query: Query) -> Chosen[Query]:
    """Return the publication and the page that a request asks for.

    A cursor stays with the publication that it began in: the pages of one list never mix two.
    """
    path, arguments = asked_address()
    name, position, page = query.as_of, 0, Page(path)
    if isinstance(query, Paged):
        if query.cursor is not None:
            name, position = query.cursor
            if query.as_of and query.as_of != name:
                raise ProblemError(problems.BAD_PARAMETER, "cursor belongs to another publication than as_of.")
        kept = tuple((key, value) for key, value in arguments if key not in ("cursor", "as_of"))
        # Most requests filter by nothing.
        filters = isinstance(query, Filtered) and not query.model_fields_set.isdisjoint(Filtered.model_fields)
        page = Page(path, query.limit, position, query.wanted if filters else None, kept)
    return Chosen(named(live, name) if name else current(live), query, page, fixed=name is not None)
