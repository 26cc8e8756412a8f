"""The export of labelled texts: who agreed, what is true, and what is taken back."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, delete, update
from sqlalchemy.orm import Session

from serving.reviews.database.models import Feedback, Review
from serving.reviews.domain.prediction_ids import PredictionIds
from serving.reviews.export import main

from .conftest import Accounts

MOMENT = datetime(2026, 11, 23, 19, tzinfo=UTC)
IDS = PredictionIds("a secret of the tests, long enough to be one")


@pytest.fixture
def database(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Any:
    address = engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("MARQUEE_REVIEWS_DATABASE", address)
    monkeypatch.delenv("MARQUEE_REVIEWS_CLIENT_ID", raising=False)
    with Session(engine) as session:
        yield session


def of_text(text: str) -> str:
    """The id of a prediction of a text, the same each time."""
    return IDS.make("20261101T030000", 0.9, "en", text, MOMENT)


def opinion(session: Session, user: int, text: str, truth: str, kept: bool, given_at: datetime = MOMENT) -> None:
    """A person says what is true of a text, and agrees, or does not, that it is kept for training."""
    prediction = of_text(text)
    said = {
        "predicted": "positive",
        "truth": truth,
        "probability": 0.9,
        "language": "en",
        "publication": "20261101T030000",
    }
    session.add(Feedback(prediction=prediction, user_id=user, text=text if kept else None, given_at=given_at, **said))
    session.commit()


def review(session: Session, author: int, text: str, may_train: bool) -> None:
    session.add(
        Review(
            movie_id=1, author_id=author, author_name="Ada", text=text, label="positive", probability=0.9, confident=True,
            language="en", publication="20261101T030000", may_train=may_train, created_at=MOMENT, changed_at=MOMENT,
        )
    )  # fmt: skip
    session.commit()


def export(tmp_path: Path, capsys: pytest.CaptureFixture[str], batch: str = "20261123T190000") -> list[tuple[str, str]]:
    assert main(["--output", str(tmp_path), "--batch-id", batch]) == 0
    manifest = json.loads(capsys.readouterr().out.splitlines()[-1])
    content = (tmp_path / batch / "reviews.jsonl").read_bytes()
    (file,) = manifest["files"]
    digest = hashlib.sha256(content).hexdigest()
    assert (file["name"], file["bytes"], file["sha256"]) == ("reviews.jsonl", len(content), digest)
    rows = [json.loads(line) for line in content.split(b"\n") if line]
    assert (file["rows"], manifest["batch_id"]) == (len(rows), batch)
    assert {(row["corpus"], row["language"], row["line"]) for row in rows} <= {("feedback-reviews", "en", 1)}
    assert len({row["file"] for row in rows}) == len(rows)
    return sorted((row["text"], row["label"]) for row in rows)


def test_a_text_is_exported_with_what_is_true_and_only_where_its_author_agreed(
    database: Session, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    opinion(database, 1, "dull\n\u2028영화", "negative", kept=True)
    opinion(database, 2, "not to be kept", "negative", kept=False)
    review(database, 3, "an own review", may_train=True)
    opinion(database, 3, "an own review", "negative", kept=False)
    review(database, 4, "an own review, not to be kept", may_train=False)
    opinion(database, 4, "an own review, not to be kept", "negative", kept=False)
    review(database, 5, "a review of which nobody said what is true", may_train=True)
    review(database, 6, "somebody else's review", may_train=True)
    opinion(database, 7, "somebody else's review", "positive", kept=False)
    assert export(tmp_path, capsys) == [("an own review", "negative"), ("dull\n\u2028영화", "negative")]
    words = (tmp_path / "20261123T190000/reviews.jsonl").read_text(encoding="utf-8")
    assert "Ada" not in words
    assert "prediction" not in words


@pytest.mark.parametrize("sender_agrees", [True, False], ids=["as a text", "as a review"])
def test_a_copy_of_a_review_whose_author_does_not_agree_is_not_exported(
    database: Session, tmp_path: Path, capsys: pytest.CaptureFixture[str], sender_agrees: bool
) -> None:
    review(database, 1, "what Ada wrote", may_train=False)
    # Bob sends Ada's text as an own one, and agrees.
    if not sender_agrees:
        review(database, 2, "what Ada wrote", may_train=True)
    opinion(database, 2, "what Ada wrote", "positive", kept=sender_agrees)
    # Who does not agree to a review may agree to a text of one's own.
    opinion(database, 1, "what Ada wrote", "positive", kept=True)
    assert export(tmp_path, capsys) == [("what Ada wrote", "positive")]
    (row,) = (tmp_path / "20261123T190000/reviews.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(row)["file"] == hashlib.sha256(f"{of_text('what Ada wrote')}:1".encode()).hexdigest()[:32]
    database.execute(update(Review).where(Review.author_id == 1).values(may_train=True))
    database.commit()
    assert len(export(tmp_path, capsys, "20261130T190000")) == 2


def accounts_of(monkeypatch: pytest.MonkeyPatch, address: str, client: tuple[str, str]) -> None:
    names = ("MARQUEE_ACCOUNTS_URL", "MARQUEE_REVIEWS_CLIENT_ID", "MARQUEE_REVIEWS_CLIENT_SECRET")
    for name, value in zip(names, (address, *client), strict=True):
        monkeypatch.setenv(name, value)


def test_an_account_that_was_deleted_while_the_service_was_down_is_in_no_export(
    database: Session,
    accounts: Accounts,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ada, bob = accounts.sign_in("Ada"), accounts.sign_in("Bob")
    accounts_of(monkeypatch, accounts.address, accounts.client("users:read"))
    for person, words in ((ada, "what Ada wrote"), (bob, "what Bob wrote")):
        opinion(database, person.user_id, words, "positive", kept=True)
    assert len(export(tmp_path, capsys)) == 2
    accounts.delete(ada)
    # The batch's own export is made again, and the database forgets the text too.
    assert export(tmp_path, capsys) == [("what Bob wrote", "positive")]
    assert [row.text for row in database.query(Feedback)] == ["what Bob wrote"]


def test_nothing_is_exported_where_nobody_tells_which_accounts_are_gone(
    database: Session,
    accounts: Accounts,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opinion(database, accounts.sign_in("Ada").user_id, "what Ada wrote", "positive", kept=True)
    accounts_of(monkeypatch, "http://127.0.0.1:9", accounts.client("users:read"))
    assert main(["--output", str(tmp_path), "--batch-id", "20261123T190000"]) == 1
    assert capsys.readouterr().err == (
        "export: Nobody tells which accounts are gone: The accounts service does not answer. Try again shortly. Nothing was "
        "exported. Run the export again.\n"
    )
    accounts_of(monkeypatch, accounts.address, accounts.client("movies:write"))
    assert main(["--output", str(tmp_path), "--batch-id", "20261123T190000"]) == 1
    assert "Nobody tells which accounts are gone" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_an_opinion_after_the_batch_is_left_for_a_later_one_and_a_rerun_gives_the_same_bytes(
    database: Session, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    opinion(database, 1, "before", "positive", kept=True)
    opinion(database, 1, "after", "positive", kept=True, given_at=MOMENT + timedelta(seconds=1))
    assert export(tmp_path, capsys) == [("before", "positive")]
    first = (tmp_path / "20261123T190000/reviews.jsonl").read_bytes()
    opinion(database, 2, "late, for an earlier moment", "positive", kept=True)
    assert export(tmp_path, capsys) == [("before", "positive")]
    assert (tmp_path / "20261123T190000/reviews.jsonl").read_bytes() == first
    assert len(export(tmp_path, capsys, "20261124T190000")) == 3


@pytest.mark.parametrize("how", ["opinion deleted", "text taken back", "review deleted", "consent withdrawn"])
def test_what_is_taken_back_leaves_every_export(
    database: Session, tmp_path: Path, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    opinion(database, 1, "kept", "positive", kept=True)
    review(database, 2, "own", may_train=True)
    opinion(database, 2, "own", "negative", kept=False)
    assert len(export(tmp_path, capsys)) == 2
    statement = {
        "opinion deleted": delete(Feedback).where(Feedback.user_id == 1),
        "text taken back": update(Feedback).where(Feedback.user_id == 1).values(text=None),
        "review deleted": delete(Review),
        "consent withdrawn": update(Review).values(may_train=False),
    }[how]
    database.execute(statement)
    database.commit()
    assert main(["--output", str(tmp_path), "--batch-id", "20261130T190000"]) == 0
    assert "20261123T190000 is removed: it has a text that is no longer given." in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir() if path.name[0] != "."] == ["20261130T190000"]
    assert len(export(tmp_path, capsys)) == 1


def test_only_the_newest_exports_stay(database: Session, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for day in range(1, 17):
        export(tmp_path, capsys, f"202611{day:02d}T030000")
    kept = sorted(path.name for path in tmp_path.iterdir() if path.name[0] != ".")
    assert (len(kept), kept[0], kept[-1]) == (14, "20261103T030000", "20261116T030000")


def test_what_a_killed_run_left_is_removed(
    database: Session, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    opinion(database, 1, "kept", "positive", kept=True)
    for name in (".20261123T190000.partial", ".20261101T030000.removed"):
        (tmp_path / name).mkdir()
    assert export(tmp_path, capsys) == [("kept", "positive")]
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "20261123T190000"]


def test_an_export_that_was_changed_is_refused(
    database: Session, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    opinion(database, 1, "kept", "positive", kept=True)
    export(tmp_path, capsys)
    rows = tmp_path / "20261123T190000/reviews.jsonl"
    rows.write_bytes(rows.read_bytes() + b"\n")
    assert main(["--output", str(tmp_path), "--batch-id", "20261123T190000"]) == 1
    assert "is not the export that its manifest describes. Remove it and run this again." in capsys.readouterr().err


@pytest.mark.parametrize(
    "batch", ["", "x", "20261399T000000", "20261123t190000", "../20261123T190000", "20261123T190000\n"]
)
def test_what_is_no_batch_id_is_refused(
    database: Session, tmp_path: Path, capsys: pytest.CaptureFixture[str], batch: str
) -> None:
    assert main(["--output", str(tmp_path), f"--batch-id={batch}"]) == 1
    assert "is not a batch id. Give a UTC stamp such as 20261123T190000." in capsys.readouterr().err


def test_without_a_database_the_export_says_what_to_set(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MARQUEE_REVIEWS_DATABASE", raising=False)
    given = ["--output", str(tmp_path), "--batch-id", "20261123T190000"]
    assert main(given) == 1
    assert main([*given, "--database", "postgresql+psycopg://nobody@127.0.0.1:1/none"]) == 1
    said = capsys.readouterr().err
    assert "No database is named. Set MARQUEE_REVIEWS_DATABASE or give --database." in said
    assert "Check that the database is up and migrated." in said
