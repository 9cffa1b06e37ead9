"""A pipeline of one step."""

from pathlib import Path

from airflow_ml.core import Workspace
from airflow_ml.pipeline.core import Pipeline
from airflow_ml.pipeline.steps import PythonScriptStep

Path("digits.py").touch()
pipeline = Pipeline(Workspace.create("docs"), steps=[PythonScriptStep("digits.py", source_directory=".")])
