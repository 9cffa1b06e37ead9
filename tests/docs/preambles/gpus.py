"""A folder with a script."""

from pathlib import Path

from airflow_ml.pipeline.steps import PythonScriptStep

Path("src").mkdir()
Path("src/train.py").touch()
