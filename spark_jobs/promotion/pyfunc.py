"""The registered model as MLflow loads it, without Spark.

Use it as `mlflow.pyfunc.load_model(...).predict(users)`. MLflow copies this file into the model and runs it ("models
from code"). The package recommender is copied too, and is on its path. So this file may import nothing else of this
folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.pyfunc.model import PythonModel
from recommender.model import FACTORS_ARTIFACT, FactorModel
from recommender.top_n import users_per_block


class FactorRecommender(PythonModel):
    """Recommends the n best movies that a user had not rated before the training.

    Unknown users get the recent popular list.
    """

    def load_context(self, context: Any) -> None:
        """Read the factors that were logged with the model."""
        self.model = FactorModel.load(Path(context.artifacts[FACTORS_ARTIFACT]))

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Return user_id, rank, movie_id and score for each user_id of the input.

        `params["n"]` is the length of the lists.
        """
        n = int((params or {}).get("n", 10))
        users = model_input["user_id"].to_numpy().astype("int64")
        lists = []
        size = users_per_block(len(self.model.movie_ids))
        for start in range(0, len(users), size):
            block = users[start : start + size]
            columns, scores = self.model.top_n(self.model.factors_of(block), self.model.profiles_of(block), n)
            for user, row, row_scores in zip(block, columns, scores, strict=True):
                kept = row >= 0
                lists.append(
                    pd.DataFrame(
                        {
                            "user_id": user,
                            "rank": range(1, int(kept.sum()) + 1),
                            "movie_id": self.model.movie_ids[row[kept]],
                            "score": row_scores[kept].astype("float64"),
                        }
                    )
                )
        return (
            pd.concat(lists, ignore_index=True)
            if lists
            else pd.DataFrame(columns=["user_id", "rank", "movie_id", "score"])
        )


mlflow.models.set_model(FactorRecommender())
