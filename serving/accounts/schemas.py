"""What requests may hold and what answers look like. The OpenAPI document is made from these."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from serving.accounts.passwords import MAX_LENGTH, MIN_LENGTH, name_key
from serving.publications.format import MAX_ID

# A title or a search: one line. PostgreSQL can't keep the character NUL, and CSV files no line ends.
_LINE = r"^[^\x00-\x1f\x7f]*$"
MAX_PAGE = 100


def _short_key(name: str) -> str:
    # Some single characters stand for whole words when normalised.
    if len(name_key(name)) > 80:
        raise ValueError("the name is too long when written out")
    return name


Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=3, max_length=40, pattern=r"^[\w.-]+( [\w.-]+)*$"),
    AfterValidator(_short_key),
    Field(description="Letters of any script, digits, '.', '_', '-', single spaces.", examples=["Ada"]),
]
# Taken as it comes. The upper bound keeps hashing cheap; what is too short is said by its own problem.
Password = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_LENGTH),
    Field(description=f"At least {MIN_LENGTH} characters, any.", examples=["seven green kettles"]),
]
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=_LINE)]
Genre = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=30, pattern=r"^[^\x00-\x1f\x7f|]*$")
]
Year = Annotated[int, Field(ge=1870, le=2100)]
Stars = Annotated[float, Field(ge=0.5, le=5, multiple_of=0.5, description="Half stars, 0.5 to 5.", examples=[4.5])]
MovieId = Annotated[int, Field(ge=1, le=MAX_ID, examples=[318])]
Moment = Annotated[str, Field(description="UTC.", examples=["2026-11-24T19:00:00Z"])]
Token = Annotated[str, StringConstraints(min_length=1, max_length=200), Field(examples=["the refresh token"])]
FormText = Annotated[str, StringConstraints(max_length=200, pattern=_LINE)]
Scope = Literal["movies:write", "ratings:read"]


class Body(BaseModel):
    """A request's body: JSON types as they are described, no unknown fields."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Query(BaseModel):
    """A request's query string: numbers are written as text there."""

    model_config = ConfigDict(extra="forbid")


class Answer(BaseModel):
    """An answer's body."""

    model_config = ConfigDict(extra="forbid")


# --- accounts and signing in


class NewAccount(Body):
    """A name and a password."""

    name: Name
    password: Password


class Credentials(Body):
    """A name and a password, as they were registered."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=_LINE), Field(examples=["Ada"])]
    password: Password


class RefreshRequest(Body):
    """A refresh token."""

    refresh_token: Token


class PasswordChange(Body):
    """The password of now, and the next."""

    current_password: Password
    new_password: Password


class RoleChange(Body):
    """A role."""

    role: Annotated[Literal["user", "admin"], Field(examples=["admin"])]


class Account(Answer):
    """An account, without secrets."""

    user_id: Annotated[int, Field(examples=[1_000_000_001])]
    name: str
    role: Literal["user", "admin"]
    created_at: Moment


class Accounts(Answer):
    """A page of accounts, by id."""

    items: list[Account]
    next: Annotated[str | None, Field(description="Address of the next page.")]


class TokenPair(Answer):
    """What signing in or a refresh gives."""

    user_id: int
    access_token: str
    token_type: Literal["Bearer"]
    expires_in: Annotated[int, Field(description="Seconds.")]
    refresh_token: Annotated[str, Field(description="Good for one refresh.")]


class SignedInSession(Answer):
    """A session that has not ended."""

    session_id: str
    created_at: Moment
    expires_at: Moment
    current: Annotated[bool, Field(description="It is the one that asks.")]


class Sessions(Answer):
    """The sessions that have not ended, the latest first."""

    items: list[SignedInSession]


# --- movies


class MovieBody(Body):
    """A movie as an administrator writes it."""

    title: Annotated[Title, Field(examples=["The Third Kettle"])]
    release_year: Annotated[Year | None, Field(examples=[2026])] = None
    genres: Annotated[list[Genre], Field(max_length=8, examples=[["Drama"]])] = []


class Movie(Answer):
    """A movie of the catalogue."""

    movie_id: MovieId
    title: str
    release_year: int | None
    genres: list[str]


class Movies(Answer):
    """A page of movies, by id."""

    items: list[Movie]
    next: Annotated[str | None, Field(description="Address of the next page.")]


class Page(Query):
    """How many entries, and after which."""

    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 20
    after: Annotated[int, Field(ge=0, le=2**53, description="Comes from `next`.")] = 0


class MovieSearch(Page):
    """Words of the title, in any order; case and accents do not matter."""

    q: Annotated[str, StringConstraints(max_length=100, pattern=_LINE)] = ""


# --- ratings


class RatingBody(Body):
    """A rating."""

    rating: Stars


class OwnRating(Answer):
    """A rating and its movie."""

    movie_id: MovieId
    title: str
    rating: Stars
    rated_at: Moment
    change: Annotated[int, Field(description="Number of the change that wrote it: see an export's watermark.")]


class OwnRatings(Answer):
    """A page of a user's ratings, the latest first."""

    items: list[OwnRating]
    next: Annotated[str | None, Field(description="Address of the next page.")]


class ChangedRating(Answer):
    """A rating of some user."""

    user_id: int
    movie_id: MovieId
    rating: Stars
    rated_at: Moment
    change: int


class ChangedRatings(Answer):
    """Ratings by change, and up to which change they go."""

    items: list[ChangedRating]
    watermark: Annotated[
        int,
        Field(
            description="Every rating whose last change is up to this one is in the pages up to here. "
            "Ratings that were taken back are in none."
        ),
    ]
    next: Annotated[str | None, Field(description="Address of the next page.")]


class ExportedAccount(Answer):
    """All that is kept about a person."""

    account: Account
    ratings: list[OwnRating]
    sessions: list[SignedInSession]


# --- clients


class NewClient(Body):
    """A program that signs in for itself."""

    name: Name
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=2, examples=[["ratings:read"]])]


class RegisteredClient(Answer):
    """A client, without its secret."""

    client_id: str
    name: str
    scopes: list[Scope]
    created_at: Moment


class NewClientSecret(RegisteredClient):
    """A new client with its secret, which is shown this once."""

    client_secret: str


class Clients(Answer):
    """All clients."""

    items: list[RegisteredClient]


# --- OAuth2 (RFC 6749, 7009) and operation


class Form(BaseModel):
    """A form: a parameter that is not known is ignored (RFC 6749, 3.2)."""

    model_config = ConfigDict(extra="ignore")


class TokenForm(Form):
    """A token request: `password` with username and password, `client_credentials`, or `refresh_token`."""

    grant_type: Annotated[str, Field(examples=["password"])]
    username: FormText = ""
    password: Annotated[str, Field(max_length=MAX_LENGTH)] = ""
    refresh_token: FormText = ""
    client_id: FormText = ""
    client_secret: FormText = ""
    scope: FormText = ""


class RevocationForm(Form):
    """A token to revoke, of either kind."""

    token: Annotated[str, Field(max_length=2000, examples=["the token"])]
    token_type_hint: FormText = ""
    client_id: FormText = ""
    client_secret: FormText = ""


class OAuthToken(Answer):
    """RFC 6749, 5.1."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    refresh_token: str | None = None
    scope: str | None = None


class OAuthError(Answer):
    """RFC 6749, 5.2."""

    error: str
    error_description: str


class Health(Answer):
    """The process answers."""

    status: Literal["alive"]


class Ready(Answer):
    """The database answers, and its tables are those of this program."""

    status: Literal["ready"]
    catalogue: Annotated[str | None, Field(description="Publication or export that the movies come from.")]
    movies: int
