"""What the audit makes of pip-audit's answers, which were recorded (2.10.1, against an OSV server with two made-up advisories)."""

import json
import sys
from datetime import date
from pathlib import Path

import pytest

from infra.audit.vulnerabilities import AuditError, Known, UnreachableError, ask, judge, read_known

TODAY = date(2026, 11, 24)
RECORDED = [
    {
        "name": "flask",
        "version": "3.1.3",
        "vulns": [
            {
                "id": "GHSA-dddd-eeee-ffff",
                "fix_versions": [],
                "aliases": [],
                "description": "Nobody has fixed this.",
            }
        ],
    },
    {
        "name": "jinja2",
        "version": "3.1.6",
        "vulns": [
            {
                "id": "PYSEC-0000-1",
                "fix_versions": ["3.9.1"],
                "aliases": ["CVE-0000-1", "GHSA-aaaa-bbbb-cccc"],
                "description": "The sandbox can be left.",
            }
        ],
    },
    {"name": "numpy", "version": "2.4.6", "vulns": []},
]
OF_FLASK = Known("GHSA-dddd-eeee-ffff", "flask", "The part concerned is not used.", date(2027, 1, 31))
# Listed by another of its ids than pip-audit puts first.
OF_JINJA2 = Known("GHSA-aaaa-bbbb-cccc", "jinja2", "Airflow holds it back.", date(2026, 11, 24))


def pip_audit(output: str, error: str = "", status: int = 0) -> list[str]:
    """A stand-in for the program that says what the real one was seen to say."""
    program = f"import sys; sys.stdout.write({output!r}); sys.stderr.write({error!r}); sys.exit({status})"
    return [sys.executable, "-c", program]


def test_a_vulnerability_that_is_not_listed_fails_the_audit_with_its_remedy() -> None:
    assert judge(RECORDED, [], TODAY) == (
        [
            "flask 3.1.3 has GHSA-dddd-eeee-ffff: no version fixes it, so do without, or give a reason in "
            "requirements/known_vulnerabilities.toml. Nobody has fixed this.",
            "jinja2 3.1.6 has PYSEC-0000-1: upgrade to 3.9.1, or give a reason in "
            "requirements/known_vulnerabilities.toml. The sandbox can be left.",
        ],
        [],
    )


def test_listed_vulnerabilities_pass_until_the_day_of_the_next_look() -> None:
    assert judge(RECORDED, [OF_FLASK, OF_JINJA2], TODAY) == ([], [])
    failures, _ = judge(RECORDED, [OF_FLASK, OF_JINJA2], date(2026, 11, 25))
    assert failures == [
        "GHSA-aaaa-bbbb-cccc of jinja2 was to be looked at by 2026-11-24. Upgrade it, or set another date."
    ]


def test_an_entry_counts_for_its_own_package_alone_and_is_reported_when_it_is_needed_no_more() -> None:
    of_numpy = Known("GHSA-dddd-eeee-ffff", "numpy", "Listed for another package.", date(2027, 1, 31))
    failures, remarks = judge(RECORDED, [of_numpy, OF_JINJA2], TODAY)
    assert [failure[:30] for failure in failures] == ["flask 3.1.3 has GHSA-dddd-eeee"]
    assert remarks == ["GHSA-dddd-eeee-ffff of numpy is no longer found. Remove its entry."]


def test_a_package_that_was_passed_over_is_told() -> None:
    _, remarks = judge([{"name": "uv", "skip_reason": "Dependency not found on PyPI"}], [], TODAY)
    assert remarks == ["uv was not audited: Dependency not found on PyPI."]


def test_pip_audit_is_asked_about_each_lock_without_resolving_anything(tmp_path: Path) -> None:
    program = [sys.executable, "-c", "import json, sys; print(json.dumps({'dependencies': [{'argv': sys.argv[1:]}]}))"]
    asked = ask(program, [tmp_path / "a.txt", tmp_path / "b.txt"])
    options = ["--require-hashes", "--disable-pip", "--progress-spinner", "off", "--format", "json"]
    assert [one["argv"] for one in asked] == [
        [*options, "--requirement", str(tmp_path / "a.txt")],
        [*options, "--requirement", str(tmp_path / "b.txt")],
    ]


def test_a_package_that_several_locks_hold_is_told_once(tmp_path: Path) -> None:
    assert ask(pip_audit(json.dumps({"dependencies": RECORDED})), [tmp_path / "a.txt", tmp_path / "b.txt"]) == RECORDED


def test_what_pip_audit_finds_is_returned_whatever_its_exit_status(tmp_path: Path) -> None:
    assert ask(pip_audit(json.dumps({"dependencies": RECORDED}), status=1), [tmp_path]) == RECORDED


@pytest.mark.parametrize(
    "error",
    [
        "Traceback ...\nrequests.exceptions.ConnectionError: HTTPSConnectionPool(host='advisories.example', port=443)",
        "Traceback ...\npip_audit._service.interface.ServiceError",
        "ERROR:pip_audit._cli:Could not connect to PyPI's vulnerability feed",
    ],
)
def test_a_service_that_does_not_answer_is_told_from_a_defect(tmp_path: Path, error: str) -> None:
    with pytest.raises(UnreachableError, match="The advisory service does not answer"):
        ask(pip_audit("", error, 1), [tmp_path])
    with pytest.raises(AuditError, match=r"pip-audit failed at six.txt: ERROR.*requirement six is missing"):
        ask(pip_audit("", "ERROR:pip_audit._cli:requirement six is missing a hash", 1), [tmp_path / "six.txt"])


def test_a_mirror_without_advisories_is_no_success_though_pip_audit_exits_0(tmp_path: Path) -> None:
    skipped = [{"name": name, "skip_reason": "Dependency not found on PyPI"} for name in ("uv", "recbole")]
    with pytest.raises(UnreachableError, match="has no advisories: it knows none of 2 locked packages"):
        ask(pip_audit(json.dumps({"dependencies": skipped})), [tmp_path])


def test_entries_are_read_and_one_without_a_reason_is_refused(tmp_path: Path) -> None:
    listed = tmp_path / "known_vulnerabilities.toml"
    listed.write_text("# none\n", encoding="utf-8")
    assert read_known(listed) == []
    entry = '[[known]]\nid = "GHSA-dddd-eeee-ffff"\npackage = "flask"\nlook_again = 2027-01-31\n'
    listed.write_text(entry + 'reason = "The part concerned is not used."\n', encoding="utf-8")
    assert read_known(listed) == [OF_FLASK]
    listed.write_text(entry, encoding="utf-8")
    with pytest.raises(AuditError, match=r"known_vulnerabilities.toml: .*'reason'"):
        read_known(listed)


@pytest.mark.parametrize("written", ['"2027-01-31"', "2027-01-31T00:00:00Z", "2027"])
def test_a_next_look_that_is_no_date_is_told_in_one_sentence(tmp_path: Path, written: str) -> None:
    listed = tmp_path / "known_vulnerabilities.toml"
    entry = '[[known]]\nid = "GHSA-dddd-eeee-ffff"\npackage = "flask"\nreason = "The part concerned is not used."\n'
    listed.write_text(f"{entry}look_again = {written}\n", encoding="utf-8")
    with pytest.raises(AuditError) as raised:
        read_known(listed)
    assert str(raised.value) == (
        "known_vulnerabilities.toml: look_again of GHSA-dddd-eeee-ffff is not a date. "
        "Write it without quotes and time, as 2027-01-31."
    )
