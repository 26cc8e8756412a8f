"""Write the data docs of all batches.

Each batch has a folder, with a folder for each table in it. Index pages lead there.
"""

from __future__ import annotations

import html
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

SUMMARY = "summary.json"
STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#1b1b1b}"
    "table{border-collapse:collapse}td,th{padding:.3rem .8rem;border-bottom:1px solid #bbb;text-align:left}"
    "td.n{text-align:right;font-variant-numeric:tabular-nums}.failed{color:#a40000;font-weight:bold}"
)


def summaries(folder: Path) -> list[dict[str, Any]]:
    """Return the summaries of a batch's tables; raise ValueError for a bad file."""
    return [_summary(path) for path in sorted(folder.glob(f"*/{SUMMARY}"))]


def write_summary(path: Path, summary: dict[str, Any]) -> None:
    """Write a table's whole summary or nothing: later batches are compared with it."""
    _write_whole(path, json.dumps(summary, sort_keys=True, default=str) + "\n")


def _summary(path: Path) -> dict[str, Any]:
    try:
        summary: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(
            f"{path} is not a complete summary ({error}). Delete it and validate its batch again."
        ) from None
    return summary


def summary_before(data_docs: Path, dataset: str, batch_id: str, table: str) -> dict[str, Any] | None:
    """Return the table's summary in the nearest earlier batch, or None.

    The batch must be of the same data set and must have met its expectations. Raise ValueError for a bad file.
    """
    for path in sorted(data_docs.glob(f"*/{table}/{SUMMARY}"), reverse=True):
        if path.parts[-3] < batch_id:
            summary = _summary(path)
            if summary["success"] and summary["dataset"] == dataset:
                return summary
    return None


def write_indexes(data_docs: Path, batch_id: str) -> None:
    """Write the index pages of the batch and of all batches.

    Raise ValueError for a bad summary.
    """
    batch = data_docs / batch_id
    batch.mkdir(parents=True, exist_ok=True)
    rows = [
        f'<tr><th scope="row"><a href="../{_text(found["data_docs"])}">{_text(found["table"])}</a></th>'
        f'<td class="{_state(found)}">{_state(found)}</td><td class="n">{found["rows"]:,}</td>'
        f'<td class="n">{found["expectations"]}</td><td>{_drift(found)}</td><td>{_what_is_wrong(found)}</td></tr>'
        for found in summaries(batch)
    ]
    head = (
        "Table",
        "State",
        "Rows",
        "Expectations",
        "Drift against the batch before",
        "What is wrong, and why it matters",
    )
    _write(
        batch / "index.html",
        f"Data docs of batch {batch_id}",
        '<p><a href="../index.html">All batches</a></p>',
        head,
        rows,
    )
    batches = sorted((path.parent for path in data_docs.glob("*/index.html")), reverse=True)
    rows = []
    for folder in batches:
        states = [_state(found) for found in summaries(folder)]
        worst = next((state for state in ("failed", "warnings") if state in states), "passed")
        rows.append(
            f'<tr><th scope="row"><a href="{_text(folder.name)}/index.html">{_text(folder.name)}</a></th>'
            f'<td class="{worst}">{worst}</td><td class="n">{len(states)}</td></tr>'
        )
    _write(data_docs / "index.html", "Data docs", "", ("Batch", "State", "Tables"), rows)


def _state(summary: dict[str, Any]) -> str:
    return "failed" if not summary["success"] else "warnings" if summary["warnings"] else "passed"


def _drift(summary: dict[str, Any]) -> str:
    drift = summary.get("drift")
    if not drift:
        return ""
    psi = ", ".join(f"PSI of {column} {value:.3f}" for column, value in drift["psi"].items())
    return _text(f"{drift['against']}: rows {drift['rows']:+.1%}{', ' if psi else ''}{psi}")


def _what_is_wrong(summary: dict[str, Any]) -> str:
    notes = [
        f"<li>{kind}: {_text(note['expectation'])} {_text(json.dumps(note['kwargs']))}: "
        f"{_text(note['unexpected'] or note['observed'])}. {_text(note['why'])}</li>"
        for kind, found in (("error", summary["failed"]), ("warning", summary["warnings"]))
        for note in found
    ]
    return f"<ul>{''.join(notes)}</ul>" if notes else ""


def validation_page(data_docs: Path, docs: Path) -> str:
    """Return the path, relative to `data_docs`, of a table's validation page.

    Great Expectations wrote it. Its index page is empty without scripts from other hosts, but this page is not. The
    function deletes the fonts and images, which take 4 MB a table.
    """
    for needless in ("fonts", "images"):
        shutil.rmtree(docs / "static" / needless, ignore_errors=True)
    (page,) = docs.glob("validations/**/*.html")
    return page.relative_to(data_docs).as_posix()


def _text(value: object) -> str:
    return html.escape(str(value))


def _write(path: Path, title: str, before: str, head: tuple[str, ...], rows: list[str]) -> None:
    """Write a whole page or nothing: two tasks may write the index of one batch."""
    columns = "".join(f'<th scope="col">{name}</th>' for name in head)
    page = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style></head>'
        f"<body><main><h1>{title}</h1>{before}<table><thead><tr>{columns}</tr></thead><tbody>{''.join(rows)}</tbody>"
        "</table></main></body></html>\n"
    )
    _write_whole(path, page)


def _write_whole(path: Path, text: str) -> None:
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, suffix=".part", delete=False) as file:
        file.write(text)
    Path(file.name).chmod(0o644)
    Path(file.name).replace(path)
