"""The champion in MLflow's registry, as other programs compare with it."""

from __future__ import annotations

from dataclasses import dataclass

from recommender.settings import TrainingSettings

from promotion import registry


@dataclass(frozen=True)
class Champion:
    """A champion's version, and its settings or the reason why they are unreadable."""

    version: str
    settings: TrainingSettings | None
    unreadable: str | None = None


def find_champion(model_name: str) -> Champion | None:
    """Return the champion of a registered model, None when there is none.

    Raises ModelMismatchError when its factors are not those that were trained.
    """
    version = registry.champion_version(model_name)
    if version is None:
        return None
    try:
        return Champion(version, registry.load(model_name, version).settings)
    except registry.ModelFormatError as error:
        return Champion(version, None, str(error))
