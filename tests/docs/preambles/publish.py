"""A workspace, and a folder with a script."""

from pathlib import Path

from airflow_ml.core import Workspace

workspace = Workspace.create("digits", show_output=False)
Path("train").mkdir()
Path("train/train.py").write_text("import sys; print('rate', sys.argv[1])")
