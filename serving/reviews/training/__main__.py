"""Train and evaluate the sentiment model: `python -m serving.reviews.training train|evaluate|predict|promote`.

`train` writes the model, the plain recipe, records, rejected rows and plots into a folder, decides whether the model may go live, and
logs to MLflow. `predict` says what a model thinks of some texts. `promote` names a registered version champion. The last line of the
output is one JSON object; the exit status is 0 only if the program succeeded. A refused candidate is a success: its decision says why.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from serving.reviews.corpora.arguments import add_corpora, seed
from serving.reviews.corpora.reviews import CorpusError
from serving.reviews.corpora.sources import EMBEDDED
from serving.reviews.model.files import ModelFileError
from serving.reviews.training.data import from_batch, from_corpora
from serving.reviews.training.programs import ChampionFile, evaluate_program, predict_program, train_program
from serving.reviews.training.tracking import promote

# A rerun with the same reviews would fail too.
FAILED_FOR_GOOD = 3


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m serving.reviews.training", description=(__doc__ or "").partition("\n")[0]
    )
    commands = parser.add_subparsers(dest="command", required=True)
    corpora = argparse.ArgumentParser(add_help=False)
    add_corpora(corpora)
    model = argparse.ArgumentParser(add_help=False)
    model.add_argument("--model", type=Path, required=True, help="the model's file")
    model.add_argument("--sha256", required=True, help="the SHA-256 of the model's file")

    train = commands.add_parser("train", parents=[corpora], help="train, test and decide")
    train.add_argument(
        "--batch", type=Path, metavar="DIR", help="Hive's export of labelled_reviews, instead of corpora"
    )
    train.add_argument("--accounting", type=_object, default={}, metavar="JSON", help="where the batch's rows went")
    train.add_argument("--output", type=Path, required=True, help="the folder to write, whose content is replaced")
    train.add_argument("--seed", type=seed, default=1, help="of the split (default: 1)")
    train.add_argument("--champion", type=Path, help="the model of the live publication")
    train.add_argument("--champion-sha256", default="", help="the SHA-256 of its file")
    train.add_argument("--tracking-uri", help="MLflow's address; nothing is logged without it")
    train.add_argument(
        "--tag", action="append", default=[], metavar="NAME=VALUE", help="a tag of the MLflow run; repeatable"
    )

    commands.add_parser("evaluate", parents=[corpora, model], help="figures of a model on labelled reviews")

    predict = commands.add_parser("predict", parents=[model], help="what a model says of texts")
    predict.add_argument("texts", nargs="+", metavar="TEXT", help="a text; put -- before texts that begin with a -")

    promotion = commands.add_parser("promote", help="name a registered version champion")
    promotion.add_argument("--tracking-uri", required=True, help="MLflow's address")
    promotion.add_argument("--registered-version", required=True, metavar="N", help="the version to name")
    return parser


def _object(text: str) -> dict[str, Any]:
    """Return a JSON object; argparse refuses any other text."""
    value = json.loads(text)
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no JSON object.")
    return value


def _run(arguments: argparse.Namespace) -> dict[str, Any]:
    if arguments.command == "promote":
        return promote(arguments.tracking_uri, arguments.registered_version)
    if arguments.command == "predict":
        return predict_program(arguments.model, arguments.sha256, arguments.texts)
    columns = (arguments.text, arguments.label, arguments.language)
    corpora = arguments.corpus or [EMBEDDED]
    if arguments.command == "evaluate":
        return evaluate_program(corpora, columns, arguments.model, arguments.sha256)
    tags = dict(tag.partition("=")[::2] for tag in arguments.tag)
    champion = ChampionFile(arguments.champion, arguments.champion_sha256) if arguments.champion else None
    batch, accounting = arguments.batch, arguments.accounting
    material = from_batch(batch, accounting) if batch else from_corpora(corpora, columns, arguments.seed)
    return train_program(material, arguments.output, arguments.seed, champion, arguments.tracking_uri, tags)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command, print its result and return the exit status."""
    arguments = build_parser().parse_args(argv)
    try:
        result = _run(arguments)
    except (CorpusError, ModelFileError) as error:
        print(f"{arguments.command}: {error}", file=sys.stderr)
        print(json.dumps({"status": "failed", "error": str(error)}, ensure_ascii=False))
        return FAILED_FOR_GOOD
    print(json.dumps({"status": "succeeded", **result}, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
