"""The registry against MLflow itself, on a store in SQLite."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from promotion import registry
from promotion.champion import Champion, find_champion
from recommender.incidence import Incidence
from recommender.model import FactorModel
from recommender.neighbours import Neighbours
from recommender.settings import TrainingSettings

# MLflow's own store and its use of SQLAlchemy warn.
pytestmark = pytest.mark.filterwarnings("ignore")
SETTINGS = TrainingSettings(rank=2, max_iter=1)
MODEL = FactorModel(
    np.array([1, 2]),
    np.array([[0.5, 0], [0, 1]], dtype=np.float32),
    np.array([10, 20, 30]),
    np.array([[1, 0], [0, 1], [0.5, 0.5]], dtype=np.float32),
    np.array([1, 2, 4], dtype=np.float32),
    np.array([1, 0.5, 0.25], dtype=np.float32),
    Neighbours(np.array([0, 1, 2, 2]), np.array([1, 2]), np.array([0.5, -0.25], dtype=np.float32)),
    Incidence(np.array([0, 1, 3]), np.array([0, 0, 1]), np.array([1, 0.5, 1], dtype=np.float32)),
    SETTINGS,
    1_476_640_644,
)
# Of these very arrays, by the code before spark_jobs had packages.
SHA256 = "a89a607250b08618cc199fd828099ba32e7499bc5a02596c30edd6696bb37b98"
SETTINGS_OF_THEN = {
    "rank": 2,
    "max_iter": 1,
    "reg_param": 0.3,
    "alpha": 1.0,
    "seed": 20261123,
    "cg_steps": 3,
    "confidence_half_life_days": 730.0,
    "profile_half_life_days": 90.0,
    "neighbours": 300,
    "neighbour_ridge": 100.0,
    "neighbour_weight": 80.0,
    "genre_weight": 0.3,
    "year_weight": 0.3,
    "prior_half_life_days": 90.0,
    "personal_weight": 4.0,
    "gain_power": 0.4,
    "first_visit_days": 90.0,
    "first_visit_weight": 0.25,
}


def write_as_before(folder: Path) -> None:
    """Write MODEL's files as the code before the packages did: names, columns and types."""

    def table(name: str, columns: dict[str, tuple[list[object], pa.DataType]]) -> None:
        pq.write_table(pa.table({key: pa.array(*column) for key, column in columns.items()}), folder / name)

    ids, numbers, pairs = pa.int32(), pa.float32(), pa.list_(pa.float32(), 2)
    table("user_factors.parquet", {"user_id": ([1, 2], ids), "features": ([[0.5, 0], [0, 1]], pairs)})
    table(
        "item_factors.parquet",
        {
            "movie_id": ([10, 20, 30], ids),
            "features": ([[1, 0], [0, 1], [0.5, 0.5]], pairs),
            "gain": ([1, 2, 4], numbers),
            "prior": ([1, 0.5, 0.25], numbers),
        },
    )
    near = {"movie_id": ([10, 20], ids), "neighbour_id": ([20, 30], ids), "weight": ([0.5, -0.25], numbers)}
    table("movie_neighbours.parquet", near)
    profiles = {"user_id": ([1, 2, 2], ids), "movie_id": ([10, 10, 20], ids), "weight": ([1, 0.5, 1], numbers)}
    table("profiles.parquet", profiles)
    (folder / "settings.json").write_text(json.dumps({"settings": SETTINGS_OF_THEN, "trained_until": 1_476_640_644}))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("mlflow")
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    mlflow.create_experiment("test", artifact_location=(folder / "artifacts").as_uri())
    mlflow.set_experiment("test")
    yield folder
    mlflow.set_tracking_uri(before)


def registered_before(store: Path, name: str) -> str:
    """Register a model of the artefacts that the code before the packages logged; return its version."""
    factors = store / name / "artifacts" / "marquee-model-x"
    factors.mkdir(parents=True)
    write_as_before(factors)
    (store / name / "MLmodel").write_text("flavors: {}\n")
    client = mlflow.MlflowClient()
    client.create_registered_model(name)
    tags = {"factors_sha256": SHA256, "batch_id": "20261123T190000"}
    version = str(client.create_model_version(name, (store / name).as_uri(), tags=tags).version)
    client.set_registered_model_alias(name, "champion", version)
    return version


def test_a_champion_of_an_earlier_version_loads_with_the_digest_of_then(store: Path) -> None:
    version = registered_before(store, "before")
    model = registry.load("before", version)
    assert (model.sha256(), model.settings, model.trained_until) == (SHA256, SETTINGS, 1_476_640_644)
    assert find_champion("before") == Champion(version, SETTINGS)
    assert registry.batch_of("before", version) == "20261123T190000"


def test_a_champion_whose_settings_are_not_todays_is_named_as_unreadable(store: Path) -> None:
    version = registered_before(store, "older")
    file = store / "older" / "artifacts" / "marquee-model-x" / "settings.json"
    about = json.loads(file.read_text())
    del about["settings"]["year_weight"]
    file.write_text(json.dumps(about))
    reason = "older version 1 was logged by another version of this code. Train the batch again."
    assert find_champion("older") == Champion(version, None, reason)


def test_a_champion_that_is_not_what_was_trained_is_refused(store: Path) -> None:
    version = registered_before(store, "changed")
    mlflow.MlflowClient().set_model_version_tag("changed", version, "factors_sha256", "0" * 64)
    with pytest.raises(registry.ModelMismatchError, match="holds factors a89a607250b0 but is tagged 000000000000"):
        find_champion("changed")


def test_without_a_champion_there_is_none(store: Path) -> None:
    assert find_champion("nothing") is None


def test_a_registered_model_is_found_promoted_and_loads_where_this_code_is_not(store: Path, tmp_path: Path) -> None:
    with mlflow.start_run(tags={"dataset": "embedded"}):
        mlflow.log_metric("ratings", 900)
        version = registry.register(MODEL, "als", {"batch_id": "b"})
    client = mlflow.MlflowClient()
    tags = client.get_model_version("als", version).tags
    assert (tags["factors_sha256"], tags["batch_id"]) == (SHA256, "b")
    assert str(client.get_registered_model("als").aliases["challenger"]) == version
    assert (registry.promote("als", version), registry.promote("als", version)) == (None, version)
    assert registry.load("als", version).sha256() == SHA256
    assert registry.ratings_of("als", version, "embedded") == 900
    assert registry.ratings_of("als", version, "another") is None

    model = mlflow.artifacts.download_artifacts(artifact_uri=f"models:/als/{version}", dst_path=str(tmp_path))
    code = Path(model) / "code"
    assert [path.name for path in code.iterdir()] == ["recommender"]
    program = (
        "import sys, json, mlflow.pyfunc, pandas\n"
        "model = mlflow.pyfunc.load_model(sys.argv[1])\n"
        "lists = model.predict(pandas.DataFrame({'user_id': [1, 2, 9]}), params={'n': 2})\n"
        "import recommender\n"
        "print(json.dumps([recommender.__file__, lists.values.tolist()]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, model],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "MLFLOW_DISABLE_TELEMETRY": "true", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    imported, lists = json.loads(done.stdout.splitlines()[-1])
    assert Path(imported) == code / "recommender" / "__init__.py"
    # User 1 rated movie 10, user 2 movies 10 and 20; user 9 gets what is popular.
    assert pd.DataFrame(lists).values.tolist() == [
        *([1, 1, 20, 2.5], [1, 2, 30, 2.25]),
        [2, 1, 30, pytest.approx(1.05)],
        *([9, 1, 10, 1.0], [9, 2, 20, 0.5]),
    ]
