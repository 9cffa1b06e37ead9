"""Imports beside v1's that say something about moving: newer and older SDKs, and packages around them."""

from __future__ import annotations

__all__ = ["foreign_advice"]

_V2 = (
    "this is version 2 of the SDK, another library; airflow-ml runs version 1: write the pipeline with "
    "azureml.pipeline.core, or as a DAG"
)
_SCORING = "this is for scripts of a web service; serve a registered model with a tool of your choice"

#: Package -> what is said; the longest beginning counts.
_ADVICE = {
    "azure.ai.ml": _V2,
    "azure.ai.resources": _V2,
    "azureml_inference_server_http": _SCORING,
    "inference_schema": _SCORING,
    "mltable": "read tables with Dataset.Tabular, or with pandas in the step",
    "azure.ml": _V2,
    "azuremlftk": "the forecasting toolkit has ended; use a forecasting package of your choice in a step",
    "azureml_user": "comes with ParallelRunStep; map a step over its parts with PythonScriptStepOperator.expand",
    "mlflow.azureml": "log with Run.log, or with mlflow to a server of your own",
    "raiwidgets": "needs no Azure ML: run it in a step, and keep its results with run.upload_file",
}


def foreign_advice(module: str) -> str | None:
    """Return what to do about the import of a package that is not ours, None if nothing need be done."""
    found = [name for name in _ADVICE if module == name or module.startswith(f"{name}.")]
    return _ADVICE[max(found, key=len)] if found else None
