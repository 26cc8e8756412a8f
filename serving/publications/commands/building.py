"""Commands that build a publication: build, build-model and rebuild."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from serving.publications.building.build import BuildOptions, build_publication
from serving.publications.building.build_model import build_model_publication
from serving.publications.building.export_rows import OPTIONAL_COLUMNS
from serving.publications.building.rebuild import rebuild
from serving.publications.commands.arguments import (
    EXIT_FAILED,
    Commands,
    add_hdfs_user,
    add_publication,
    line,
    path,
    store_option,
)
from serving.publications.format import PublicationError
from serving.publications.manifest import Manifest
from serving.publications.store import PublicationStore


def add_build(commands: Commands) -> None:
    """Add the command that builds a publication from exports."""
    parser = commands.add_parser(
        "build",
        help="make a publication from exported tables",
        description="Check the exported lists and write publication.sqlite and manifest.json. The same exports give "
        "the same database bytes.",
    )
    parser.add_argument(
        "--exports",
        type=path,
        required=True,
        metavar="DIR",
        help="folder of tab-separated text as Hive exports it: movies/, recommendations/, similar_movies/ and "
        f"popular_movies/, and optionally {', '.join(OPTIONAL_COLUMNS)}",
    )
    parser.add_argument(
        "--lineage",
        type=path,
        required=True,
        metavar="FILE",
        help="JSON object that records where the tables come from; its data_through (Unix seconds or ISO 8601) is the "
        "time of the latest rating",
    )
    parser.add_argument(
        "--batch-id", type=line, required=True, metavar="ID", help="batch id, which becomes the publication id"
    )
    parser.add_argument("--output", type=path, required=True, metavar="DIR", help="folder for the two files")
    parser.add_argument(
        "--allow-short-lists",
        action="store_true",
        help="accept lists shorter than the longest one: for catalogues so small that few unrated movies are left",
    )
    parser.set_defaults(run=_build)


def add_build_model(commands: Commands) -> None:
    """Add the command that makes a publication of a trained model."""
    parser = commands.add_parser(
        "build-model",
        help="make a publication of a trained sentiment model",
        description="Copy a model's file as model.joblib and write manifest.json with its SHA-256. The file is not opened.",
    )
    parser.add_argument("--model", type=path, required=True, metavar="FILE", help="the model's file")
    parser.add_argument(
        "--lineage",
        type=path,
        required=True,
        metavar="FILE",
        help="JSON object that records data, code and model; model.name and model.version are what the service shows",
    )
    parser.add_argument(
        "--batch-id", type=line, required=True, metavar="ID", help="batch id, which becomes the publication id"
    )
    parser.add_argument("--output", type=path, required=True, metavar="DIR", help="folder for the two files")
    parser.set_defaults(run=_build_model)


def add_rebuild(commands: Commands) -> None:
    """Add the command that builds a publication again and compares the bytes."""
    parser = commands.add_parser(
        "rebuild",
        parents=[store_option()],
        help="build a publication again and compare its bytes",
        description="Fetch the exports of the publication's batch from HDFS, build the publication again and compare "
        "the SHA-256. The exit status is 1 if it differs. Also prints the command that runs the whole batch again from "
        "its snapshot.",
    )
    add_publication(parser)
    parser.add_argument(
        "--from",
        dest="source",
        type=line,
        required=True,
        metavar="URL",
        help="http://NAMENODE:9870[/folder] (WebHDFS; default folder /marquee/exports)",
    )
    add_hdfs_user(parser)
    parser.set_defaults(run=_rebuild)


def _lineage(file: Path) -> dict[str, Any]:
    try:
        lineage = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise PublicationError(f"{file} is not JSON: {error}. Write a JSON object to it.") from None
    if not isinstance(lineage, dict):
        raise PublicationError(f"{file} is not a JSON object. Write the lineage as one.")
    return lineage


def _build(options: argparse.Namespace) -> int:
    build_options = BuildOptions(full_lists=not options.allow_short_lists)
    lineage = _lineage(options.lineage)
    manifest = build_publication(options.exports, lineage, options.batch_id, options.output, build_options)
    return _built(manifest, options.output)


def _build_model(options: argparse.Namespace) -> int:
    lineage = _lineage(options.lineage)
    return _built(build_model_publication(options.model, lineage, options.batch_id, options.output), options.output)


def _built(manifest: Manifest, output: Path) -> int:
    size = f"{manifest.size_bytes / 2**20:.1f} MiB"
    print(f"{manifest.batch_id}: built {size}, SHA-256 {manifest.sha256[:12]}.", file=sys.stderr)
    result = {"output": str(output), "publication": manifest.batch_id, "sha256": manifest.sha256}
    print(json.dumps({**result, "bytes": manifest.size_bytes, "rows": manifest.rows}))
    return 0


def _rebuild(options: argparse.Namespace) -> int:
    manifest = PublicationStore(options.store).manifest(options.publication)
    result = rebuild(manifest, options.source, options.user)
    verdict = "the same bytes" if result["same"] else "OTHER BYTES"
    print(f"{manifest.batch_id}: rebuilt from its exports, {verdict}.", file=sys.stderr)
    print(f"To start from the raw snapshot instead, run: {result['rerun']}", file=sys.stderr)
    print(json.dumps(result))
    return 0 if result["same"] else EXIT_FAILED
