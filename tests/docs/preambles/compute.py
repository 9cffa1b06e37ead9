"""A workspace, and a folder with a script."""

from pathlib import Path

from airflow_ml.core import Workspace
from airflow_ml.core.compute import AmlCompute, ComputeTarget
from airflow_ml.pipeline.steps import PythonScriptStep

ws = Workspace.create("docs")
Path("src").mkdir()
Path("src/train.py").touch()
