"""The arguments of an evaluation, for the program that makes it."""

from __future__ import annotations

import argparse

from cluster.arguments import whole

from evaluation.record import BASELINES
from evaluation.untimed import SPLITS


def add_evaluation_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what decides how a model is evaluated."""
    default = " (default: %(default)s)"
    parser.add_argument("--k", type=whole(1, 1000), default=10, help=f"length of the evaluated lists{default}")
    parser.add_argument("--split", choices=SPLITS, default=SPLITS[0], help=f"what decides which ratings test{default}")
    parser.add_argument("--slices", type=whole(2, 1000), default=20, help=f"slices of the timeline{default}")
    parser.add_argument("--first-window", type=whole(1, 999), default=10, help=f"first slice that is tested{default}")
    parser.add_argument(
        "--all-baselines",
        action="store_true",
        help=f"compare with {', '.join(BASELINES[2:])} too, which the gate ignores",
    )
