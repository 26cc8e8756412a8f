"""The tables: movies, users and ratings, and what signing in needs.

Moments are Unix seconds UTC, as MovieLens writes them. `migrations/` makes the tables; a test holds both together.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, MetaData, SmallInteger, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from serving.accounts.names import KEY_LENGTH, SKELETON_LENGTH

# The first id given out here. MovieLens's are far below (ml-32m: 200,948 users, 292,757 movies). Both fit the 32 bits of
# the warehouse's columns.
FIRST_OWN_ID: Final = 1_000_000_001
ROLES: Final = ("user", "admin")


class Base(DeclarativeBase):
    """All tables; constraints have names, so that migrations can change them."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ix": "ix_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
        }
    )


class Movie(Base):
    """A movie of the catalogue.

    It comes from the warehouse, or an administrator added it (id from FIRST_OWN_ID).
    """

    __tablename__ = "movies"
    __table_args__ = (
        CheckConstraint("movie_id BETWEEN 1 AND 2147483647", "id_range"),
        CheckConstraint("release_year BETWEEN 1870 AND 2100", "year_range"),
        Index("ix_movies_dataset", "dataset", "own_id", unique=True),
    )

    movie_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    title: Mapped[str] = mapped_column(String(300))
    release_year: Mapped[int | None] = mapped_column(SmallInteger)
    # Genres joined by '|', as in the warehouse.
    genres: Mapped[str] = mapped_column(String(300))
    # The number of its ratings in the publication it comes from: searches show popular movies first.
    popularity: Mapped[int] = mapped_column(default=0, server_default="0")
    # An administrator wrote the row last: loading the catalogue leaves it alone.
    edited: Mapped[bool] = mapped_column(default=False)
    # When it was added here. None for movies of the warehouse, and for movies added before this column existed.
    created_at: Mapped[int | None] = mapped_column(BigInteger)
    # The own data that it is of, and its id there; neither for movies of MovieLens. A movie that was added here while own data was
    # live has the data set alone. The text '' stands for own data whose name nobody has said yet.
    dataset: Mapped[str | None] = mapped_column(String(63))
    own_id: Mapped[str | None] = mapped_column(String(256))
    # A withdrawn movie is neither shown nor rated any more; its ratings stay, and its id is never given again.
    withdrawn_at: Mapped[int | None] = mapped_column(BigInteger)


class User(Base):
    """A person with an account.

    An id is never given twice, not even after the account is deleted.
    """

    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint(f"user_id >= {FIRST_OWN_ID}", "id_above_movielens"),
        CheckConstraint("role IN ('user', 'admin')", "role"),
        {"sqlite_autoincrement": True},
    )

    user_id: Mapped[int] = mapped_column(Identity(start=FIRST_OWN_ID), primary_key=True)
    name: Mapped[str] = mapped_column(String(40))
    # The name normalised and without case, by which one signs in. It must be unique.
    name_key: Mapped[str] = mapped_column(String(KEY_LENGTH), unique=True)
    # What names that read alike have in common. None for an account that was registered before names were compared so,
    # and that reads like an older one: both stay, and nobody gets a third.
    name_skeleton: Mapped[str | None] = mapped_column(String(SKELETON_LENGTH), index=True, unique=True)
    password_hash: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(10), default="user")
    created_at: Mapped[int] = mapped_column(BigInteger)


class Rating(Base):
    """What a user thinks of a movie, in half stars (1 to 10).

    `change` is the number of the change that wrote the row: see ChangeClock.
    """

    __tablename__ = "ratings"
    __table_args__ = (CheckConstraint("half_stars BETWEEN 1 AND 10", "half_stars"),)

    user_id: Mapped[int] = mapped_column(ForeignKey("users.user_id", ondelete="CASCADE"), primary_key=True)
    movie_id: Mapped[int] = mapped_column(ForeignKey("movies.movie_id"), primary_key=True, index=True)
    half_stars: Mapped[int] = mapped_column(SmallInteger)
    rated_at: Mapped[int] = mapped_column(BigInteger)
    change: Mapped[int] = mapped_column(BigInteger, unique=True)


class ChangeClock(Base):
    """One row that numbers what an export shows: changes of ratings, movies added.

    A change updates the row first, and holds its lock until it commits. So numbers are in the order of commits, without
    gaps that fill later, and `moment` never goes back. A reader that sees `value` N sees every change up to N, which is
    the watermark of an export.
    """

    __tablename__ = "change_clock"
    __table_args__ = (CheckConstraint("clock_id = 1", "one_row"),)

    clock_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    value: Mapped[int] = mapped_column(BigInteger)
    moment: Mapped[int] = mapped_column(BigInteger)


class CatalogueLoad(Base):
    """The publication or export that the catalogue was last loaded from: one row."""

    __tablename__ = "catalogue_load"
    __table_args__ = (CheckConstraint("load_id = 1", "one_row"),)

    load_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    source: Mapped[str] = mapped_column(String(300))
    movies: Mapped[int]
    # The own data that it has; None for MovieLens.
    dataset: Mapped[str | None] = mapped_column(String(63))
    loaded_at: Mapped[int] = mapped_column(BigInteger)


class Client(Base):
    """A program that signs in for itself.

    Its secret is random, so a plain SHA-256 of it is kept.
    """

    __tablename__ = "clients"

    client_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(40))
    secret_sha256: Mapped[str] = mapped_column(String(64))
    # Scopes with spaces between, as OAuth writes them.
    scopes: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[int] = mapped_column(BigInteger)


class Session(Base):
    """One signing-in of a user or a client, and all tokens that descend from it.

    Revoking it ends them all.
    """

    __tablename__ = "sessions"
    __table_args__ = (CheckConstraint("(user_id IS NULL) <> (client_id IS NULL)", "one_owner"),)

    session_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.user_id", ondelete="CASCADE"), index=True)
    client_id: Mapped[str | None] = mapped_column(ForeignKey("clients.client_id", ondelete="CASCADE"), index=True)
    scopes: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[int] = mapped_column(BigInteger)
    expires_at: Mapped[int] = mapped_column(BigInteger, index=True)
    revoked_at: Mapped[int | None] = mapped_column(BigInteger)


class RefreshToken(Base):
    """A token that is exchanged once for the next.

    A client that lost the answer gets the same next token for some seconds. Apart from that, a token that comes back
    after its use was copied: its session ends.
    """

    __tablename__ = "refresh_tokens"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.session_id", ondelete="CASCADE"), index=True)
    used_at: Mapped[int | None] = mapped_column(BigInteger)
    # The client that used it, as a keyed digest of its address and its program.
    used_by: Mapped[str | None] = mapped_column(String(64))


class IdempotencyKey(Base):
    """What a request with an Idempotency-Key made.

    Its retry is answered alike and makes nothing. The row goes with the account that the key belongs to. Old ones are deleted.
    """

    __tablename__ = "idempotency_keys"

    # Of the operation, of the one who asks, and of the key.
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    # Of the request's body without secrets: the same key with another body is a mistake.
    request_sha256: Mapped[str] = mapped_column(String(64))
    made: Mapped[str] = mapped_column(String(40))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.user_id", ondelete="CASCADE"), index=True)
    created_at: Mapped[int] = mapped_column(BigInteger, index=True)


class SignInAttempt(Base):
    """An attempt to sign in that has not succeeded; old ones are deleted."""

    __tablename__ = "sign_in_attempts"
    __table_args__ = ({"sqlite_autoincrement": True},)

    attempt_id: Mapped[int] = mapped_column(primary_key=True)
    name_key: Mapped[str] = mapped_column(String(KEY_LENGTH), index=True)
    address: Mapped[str] = mapped_column(String(45), index=True)
    at: Mapped[int] = mapped_column(BigInteger, index=True)
