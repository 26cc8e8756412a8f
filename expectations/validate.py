"""Run the suites of tables on one batch, measure its drift, and build data docs.

    python expectations/validate.py --tables ratings movies --batch-id 20261123T190000 --dataset ml-25m \
        --webhdfs http://127.0.0.1:9870 --user marquee --suites expectations --data-docs DIR

Exit status 0: every critical expectation holds, no drift exceeds its error limit, and no file has too many quarantined
rows. Exit status 3: the opposite, which another try would find again. Exit status 1: the program cannot read a suite or
a partition. The program validates every table, also after a failed one. The last
line of standard output is one JSON object.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")  # read when great_expectations is imported

import pandas as pd
from hdfs import HdfsError, InsecureClient
from requests.exceptions import RequestException

if not __package__:  # run as a program: its folder is on the path, not the repository
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from expectations.arguments import parse_arguments
from expectations.data_docs import SUMMARY, summary_before, validation_page, write_indexes, write_summary
from expectations.derived_columns import ReadTable, add_derived_columns
from expectations.drift import Limits, compare, judge, profile
from expectations.other_tables import OtherTables
from expectations.partitions import MissingPartitionError, read_partition, read_rows
from expectations.pieces import KeptColumns, outcome_of_pieces, pieces
from expectations.quarantine_limit import COLUMNS as QUARANTINE_COLUMNS
from expectations.quarantine_limit import judge_quarantine
from expectations.suites import SuiteError, columns_alone, load_suite, table_columns

# What the rows are will not change, so that no other try is of use.
FAILED_FOR_GOOD = 3
# A column of what persons wrote. The task's log and result, which show examples, outlive a deleted account.
TEXTS = "text"


def validate_frame(
    suite: dict[str, Any], frame: pd.DataFrame, read_table: ReadTable, docs: Path | None = None
) -> dict[str, Any]:
    """Run ``suite`` on ``frame``, build data docs in ``docs`` and return the result.

    Its keys: ``success`` (every critical expectation holds), ``rows``, ``expectations`` (their number), ``failed`` and
    ``warnings``, both [{"expectation", "kwargs", "why", "unexpected", "observed", "examples"}].
    """
    import great_expectations as gx

    table = suite["name"]
    frame = add_derived_columns(frame, suite.get("meta", {}).get("derived_columns", {}), read_table)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    batch = (
        context.data_sources.add_pandas("warehouse")
        .add_dataframe_asset(table)
        .add_batch_definition_whole_dataframe("batch")
    )
    definition = context.validation_definitions.add(
        gx.ValidationDefinition(
            name=table,
            data=batch,
            suite=context.suites.add(
                gx.ExpectationSuite(name=table, expectations=suite["expectations"], meta=suite.get("meta"))
            ),
        )
    )
    actions: list[Any] = []
    if docs is not None:
        context.add_data_docs_site("marquee", _site(table, docs))
        actions.append(gx.checkpoint.UpdateDataDocsAction(name="data_docs", site_names=["marquee"]))
    checkpoint = context.checkpoints.add(
        gx.Checkpoint(
            name=table,
            validation_definitions=[definition],
            actions=actions,
            result_format={"result_format": "SUMMARY", "partial_unexpected_count": 5},
        )
    )
    (result,) = checkpoint.run(batch_parameters={"dataframe": frame}).run_results.values()
    return {"rows": len(frame), **_outcome(result)}


def _outcome(result: Any) -> dict[str, Any]:
    """Return ``success``, ``expectations``, ``failed`` and ``warnings`` of a run."""
    failures: dict[str, list[dict[str, Any]]] = {"critical": [], "warning": []}
    for outcome in result.results:
        if not outcome.success:
            failures[str(outcome.expectation_config.severity.value)].append(_failure(outcome))
    return {
        "success": not failures["critical"],
        "expectations": len(result.results),
        "failed": failures["critical"],
        "warnings": failures["warning"],
    }


def _site(table: str, docs: Path) -> dict[str, Any]:
    """Return the configuration of Great Expectations' pages about a table."""
    return {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "site_name": table,
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(docs.resolve())},
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
    }


def _failure(outcome: Any) -> dict[str, Any]:
    config = outcome.expectation_config
    details = outcome.result or {}
    raised = [info["exception_message"] for info in _exceptions(outcome.exception_info)]
    # What a person wrote stays out of logs.
    examples = [] if config.kwargs.get("column") == TEXTS else details.get("partial_unexpected_list", [])
    return {
        "expectation": config.type,
        "kwargs": {key: value for key, value in config.kwargs.items() if key != "batch_id"},
        "why": config.notes,
        "unexpected": details.get("unexpected_count"),
        "observed": raised[0] if raised else _of_json(details.get("observed_value")),
        "examples": [_of_json(example) for example in examples[:5]],
    }


def _of_json(value: Any) -> Any:
    """Return a value, or None for a float that JSON has not; a missing number is NaN."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _exceptions(info: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Return an expectation's exceptions: GX reports one, or one for each metric."""
    records = [info] if info and "raised_exception" in info else list((info or {}).values())
    return [record for record in records if record.get("raised_exception")]


def drift_of(
    suite: dict[str, Any], frame: pd.DataFrame, before: dict[str, Any] | None, limits: Limits
) -> dict[str, Any]:
    """Return the frame's ``profile``, and its ``drift`` from the batch before.

    ``before`` is the summary of that batch, with its profile. With it, the result has ``failed`` and ``warnings``
    too. A suite that declares no drift gives an empty result.
    """
    declared = suite.get("meta", {}).get("drift")
    if declared is None:
        return {}
    kept = {"profile": profile(frame, declared)}
    if before is None or "profile" not in before:
        return {**kept, "drift": None}
    moved = compare(before["profile"], frame)
    return {**kept, "drift": {"against": before["batch_id"], **moved}, **judge(moved, before["batch_id"], limits)}


class BatchValidator:
    """Validate tables of one batch."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._client = InsecureClient(options.webhdfs, user=options.user)
        self._other_tables = OtherTables(self._client, options.batch_id)
        self._limits = Limits(
            **{
                name: getattr(options, f"drift_{name}")
                for name in ("rows_warning", "rows_error", "psi_warning", "psi_error")
            }
        )

    def _too_many_quarantined(self, accounting: pd.DataFrame) -> dict[str, list[dict[str, Any]]]:
        quarantine = pd.DataFrame(columns=QUARANTINE_COLUMNS)
        if accounting["rows_quarantined"].sum():
            quarantine = read_partition(
                self._client, "quarantine", self._options.batch_id, QUARANTINE_COLUMNS, only=QUARANTINE_COLUMNS
            )
        return judge_quarantine(accounting, quarantine, self._options.quarantine_limit)

    def _outcome(
        self, suite: dict[str, Any], columns: list[str], docs: Path | None, frame: pd.DataFrame
    ) -> dict[str, Any]:
        known = suite if set(columns) <= set(frame.columns) else columns_alone(suite)
        result = validate_frame(known, frame, self._other_tables, docs)
        gc.collect()  # Great Expectations' objects refer to one another, and hold the piece
        return result

    def validate(self, table: str) -> dict[str, Any]:
        """Return the table's summary and write it with the data docs.

        Raise SuiteError, MissingPartitionError, ValueError, HdfsError and RequestException.
        """
        options = self._options
        docs: Path = options.data_docs / options.batch_id / table
        suite = load_suite(options.suites, table)
        columns = table_columns(suite)
        if docs.exists():
            shutil.rmtree(docs)
        docs.mkdir(parents=True)
        by = suite.get("meta", {}).get("in_pieces_by")
        if by is None:
            frame = read_partition(self._client, table, options.batch_id, columns)
            result = self._outcome(suite, columns, docs, frame)
        else:
            kept = KeptColumns(suite.get("meta", {}).get("drift", {}))
            found = pieces(kept.of(read_rows(self._client, table, options.batch_id, columns)), by)
            result = outcome_of_pieces(
                found, lambda p, shown: self._outcome(suite, columns, docs if shown else None, p)
            )
            frame = kept.frame(result["rows"])
        before = summary_before(options.data_docs, options.dataset, options.batch_id, table)
        moved = drift_of(suite, frame, before, self._limits)
        for kind in ("failed", "warnings"):
            result[kind] += moved.pop(kind, [])
        if table == "row_accounting" and set(columns) <= set(frame.columns):
            for kind, faults in self._too_many_quarantined(frame).items():
                result[kind] += faults
        result["success"] = not result["failed"]
        summary = {
            "table": table,
            "batch_id": options.batch_id,
            "dataset": options.dataset,
            **result,
            **moved,
            "data_docs": validation_page(options.data_docs, docs),
        }
        write_summary(docs / SUMMARY, summary)
        return summary


def show(summary: dict[str, Any]) -> None:
    """Print a table's result on standard error, with one line for each fault."""
    table = summary["table"]
    drift = f", drift {json.dumps(summary['drift'])}" if summary.get("drift") else ""
    print(
        f"{table}: {'passed' if summary['success'] else 'FAILED'}, {summary['rows']} rows, "
        f"{summary['expectations']} expectations, {len(summary['warnings'])} warnings{drift}",
        file=sys.stderr,
    )
    for kind in ("failed", "warnings"):
        for failure in summary[kind]:
            print(
                f"{'FAILED' if kind == 'failed' else 'warning'}: {table}: {failure['expectation']} "
                f"{json.dumps(failure['kwargs'], default=str)}: {failure['unexpected'] or failure['observed']}; "
                f"e.g. {failure['examples']}; why: {failure['why']}",
                file=sys.stderr,
            )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    options = parse_arguments(arguments)
    validator = BatchValidator(options)
    tables: dict[str, Any] = {}
    sound = held = True
    for table in options.tables:
        try:
            summary = validator.validate(table)
        except (SuiteError, MissingPartitionError, ValueError, HdfsError) as error:
            print(f"validate: {table}: {error}", file=sys.stderr)
            sound = False
            continue
        except RequestException as error:
            print(
                f"validate: HDFS at {options.webhdfs} does not answer ({error}). Start it with make up.",
                file=sys.stderr,
            )
            sound = False
            break
        show(summary)
        held = held and summary["success"]
        # The data docs keep the profile. It would make the lineage too large.
        tables[table] = {name: value for name, value in summary.items() if name != "profile"}
    try:
        write_indexes(options.data_docs, options.batch_id)
    except ValueError as error:
        print(f"validate: {error}", file=sys.stderr)
        sound = False
    result = {"batch_id": options.batch_id, "success": sound and held, "tables": tables}
    print(json.dumps(result, sort_keys=True, default=str))
    if not sound:
        return 1
    return 0 if held else FAILED_FOR_GOOD


if __name__ == "__main__":
    sys.exit(main())
