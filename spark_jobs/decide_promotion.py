"""Decide whether the model of one evaluation may become champion.

Needs no Spark session, only the numbers. Prints the decision as JSON: verdict (promote, refuse or abstain), reasons and intervals. With
--apply, a promoted version gets the alias champion and a model card in MLflow. The decision is written to the version's tags, also when
it is a refusal. A rerun decides the same. The exit status is 0 whatever the verdict; read "promoted".
"""

from __future__ import annotations

import argparse
import json
import os
import urllib.parse
import urllib.request
from dataclasses import asdict
from typing import Any

from cluster.arguments import number, whole
from cluster.reporting import report
from evaluation.record import EvaluationRecord
from promotion.gate import Rule, decide_on_record
from promotion.model_card import model_card


def arguments() -> argparse.ArgumentParser:
    """Return the program's argument parser."""
    rule = Rule()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--evaluation",
        required=True,
        type=web_address,
        help="evaluation.json of train_als, by its http(s) URL (WebHDFS)",
    )
    parser.add_argument("--tracking-uri", default="", help="MLflow tracking server; needed for --apply")
    parser.add_argument("--model-name", default="marquee-als", help="registered model (default: %(default)s)")
    parser.add_argument("--model-version", default="", help="candidate's version (default: the evaluation's)")
    parser.add_argument(
        "--margin",
        type=number(-1, 1),
        default=rule.margin,
        help="nDCG by which baselines must be beaten (default: %(default)s)",
    )
    parser.add_argument(
        "--recent-popularity-margin",
        type=number(-1, 1),
        default=rule.recent_popularity_margin,
        help="nDCG by which recent popularity must be beaten; a negative one may be lost (default: %(default)s)",
    )
    parser.add_argument(
        "--least-test-users",
        type=whole(1, 1_000_000_000),
        default=rule.least_test_users,
        help="abstain below (default: %(default)s)",
    )
    parser.add_argument(
        "--champion-tolerance",
        type=number(0, 1),
        default=rule.champion_tolerance,
        help="nDCG that may be lost (default: %(default)s)",
    )
    parser.add_argument(
        "--most-overlap",
        type=number(0, 1),
        default=rule.most_overlap,
        help="share of two users' lists that may be alike on average (default: %(default)s)",
    )
    parser.add_argument(
        "--apply",
        action="store_true",
        help="set the alias champion when promoted, and tag the version with the decision",
    )
    parser.add_argument("--result", default=None, help="also write the printed JSON to this path")
    return parser


def web_address(text: str) -> str:
    """Return an http(s) URL; argparse refuses any other text."""
    if urllib.parse.urlsplit(text).scheme not in ("http", "https"):
        raise argparse.ArgumentTypeError(
            f"{text} is not an http(s) URL. Give the WebHDFS address of evaluation.json, which ends in ?op=OPEN."
        )
    return text


def read_evaluation(address: str) -> EvaluationRecord:
    """Return the evaluation at an http(s) URL."""
    # A proxy of the machine does not know the platform's hosts.
    directly = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with directly.open(address, timeout=60) as answer:
        record: EvaluationRecord = json.loads(answer.read())
    return record


def main(argv: list[str] | None = None) -> None:
    """Run the program."""
    options = arguments().parse_args(argv)
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    record = read_evaluation(options.evaluation)
    rule = Rule(
        margin=options.margin,
        recent_popularity_margin=options.recent_popularity_margin,
        least_test_users=options.least_test_users,
        champion_tolerance=options.champion_tolerance,
        most_overlap=options.most_overlap,
    )
    decision = decide_on_record(record, rule)
    version = options.model_version or str(record.get("model_version", ""))
    result: dict[str, Any] = {
        **asdict(decision),
        "promoted": decision.verdict == "promote",
        "rule": asdict(rule),
        "batch_id": record.get("batch_id"),
        "model_name": options.model_name,
        "model_version": version,
        "applied": False,
    }
    if options.apply:
        _apply(options, version, record, result)
    report(result, options.result)


def _apply(options: argparse.Namespace, version: str, record: EvaluationRecord, result: dict[str, Any]) -> None:
    """Write the decision to the registry.

    The version gets tags and, when promoted, the alias and the model card.
    """
    if not version or not options.tracking_uri:
        raise SystemExit(
            "--apply needs --tracking-uri and a model version. Give --model-version, or an evaluation that names one."
        )
    import mlflow
    from promotion import registry

    mlflow.set_tracking_uri(options.tracking_uri)
    client = mlflow.MlflowClient()
    client.set_model_version_tag(options.model_name, version, "promotion_verdict", result["verdict"])
    client.set_model_version_tag(options.model_name, version, "promotion_reasons", "; ".join(result["reasons"])[:4000])
    if result["promoted"]:
        card = model_card(record, result)
        client.log_text(str(client.get_model_version(options.model_name, version).run_id), card, "model_card.md")
        client.update_model_version(options.model_name, version, description=card)
        result["previous_champion"] = registry.promote(options.model_name, version)
    result["applied"] = True


if __name__ == "__main__":
    main()
