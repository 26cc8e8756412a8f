"""The model in MLflow's registry: logged with a run, found again by version, and checked against its digest."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from importlib.metadata import version as installed_version
from pathlib import Path

import mlflow
from factor_model import FactorModel
from mlflow import MlflowClient
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema

CHALLENGER = "challenger"
CHAMPION = "champion"
FACTORS_ARTIFACT = "factors"
FACTORS_SHA256_TAG = "factors_sha256"
BATCH_ID_TAG = "batch_id"

_HERE = Path(__file__).parent
_MODEL_MODULES = ("als_half_step.py", "factor_model.py", "linear_neighbours.py", "ratings.py", "top_n.py")
_MODEL_PACKAGES = ("mlflow", "numpy", "pandas", "pyarrow", "scipy")


class ModelMismatchError(Exception):
    """The registry's model is not the one that its tags say was trained."""


class ModelFormatError(ModelMismatchError):
    """The registry's model was logged by another version of this code, which stores other parts."""


def register(model: FactorModel, model_name: str, tags: Mapping[str, str]) -> str:
    """Log the model with the active run, register it and alias it challenger; return its version.

    The version is tagged with `tags` and with the SHA-256 of its factors.
    """
    with tempfile.TemporaryDirectory(prefix="marquee-model-") as folder:
        model.save(Path(folder))
        logged = mlflow.pyfunc.log_model(
            name="als",
            python_model=str(_HERE / "factor_pyfunc.py"),
            artifacts={FACTORS_ARTIFACT: folder},
            code_paths=[str(_HERE / module) for module in _MODEL_MODULES],
            pip_requirements=[f"{package}=={installed_version(package)}" for package in _MODEL_PACKAGES],
            signature=ModelSignature(
                inputs=Schema([ColSpec(DataType.long, "user_id")]),
                outputs=Schema(
                    [
                        ColSpec(DataType.long, "user_id"),
                        ColSpec(DataType.long, "rank"),
                        ColSpec(DataType.long, "movie_id"),
                        ColSpec(DataType.double, "score"),
                    ]
                ),
                params=ParamSchema([ParamSpec("n", DataType.long, 10)]),
            ),
            registered_model_name=model_name,
        )
    version = str(logged.registered_model_version)
    client = MlflowClient()
    for name, value in {**tags, FACTORS_SHA256_TAG: model.sha256()}.items():
        client.set_model_version_tag(model_name, version, name, value)
    client.set_registered_model_alias(model_name, CHALLENGER, version)
    return version


def load(model_name: str, version: str) -> FactorModel:
    """Return a registered version's model. Raises ModelMismatchError when its factors do not have the digest in its tags."""
    recorded = MlflowClient().get_model_version(model_name, version).tags.get(FACTORS_SHA256_TAG)
    with tempfile.TemporaryDirectory(prefix="marquee-model-") as folder:
        path = mlflow.artifacts.download_artifacts(artifact_uri=f"models:/{model_name}/{version}", dst_path=folder)
        # MLflow keeps the artifact folder's own name, a temporary one, under artifacts/.
        logged = sorted((Path(path) / "artifacts").iterdir())
        if len(logged) != 1:
            raise ModelMismatchError(
                f"{model_name} version {version} was not logged by this job: it has {len(logged)} artifacts"
            )
        try:
            model = FactorModel.load(logged[0])
        except (FileNotFoundError, TypeError) as error:
            raise ModelFormatError(
                f"{model_name} version {version} was logged by another version of this code: train the batch again"
            ) from error
    if model.sha256() != recorded:
        raise ModelMismatchError(
            f"{model_name} version {version} holds factors {model.sha256()[:12]} but is tagged {str(recorded)[:12]}: "
            "train the batch again, and find out who changed the artifact store"
        )
    return model


def ratings_of(model_name: str, version: str, dataset: str) -> int | None:
    """Return how many ratings a version was trained on, None when it was trained on another data set than this."""
    client = MlflowClient()
    run = client.get_run(str(client.get_model_version(model_name, version).run_id))
    same = run.data.tags.get("dataset") == dataset
    return int(run.data.metrics["ratings"]) if same and "ratings" in run.data.metrics else None


def promote(model_name: str, version: str) -> str | None:
    """Give the alias champion to this version; return the version that had it, None when there was none."""
    client = MlflowClient()
    before = champion_version(model_name)
    client.set_registered_model_alias(model_name, CHAMPION, version)
    return before


def champion_version(model_name: str) -> str | None:
    """Return which version is the champion, None when none is yet."""
    found = MlflowClient().search_registered_models(filter_string=f"name='{model_name}'")
    return str(found[0].aliases[CHAMPION]) if found and CHAMPION in found[0].aliases else None
