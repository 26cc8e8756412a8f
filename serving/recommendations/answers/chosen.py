"""Choose the publication that a request is answered from; one that cannot be served becomes a problem."""

from __future__ import annotations

from dataclasses import dataclass

from flask import g

from serving.publications.format import PublicationError
from serving.publications.live import LivePublication, NothingPublishedError
from serving.publications.reader import Publication
from serving.recommendations.answers import problems
from serving.recommendations.answers.parameters import Parameters
from serving.web.logs import error_log
from serving.web.problems import ProblemError


@dataclass(frozen=True)
class Chosen:
    """The publication to answer from, and the position in a list to begin at.

    `fixed` is True where the address names the publication: the same address then has the same answer for ever.
    """

    publication: Publication
    position: int
    fixed: bool


def current(live: LivePublication) -> Publication:
    """Return the publication that serves now."""
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


def named(live: LivePublication, name: str) -> Publication:
    """Return a publication by its id, live or not."""
    try:
        publication = live.named(name)
    except PublicationError as error:
        error_log.warning("publication not served", extra={"fields": {"publication": name, "reason": str(error)}})
        raise ProblemError(problems.UNKNOWN_PUBLICATION, f"Publication {name} is not here, or not sound.") from None
    g.publication = publication.publication_id
    return publication


def chosen(live: LivePublication, parameters: Parameters) -> Chosen:
    """Return the publication to answer from and the position to begin at.

    A cursor stays with the publication that it began in: the pages of one list never mix two.
    """
    as_of, cursor = parameters.publication(), parameters.cursor()
    if cursor and as_of and cursor[0] != as_of:
        raise ProblemError(problems.BAD_PARAMETER, "cursor belongs to another publication than as_of.")
    name = cursor[0] if cursor else as_of
    publication = named(live, name) if name else current(live)
    return Chosen(publication, cursor[1] if cursor else 0, fixed=name is not None)
