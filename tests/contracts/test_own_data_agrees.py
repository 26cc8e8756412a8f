"""Ingest, the cleaning jobs, the warehouse and serving agree about own data without importing one another."""

import json
from pathlib import Path

import field_rules
import own_data_rules
from marquee.ingest.own_data.snapshots import dictionary, values
from marquee.ingest.reading.rows.advice import ADVICE, OF_IDS
from marquee.ingest.sources import feedback

from expectations.quarantine_limit import advice_for
from serving.accounts.database.models import FIRST_OWN_ID
from serving.accounts.domain.own_data.keys import FIRST_SPARE_KEY
from serving.publications.own_data.spelling import FIRST_ACCOUNT_NUMBER

REPOSITORY = Path(__file__).resolve().parents[2]
OF_INGEST = {*ADVICE, *(f"{role}_{reason}" for role in ("user", "item") for reason in OF_IDS)}
OF_THE_JOB = {"strength_not_number", "strength_out_of_range", "rejected_by_ingest"}


def test_the_quarantine_takes_each_reason_of_ingest_and_of_the_job() -> None:
    suite = json.loads((REPOSITORY / "expectations" / "quarantine.json").read_text(encoding="utf-8"))
    (reasons,) = [
        expectation["kwargs"]["value_set"]
        for expectation in suite["expectations"]
        if expectation["type"] == "expect_column_values_to_be_in_set" and expectation["kwargs"]["column"] == "reason"
    ]
    assert (OF_INGEST | OF_THE_JOB) - set(reasons) == set()
    assert reasons == sorted(reasons)


def test_a_reason_of_ingest_leads_to_a_line_of_the_mapping() -> None:
    # An empty line is the file's own.
    assert {reason for reason in OF_INGEST if advice_for(reason) == "the file itself"} == {"empty_line"}


def test_the_layouts_of_a_snapshot_are_those_of_the_cleaning_jobs() -> None:
    assert (values.RATINGS, values.STRENGTHS) == (own_data_rules.ROWS, own_data_rules.STRENGTHS)
    assert values.SEEN.encode() == own_data_rules.SEEN


def test_numbers_of_own_data_end_where_those_of_the_accounts_service_begin() -> None:
    assert dictionary.LARGEST_NUMBER < FIRST_ACCOUNT_NUMBER < FIRST_OWN_ID
    assert field_rules.LARGEST_ID_OF_DATA == dictionary.LARGEST_NUMBER
    assert field_rules.OF_ACCOUNTS == feedback.PREFIX
    ranges = dictionary.LARGEST_NUMBER // dictionary.ITEMS_OF_A_RANGE
    assert ranges * dictionary.ITEMS_OF_A_RANGE < FIRST_SPARE_KEY <= dictionary.LARGEST_NUMBER


def test_the_table_of_ids_lies_where_ingest_writes_them() -> None:
    text = (REPOSITORY / "hql" / "create_ids.hql").read_text(encoding="utf-8")
    assert f"LOCATION '{dictionary.IDS_ROOT}'" in text
    # Hive's own choice would be a folder named dataset=..., which stays empty.
    added = (REPOSITORY / "hql" / "add_ids.hql").read_text(encoding="utf-8")
    assert f"LOCATION '{dictionary.IDS_ROOT}/{{{{ dataset }}}}'" in added
