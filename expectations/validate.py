"""Run a table's Great Expectations suite on one batch and build its data docs.

    python expectations/validate.py --table ratings --batch-id 20261123T190000 \
        --webhdfs http://127.0.0.1:9870 --user marquee --suites expectations --data-docs DIR

Exit status 0: every critical expectation holds; 1: one does not, or the suite or the partition cannot be read. The last
line of standard output is one JSON object.
"""

from __future__ import annotations

import argparse
import html
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")  # read when great_expectations is imported

import pandas as pd
from hdfs import InsecureClient
from requests.exceptions import RequestException

if not __package__:  # run as a program: its folder is on the path, not the repository
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from expectations.derived_columns import ReadTable, add_derived_columns
from expectations.partitions import MissingPartitionError, read_partition
from expectations.suites import SuiteError, load_suite, table_columns

SUMMARY = "summary.json"


def validate_frame(
    suite: dict[str, Any], frame: pd.DataFrame, read_table: ReadTable, docs: Path | None = None
) -> dict[str, Any]:
    """Run ``suite`` on the rows in ``frame`` and build data docs under ``docs`` where given.

    Returns ``success`` (every critical expectation holds), ``rows``, ``expectations`` (how many were run), ``failed``
    and ``warnings``: [{"expectation", "kwargs", "why", "unexpected", "observed", "examples"}].
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
        context.add_data_docs_site(
            "marquee",
            {
                "class_name": "SiteBuilder",
                "show_how_to_buttons": False,
                "site_name": table,
                "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(docs.resolve())},
                "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
            },
        )
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
    failures: dict[str, list[dict[str, Any]]] = {"critical": [], "warning": []}
    for outcome in result.results:
        if not outcome.success:
            failures[str(outcome.expectation_config.severity.value)].append(_failure(outcome))
    return {
        "success": not failures["critical"],
        "rows": len(frame),
        "expectations": len(result.results),
        "failed": failures["critical"],
        "warnings": failures["warning"],
    }


def _failure(outcome: Any) -> dict[str, Any]:
    config = outcome.expectation_config
    details = outcome.result or {}
    raised = [info["exception_message"] for info in _exceptions(outcome.exception_info)]
    return {
        "expectation": config.type,
        "kwargs": {key: value for key, value in config.kwargs.items() if key != "batch_id"},
        "why": config.notes,
        "unexpected": details.get("unexpected_count"),
        "observed": raised[0] if raised else details.get("observed_value"),
        "examples": details.get("partial_unexpected_list", [])[:5],
    }


def _exceptions(info: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Return what an expectation raised; GX reports one such record, or one for each metric."""
    records = [info] if info and "raised_exception" in info else list((info or {}).values())
    return [record for record in records if record.get("raised_exception")]


def write_index(folder: Path) -> None:
    """Write ``index.html`` of a batch's data docs: its tables, whether each held, and the way to each one's pages."""
    rows = []
    for summary_path in sorted(folder.glob(f"*/{SUMMARY}")):
        summary = json.loads(summary_path.read_text(encoding="utf-8"))
        state = "failed" if not summary["success"] else "warnings" if summary["warnings"] else "passed"
        table = html.escape(summary["table"])
        rows.append(
            f'<tr><td><a href="{table}/index.html">{table}</a></td><td>{state}</td>'
            f"<td>{summary['rows']}</td><td>{summary['expectations']}</td></tr>"
        )
    title = f"Data docs of batch {html.escape(folder.name)}"
    page = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title></head><body>'
        f"<h1>{title}</h1>"
        "<table><tr><th>Table</th><th>State</th><th>Rows</th><th>Expectations</th></tr>"
        f"{''.join(rows)}</table></body></html>\n"
    )
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=folder, suffix=".html", delete=False) as file:
        file.write(page)
    Path(file.name).chmod(0o644)
    Path(file.name).replace(folder / "index.html")


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(
        description="Run a table's Great Expectations suite on one batch and build its data docs.",
        epilog="Exit status 1 where a critical expectation fails. The last line of standard output is one JSON object.",
    )
    parser.add_argument("--table", required=True, help="warehouse table; its suite is SUITES/TABLE.json")
    parser.add_argument("--batch-id", required=True, metavar="STAMP", help="UTC stamp YYYYMMDDTHHMMSS")
    parser.add_argument("--webhdfs", default="http://127.0.0.1:9870", metavar="URL", help="NameNode's HTTP address")
    parser.add_argument("--user", required=True, help="HDFS user")
    parser.add_argument(
        "--suites", type=Path, default=Path(__file__).parent, metavar="DIR", help="folder of the suites"
    )
    parser.add_argument(
        "--data-docs", type=Path, required=True, metavar="DIR", help="docs go to DIR/<batch id>/<table>/"
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    options = parse_arguments(arguments)
    client = InsecureClient(options.webhdfs, user=options.user)

    def read_table(table: str, columns: Sequence[str]) -> pd.DataFrame:
        return read_partition(client, table, options.batch_id, list(columns), only=list(columns))

    batch_docs: Path = options.data_docs / options.batch_id
    docs = batch_docs / options.table
    try:
        suite = load_suite(options.suites, options.table)
        frame = read_partition(client, options.table, options.batch_id, table_columns(suite))
        if docs.exists():
            shutil.rmtree(docs)
        docs.mkdir(parents=True)
        result = validate_frame(suite, frame, read_table, docs)
    except (SuiteError, MissingPartitionError, ValueError) as error:
        print(f"validate: {error}", file=sys.stderr)
        return 1
    except RequestException as error:
        print(f"validate: HDFS at {options.webhdfs} does not answer ({error}); start it with make up.", file=sys.stderr)
        return 1
    summary = {"table": options.table, "batch_id": options.batch_id, **result, "data_docs": str(docs / "index.html")}
    line = json.dumps(summary, sort_keys=True, default=str)
    (docs / SUMMARY).write_text(line + "\n", encoding="utf-8")
    write_index(batch_docs)
    for kind in ("failed", "warnings"):
        for failure in result[kind]:
            print(
                f"{'FAILED' if kind == 'failed' else 'warning'}: {options.table}: {failure['expectation']} "
                f"{json.dumps(failure['kwargs'], default=str)}: {failure['unexpected'] or failure['observed']}; "
                f"e.g. {failure['examples']}; why: {failure['why']}",
                file=sys.stderr,
            )
    print(line)
    return 0 if result["success"] else 1


if __name__ == "__main__":
    sys.exit(main())
