"""The model in MLflow's registry: logged, loaded, and checked by its digest."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from importlib.metadata import version as installed_version
from pathlib import Path

import mlflow
import recommender
from mlflow import MlflowClient
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema
from recommender.model import FACTORS_ARTIFACT, FactorModel

CHALLENGER_ALIAS = "challenger"
CHAMPION_ALIAS = "champion"
FACTORS_SHA256_TAG = "factors_sha256"
BATCH_ID_TAG = "batch_id"
DATASET_TAG = "dataset"
RATINGS_METRIC = "ratings"

_PYFUNC = Path(__file__).with_name("pyfunc.py")
# MLflow stores this one package with the model, and puts it on the path where the model is loaded.
_MODEL_CODE = Path(recommender.__file__).parent
_MODEL_PACKAGES = ("mlflow", "numpy", "pandas", "pyarrow", "scipy")


class ModelMismatchError(Exception):
    """The registry's model is not the trained one that its tags name."""


class ModelFormatError(ModelMismatchError):
    """The registry's model was logged by another version of this code.

    That version stores other data.
    """


def register(model: FactorModel, model_name: str, tags: Mapping[str, str]) -> str:
    """Log the model with the active run and register it; return its version.

    The version gets the alias challenger, the tags `tags` and a tag with the SHA-256 of its factors.
    """
    with tempfile.TemporaryDirectory(prefix="marquee-model-") as folder:
        model.save(Path(folder))
        logged = mlflow.pyfunc.log_model(
            name="als",
            python_model=str(_PYFUNC),
            artifacts={FACTORS_ARTIFACT: folder},
            code_paths=[str(_MODEL_CODE)],
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
    client.set_registered_model_alias(model_name, CHALLENGER_ALIAS, version)
    return version


def load(model_name: str, version: str) -> FactorModel:
    """Return a registered version's model.

    Raises ModelMismatchError when its factors do not have the digest in its tags, and ModelFormatError when this code cannot read it.
    """
    recorded = MlflowClient().get_model_version(model_name, version).tags.get(FACTORS_SHA256_TAG)
    with tempfile.TemporaryDirectory(prefix="marquee-model-") as folder:
        path = mlflow.artifacts.download_artifacts(artifact_uri=f"models:/{model_name}/{version}", dst_path=folder)
        # MLflow keeps the artifact folder under artifacts/, by its own temporary name.
        logged = sorted((Path(path) / "artifacts").iterdir())
        if len(logged) != 1:
            raise ModelMismatchError(
                f"{model_name} version {version} has {len(logged)} artifacts, not one. train_als did not log it. Name another version."
            )
        try:
            model = FactorModel.load(logged[0])
        except (FileNotFoundError, TypeError, ValueError) as error:
            raise ModelFormatError(
                f"{model_name} version {version} was logged by another version of this code. Train the batch again."
            ) from error
    if model.sha256() != recorded:
        raise ModelMismatchError(
            f"{model_name} version {version} holds factors {model.sha256()[:12]} but is tagged {str(recorded)[:12]}. "
            "Find out who changed the artifact store, and train the batch again."
        )
    return model


def ratings_of(model_name: str, version: str | None, dataset: str) -> int | None:
    """Return how many ratings a version was trained on.

    The result is None without a version, and when it was trained on another data set than `dataset`.
    """
    if version is None:
        return None
    client = MlflowClient()
    run = client.get_run(str(client.get_model_version(model_name, version).run_id))
    same = run.data.tags.get(DATASET_TAG) == dataset
    return int(run.data.metrics[RATINGS_METRIC]) if same and RATINGS_METRIC in run.data.metrics else None


def batch_of(model_name: str, version: str) -> str:
    """Return the batch that a version was trained on."""
    return MlflowClient().get_model_version(model_name, version).tags[BATCH_ID_TAG]


def promote(model_name: str, version: str) -> str | None:
    """Give the alias champion to this version; return the previous champion or None."""
    client = MlflowClient()
    before = champion_version(model_name)
    client.set_registered_model_alias(model_name, CHAMPION_ALIAS, version)
    return before


def champion_version(model_name: str) -> str | None:
    """Return the champion's version, None when there is no champion."""
    models = MlflowClient().search_registered_models(filter_string=f"name='{model_name}'")
    return str(models[0].aliases[CHAMPION_ALIAS]) if models and CHAMPION_ALIAS in models[0].aliases else None
