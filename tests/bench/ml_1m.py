"""nDCG@10 on MovieLens 1M by RecBole's protocol: make bench-ml-1m ARCHIVE=ml-1m.zip.

    PYTHONPATH=spark_jobs OPENBLAS_NUM_THREADS=1 python tests/bench/ml_1m.py --archive ml-1m.zip [--seeds 1 2 3]

Ratings of 3 stars or more, whose users and movies all have 10 or more; each user's ratings are split 8:1:1 at random; of all movies
that a user has not rated in the first two parts, 10 are listed. Settings and weights are found on the validation part alone, for each
seed. The archive may not be passed on, so it is not part of this project. Prints docs/evaluation.md's table.
"""

from __future__ import annotations

import argparse
import io
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from recommender.settings import TrainingSettings
from stacked_parts import Factors, Neighbours, Part, Rated, judge, learned_weights, scored
from threadpoolctl import threadpool_limits

LEAST_STARS, CORE = 3.0, 10
ALS = TrainingSettings(rank=64, max_iter=10, reg_param=0.1, alpha=1.0, cg_steps=0)
# Each step takes the best setting so far and tries other values of one of its fields.
FACTOR_STEPS = (("alpha", (0.25, 0.5, 2.0)), ("reg_param", (0.03, 0.05, 0.2)), ("rank", (32, 128)))
EASE_STEPS = (("ridge", (50.0, 100.0, 400.0, 800.0)), ("own", (0.5, 1.0)))
MOMENT_STEPS = (("share", (0.5, 0.85)), ("seconds", (20.0, 300.0)), *EASE_STEPS)
STARTS = 3


def read_ratings(archive: Path) -> pd.DataFrame:
    """Return the archive's users, movies, stars and times; `archive` is the zip or its folder.

    Raises SystemExit when it has no ratings.dat of `user::movie::stars::time`.
    """
    try:
        if archive.is_dir():
            text = next(archive.rglob("ratings.dat")).read_text(encoding="latin-1")
        else:
            with zipfile.ZipFile(archive) as opened:
                name = next(name for name in opened.namelist() if name.rsplit("/", 1)[-1] == "ratings.dat")
                text = opened.read(name).decode("latin-1")
        if not text.strip():
            raise ValueError("it is empty")
        rows = pd.read_csv(io.StringIO(text.replace("::", ",")), header=None, names=["user", "movie", "stars", "when"])
        return rows.astype({"user": np.int64, "movie": np.int64, "stars": np.float64, "when": np.int64})
    except (StopIteration, OSError, ValueError, zipfile.BadZipFile) as error:
        raise SystemExit(f"{archive} has no ratings.dat of MovieLens 1M. Give the path of ml-1m.zip.") from error


def core(rows: pd.DataFrame, least: int = CORE) -> pd.DataFrame:
    """Return the rows whose users and movies all have so many of them."""
    while len(rows):
        kept = np.logical_and(*(rows.groupby(side)[side].transform("size") >= least for side in ("user", "movie")))
        if kept.all():
            return rows
        rows = rows[kept]
    raise SystemExit(f"No ratings are left whose users and movies all have {least} or more.")


def rated_by(rows: pd.DataFrame) -> Rated:
    """Return the rows by position, in ascending order of user and movie."""
    rows = rows.sort_values(["user", "movie"])
    (users, user), (movies, movie) = (np.unique(rows[side], return_inverse=True) for side in ("user", "movie"))
    return Rated(user, movie, rows["when"].to_numpy(), (len(users), len(movies)))


def eight_one_one(users: np.ndarray, seed: int) -> np.ndarray:
    """Return each rating's part: 0 to train, 1 to validate, 2 to test; the last two are a tenth each, rounded down.

    As in RecBole, a user with fewer than ten ratings has one of each.
    """
    order = np.random.default_rng(seed).permutation(len(users))
    order = order[np.argsort(users[order], kind="stable")]
    counts = np.bincount(users)
    place = np.arange(len(users)) - (np.cumsum(counts) - counts)[users[order]]
    tenth, left = np.maximum(counts // 10, 1)[users[order]], counts[users[order]] - place
    parts = np.empty(len(users), dtype=np.int64)
    parts[order] = np.where(left <= tenth, 2, np.where(left <= 2 * tenth, 1, 0))
    return parts


def varied(part: Part, name: str, value: float) -> Part:
    """Return the part with another value of one setting."""
    if isinstance(part, Factors):
        return replace(part, settings=replace(part.settings, **{name: value}))
    return replace(part, **{name: value})


def best_on_validation(part: Part, steps: Sequence, train: Rated, validation: Rated) -> Part:
    """Return the part with the settings that rank the validation part best, found step by step."""
    best = judge(part.scores(train), train, validation)["ndcg"]
    for name, values in steps:
        for other in [varied(part, name, value) for value in values]:
            found = judge(other.scores(train), train, validation)["ndcg"]
            if found > best:
                best, part = found, other
    print(f"  {part}: validation {best:.4f}", file=sys.stderr, flush=True)
    return part


def measure(rated: Rated, seed: int) -> dict[str, float]:
    """Return nDCG@10 on the test part of one split by the scorer's name."""
    part_of = eight_one_one(rated.user, seed)
    train, validation, test = (rated.select(part_of == part) for part in range(3))
    known = rated.select(part_of < 2)
    factors = best_on_validation(Factors(ALS), FACTOR_STEPS, train, validation)
    ease = best_on_validation(Neighbours(200.0), EASE_STEPS, train, validation)
    moments = best_on_validation(Neighbours(100.0, share=0.7), MOMENT_STEPS, train, validation)
    parts = [scored(part, train) for part in (replace(factors, starts=STARTS), ease, moments)]
    found = {"ALS": judge(scored(factors, train), known, test)["ndcg"], "EASE": judge(parts[1], known, test)["ndcg"]}
    stacks = {"ALS and EASE": parts[:2], "ALS, EASE, EASE of the same minute": parts}
    for name, own in stacks.items():
        weights = learned_weights(own, lambda scores: judge(scores, train, validation)["ndcg"])
        found[name] = judge(sum(w * part for w, part in zip(weights, own, strict=True)), known, test)["ndcg"]
        print(f"  {name}: weights {weights}", file=sys.stderr, flush=True)
    print(f"seed {seed}: {found}", file=sys.stderr, flush=True)
    return found


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--archive", required=True, help="ml-1m.zip, or its folder")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    options = parser.parse_args()
    if not options.archive:
        parser.error("No archive is given. Give the path of MovieLens 1M: make bench-ml-1m ARCHIVE=ml-1m.zip")
    rows = read_ratings(Path(options.archive))
    rated = rated_by(core(rows[rows.stars >= LEAST_STARS]))
    print(f"{len(rated.user):,} ratings of {rated.shape[1]:,} movies by {rated.shape[0]:,} users\n", flush=True)
    with threadpool_limits(1):
        runs = pd.DataFrame([measure(rated, seed) for seed in options.seeds])
    print("| scorer | nDCG@10 |\n|---|---|")
    for name in runs:
        spread = f" ± {runs[name].std(ddof=1):.4f}" if len(runs) > 1 else ""
        print(f"| {name} | {runs[name].mean():.4f}{spread} |")


if __name__ == "__main__":
    main()
