from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from serving.publications.format import PublicationError
from serving.publications.ledger import Entry, Ledger
from serving.publications.reading.reader import Publication
from serving.publications.store import HeldBackError, PublicationStore
from serving.publications.transfer import pull
from serving.publications.verification import verify_folder

from ..conftest import FIRST, SECOND, THIRD, BuildFrom, small_tables


def actions(store: PublicationStore) -> list[tuple[str, str | None]]:
    return [(entry.action, entry.publication) for entry in store.ledger.entries() if entry.action != "pulled"]


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_activating_points_the_live_link_and_says_so_in_the_ledger(store: PublicationStore) -> None:
    change = store.activate(FIRST, "ann", "first one")
    assert (change.changed, change.live) == (True, FIRST)
    assert str((store.root / "live").readlink()) == f"publications/{FIRST}"
    assert actions(store) == [("activating", FIRST), ("activated", FIRST)]
    last = json.loads((store.root / "ledger.jsonl").read_text().splitlines()[-1])
    assert (last["actor"], last["reason"]) == ("ann", "first one")
    assert datetime.fromisoformat(last["at"]).tzinfo == UTC


def test_activating_what_is_live_changes_nothing(store: PublicationStore) -> None:
    store.activate(FIRST, "ann", "once")
    before = store.ledger.entries()
    assert store.activate(FIRST, "ann", "twice").changed is False
    assert store.ledger.entries() == before


def test_an_older_publication_is_held_back_and_recorded_as_refused(store: PublicationStore) -> None:
    store.activate(SECOND, "ann", "")
    with pytest.raises(HeldBackError, match=rf"the newer {SECOND} is live\. Use rollback --to {FIRST}"):
        store.activate(FIRST, "backfill", "")
    assert store.live() == SECOND
    assert actions(store)[-1] == ("refused", FIRST)


def test_a_publication_with_a_flipped_bit_is_refused_and_recorded(store: PublicationStore) -> None:
    store.activate(FIRST, "ann", "")
    flip_a_bit(store.path(SECOND) / "publication.sqlite")
    with pytest.raises(PublicationError, match="has SHA-256"):
        store.activate(SECOND, "nightly", "")
    assert store.live() == FIRST
    assert actions(store)[-1] == ("refused", SECOND)


def test_a_missing_publication_is_refused(store: PublicationStore) -> None:
    with pytest.raises(PublicationError, match="Pull 20301123T190000 first"):
        store.activate("20301123T190000", "ann", "")
    with pytest.raises(PublicationError, match="is not a publication id"):
        store.activate("../../etc", "ann", "")


def test_rolling_back_twice_goes_back_by_two(store: PublicationStore) -> None:
    for publication in (FIRST, SECOND, THIRD):
        store.activate(publication, "ann", "")
    assert store.roll_back(None, "ann", "bad lists").live == SECOND
    assert store.roll_back(None, "ann", "still bad").live == FIRST
    with pytest.raises(PublicationError, match="No earlier live publication is still in the store"):
        store.roll_back(None, "ann", "")


def test_after_a_rollback_a_newer_publication_goes_live_and_the_bad_one_is_no_target(store: PublicationStore) -> None:
    store.activate(FIRST, "ann", "")
    store.activate(SECOND, "ann", "")
    store.roll_back(None, "ann", "")
    store.activate(THIRD, "ann", "")
    assert store.rollback_targets() == [FIRST]
    assert store.roll_back(None, "ann", "").live == FIRST


def test_rolling_back_to_a_named_publication_works_even_if_it_was_never_live(store: PublicationStore) -> None:
    store.activate(THIRD, "ann", "")
    assert store.roll_back(FIRST, "ann", "compare").live == FIRST


def test_a_pin_makes_its_publication_live_and_holds_everything_else_back(store: PublicationStore) -> None:
    store.activate(SECOND, "ann", "")
    store.pin(FIRST, "ann", "demo")
    assert (store.live(), store.pinned()) == (FIRST, FIRST)
    with pytest.raises(HeldBackError, match=rf"{FIRST} is pinned\. Unpin it first"):
        store.activate(THIRD, "nightly", "")
    with pytest.raises(HeldBackError, match="is pinned"):
        store.roll_back(None, "ann", "")
    assert store.live() == FIRST
    store.unpin("ann", "demo over")
    assert store.pinned() is None
    assert store.activate(THIRD, "nightly", "").live == THIRD


def test_pinning_twice_changes_nothing_and_unpinning_nothing_is_an_error(store: PublicationStore) -> None:
    store.pin(FIRST, "ann", "")
    assert store.pin(FIRST, "ann", "").changed is False
    store.unpin("ann", "")
    with pytest.raises(PublicationError, match="Nothing is pinned"):
        store.unpin("ann", "")


def test_pruning_deletes_neither_what_serves_nor_what_one_can_roll_back_to(
    store: PublicationStore, build_from: BuildFrom
) -> None:
    fourth = "20261124T190000"
    pull(store, str(build_from(fourth)[0]), fourth, "u", "test")
    with pytest.raises(PublicationError, match="Keep 1 or more"):
        store.prune(0, "ann", "")
    assert store.prune(1, "ann", "nothing is live yet") == []
    for publication in (FIRST, SECOND, THIRD):
        store.activate(publication, "ann", "")
    assert store.prunable(1) == [FIRST]
    assert store.prune(1, "ann", "old") == [FIRST]
    assert store.publications() == [SECOND, THIRD, fourth]
    assert actions(store)[-1] == ("pruned", FIRST)
    assert store.rollback_targets() == [SECOND]
    assert store.prune(1, "ann", "again") == []


def test_pruning_keeps_a_backfill_of_an_early_date_until_others_have_come(
    store: PublicationStore, build_from: BuildFrom
) -> None:
    early, next_one = "20251231T190000", "20261124T190000"
    for publication in (FIRST, SECOND, THIRD):
        store.activate(publication, "ann", "")
    pull(store, str(build_from(early)[0]), early, "u", "backfill")
    assert store.prunable(1) == [FIRST]
    assert store.prunable(2) == []
    pull(store, str(build_from(next_one)[0]), next_one, "u", "nightly")
    assert store.prunable(1) == [early, FIRST]


def test_pruning_keeps_the_pinned_one_and_what_waits_behind_it(store: PublicationStore) -> None:
    for publication in (FIRST, SECOND):
        store.activate(publication, "ann", "")
    store.pin(FIRST, "ann", "demo")
    assert store.prune(1, "ann", "old") == []
    assert store.publications() == [FIRST, SECOND, THIRD]


def test_a_refusal_by_a_gate_is_recorded_for_a_publication_that_is_not_here(store: PublicationStore) -> None:
    store.record_refusal("20301123T190000", "gate", "nDCG fell")
    assert actions(store) == [("refused", "20301123T190000")]


def entry(at: str, action: str, publication: str, since: str | None = None) -> Entry:
    return Entry(at, action, publication, "ann", "", since)


def test_what_was_live_at_a_time_is_read_from_the_ledger(tmp_path: Path) -> None:
    store = PublicationStore(tmp_path)
    lines = [
        entry("2026-11-21T20:00:00.000Z", "activated", FIRST),
        entry("2026-11-22T20:00:00.000Z", "activating", SECOND),
        entry("2026-11-22T23:00:00.000Z", "activated", SECOND, since="2026-11-22T20:00:00.000Z"),
        entry("2026-11-23T20:00:00.000Z", "rolled-back", FIRST),
    ]
    store.ledger.path.write_text("".join(json.dumps(line.as_dict()) + "\n" for line in lines))

    def live_at(text: str) -> str | None:
        found = store.live_at(datetime.fromisoformat(text))
        return found.publication if found else None

    assert live_at("2026-11-21T19:59:59Z") is None
    assert live_at("2026-11-21T20:00:00Z") == FIRST
    assert live_at("2026-11-22T21:00:00Z") == SECOND
    assert live_at("2026-11-24T05:00:00+09:00") == FIRST


def test_a_line_cut_off_by_a_crash_is_ignored_and_the_next_entry_takes_its_place(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.append("pulled", FIRST, "ann", "")
    with ledger.path.open("a") as file:
        file.write('{"at": "2026-11-2')
    assert [line.publication for line in ledger.entries()] == [FIRST]
    ledger.append("pulled", SECOND, "ann", "")
    assert [line.publication for line in ledger.entries()] == [FIRST, SECOND]


def test_a_damaged_line_inside_the_ledger_is_an_error(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.path.write_text("not json\n")
    with pytest.raises(PublicationError, match=r"ledger\.jsonl line 1 is not a ledger entry"):
        ledger.entries()


def test_a_live_link_that_was_moved_by_hand_is_noted_at_the_next_change(store: PublicationStore) -> None:
    store.activate(FIRST, "ann", "")
    (store.root / "live").unlink()
    (store.root / "live").symlink_to(f"publications/{SECOND}")
    store.activate(THIRD, "ann", "")
    assert actions(store)[2:] == [("found-live", SECOND), ("activating", THIRD), ("activated", THIRD)]


def test_the_same_bytes_with_new_lineage_replace_the_manifest_and_the_ledger_keeps_the_old(
    store: PublicationStore, build_from: BuildFrom
) -> None:
    tables = small_tables()
    tables["recommendations"] = [(*row[:3], 10, *row[4:]) for row in tables["recommendations"]]
    folder, manifest = build_from(FIRST, tables, {"model": {"version": "4"}})
    change = pull(store, str(folder), FIRST, "marquee", "test")
    assert (change.action, change.changed) == ("lineage-updated", True)
    assert store.manifest(FIRST) == manifest
    last = store.ledger.entries()[-1]
    assert last.detail is not None
    assert last.detail["lineage_before"]["model"]["version"] == "3"


def remove(path: Path) -> None:
    path.unlink()


def spoil_the_manifest(path: Path) -> None:
    (path.parent / "manifest.json").write_text("{")
    flip_a_bit(path)


@pytest.mark.parametrize("damage", [flip_a_bit, remove, spoil_the_manifest])
def test_pulling_again_repairs_a_damaged_live_publication(
    store: PublicationStore, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    store.activate(SECOND, "ann", "")
    sound = {file.name: file.read_bytes() for file in store.path(SECOND).iterdir()}
    damage(store.path(SECOND) / "publication.sqlite")
    change = pull(store, str(tmp_path / "built"), SECOND, "marquee", "ann")
    assert (change.action, change.changed, change.live) == ("repaired", True, SECOND)
    assert {file.name: file.read_bytes() for file in store.path(SECOND).iterdir()} == sound
    assert store.activate(SECOND, "ann", "").live == SECOND
    assert Publication(store.path(SECOND), SECOND).recommendations(1) == [
        [3, 20.0, [1]],
        [2, 20.0, [1, 5]],
        [4, 20.0, []],
    ]
    repairs = [entry for entry in store.ledger.entries() if entry.action == "repaired"]
    assert [entry.publication for entry in repairs] == [SECOND]
    assert str(store.path(SECOND)) in repairs[0].reason, "the ledger keeps what was damaged"
    assert pull(store, str(tmp_path / "built"), SECOND, "marquee", "ann").changed is False


@pytest.mark.parametrize("damage", [flip_a_bit, spoil_the_manifest])
def test_a_damaged_publication_is_not_replaced_by_other_bytes_of_its_id(
    store: PublicationStore, build_from: BuildFrom, damage: Callable[[Path], None]
) -> None:
    folder, _ = build_from(SECOND, small_tables())
    damage(store.path(SECOND) / "publication.sqlite")
    with pytest.raises(PublicationError, match="a publication never changes"):
        pull(store, str(folder), SECOND, "marquee", "ann")
    assert store.ledger.entries()[-1].action == "refused"


def test_a_damaged_publication_that_the_ledger_does_not_know_is_told_by_its_manifest(
    store: PublicationStore, tmp_path: Path, build_from: BuildFrom
) -> None:
    store.ledger.path.unlink()
    flip_a_bit(store.path(SECOND) / "publication.sqlite")
    assert pull(store, str(tmp_path / "built"), SECOND, "marquee", "ann").action == "repaired"
    folder, _ = build_from(THIRD, small_tables())
    with pytest.raises(PublicationError, match="a publication never changes"):
        pull(store, str(folder), THIRD, "marquee", "ann")


@pytest.mark.parametrize(
    ("file", "content", "sentence"),
    [
        ("manifest.json", b"", "is not JSON"),
        ("manifest.json", b"[]", "is not a JSON object"),
        ("manifest.json", b'{"schema_version": 99}', "has schema version 99, but this program reads 1"),
        ("manifest.json", b'{"schema_version": 1}', "lacks a valid batch_id"),
        ("publication.sqlite", b"short", "has 5 bytes instead of"),
    ],
)
def test_damaged_files_are_named_in_one_sentence(
    store: PublicationStore, file: str, content: bytes, sentence: str
) -> None:
    (store.path(FIRST) / file).write_bytes(content)
    with pytest.raises(PublicationError, match=sentence):
        store.verify(FIRST)


def test_a_manifest_of_another_publication_is_found(store: PublicationStore) -> None:
    with pytest.raises(PublicationError, match=f"belongs to {SECOND}, not to {FIRST}"):
        verify_folder(store.path(SECOND), FIRST)
