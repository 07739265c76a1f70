"""The model that MLflow loads and serves: a table of questions in, a table of answers out. A file of code, no pickle.

A row asks one thing, all rows of a table the same: a prediction (`user_id`, `item_id`), a known user's best items
(`user_id`), or a new user's (`ratings`, a list of `item_id`, `rating` and perhaps `date`).
"""

from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import set_model
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE
from mlflow.pyfunc.model import PythonModel

from deeprec.runtime.files import InputError
from deeprec.serving.loading import load
from deeprec.serving.questions import answer
from deeprec.serving.recommender import Recommender


class ServedModel(PythonModel):
    """Answers with the run whose folder lies among its artifacts."""

    model: Recommender

    def load_context(self, context: Any) -> None:
        """Load the run."""
        [checkpoint] = Path(context.artifacts["data"]).glob("runs/*/*/checkpoint.pt")
        self.model = load(checkpoint.parent)

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Answer; bad questions are told in a line (over HTTP, with status 400)."""
        try:
            return answer(self.model, model_input, **(params or {}))
        except InputError as error:
            raise MlflowException(str(error), INVALID_PARAMETER_VALUE) from None


set_model(ServedModel())
