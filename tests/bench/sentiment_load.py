"""How fast the reviews service predicts, against FastAPI saying hello and scikit-learn's transform in the same run.

python tests/bench/sentiment_load.py --folder FOLDER [--seconds 5] [--rounds 3] [--texts 100000] [--history FILE]

FOLDER keeps the model, which is trained on the embedded corpora where it is missing. Needs wrk (apt-get install wrk). Server,
database and load generator share the machine, so compare figures of one run only. "A core" is a second of processor time. Prints
tables, and one JSON object as the last line.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from history import add_option, compare_and_keep
from sentiment_texts import short_texts, sklearn_rate, twenty_words
from serving_load import REPOSITORY, Server, median_of, served
from sqlalchemy import func, select

sys.path.insert(0, str(REPOSITORY / "tests"))
sys.path.insert(0, str(REPOSITORY))

from postgresql import running_postgresql

from serving.publications.building.build_model import build_model_publication
from serving.publications.store import PublicationStore
from serving.publications.transfer import pull
from serving.reviews.database.engine import Transactions, migrate, open_database, transactions
from serving.reviews.database.models import Job
from serving.reviews.domain.jobs import queue
from serving.reviews.domain.uploads import Upload
from serving.reviews.model.files import load_model

SCRIPT = Path(__file__).with_name("sentiment_load.lua")
STAMP = "20261123T190000"
WORKERS = (1, 2, 4)
CONNECTIONS = 16


def hello() -> FastAPI:
    """Return the application to compare with: the first one of FastAPI's tutorial."""
    app = FastAPI()

    @app.get("/")
    async def root() -> dict[str, str]:
        return {"message": "Hello World"}

    return app


def trained(folder: Path) -> tuple[Path, str]:
    """Return the model's file and its SHA-256; train it where it is missing."""
    file = folder / "model.joblib"
    if not file.exists():
        print("Training on the embedded corpora, which takes some minutes ...", file=sys.stderr)
        command = [sys.executable, "-m", "serving.reviews.training", "train", "--output", str(folder)]
        variables = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        subprocess.run(command, cwd=REPOSITORY, env=variables, check=True, stdout=subprocess.DEVNULL)
    return file, hashlib.sha256(file.read_bytes()).hexdigest()


def make_store(folder: Path, model: Path) -> PublicationStore:
    """Return a store in which the model is live."""
    store = PublicationStore(folder / "store")
    build_model_publication(model, {"model": {"name": "marquee-sentiment"}}, STAMP, folder / "built" / STAMP)
    pull(store, str(folder / "built"), STAMP, "bench", "bench")
    store.activate(STAMP, "bench", "")
    return store


@contextmanager
def service(environment: dict[str, str], workers: int) -> Iterator[Server]:
    """Run the reviews service until its model serves."""
    command = [sys.executable, "-m", "serving.reviews", "serve", "--port", "PORT", "--workers", str(workers)]
    with served(command, environment) as server, httpx.Client(base_url=server.address) as client:
        for _ in range(20 * workers):
            client.post("/v1/sentiment", json={"text": "A good film."}, timeout=60).raise_for_status()
        yield server


@contextmanager
def greeter(workers: int) -> Iterator[Server]:
    """Run FastAPI's hello-world on Uvicorn, as the service runs on it."""
    command = [sys.executable, "-m", "uvicorn", "sentiment_load:hello", "--factory", "--port", "PORT"]
    command += ["--workers", str(workers), "--log-level", "warning", "--no-access-log"]
    with served(command, {}) as server:
        yield server


def load(server: Server, seconds: float, texts: Path | None, connections: int = CONNECTIONS, pause: int = 0) -> Any:
    """Return wrk's figures, with the server's CPU microseconds for each request."""
    before = server.cpu_seconds()
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "-s", str(SCRIPT), server.address]
    variables = {**os.environ, "TEXTS": str(texts or ""), "DELAY_MS": str(pause)}
    ran = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
    figures: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    figures["per_second"] = round(figures["requests"] / figures["seconds"], 1)
    figures["cpu_us"] = round((server.cpu_seconds() - before) / max(1, figures["requests"]) * 1e6, 1)
    return figures


def one_by_one(environment: dict[str, str], texts: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of single predictions and those of hello-world, for each number of workers."""
    found: dict[str, Any] = {}
    for workers in WORKERS:
        print(f"Single predictions, {workers} workers ...", file=sys.stderr)
        runs: dict[str, list[Any]] = {"hello": [], "predictions": []}
        with greeter(workers) as greeting, service(environment, workers) as server:
            for _ in range(options.rounds):
                runs["hello"].append(load(greeting, options.seconds, None))
                runs["predictions"].append(load(server, options.seconds, texts))
            found[str(workers)] = {name: median_of(each) for name, each in runs.items()}
            pause = max(1, round(2 * 32 * 1000 / found[str(workers)]["predictions"]["per_second"]))
            found[str(workers)]["half load"] = load(server, options.seconds, texts, connections=32, pause=pause)
    return found


def batches(server: Server, texts: list[str]) -> dict[str, float]:
    """Return texts a second and a core of batches of 1,000."""
    before, started = server.cpu_seconds(), time.monotonic()
    with httpx.Client(base_url=server.address, timeout=120) as client:
        for start in range(0, len(texts), 1000):
            answer = client.post("/v1/sentiment/batch", json={"texts": texts[start : start + 1000]})
            answer.raise_for_status()
    return rates(server, before, started, len(texts))


def job(server: Server, factory: Transactions, texts: list[str], folder: Path) -> dict[str, float]:
    """Return texts a second and a core of a job, and the memory at its beginning and at its end, in MiB."""
    file = folder / "texts.jsonl"
    file.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    with file.open("rb") as stream, factory.begin() as database:
        queue(database, 1, Upload(stream, "jsonl", "text"), 10)
    before, started, memory = server.cpu_seconds(), time.monotonic(), []
    while True:
        with factory() as database:
            done = database.execute(select(func.sum(Job.done_rows), func.sum(Job.rows))).one()
        memory.append((int(done[0]), server.memory_mib()["anonymous"]))
        if done[0] == done[1]:
            break
        time.sleep(0.2)
    tenth = next(mib for rows, mib in memory if rows >= len(texts) // 10)
    return {**rates(server, before, started, len(texts)), "mib_after_a_tenth": tenth, "mib_at_the_end": memory[-1][1]}


def rates(server: Server, cpu_before: float, started: float, texts: int) -> dict[str, float]:
    """Return texts a second, and a second of the server's processor time."""
    seconds, cpu = time.monotonic() - started, server.cpu_seconds() - cpu_before
    return {"per_second": round(texts / seconds, 1), "a_core": round(texts / cpu, 1)}


def model_part(model: Path, sha256: str, texts: list[str]) -> dict[str, float]:
    """Return the processor time of one prediction of 20 words, and texts a core of the model alone."""
    loaded = load_model(model, sha256)
    times = []
    for text in texts[:1000]:
        before = time.process_time()
        loaded.predict(text)
        times.append(time.process_time() - before)
    return {
        "p50_ms": round(statistics.median(times) * 1e3, 3),
        "p99_ms": round(statistics.quantiles(times, n=100)[98] * 1e3, 3),
    }


def bench(options: argparse.Namespace, work: Path) -> dict[str, Any]:
    """Return all figures."""
    model, sha256 = trained(options.folder)
    store = make_store(work, model)
    words, texts = twenty_words(), short_texts(options.texts)
    bodies = work / "bodies.jsonl"
    bodies.write_text("".join(json.dumps({"text": text}) + "\n" for text in words))
    result: dict[str, Any] = {"load_average": os.getloadavg()[0], "model": model_part(model, sha256, words)}
    with running_postgresql() as socket:
        engine = open_database(f"postgresql+psycopg://postgres@/postgres?host={socket}")
        migrate(engine)
        environment = {
            "MARQUEE_REVIEWS_DATABASE": engine.url.render_as_string(hide_password=False),
            "MARQUEE_SENTIMENT_STORE": str(store.root),
            "MARQUEE_REVIEWS_SECRET": "a secret of the bench, long enough to be one",
            "MARQUEE_REVIEWS_JOB_THREADS": "0",
        }
        print("Batches and a job ...", file=sys.stderr)
        result["scikit-learn"] = sklearn_rate(texts[:20_000])
        with service(environment, 1) as server:
            result["batches"] = batches(server, texts[:20_000])
        with service({**environment, "MARQUEE_REVIEWS_JOB_THREADS": "1"}, 1) as server:
            result["job"] = job(server, transactions(engine), texts, work)
        result["workers"] = one_by_one(environment, bodies, options)
        engine.dispose()
    return result


def report(result: dict[str, Any]) -> None:
    """Print the tables."""
    print(
        "| workers | hello-world/s | predictions/s | of hello-world | p50, ms | p99, ms | p99 at half load, ms | errors |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for workers, rows in result["workers"].items():
        greeting, ours, half = rows["hello"], rows["predictions"], rows["half load"]
        share = f"{ours['per_second'] / greeting['per_second']:.2f}"
        columns = (f"{greeting['per_second']:.0f}", f"{ours['per_second']:.0f}", share, f"{ours['p50_ms']:.1f}")
        errors = f"{ours['errors'] + half['errors']:.0f}"
        print(f"| {workers} | {' | '.join(columns)} | {ours['p99_ms']:.1f} | {half['p99_ms']:.1f} | {errors} |")
    reference = result["scikit-learn"]["a_core"]
    print("\n| short texts | a second | a core | of scikit-learn's transform |")
    print("|---|---|---|---|")
    for name in ("scikit-learn", "batches", "job"):
        row = result[name]
        print(f"| {name} | {row['per_second']:.0f} | {row['a_core']:.0f} | {row['a_core'] / reference:.2f} |")
    memory = result["job"]
    print(
        f"\nA job against the same texts in requests: {memory['a_core'] / result['batches']['a_core']:.2f}. Memory of its "
        f"process: {memory['mib_after_a_tenth']} MiB after a tenth, {memory['mib_at_the_end']} MiB at the end."
    )
    print(
        f"One prediction of 20 words: p50 {result['model']['p50_ms']} ms of a core. Load average {result['load_average']:.1f}."
    )


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="keeps the trained model")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="medians are over these (default: %(default)s)")
    parser.add_argument("--texts", type=int, default=100_000, help="of the job (default: %(default)s)")
    add_option(parser)
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("There is no wrk: apt-get install wrk.")
    with tempfile.TemporaryDirectory(prefix="bench-sentiment-") as folder:
        result = bench(options, Path(folder))
    report(result)
    held = options.history is None or compare_and_keep(options.history, ratios(result), {"texts": options.texts})
    print(json.dumps(result))
    if not held:
        sys.exit(1)


def ratios(result: dict[str, Any]) -> dict[str, float]:
    """Return what is compared with the last run: processor time against hello-world and scikit-learn of the same run."""
    found = {
        f"{workers} workers: hello-world's CPU by a prediction's": rows["hello"]["cpu_us"]
        / rows["predictions"]["cpu_us"]
        for workers, rows in result["workers"].items()
    }
    for name in ("batches", "job"):
        found[f"{name}: texts a core of scikit-learn's"] = result[name]["a_core"] / result["scikit-learn"]["a_core"]
    return found


if __name__ == "__main__":
    main()
