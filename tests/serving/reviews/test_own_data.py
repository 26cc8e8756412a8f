"""What the service keeps about a person comes back as one answer, whole, and to nobody else."""

from __future__ import annotations

from fastapi.testclient import TestClient
from sqlalchemy import Engine

from serving.reviews.database.engine import transactions
from serving.reviews.database.models import Base
from serving.reviews.domain.accounts_client import AccountsClient
from serving.reviews.domain.deleted_accounts import sweep

from .conftest import FIRST, Accounts
from .test_deleted_accounts import leave_everything

EXPORT = "/v1/reviews/export"
# What names a person in the tables, and the member of the export that shows it.
PERSONAL = {
    "reviews.author_id": "reviews",
    "reviews.hidden_by": "hid",
    "helpful_votes.user_id": "votes",
    "feedback.user_id": "feedback",
    "kept_texts.owner_id": "kept_texts",
    "jobs.owner_id": "jobs",
}


def test_all_that_a_person_left_is_in_the_export_and_nothing_of_others(client: TestClient, accounts: Accounts) -> None:
    ada, bob = accounts.sign_in("Ada"), accounts.sign_in("Bob", "admin")
    mine, other = leave_everything(client, ada), leave_everything(client, bob)
    client.put(f"/v1/reviews/{other}/helpful", headers=ada.headers)
    client.put(f"/v1/reviews/{mine}/hidden", json={"reason": "Tells the end."}, headers=bob.headers)
    found = client.get(EXPORT, headers=ada.headers).json()
    (review,) = found["reviews"]
    # One's own hidden review is there too, with the reason.
    assert (review["review_id"], review["text"], review["hidden"]["reason"]) == (mine, "wonderful", "Tells the end.")
    assert found["votes"] == [other]
    assert found["hid"] == []
    (opinion,) = found["feedback"]
    assert (opinion["prediction"], opinion["predicted"], opinion["truth"], opinion["text"], opinion["publication"]) == (
        review["prediction"], "positive", "positive", None, FIRST
    )  # fmt: skip
    (kept,) = found["kept_texts"]
    assert kept["text"] == "dull"
    (job,) = found["jobs"]
    assert (job["format"], job["rows"], job["text_column"]) == ("csv", 1, "text")
    bobs = client.get(EXPORT, headers=bob.headers).json()
    assert ([review["review_id"] for review in bobs["reviews"]], bobs["votes"], bobs["hid"]) == ([other], [], [mine])


def test_who_left_nothing_gets_empty_lists_and_who_is_not_signed_in_none(
    client: TestClient, accounts: Accounts
) -> None:
    ada = accounts.sign_in("Ada")
    assert client.get(EXPORT, headers=ada.headers).json() == {name: [] for name in sorted(PERSONAL.values())}
    assert client.get(EXPORT).status_code == 401
    assert client.get(EXPORT, headers={"Authorization": "Bearer none"}).status_code == 401


def test_the_export_and_the_deletion_know_every_column_that_names_a_person(
    client: TestClient, accounts: Accounts, engine: Engine
) -> None:
    names = {"author_id", "user_id", "owner_id", "hidden_by"}
    columns = [column for table in Base.metadata.tables.values() for column in table.columns]
    assert {f"{column.table.name}.{column.name}" for column in columns if column.name in names} == set(PERSONAL)
    # All other ids are those of rows, movies, jobs and batches.
    assert {column.name for column in columns if column.name.endswith("_id")} - names == {
        *("review_id", "movie_id", "own_id", "job_id", "batch_id")
    }
    assert set(client.get(EXPORT, headers=accounts.sign_in("Ada").headers).json()) == set(PERSONAL.values())


def test_what_a_deleted_administrator_hid_stays_hidden_and_names_nobody(
    client: TestClient, accounts: Accounts, engine: Engine
) -> None:
    ada, root, other = accounts.sign_in("Ada"), accounts.sign_in("Root", "admin"), accounts.sign_in("Eve", "admin")
    review = leave_everything(client, ada)
    client.put(f"/v1/reviews/{review}/hidden", json={"reason": "Tells the end."}, headers=root.headers)
    accounts.delete(root)
    asking = AccountsClient(accounts.address, *accounts.client("users:read"))
    assert sweep(transactions(engine), asking) == [root.user_id]
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT hidden_at IS NOT NULL, hidden_by, hidden_reason FROM reviews").all()
    assert [tuple(row) for row in rows] == [(True, None, "Tells the end.")]
    assert client.get(f"/v1/reviews/{review}", headers=other.headers).json()["hidden"]["reason"] == "Tells the end."
