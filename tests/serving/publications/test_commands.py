from __future__ import annotations

import json
import re
import resource
from pathlib import Path

import pytest

from serving.publications.__main__ import build_parser, main
from serving.publications.store import PublicationStore

from ..conftest import FIRST, LINEAGE, ROWS, SECOND, THIRD


def last_line(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    result: dict[str, object] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return result


def test_build_pull_activate_and_show_from_the_command_line(
    tmp_path: Path, exports: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lineage, built, store = tmp_path / "lineage.json", tmp_path / "out", str(tmp_path / "s")
    lineage.write_text(json.dumps(LINEAGE))
    build = ["build", "--exports", str(exports), "--lineage", str(lineage), "--batch-id", THIRD, "--output", str(built)]
    assert main(build) == 0
    result = last_line(capsys)
    assert (result["publication"], result["rows"]) == (THIRD, ROWS)
    assert main(["pull", "--store", store, "--from", str(built), "--publication", THIRD]) == 0
    assert last_line(capsys) == {"action": "pulled", "publication": THIRD, "changed": True, "live": None}
    assert main(["activate", "--store", store, "--publication", THIRD, "--actor", "ann", "--reason", "first"]) == 0
    assert last_line(capsys) == {"action": "activated", "publication": THIRD, "changed": True, "live": THIRD}
    assert main(["show", "--store", store]) == 0
    assert json.loads(capsys.readouterr().out)["lineage"] == LINEAGE
    assert main(["list", "--store", store]) == 0
    row = capsys.readouterr().out.splitlines()[1]
    fields = row.split()
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d", fields.pop(1)), "when it went live"
    assert fields == [THIRD, "2016-10-16T17:57:24Z", "marquee-als", "v3", "ndcg_at_10", "0.31", "0.1", "live"]


def test_exit_status_tells_a_failure_from_being_held_back(
    store: PublicationStore, capsys: pytest.CaptureFixture[str]
) -> None:
    root = str(store.root)
    assert main(["pin", "--store", root, "--publication", FIRST]) == 0
    assert main(["activate", "--store", root, "--publication", SECOND]) == 3
    assert last_line(capsys)["outcome"] == "held-back"
    assert main(["activate", "--store", root, "--publication", "20301123T190000"]) == 3
    assert main(["unpin", "--store", root]) == 0
    assert main(["activate", "--store", root, "--publication", "20301123T190000"]) == 1
    assert last_line(capsys)["outcome"] == "failed"
    with pytest.raises(SystemExit) as usage:
        main(["activate", "--store", root])
    assert usage.value.code == 2


def test_verify_finds_the_damaged_publication_among_all(
    store: PublicationStore, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", "--store", str(store.root)]) == 0
    (store.path(SECOND) / "publication.sqlite").write_bytes(b"")
    assert main(["verify", "--store", str(store.root)]) == 1
    result = last_line(capsys)
    assert result["verified"] == 2
    assert list(result["bad"]) == [SECOND]  # type: ignore[call-overload]


def test_the_ledger_answers_what_was_live_at_a_time(
    store: PublicationStore, capsys: pytest.CaptureFixture[str]
) -> None:
    store.activate(FIRST, "ann", "why not")
    assert main(["ledger", "--store", str(store.root), "--at", "2999-01-01"]) == 0
    assert last_line(capsys)["reason"] == "why not"
    assert main(["ledger", "--store", str(store.root), "--at", "1999-01-01"]) == 1
    assert main(["ledger", "--store", str(store.root), "--at", "soon"]) == 1


def test_lineage_that_is_no_json_object_is_one_sentence(
    tmp_path: Path, exports: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lineage = tmp_path / "lineage.json"
    for content, sentence in (("{", "is not JSON"), ("[]", "is not a JSON object")):
        lineage.write_text(content)
        arguments = ["--exports", str(exports), "--lineage", str(lineage), "--batch-id", THIRD, "--output", "x"]
        assert main(["build", *arguments]) == 1
        assert sentence in str(last_line(capsys)["error"])


def test_a_disk_that_fills_while_a_database_is_written_is_one_sentence(
    tmp_path: Path, exports: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lineage = tmp_path / "lineage.json"
    lineage.write_text(json.dumps(LINEAGE))
    arguments = ["--exports", str(exports), "--lineage", str(lineage), "--batch-id", THIRD, "--output"]
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, limits[1]))
    try:
        status = main(["build", *arguments, str(tmp_path / "out")])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert status == 1
    assert str(last_line(capsys)["error"]).startswith("SQLite failed: ")


def test_every_command_and_option_has_a_help_text() -> None:
    parser = build_parser()
    commands = next(action for action in parser._actions if action.choices and action.dest == "command")
    assert isinstance(commands.choices, dict)
    for name, command in commands.choices.items():
        assert command.description, name
        for action in command._actions:
            assert action.help, f"{name} {action.option_strings}"
