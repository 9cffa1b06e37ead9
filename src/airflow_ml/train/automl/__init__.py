"""Automatic search for models (`azureml.train.automl`): the names of v1; constructing one raises."""

from __future__ import annotations

from airflow_ml._exports import lazy_exports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from airflow_ml.train.automl.automlconfig import AutoMLConfig
    from airflow_ml.train.automl.automlimageconfig import AutoMLImageConfig

__all__ = ["AutoMLConfig", "AutoMLImageConfig"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {"AutoMLConfig": "automlconfig", "AutoMLImageConfig": "automlimageconfig"},
    ("automlconfig", "automlimageconfig", "run"),
)
