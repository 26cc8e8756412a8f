"""The shapes of answers about the store and the API itself, with examples."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, RootModel

from serving.recommendations.answers.parameters import EXAMPLE_PUBLICATION
from serving.recommendations.api.schemas import Answer, PublicationId, Time


class Publication(Answer):
    """A publication and its lineage."""

    publication: PublicationId
    live: Annotated[bool, Field(examples=[True])]
    live_since: Annotated[
        Time, Field(description="Since when it is the live one.", examples=["2026-11-23T19:12:41.000Z"])
    ]
    pinned: Annotated[bool, Field(examples=[False])]
    schema_version: Annotated[int, Field(examples=[2])]
    sha256: Annotated[
        str,
        Field(
            pattern="^[0-9a-f]{64}$",
            examples=["79e71c983eaf1843e69e111a1182c3271ef108d4dd14dfee0c4eec36fea7bda4"],  # pragma: allowlist secret
        ),
    ]
    bytes: Annotated[int, Field(examples=[10473472])]
    rows: Annotated[
        dict[str, int],
        Field(examples=[{"movies": 9066, "recommendations": 67100, "similar_movies": 450000, "popular_movies": 500}]),
    ]
    figures: Annotated[
        dict[str, float],
        Field(
            description="What the build measured: users, and shares of catalogue and entries.",
            examples=[{"users": 671, "coverage": 0.31, "coverage_at_10": 0.05, "explained": 0.98}],
        ),
    ]
    data_through: Time
    lineage: Annotated[
        dict[str, Any],
        Field(
            description="Where it comes from, as the pipeline recorded it.",
            examples=[{"git_commit": "3f1c2ab", "model": {"name": "marquee-als", "version": "3"}}],
        ),
    ]
    lineage_missing: Annotated[
        list[str], Field(description="What a complete lineage would also tell.", examples=[["quality"]])
    ]


class StoredPublication(Answer):
    """A publication in the store."""

    publication: PublicationId
    live: Annotated[bool, Field(examples=[True])]
    pinned: Annotated[bool, Field(examples=[False])]


class StoredPublications(Answer):
    """The publications in the store."""

    items: list[StoredPublication]


class LedgerEntry(Answer):
    """An entry of the store's ledger."""

    at: datetime
    action: str
    publication: str | None
    actor: str
    reason: str
    since: str | None = None
    detail: Annotated[dict[str, Any], Field(default_factory=dict)]


class LivePublicationAt(Answer):
    """What was live at a time."""

    at: str
    publication: PublicationId
    entry: LedgerEntry


class Publications(RootModel[StoredPublications | LivePublicationAt]):
    """The publications in the store, or what was live at a time."""


class Health(Answer):
    """The process answers."""

    status: Literal["alive"]


class Ready(Answer):
    """Lists can be served."""

    status: Annotated[Literal["ready", "degraded"], Field(examples=["ready"])]
    publication: PublicationId
    live: Annotated[str | None, Field(examples=[EXAMPLE_PUBLICATION])]
    data_through: Time
    detail: str | None = None
