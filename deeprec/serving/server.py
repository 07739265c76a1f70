"""MLflow's own scoring server with a model of ours, and answers to bad questions that a person can read."""

import json
import logging
from typing import Any

import mlflow
from fastapi import FastAPI, Request, Response
from mlflow.pyfunc import PyFuncModel, scoring_server
from starlette.middleware.base import RequestResponseEndpoint

from deeprec.serving.http_questions import JSON, Refused, check_question, check_size
from deeprec.serving.loading import download
from deeprec.serving.recommender import Recommender

log = logging.getLogger(__name__)
QUESTIONS = "/invocations"


def load_served(uri: str, tracking_uri: str) -> tuple[PyFuncModel, Recommender]:
    """Return a model in MLflow, as MLflow calls it and as Python does, with its first answer behind it.

    Raises InputError where there is none.
    """
    served = mlflow.pyfunc.load_model(str(download(uri, tracking_uri)))
    model = served.unwrap_python_model().model
    served.predict(example(model)["inputs"])  # what is made at the first question is there for the second
    return served, model


def example(model: Recommender) -> dict[str, Any]:
    """Return a question that the model can answer."""
    return {"inputs": {"user_id": model.catalogue.users.known[:1].tolist()}, "params": {"top": 5}}


def app_of(served: PyFuncModel, model: Recommender) -> FastAPI:
    """Return MLflow's scoring server; a question that is wrong gets {"message": one sentence} and a status of 4xx."""
    app: FastAPI = scoring_server.init(served)

    @app.middleware("http")
    async def in_a_sentence(request: Request, call_next: RequestResponseEndpoint) -> Response:
        if (request.method, request.url.path) != ("POST", QUESTIONS):
            return await call_next(request)
        try:
            check_size(request.headers.get("content-length"))
            check_question(await request.body(), request.headers.get("content-type", ""), model.catalogue)
        except Refused as refused:
            async for _ in request.stream():  # read to its end, or the asker sees a broken connection, not the answer
                pass
            return _told(refused.status, str(refused))
        response: Any = await call_next(request)
        if response.status_code < 400:
            return response  # type: ignore[no-any-return]
        return _in_a_sentence(response.status_code, b"".join([part async for part in response.body_iterator]))

    return app


def _in_a_sentence(status: int, body: bytes) -> Response:
    """Return MLflow's answer to what the model refused without the question itself, which it repeats before."""
    fault = json.loads(body)
    if fault.get("stack_trace"):
        log.error("%s\n%s", fault.get("message"), fault["stack_trace"])
        return _told(500, "the model failed at this question; the server's log says where")
    return _told(status, str(fault["message"]).rpartition("\nError: ")[2].removeprefix("INVALID_PARAMETER_VALUE: "))


def _told(status: int, message: str) -> Response:
    return Response(json.dumps({"message": message}, ensure_ascii=False), status, media_type=JSON)
