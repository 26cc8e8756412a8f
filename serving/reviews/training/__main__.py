"""Train and evaluate the sentiment model: `python -m serving.reviews.training train|evaluate`.

`train` writes the model, the plain recipe, records, rejected rows and plots into a folder, decides whether the model may go live, and
logs to MLflow. The last line of the output is one JSON object; the exit status is 0 only if the program succeeded. A
refused candidate is a success: its decision says why.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from serving.reviews.corpora.reviews import CorpusError
from serving.reviews.model.files import ModelFileError
from serving.reviews.training.data import EMBEDDED
from serving.reviews.training.programs import ChampionFile, evaluate_program, train_program


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="serving.reviews.training", description=(__doc__ or "").partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    corpora = argparse.ArgumentParser(add_help=False)
    corpora.add_argument(
        "--corpus",
        action="append",
        default=[],
        help=f"a CSV, TSV or JSON Lines file (.gz, .xz, .zip too), an embedded corpus, or {EMBEDDED} for all of them; repeatable",
    )
    corpora.add_argument("--text", default="text", help="the column of the text (default: text)")
    corpora.add_argument("--label", default="label", help="the column of the label (default: label)")
    corpora.add_argument(
        "--language", default="", help="en or ko, for files without a column language (default: found)"
    )

    train = commands.add_parser("train", parents=[corpora], help="train, test and decide")
    train.add_argument("--output", type=Path, required=True, help="the folder to write, whose content is replaced")
    train.add_argument("--seed", type=int, default=1, help="of the split (default: 1)")
    train.add_argument("--champion", type=Path, help="the model of the live publication")
    train.add_argument("--champion-sha256", default="", help="the SHA-256 of its file")
    train.add_argument("--tracking-uri", help="MLflow's address; nothing is logged without it")
    train.add_argument(
        "--tag", action="append", default=[], metavar="NAME=VALUE", help="a tag of the MLflow run; repeatable"
    )

    evaluate = commands.add_parser("evaluate", parents=[corpora], help="figures of a model on labelled reviews")
    evaluate.add_argument("--model", type=Path, required=True, help="the model's file")
    evaluate.add_argument("--sha256", required=True, help="the SHA-256 of the model's file")
    return parser


def _run(arguments: argparse.Namespace) -> dict[str, Any]:
    columns = (arguments.text, arguments.label, arguments.language)
    corpora = arguments.corpus or [EMBEDDED]
    if arguments.command == "evaluate":
        return evaluate_program(corpora, columns, arguments.model, arguments.sha256)
    tags = dict(tag.partition("=")[::2] for tag in arguments.tag)
    champion = ChampionFile(arguments.champion, arguments.champion_sha256) if arguments.champion else None
    return train_program(corpora, columns, arguments.output, arguments.seed, champion, arguments.tracking_uri, tags)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command, print its result and return the exit status."""
    arguments = _parser().parse_args(argv)
    try:
        result = _run(arguments)
    except (CorpusError, ModelFileError) as error:
        print(f"{arguments.command}: {error}", file=sys.stderr)
        print(json.dumps({"status": "failed", "error": str(error)}, ensure_ascii=False))
        return 1
    print(json.dumps({"status": "succeeded", **result}, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
